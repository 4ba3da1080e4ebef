"""In which ways written texts are to differ: proposed by the LLM once a run, in a file that a user can edit."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loop.copies import plain_text
from loop.reading import unfenced
from models.chat import ChatRequest, Completion
from models.errors import ConfigError
from models.llm import LLM
from models.prompting import Attributes, Prompts, Values, parse_attributes
from models.records import TaskDescription

FILE = "attributes.toml"
TRIES = 2
MAX_TOKENS = 400
FEWEST, MOST = 2, 8  # attributes
FEWEST_VALUES, MOST_VALUES, LONGEST = 3, 10, 60
FEWEST_BELOW = 2  # narrower values
ITEM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "values": {"type": "array", "items": {"type": "string"}}},
    "required": ["name", "values"],
    "additionalProperties": False,
}
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"attributes": {"type": "array", "items": ITEM}},
        "required": ["attributes"],
        "additionalProperties": False,
    }
)


def own_attributes(directory: Path, llm: LLM, task: TaskDescription, prompts: Prompts) -> Attributes:
    """The attributes in the run's `directory`; at first the tree that the LLM proposes for the task, attributes, their
    values and narrower ones below, or the packaged ones where it proposes none that can be used, and, for now, where
    the budget leaves no room to ask. Raises ConfigError for a file that an edit has broken.

    Attributed prompts make texts more diverse than class names alone: Yu et al., "Large language model as attributed
    training data generator", NeurIPS 2023.
    """
    path = directory / FILE
    if not path.is_file():
        proposed, asked = propose(llm, task, prompts)
        if not asked:
            return prompts.attributes(task.language)
        who = "proposed by the LLM" if proposed else "the packaged ones, as the LLM proposed none that can be used"
        part = path.with_name(FILE + ".part")
        rows = _as_toml(proposed or prompts.attributes(task.language))
        part.write_text("\n".join([f"# {who}; edit them as you like", *rows, ""]), encoding="utf-8")
        part.replace(path)
    try:
        return parse_attributes(path.read_text(encoding="utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8: save it as UTF-8") from None


def _as_toml(attributes: Attributes) -> list[str]:
    """The lines of a file, lists before tables, as TOML wants it."""
    flat = [f"{_quoted(n)} = {_quoted(list(v))}" for n, v in attributes.items() if not isinstance(v, Mapping)]
    tables = [
        line
        for name, values in attributes.items()
        if isinstance(values, Mapping)
        for line in (f"\n[{_quoted(name)}]", *(f"{_quoted(v)} = {_quoted(list(below))}" for v, below in values.items()))
    ]
    return flat + tables


def _quoted(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


def propose(llm: LLM, task: TaskDescription, prompts: Prompts) -> tuple[Attributes | None, bool]:
    """The tree that the LLM proposes, its first level in up to `TRIES` answers, None where none of them can be used;
    and whether there was room to ask."""
    messages = prompts.proposing(task)
    for seed in range(TRIES):
        request = ChatRequest(messages, max_tokens=MAX_TOKENS, temperature=0.7, seed=seed, schema=SCHEMA)
        (completion,) = llm.chat([request])
        if completion.finish == "unasked":
            return None, False
        if found := read_proposal(completion, task.class_names):
            return _grown(llm, task, prompts, found), True
    return None, True


def _grown(llm: LLM, task: TaskDescription, prompts: Prompts, found: Mapping[str, Sequence[str]]) -> Attributes:
    """The attributes with the second level that the LLM gives them; those that it gives none stay as they are."""
    requests = [
        ChatRequest(prompts.narrowing(task, name, values), MAX_TOKENS, temperature=0.7, schema=SCHEMA)
        for name, values in found.items()
    ]
    tree: dict[str, Values] = {}
    for (name, values), completion in zip(found.items(), llm.chat(requests), strict=True):
        below = {
            value: kept
            for value, narrower in _items(completion)
            if value in values and len(kept := _usable(narrower, task.class_names)) >= FEWEST_BELOW
        }
        tree[name] = {value: below.get(value, []) for value in values} if below else values
    return tree


def read_proposal(completion: Completion, classes: Sequence[str]) -> dict[str, list[str]] | None:
    """The attributes in a completion; None unless it is whole and has `FEWEST` that vary and give no class away."""
    found: dict[str, list[str]] = {}
    for name, values in _items(completion):
        kept = _usable(values, classes)
        if len(kept) >= FEWEST_VALUES and _usable([name], classes):
            found[name] = kept
    return dict(list(found.items())[:MOST]) if len(found) >= FEWEST else None


def _items(completion: Completion) -> list[tuple[str, list[Any]]]:
    """The names with their values in a completion; none unless it is whole."""
    try:
        answer: Any = json.loads(unfenced(completion.text)) if completion.finish == "stop" else None
    except (ValueError, RecursionError):
        return []
    listed = answer.get("attributes") if isinstance(answer, dict) else None
    rows = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [
        (item["name"], item["values"])
        for item in rows
        if isinstance(item.get("name"), str) and isinstance(item.get("values"), list)
    ]


def _usable(values: Iterable[Any], classes: Sequence[str]) -> list[str]:
    """The texts among `values`, each once, that are short, readable, and name no class."""
    names = [plain_text(name) for name in classes]
    kept: dict[str, str] = {}
    for value in values:
        plain = plain_text(value) if isinstance(value, str) and value.isprintable() else ""
        if any(c.isalnum() for c in plain) and len(value) <= LONGEST and not any(name in plain for name in names):
            kept.setdefault(plain, " ".join(value.split()))
    return list(kept.values())[:MOST_VALUES]
