"""In which ways written texts are to differ: proposed by the LLM once a run, in a file that a user can edit."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loop.copies import plain_text
from models.llm import LLM
from models.prompting import Attributes, Prompts, parse_attributes
from models.records import ChatRequest, Completion, TaskDescription

FILE = "attributes.toml"
TRIES = 2
MAX_TOKENS = 400
FEWEST, MOST = 2, 8  # attributes
FEWEST_VALUES, MOST_VALUES, LONGEST = 3, 10, 60
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "attributes": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "values": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["name", "values"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["attributes"],
        "additionalProperties": False,
    }
)


def own_attributes(directory: Path, llm: LLM, task: TaskDescription, prompts: Prompts) -> Attributes:
    """The attributes in the run's `directory`; at first those that the LLM proposes for the task, or the packaged ones
    where it proposes none that can be used. Raises ConfigError for a file that an edit has broken.

    Attributed prompts make texts more diverse than class names alone: Yu et al., "Large language model as attributed
    training data generator", NeurIPS 2023.
    """
    path = directory / FILE
    if not path.is_file():
        proposed = propose(llm, task, prompts)
        who = "proposed by the LLM" if proposed else "the packaged ones, as the LLM proposed none that can be used"
        rows = [
            f"{json.dumps(n, ensure_ascii=False)} = {json.dumps(list(v), ensure_ascii=False)}"
            for n, v in (proposed or prompts.attributes(task.language)).items()
        ]
        part = path.with_name(FILE + ".part")
        part.write_text("\n".join([f"# {who}; edit them as you like", *rows, ""]), encoding="utf-8")
        part.replace(path)
    return parse_attributes(path.read_text(encoding="utf-8"), str(path))


def propose(llm: LLM, task: TaskDescription, prompts: Prompts) -> Attributes | None:
    """What the LLM proposes, in up to `TRIES` answers; None where none of them can be used."""
    messages = prompts.proposing(task)
    for seed in range(TRIES):
        request = ChatRequest(messages, max_tokens=MAX_TOKENS, temperature=0.7, seed=seed, schema=SCHEMA)
        if found := read_proposal(llm.chat([request])[0], task.class_names):
            return found
    return None


def read_proposal(completion: Completion, classes: Sequence[str]) -> Attributes | None:
    """The attributes in a completion; None unless it is whole and has `FEWEST` that vary and give no class away."""
    try:
        answer: Any = json.loads(completion.text) if completion.finish == "stop" else None
    except (ValueError, RecursionError):
        return None
    listed = answer.get("attributes") if isinstance(answer, dict) else None
    found: dict[str, list[str]] = {}
    for item in listed if isinstance(listed, list) else ():
        name, values = (item.get("name"), item.get("values")) if isinstance(item, dict) else (None, None)
        kept = _usable(values, classes) if isinstance(values, list) else []
        if len(kept) >= FEWEST_VALUES and _usable([name], classes):
            found[str(name)] = kept
    return dict(list(found.items())[:MOST]) if len(found) >= FEWEST else None


def _usable(values: Iterable[Any], classes: Sequence[str]) -> list[str]:
    """The texts among `values`, each once, that are short, readable, and name no class."""
    names = [plain_text(name) for name in classes]
    kept: dict[str, str] = {}
    for value in values:
        plain = plain_text(value) if isinstance(value, str) and value.isprintable() else ""
        if any(c.isalnum() for c in plain) and len(value) <= LONGEST and not any(name in plain for name in names):
            kept.setdefault(plain, " ".join(value.split()))
    return list(kept.values())[:MOST_VALUES]
