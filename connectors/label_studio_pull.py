"""What people have annotated in a project: all of it once, then only what changed since."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.label_studio_api import Condition, LabelStudioApi
from connectors.label_studio_verdicts import Annotation, annotation_of, moment, read_at
from models.records import Verdict

# A change that a slow transaction makes visible late has an older time than what was already seen.
_OVERLAP = timedelta(minutes=1)
JUDGED: Condition = ("annotations_ids", "empty", "String", False)
UNJUDGED: list[Condition] = [
    ("total_annotations", "equal", "Number", 0),
    ("cancelled_annotations", "equal", "Number", 0),
]


class ProjectAnnotations:
    """The annotations of a project, as of the last `refresh`.

    The server tells when a task last changed, by which it is asked for what is new; that the only annotation of a task
    has been deleted, or the task itself, shows when all is asked for anew: after `forget`.
    """

    def __init__(self, api: LabelStudioApi, project: int) -> None:
        self._api = api
        self._project = project
        self._tasks: dict[int, tuple[str, list[Annotation]]] = {}
        self._newest: datetime | None = None
        self._took = timedelta()

    def forget(self) -> None:
        """Has the next `refresh` ask for everything."""
        self._tasks, self._newest = {}, None

    def refresh(self) -> None:
        """Asks the server. Raises AnnotatorError."""
        conditions, begun = [JUDGED], time.monotonic()
        if self._newest is not None:
            # With "+00:00" instead of "Z" the server fails.
            since = (self._newest - _OVERLAP - self._took).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            conditions.append(("updated_at", "greater_or_equal", "Datetime", since))
        rows = self._api.tasks(self._project, conditions)
        # A task that is listed early may change before the last one is.
        self._took = timedelta(seconds=time.monotonic() - begun)
        for row in rows:
            self._tasks[row.id] = (str(row.data.get("uid")), row.annotations or [])
            changed = moment(row.updated_at)
            self._newest = max(self._newest or changed, changed)

    def by_uid(self) -> dict[str, list[Annotation]]:
        """The annotations of every judged task, those of its copies together."""
        found: dict[str, list[Annotation]] = {}
        for uid, annotations in self._tasks.values():
            found.setdefault(uid, []).extend(annotations)
        return found

    def deleted(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """Those whose annotation is gone, though the task is there that it was made on: not one that has come back
        since. Raises AnnotatorError."""
        found = self.by_uid()
        there = {str(annotation["id"]) for own in found.values() for annotation in own}
        gone = [verdict for verdict in verdicts if annotation_of(verdict) not in there]
        left: dict[str, datetime] = {}
        if any(verdict.task not in found for verdict in gone):
            rows = self._api.tasks(self._project, UNJUDGED, include="id,data,created_at")
            left = {str(row.data.get("uid")): moment(row.created_at) for row in rows}
        return [v for v in gone if v.task in found or (v.task in left and left[v.task] < read_at(v))]
