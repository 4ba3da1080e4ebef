"""From annotations to verdicts: the last word of each person on a task."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.labeling_config import CONTROL, REJECT, read_choice, read_origin
from models.label_sets import split
from models.records import Verdict

Annotation = Mapping[str, Any]
_log = logging.getLogger(__name__)


class VerdictReader:
    """Reads what people chose in a control of a page, and warns once of each choice that is no class."""

    def __init__(self, classes: Sequence[str], multi_label: bool = False, control: str = CONTROL) -> None:
        self.classes = frozenset(classes)
        self.multi_label = multi_label
        self.control = control
        self._warned: set[str] = set()

    def verdicts(self, uid: str, annotations: Iterable[Annotation]) -> list[Verdict]:
        """Of each person the latest annotation of a task that can be read."""
        people: dict[str, list[Annotation]] = defaultdict(list)
        for annotation in annotations:
            people[_annotator(annotation.get("completed_by"))].append(annotation)
        last = (self._last(uid, who, own) for who, own in people.items())
        return [verdict for verdict in last if verdict is not None]

    def label(self, annotation: Annotation) -> str | None:
        """What an annotation chooses, whether or not it is a class; None where it is a skip or cannot be read."""
        if annotation.get("was_cancelled"):
            return None
        return read_choice(annotation.get("result") or [], self.multi_label, self.control)

    def _last(self, uid: str, who: str, annotations: Sequence[Annotation]) -> Verdict | None:
        for annotation in sorted(annotations, key=lambda a: moment(a["updated_at"]), reverse=True):
            revision = f"{annotation['id']}@{annotation['updated_at']}"
            label = self.label(annotation)
            origin = read_origin(annotation.get("result") or [])
            seconds = float(annotation.get("lead_time") or 0)
            if annotation.get("was_cancelled"):
                return Verdict(uid, "skip", None, who, revision, seconds)
            if label == REJECT:
                return Verdict(uid, "reject", None, who, revision, seconds, origin)
            if label is not None and self._is_label(label):
                return Verdict(uid, "label", label, who, revision, seconds, origin)
            if revision not in self._warned:
                self._warned.add(revision)
                _log.warning("Task %s: annotation %s chooses %r, which is no class; ignored", uid, revision, label)
        return None

    def _is_label(self, label: str) -> bool:
        return set(split(label) if self.multi_label else [label]) <= self.classes


def annotation_of(verdict: Verdict) -> str:
    """The id of the annotation that a verdict was read from."""
    return verdict.revision.partition("@")[0]


def read_at(verdict: Verdict) -> datetime:
    """When the annotation that a verdict was read from was last changed, as of then."""
    return moment(verdict.revision.partition("@")[2].partition(" ")[0])


def moment(told: Any) -> datetime:
    """A time as the server or its SDK tells it."""
    return datetime.fromisoformat(str(told)).astimezone(UTC)


def _annotator(completed_by: Any) -> str:
    if isinstance(completed_by, Mapping):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return str(completed_by or "unknown")
