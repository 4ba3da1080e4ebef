"""The annotators' page: what they see of a task, and how their answer is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.page_keys import REJECT_KEY, SEARCH_KEY, class_keys
from connectors.page_markup import WORD_JOINER, is_xml, literal, markdown, opening, tag
from connectors.page_words import PageWords, page_words
from models.errors import ConfigError
from models.label_sets import join, split
from models.records import ClassDefinition, LabelTask, TaskDescription

REJECT = "✗"
CONTROL = "label"
TEXT = "text"

_LIST_TO = 10
_SEARCH_FROM = 21
_COLUMNS = "display: flex; flex-wrap: wrap; gap: 24px; align-items: flex-start"
_WORK = "flex: 1 1 420px; min-width: 0"
_READ = (
    "font-size: 17px; line-height: 1.6; padding: 8px; margin: 8px 0; border: 1px solid #ddd; border-radius: 6px; "
    "max-height: 40vh; overflow: auto"
)
# The search stands after the classes, so that Tab leaves it for what follows them, and is shown above them.
_CHOOSE = "display: flex; flex-direction: column-reverse"
_HELP = "flex: 0 1 340px; max-height: 78vh; overflow: auto; padding-left: 16px; border-left: 1px solid #ddd"
_SMALL = "font-size: 13px; font-weight: 400; margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere"
_PALE = f"{_SMALL}; opacity: 0.7"
# A long word breaks, and an override of the writing direction ends with the text that holds it.
_STYLE = (
    ".lsf-richtext { overflow-wrap: anywhere; unicode-bidi: isolate; } "
    ".lsf-choices_layout_inline { display: grid; gap: 0 12px; "
    "grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); } "
    ".lsf-choices_layout_inline .lsf-choice { margin: 0; } "
    ".guideline * { font-size: 13px; line-height: 1.5; overflow-wrap: break-word; } "
    ".guideline h1, .guideline h2, .guideline h3 { font-size: 15px; margin: 8px 0 4px; } "
    ".guideline p, .guideline ul, .guideline ol { margin: 0 0 6px; } "
    ".guideline th, .guideline td { padding: 2px 6px; vertical-align: top; }"
)


@dataclass(frozen=True)
class Page:
    """What annotators are shown: the task, and of a text also, where so wanted, where it comes from and how sure the
    machine is of its suggestion."""

    description: TaskDescription
    provenance: bool = True
    confidence: bool = True

    @property
    def words(self) -> PageWords:
        return page_words(self.description.language)


def labeling_config(page: Page) -> str:
    """The labeling configuration (XML) of a page; its choices are the class names, exactly, and REJECT.

    Raises ConfigError for a class name that the page cannot hold.
    """
    _check_names(page.description.class_names)
    small = {"size": "5", "style": _PALE}
    work = [
        tag("Header", value=literal(page.description.sentence), size="4"),
        *_view(_READ, [tag("Text", name=TEXT, value="$text", valueType="text")]),
        *([tag("Header", value="$provenance", **small)] if page.provenance else []),
        *([tag("Header", value="$confidence", **small)] if page.confidence else []),
        *_view(_CHOOSE, _choices(page)),
    ]
    view = [opening("View", style=_COLUMNS), *_view(_WORK, work), *_view(_HELP, _help(page)), "</View>"]
    return "\n".join(["<View>", "<Style>", _STYLE, "</Style>", *view, "</View>"])


def batch_of(number: int) -> str:
    """The name of the batch of a round; its predictions carry it as their model version."""
    return f"round-{number}"


def task_data(task: LabelTask, page: Page) -> dict[str, str]:
    """The data of a task on the server; every variable that a page may have is in it, as a string, and empty where the
    page is not to show it: the server's own list of tasks shows all of them."""
    words = page.words
    said = [words.written if task.kind == "candidate" else words.real] if page.provenance else []
    said += [task.reason] if task.reason else []
    known = False
    if task.suggestion is not None:
        # Among many classes the one that is chosen may be out of sight.
        said += [words.suggested.format(label=task.suggestion or "–")]
        known = page.confidence and task.confidence is not None
    return {
        "uid": task.uid,
        "batch": batch_of(task.round),
        # PostgreSQL, which larger servers use, refuses a whole import for one NUL.
        "text": task.text.replace("\0", "\ufffd"),
        "provenance": " · ".join(said),
        "confidence": words.confidence.format(share=f"{task.confidence:.0%}") if known else "",
    }


def prediction(task: LabelTask, multi_label: bool = False) -> dict[str, Any]:
    """The suggestion of a task as Label Studio shows it, preselected; a blind task's chooses nothing.

    The score lies in [0, 1] and falls as the priority rises: the server serves the lowest score first, and at random
    what has none.
    """
    score = 0.5 - task.priority / (2 * (1 + abs(task.priority)))
    chosen = [] if task.suggestion is None else choice_result(task.suggestion, multi_label)
    return {"model_version": batch_of(task.round), "score": score, "result": chosen}


