"""A simulated annotator who works through the real server's API, as a person works through its page."""

import logging
import threading
from types import TracebackType
from typing import Any, Self

from connectors.annotators import SimulatedAnnotator
from connectors.label_studio_api import ONCE, LabelStudioApi
from connectors.label_studio_project import find_project
from connectors.labeling_config import REJECT, choice_result
from models.errors import AnnotatorError
from models.records import LabelTask

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.5
_AT_ONCE = 20
_UNJUDGED = [("total_annotations", "equal", "Number", 0), ("cancelled_annotations", "equal", "Number", 0)]


class StudioWorker:
    """Answers every unjudged task of the project with this title, oldest first, in a thread of its own.

    Works from construction until `stop`. An outage of the server is waited out; any other failure, a bug of
    the annotator's for one, ends the thread and is raised by `stop`.
    """

    def __init__(self, url: str, token: str, title: str, annotator: SimulatedAnnotator) -> None:
        self._api = LabelStudioApi(url, token)
        self._title = title
        self._annotator = annotator
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="studio-worker", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """False once it has stopped or failed."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Lets the answer under way finish and waits for the thread. Raises what ended it before its time."""
        self._stopping.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _work(self) -> None:
        while not self._stopping.is_set():
            answered = 0
            try:
                answered = self._answer_some()
            except AnnotatorError as error:
                _log.warning("The simulated annotator waits: %s", error)
            except BaseException as error:  # noqa: BLE001 - carried to the thread that stops this one
                self._failure = error
                return
            if not answered:
                self._stopping.wait(_POLL_SECONDS)

    def _answer_some(self) -> int:
        project = find_project(self._api, self._title)
        if project is None:
            return 0
        rows = self._api.tasks(project, _UNJUDGED, include="id,data", limit=_AT_ONCE)[:_AT_ONCE]
        for row in rows:
            if self._stopping.is_set():
                break
            self._answer(row)
        return len(rows)

    def _answer(self, row: Any) -> None:
        task = LabelTask(
            uid=str(row.data["uid"]),
            example="",
            text=str(row.data["text"]),
            round=int(str(row.data["batch"]).removeprefix("round-")),
            kind="query",
            priority=0.0,
        )
        verdict = self._annotator.answer(task)
        chosen = REJECT if verdict.outcome == "reject" else verdict.label
        answer: dict[str, Any] = {"result": choice_result(chosen, self._annotator.multi_label) if chosen else []}
        if verdict.outcome == "skip":
            answer["was_cancelled"] = True
        self._api.ask(lambda client: client.annotations.create(row.id, request_options=ONCE, **answer))
