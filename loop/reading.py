"""What stands in a completion that was to hold texts: read strictly, and told apart by reason where it is none."""

import json
import re
from functools import cache
from typing import Any

from models.chat import Completion

LONGEST = 2000
# Of no text; one that is cut for its length is one.
UNREADABLE = ("refused", "truncated", "not-json", "no-text")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@cache
def answer_schema(texts: int, rationale: bool = False) -> str:
    """The JSON schema of an answer with so many texts, after a reason if there is to be one."""
    one = {"type": "string"}
    name, shape = ("text", one) if texts == 1 else ("texts", {"type": "array", "items": one, "maxItems": texts})
    properties: dict[str, Any] = {"reason": one} if rationale else {}
    properties[name] = shape
    return json.dumps(
        {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    )


def read_texts(completion: Completion, most: int = 1) -> list[tuple[str, str | None]]:
    """The first so many texts in a completion, each once, each with None; or what stands there instead and the reason
    why it is none."""
    raw = completion.text.encode("utf-8", "replace").decode().strip()
    if completion.finish == "refused":
        return [("", "refused")]
    if completion.finish == "length":
        return [(raw[:LONGEST], "truncated")]
    try:
        answer: Any = json.loads(unfenced(raw))
        listed = answer.get("texts", [answer.get("text")]) if isinstance(answer, dict) else None
        found = dict(_cleaned(text) for text in listed[:most]) if isinstance(listed, list) else {}
    except (ValueError, RecursionError):
        return [(raw[:LONGEST], "not-json")]
    return list(found.items()) or [(raw[:LONGEST], "no-text")]


def _cleaned(text: Any) -> tuple[str, str | None]:
    if not isinstance(text, str) or not any(c.isalnum() for c in text):
        return json.dumps(text)[:LONGEST], "no-text"
    text = " ".join(CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).split())
    return text[:LONGEST], "too-long" if len(text) > LONGEST else None


def unfenced(raw: str) -> str:
    """An answer without the Markdown fences that many servers put JSON between, whatever the prompt says."""
    lines = raw.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return raw