def choice_result(label: str, multi_label: bool = False) -> list[dict[str, Any]]:
    """An annotation's or prediction's result that chooses `label`, or each class of it; empty for the set of none."""
    names = list(split(label)) if multi_label else [label]
    if not names:
        return []
    return [{"from_name": CONTROL, "to_name": TEXT, "type": "choices", "value": {"choices": names}}]


def read_choice(result: Sequence[Mapping[str, Any]], multi_label: bool = False, control: str = CONTROL) -> str | None:
    """The label that a result chooses in a control; None where it chooses none, or several. With `multi_label` the
    set of all it chooses, REJECT alone where that is among them."""
    for region in result:
        if region.get("from_name") == control:
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


def _choices(page: Page) -> list[str]:
    description = page.description
    keyed = list(zip(description.classes, class_keys(), strict=False))
    search = len(keyed) >= _SEARCH_FROM
    layout = "vertical" if len(keyed) <= _LIST_TO else "inline"
    how_many = {"choice": "multiple" if description.multi_label else "single"}
    if not description.multi_label:
        how_many |= {"required": "true", "requiredMessage": page.words.choose_first}
    return [
        opening("Choices", name=CONTROL, toName=TEXT, layout=layout, **how_many),
        *([] if description.multi_label or search else _twins(keyed)),
        *(_choice(definition, key) for definition, key in keyed),
        tag(
            "Choice",
            value=f"{REJECT} {page.words.unusable}",
            alias=REJECT,
            hint=_unusable(page),
            hotkey=REJECT_KEY,
        ),
        "</Choices>",
        *([_search(page.words)] if search else []),
    ]


def _twins(keyed: Sequence[tuple[ClassDefinition, str | None]]) -> list[str]:
    """An unseen double of each choice, under the same key and before it: by itself a key takes the choice away that is
    there already, and whoever types the key of a suggestion that is right would submit nothing. Each double undoes
    that, since the second of two choices always ends up chosen."""
    unseen = (tag("Choice", **_twin(c.name), **({"hotkey": key} if key else {})) for c, key in keyed)
    return _view("display: none", list(unseen))


def _twin(name: str) -> dict[str, str]:
    # Everywhere but in a value the page takes these words for booleans, and an alias that is one leaves it blank.
    return {"value": name} if name in ("true", "false") else {"value": WORD_JOINER, "alias": name}


def _search(words: PageWords) -> str:
    return tag("Filter", name="search", toName=CONTROL, hotkey=SEARCH_KEY, minlength="1", placeholder=words.search)


def _help(page: Page) -> list[str]:
    """The guideline, the classes and the keys, beside the text."""
    words, description = page.words, page.description
    defined = [f"{c.name}: {c.definition}" for c in description.classes if c.definition]
    shown = [_title(words.keys), _small(_how_to(page))]
    if description.guideline:
        shown.append(_title(words.guideline))
        shown.append(tag("Markdown", value=literal(markdown(description.guideline)), className="guideline"))
    return [*shown, _title(words.classes), *map(_small, [*defined, f"{REJECT}: {_unusable(page)}"])]


def _unusable(page: Page) -> str:
    """What ✗ is for. To be of no class is a label of its own where a text may be of several."""
    return page.words.unusable_meaning_set if page.description.multi_label else page.words.unusable_meaning


def _title(text: str) -> str:
    return tag("Header", value=text, size="5")


def _small(text: str) -> str:
    return tag("Header", value=literal(text), size="5", style=_SMALL)


def _how_to(page: Page) -> str:
    words, many = page.words, len(page.description.classes) >= _SEARCH_FROM
    how_to = words.how_to_set if page.description.multi_label else words.how_to
    return f"{how_to} {words.how_to_many}" if many else how_to


def _view(style: str, within: Sequence[str]) -> list[str]:
    return [opening("View", style=style), *within, "</View>"]


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not name.strip():
            raise ConfigError("A class has an empty name. Give every class a name.")
        if name == REJECT:
            raise ConfigError(f"The class name {REJECT} stands for unusable texts. Rename the class.")
        if not all(map(is_xml, name)):
            raise ConfigError(f"The class name {name!r} holds a character that no page can show. Rename the class.")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError(f"The class name {doubled[0]!r} is given twice. Name each class once.")


def _choice(definition: ClassDefinition, key: str | None) -> str:
    attributes = {"value": literal(definition.name)}
    if "$" in definition.name:
        # The result is the alias where there is one: it stays the exact name.
        attributes["alias"] = definition.name
    if definition.definition:
        # With the name in front no hint can be the bare word "true", which the page would take for a boolean.
        attributes["hint"] = f"{definition.name}: {definition.definition}"
    if key is not None:
        attributes["hotkey"] = key
    return tag("Choice", **attributes)
