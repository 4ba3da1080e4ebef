"""People who judge tasks in a Label Studio project."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from connectors.annotators import Annotators
from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_import import delete_unjudged, import_missing, tasks_by_uid
from connectors.label_studio_lease import Lease, Writer
from connectors.label_studio_people import People
from connectors.label_studio_project import project_titled
from connectors.label_studio_pull import ProjectAnnotations
from connectors.label_studio_verdicts import VerdictReader
from connectors.labeling_config import REJECT, Page, batch_of, labeling_config, prediction
from models.errors import AnnotatorError
from models.records import LabelTask, TaskDescription, Verdict

LONGEST_TITLE = 50


class LabelStudioAnnotators(Annotators):
    """The annotators of the project with this title, which is created where there is none.

    An existing project is adopted if its classes are the description's; its page then stays as it is.
    `key_name` is the environment variable that messages point at, `ca_file` holds the certificates to trust. An import
    that does not show up is waited for `patience` seconds. While this process works for the run named `run`, no other
    run may write to the project. `provenance` and `confidence` say whether those of a text are shown. Raises
    ConfigError for class names that the page cannot hold, AnnotatorError for an address, key or title that cannot be
    one.
    """

    def __init__(
        self,
        url: str,
        key: str,
        title: str,
        description: TaskDescription,
        *,
        key_name: str = "LABEL_STUDIO_API_KEY",
        ca_file: Path | None = None,
        patience: float = 30.0,
        run: str | None = None,
        provenance: bool = True,
        confidence: bool = True,
    ) -> None:
        self.api = LabelStudioApi(url, key, key_name=key_name, ca_file=ca_file)
        self.title = title.strip()
        self.description = description
        self.patience = patience
        self._page = Page(description, provenance, confidence)
        self._config = labeling_config(self._page)
        self._reader = VerdictReader(description.class_names, description.multi_label)
        self._run = run
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
        self._hold()
        new = import_missing(self.api, self._project, tasks, self.patience, self._page, self._hold)
        self._share_out(tasks)
        self._serve(tasks)
        self._annotations.forget()
        return new

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        """See Annotators. The latest annotation of each person that can be read is their verdict on a task.

        The first time after a `post` the server is asked for everything, then for what has changed.
        """
        if not tasks:
            return []
        self._annotations.refresh()
        wanted = {task.uid for task in tasks}
        found = self._annotations.by_uid().items()
        verdicts = [v for uid, own in found if uid in wanted for v in self._reader.verdicts(uid, own)]
        return [replace(v, annotator=self._people.address(v.annotator)) for v in verdicts]

    def withdrawn(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See Annotators. Deleting an annotation takes a verdict back; deleting a whole task does not."""
        return self._annotations.deleted(verdicts)

    def recall(self, tasks: Sequence[LabelTask]) -> None:
        """See Annotators. What nobody has judged is deleted, what somebody has is for no further people."""
        if not tasks:
            return
        self._hold()
        present = tasks_by_uid(self.api, self._project)
        rows = [present[task.uid] for task in tasks if task.uid in present]
        for row in rows:
            if 0 < row.total_annotations < row.overlap:
                # The server finds out by itself only when the next annotation comes.
                self._change(str(row.id), overlap=row.total_annotations, is_labeled=True)
        delete_unjudged(self.api, self._project, [row.id for row in rows])

    def leave(self) -> None:
        """See Annotators."""
        if "_lease" in self.__dict__ and self._lease:
            self._lease.give_up()

    def _hold(self) -> None:
        if self._lease:
            self._lease.hold()

    @cached_property
    def _project(self) -> int:
        return project_titled(self.api, self.title, self._page)

    @cached_property
    def _annotations(self) -> ProjectAnnotations:
        return ProjectAnnotations(self.api, self._project)

    @cached_property
    def _lease(self) -> Lease | None:
        return Lease(self.api, self._project, Writer.here(self._run)) if self._run else None

    def _check_suggestions(self, tasks: Iterable[LabelTask]) -> None:
        from label_studio_sdk.label_interface.interface import LabelInterface

        # The server stores whatever it is sent.
        page: Any = LabelInterface(self._config)
        # Validating takes longer than sending; tasks differ in nothing that it looks at but the suggestion.
        for task in {task.suggestion: task for task in tasks}.values():
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
        present = tasks_by_uid(self.api, self._project) if people else {}
        for uid, wanted in people.items():
            row = present.get(uid)
            if row is not None and row.overlap != wanted:
                # The server finds out by itself only when the next annotation comes.
                self._change(str(row.id), overlap=wanted, is_labeled=row.total_annotations >= wanted)

    def _change(self, task: str, **values: int) -> None:
        # The client knows no such parameters; the server takes them.
        options: Any = {"additional_body_parameters": values}
        self.api.ask(lambda client: client.tasks.update(task, request_options=options))

    def _serve(self, tasks: Sequence[LabelTask]) -> None:
        # Only predictions of the project's model version order the queue: an older round's would come first.
        newest = batch_of(max(task.round for task in tasks))
        settings = {"sampling": "Uncertainty sampling", "model_version": newest}
        self.api.ask(lambda c: c.projects.update(self._project, **settings))
