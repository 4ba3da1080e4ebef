"""People who judge tasks in a Label Studio project."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from connectors.annotators import Annotators
from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_import import import_missing, in_batch
from connectors.label_studio_people import People
from connectors.label_studio_project import project_titled
from connectors.labeling_config import REJECT, Page, batch_of, labeling_config, prediction, read_choice, read_origin
from models.errors import AnnotatorError
from models.label_sets import split
from models.records import LabelTask, TaskDescription, Verdict

LONGEST_TITLE = 50

_log = logging.getLogger(__name__)


class LabelStudioAnnotators(Annotators):
    """The annotators of the project with this title, which is created where there is none.

    An existing project is adopted if its classes are the description's; its page then stays as it is.
    `key_name` is the environment variable that messages point at. An import that does not show up is waited
    for `patience` seconds. `provenance` and `confidence` say whether those of a text are shown. Raises
    ConfigError for class names that the page cannot hold, AnnotatorError for an address, key or title that
    cannot be one.
    """

    def __init__(
        self,
        url: str,
        key: str,
        title: str,
        description: TaskDescription,
        *,
        key_name: str = "LABEL_STUDIO_API_KEY",
        patience: float = 30.0,
        provenance: bool = True,
        confidence: bool = True,
    ) -> None:
        self.api = LabelStudioApi(url, key, key_name=key_name)
        self.title = title.strip()
        self.description = description
        self.patience = patience
        self._page = Page(description, provenance, confidence)
        self._config = labeling_config(self._page)
        self._warned: set[str] = set()
        self._people = People(self.api)
        if not 3 <= len(self.title) <= LONGEST_TITLE:
            raise AnnotatorError(
                f"The project title {self.title!r} must have 3 to {LONGEST_TITLE} characters. Choose another."
            )

    @property
    def address(self) -> str:
        """The project's page; the first use looks the project up, or creates it. Raises AnnotatorError."""
        return f"{self.api.url}/projects/{self._project}/data"

    def post(self, tasks: Sequence[LabelTask]) -> int:
        """See Annotators. People meet a round's tasks by priority, both in the server's queue and in its list."""
        if not tasks:
            return 0
        self._check_suggestions(tasks)
        new = import_missing(self.api, self._project, tasks, self.patience, self._page)
        self._share_out(tasks)
        self._serve(tasks)
        return new

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        """See Annotators. The latest annotation of each person that can be read is their verdict on a task."""
        wanted = {task.uid for task in tasks}
        annotations: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for batch in sorted({batch_of(task.round) for task in tasks}):
            judged = ("annotations_ids", "empty", "String", False)
            for row in self.api.tasks(self._project, [in_batch(batch), judged]):
                if row.data.get("uid") in wanted:
                    annotations[row.data["uid"]] += row.annotations or []
        verdicts = (self._verdict(uid, own) for uid, found in annotations.items() for own in _by_person(found))
        return [replace(v, annotator=self._people.address(v.annotator)) for v in verdicts if v is not None]

    def _is_label(self, label: str) -> bool:
        many = self.description.multi_label
        return set(split(label) if many else [label]) <= set(self.description.class_names)

    @cached_property
    def _project(self) -> int:
        return project_titled(self.api, self.title, self._page)

    def _check_suggestions(self, tasks: Iterable[LabelTask]) -> None:
        from label_studio_sdk.label_interface.interface import LabelInterface

        # The server stores whatever it is sent.
        page: Any = LabelInterface(self._config)
        for task in tasks:
            suggested = prediction(task, self.description.multi_label)
            wrong = page.validate_prediction(suggested, return_errors=True)
            if wrong or task.suggestion == REJECT:
                raise AnnotatorError(
                    f"Task {task.uid} suggests {task.suggestion!r}, which the page does not offer: {wrong}. "
                    "Nothing was sent; drop the suggestion."
                )

    def _share_out(self, tasks: Iterable[LabelTask]) -> None:
        """Has the server hand each task for several people to so many of them before it counts as done."""
        people = {task.uid: task.people for task in tasks if task.people > 1}
        for batch in sorted({batch_of(task.round) for task in tasks if task.people > 1}):
            for row in self.api.tasks(self._project, [in_batch(batch)], include="id,data,overlap"):
                wanted = people.get(str(row.data.get("uid")), row.overlap)
                if row.overlap != wanted:
                    self._set_overlap(str(row.id), wanted)

    def _set_overlap(self, task: str, people: int) -> None:
        # The client knows no such parameter; the server takes it.
        options: Any = {"additional_body_parameters": {"overlap": people}}
        self.api.ask(lambda client: client.tasks.update(task, request_options=options))

    def _serve(self, tasks: Sequence[LabelTask]) -> None:
        # Only predictions of the project's model version order the queue: an older round's would come first.
        newest = batch_of(max(task.round for task in tasks))
        settings = {"sampling": "Uncertainty sampling", "model_version": newest}
        self.api.ask(lambda c: c.projects.update(self._project, **settings))

    def _verdict(self, uid: str, annotations: Sequence[Mapping[str, Any]]) -> Verdict | None:
        for annotation in sorted(annotations, key=_moment, reverse=True):
            revision = f"{annotation['id']}@{annotation['updated_at']}"
            label = read_choice(annotation.get("result") or [], self.description.multi_label)
            who, origin = _annotator(annotation.get("completed_by")), read_origin(annotation.get("result") or [])
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


def _by_person(annotations: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    people: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for annotation in annotations:
        people[_annotator(annotation.get("completed_by"))].append(annotation)
    return [*people.values()]


def _moment(annotation: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(annotation["updated_at"]))


def _annotator(completed_by: Any) -> str:
    if isinstance(completed_by, Mapping):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return str(completed_by or "unknown")
