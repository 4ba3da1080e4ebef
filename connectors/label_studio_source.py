"""A Label Studio project that others have worked in, as a source of texts and of what people said of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_people import People
from connectors.label_studio_project import find_project
from connectors.label_studio_pull import JUDGED, UNJUDGED
from connectors.label_studio_verdicts import Annotation, VerdictReader
from connectors.labeling_config import REJECT
from models.errors import DataError
from models.label_sets import split
from models.records import Example, Verdict, text_id

Judged = Sequence[tuple[Example, list[Verdict]]]


def read_project(
    api: LabelStudioApi, title: str, control: str, classes: Sequence[str], multi_label: bool = False
) -> Judged:
    """The distinct texts of a project, those that people have judged first, with the last word of each of them.

    What is judged is the project's one control of choices, or of several the one named `control`, about the text that
    it belongs to. A verdict's task is the text's id. Predictions and drafts count for nothing, and nothing is changed
    there. Raises DataError, AnnotatorError.
    """
    project = find_project(api, title)
    if project is None:
        raise DataError(f"no project at {api.url} is titled {title!r}: check data.pool and annotation.url")
    where = f"project {title!r} at {api.url}"
    name, variable = _choices(where, api.ask(lambda c: c.projects.get(project)).parsed_label_config or {}, control)
    annotations: dict[str, list[Annotation]] = {}
    for row in [*api.tasks(project, [JUDGED]), *api.tasks(project, UNJUDGED, include="id,data")]:
        text = str((row.data or {}).get(variable) or "").strip()
        if not text:
            raise DataError(f"{where}: task {row.id} has no text in '{variable}': delete it there, or fill it")
        annotations.setdefault(text, []).extend(getattr(row, "annotations", None) or [])
    reader = VerdictReader(classes, multi_label, name)
    _check_classes(where, reader, annotations.values(), classes)
    texts = {text: Example(text_id(text), text, "pool") for text in annotations}
    people = People(api)
    read = ((texts[text], reader.verdicts(texts[text].id, own)) for text, own in annotations.items())
    return [(example, [replace(v, annotator=people.address(v.annotator)) for v in said]) for example, said in read]


def _choices(where: str, page: Mapping[str, Any], control: str) -> tuple[str, str]:
    """The name of the control, and the variable that holds the text."""
    found = {name: tag for name, tag in page.items() if str(tag.get("type")).lower() == "choices"}
    if len(found) > 1:
        found = {name: tag for name, tag in found.items() if name == control}
    if not found:
        names = ", ".join(page) or "none"
        raise DataError(f"{where} has no single control of choices (its controls: {names}): name it in data.label")
    ((name, tag),) = found.items()
    texts = [source["value"] for source in tag.get("inputs", []) if source.get("type") == "Text"]
    if len(texts) != 1:
        raise DataError(f"{where}: '{name}' does not choose for one text; labelloop classifies texts only")
    return name, str(texts[0]).removeprefix("$")


def _check_classes(where: str, reader: VerdictReader, annotations: Any, classes: Sequence[str]) -> None:
    chosen = (label for own in annotations for label in map(reader.label, own) if label is not None)
    names = (name for label in chosen for name in (split(label) if reader.multi_label else [label]))
    unknown = Counter(name for name in names if name not in {*classes, REJECT})
    if unknown:
        found = ", ".join(f"'{name}' ({count})" for name, count in unknown.most_common(5))
        raise DataError(
            f"{where} has labels that [classes] does not know: {found}; it knows: {', '.join(classes)}. "
            "Add them to [classes]"
        )
