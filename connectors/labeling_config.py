"""The annotators' page: what they see of a task, and how their answer is written down."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from xml.sax.saxutils import quoteattr

from models.errors import ConfigError
from models.label_sets import join, split
from models.records import ClassDefinition, LabelTask, TaskDescription

REJECT = "✗"
CONTROL = "label"
TEXT = "text"

# The keys that Label Studio's own page gives to choices, in its order; x is kept for REJECT.
_KEYS = "1234567890qwetasdfgzcvbyiopjklnm"
# Written after a "$" it ends the variable that the page would otherwise look up; it has no width.
_WORD_JOINER = "\u2060"
_INLINE_FROM = 10
_HOW_TO = (
    "A suggested class is already chosen: Ctrl+Enter accepts it, the key of another class changes it, "
    "Ctrl+Space skips the text. Pressing the key of the class that is already chosen takes the choice away: "
    "press it once more before submitting."
)
_HOW_TO_SET = (
    "A text may be of several classes, or of none. Suggested classes are already chosen: the key of a class adds it or "
    "takes it away, Ctrl+Enter submits what is chosen, Ctrl+Space skips the text. Nothing chosen means: of no class."
)
_UNUSABLE = "The text is unusable: broken, meaningless, or of no class"
_REQUIRED = {"required": "true", "requiredMessage": "Choose a class (or ✗) before submitting."}


def labeling_config(description: TaskDescription) -> str:
    """The labeling configuration (XML) of a task; its choices are the class names, exactly, and REJECT.

    Raises ConfigError for a class name that the page cannot hold.
    """
    _check_names(description.class_names)
    choices = [_choice(c, key) for c, key in _with_keys(description.classes)]
    choices.append(_tag("Choice", value=REJECT, hint=_UNUSABLE, hotkey="x"))
    layout = "inline" if len(choices) > _INLINE_FROM else "vertical"
    small = "font-size: 12px; margin: 4px 0; color: gray"
    return "\n".join(
        [
            "<View>",
            _tag("Header", value=_literal(description.sentence), size="4"),
            _tag("Text", name=TEXT, value="$text", valueType="text"),
            _open("Choices", name=CONTROL, toName=TEXT, layout=layout, **_how_many(description)),
            *choices,
            "</Choices>",
            _tag("Header", value="$provenance", size="5", style=small),
            _tag("Header", value="$confidence", size="5", style=small),
            "</View>",
        ]
    )


def instruction(description: TaskDescription) -> str:
    """What annotators read before they begin, as HTML: the guideline, the classes and the keys."""
    items = "".join(f"<li><b>{_html(c.name)}</b> {_html(c.definition)}</li>" for c in description.classes)
    reject = f"<li><b>{REJECT}</b> {_UNUSABLE} (key x)</li>"
    guideline = description.guideline or description.sentence
    how_to = _HOW_TO_SET if description.multi_label else _HOW_TO
    return f"<p>{_html(guideline)}</p><ul>{items}{reject}</ul><p>{_html(how_to)}</p>"


def batch_of(number: int) -> str:
    """The name of the batch of a round; its predictions carry it as their model version."""
    return f"round-{number}"


def task_data(task: LabelTask) -> dict[str, str]:
    """The data of a task on the server; every variable of the page is in it, as a string."""
    provenance = "written by an LLM" if task.kind == "candidate" else "real text"
    provenance += f" · {task.reason}" if task.reason else ""
    if task.suggestion is not None:
        provenance += " · the chosen class is a machine's suggestion"
    known = task.suggestion is not None and task.confidence is not None
    return {
        "uid": task.uid,
        "batch": batch_of(task.round),
        # PostgreSQL, which larger servers use, refuses a whole import for one NUL.
        "text": task.text.replace("\0", "\ufffd"),
        "provenance": provenance,
        "confidence": f"confidence {task.confidence:.0%}" if known else "",
    }


def prediction(task: LabelTask, multi_label: bool = False) -> dict[str, Any] | None:
    """The suggestion of a task as Label Studio shows it, preselected; None for a blind task.

    The score lies in [0, 1] and falls as the priority rises: the server serves the lowest score first.
    """
    if task.suggestion is None:
        return None
    score = 0.5 - task.priority / (2 * (1 + abs(task.priority)))
    return {
        "model_version": batch_of(task.round),
        "score": score,
        "result": choice_result(task.suggestion, multi_label),
    }


def choice_result(label: str, multi_label: bool = False) -> list[dict[str, Any]]:
    """An annotation's or prediction's result that chooses `label`, or each class of it; empty for the set of none."""
    names = list(split(label)) if multi_label else [label]
    if not names:
        return []
    return [{"from_name": CONTROL, "to_name": TEXT, "type": "choices", "value": {"choices": names}}]


def read_choice(result: Sequence[Mapping[str, Any]], multi_label: bool = False) -> str | None:
    """The label that a result chooses; None where it chooses none, or several. With `multi_label` the set of all it
    chooses, REJECT alone where that is among them."""
    for region in result:
        if region.get("from_name") == CONTROL:
            chosen = (region.get("value") or {}).get("choices")
            if not isinstance(chosen, list) or not all(isinstance(name, str) for name in chosen):
                return None
            if multi_label:
                return REJECT if REJECT in chosen else join(chosen)
            return chosen[0] if len(chosen) == 1 else None
    return "" if multi_label else None


def read_origin(result: Sequence[Mapping[str, Any]]) -> str:
    """How the page says a choice came about: "prediction" accepted as it stood, "prediction-changed", "manual"; empty
    where it says nothing, as for what came through the API."""
    origins = (region.get("origin") for region in result if region.get("from_name") == CONTROL)
    return str(next(origins, None) or "")


def _how_many(description: TaskDescription) -> dict[str, str]:
    """Where a text may be of no class, choosing nothing is an answer."""
    return {"choice": "multiple"} if description.multi_label else {"choice": "single", **_REQUIRED}


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not name.strip():
            raise ConfigError("A class has an empty name. Give every class a name.")
        if name == REJECT:
            raise ConfigError(f"The class name {REJECT} stands for unusable texts. Rename the class.")
        if not all(map(_is_xml, name)):
            raise ConfigError(f"The class name {name!r} holds a character that no page can show. Rename the class.")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError(f"The class name {doubled[0]!r} is given twice. Name each class once.")


def _with_keys(classes: Sequence[ClassDefinition]) -> list[tuple[ClassDefinition, str | None]]:
    keys: list[str | None] = [*_KEYS, *[None] * len(classes)]
    return list(zip(classes, keys, strict=False))


def _choice(definition: ClassDefinition, key: str | None) -> str:
    attributes = {"value": _literal(definition.name)}
    if "$" in definition.name:
        # The result is the alias where there is one: it stays the exact name.
        attributes["alias"] = definition.name
    if definition.definition:
        # With the name in front no hint can be the bare word "true", which the page would take for a boolean.
        attributes["hint"] = f"{definition.name}: {definition.definition}"
    if key is not None:
        attributes["hotkey"] = key
    return _tag("Choice", **attributes)


def _literal(text: str) -> str:
    return text.replace("$", "$" + _WORD_JOINER)


def _tag(kind: str, /, **attributes: str) -> str:
    return _open(kind, **attributes)[:-1] + "/>"


def _open(kind: str, /, **attributes: str) -> str:
    written = " ".join(f"{key}={quoteattr(_printable(value))}" for key, value in attributes.items())
    return f"<{kind} {written}>"


def _html(text: str) -> str:
    return escape(_printable(text)).replace("\n", "<br>")


def _printable(text: str) -> str:
    return "".join(c if _is_xml(c) else "\ufffd" for c in text)


def _is_xml(c: str) -> bool:
    return c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
