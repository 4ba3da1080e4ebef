"""Bringing tasks to Label Studio exactly once, whatever happens to an import on the way, and taking them away again."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from connectors.label_studio_api import ONCE, LabelStudioApi, LostAnswerError
from connectors.labeling_config import Page, prediction, task_data
from models.errors import AnnotatorError
from models.records import LabelTask

_CHUNK = 500
_COUNTS = "id,data,overlap,total_annotations,cancelled_annotations,total_predictions"


def import_missing(
    api: LabelStudioApi,
    project: int,
    tasks: Sequence[LabelTask],
    patience: float,
    page: Page,
    hold: Callable[[], None] = lambda: None,
) -> int:
    """Imports the tasks that the project does not hold yet, round by round, highest priority first; returns their
    number.

    The project is listed before anything is sent; the server's answer to a chunk names each task that it made. A chunk
    without an answer is looked for, for `patience` seconds, since a server goes on with an import whose client has
    gone. `hold` is called before each chunk, and stops the rest by raising. Raises AnnotatorError.
    """
    present = tasks_by_uid(api, project)
    absent = [t for t in sorted(tasks, key=lambda t: (t.round, -t.priority, t.uid)) if t.uid not in present]
    _suggest(api, project, tasks, present, page)
    newest = max((row.id for row in present.values()), default=0)
    for start in range(0, len(absent), _CHUNK):
        hold()
        newest = _import(api, project, absent[start : start + _CHUNK], newest, patience, page)
    return len(absent)


def tasks_by_uid(api: LabelStudioApi, project: int, after: int = 0) -> dict[str, Any]:
    """The project's tasks with an id beyond `after`, with counts of their annotations; of two copies one is deleted.
    Raises AnnotatorError."""
    present: dict[str, Any] = {}
    for row in api.tasks(project, [("id", "greater", "Number", after)], include=_COUNTS):
        uid = str(row.data.get("uid"))
        present[uid] = _single(api, project, present[uid], row) if uid in present else row
    return present


def delete_unjudged(api: LabelStudioApi, project: int, ids: Sequence[int]) -> None:
    """Deletes those tasks that nobody has judged, as the server sees it in that instant. Raises AnnotatorError."""
    nobody = [
        {"filter": f"filter:tasks:{count}", "operator": "equal", "type": "Number", "value": 0}
        for count in ("total_annotations", "cancelled_annotations")
    ]
    what: Any = {"filters": {"conjunction": "and", "items": nobody}}
    for start in range(0, len(ids), _CHUNK):
        what["selected_items"] = {"all": False, "included": list(ids[start : start + _CHUNK])}
        api.ask(lambda client: client.actions.create(id="delete_tasks", project=project, **what))


def _import(
    api: LabelStudioApi, project: int, tasks: Sequence[LabelTask], newest: int, patience: float, page: Page
) -> int:
    """Imports tasks into a project whose newest task has that id; returns the newest one's then."""
    rows = [_row(task, page) for task in tasks]
    for _ in range(2):
        try:
            done = api.ask(
                lambda client: client.projects.import_tasks(
                    project, request=rows, return_task_ids=True, request_options=ONCE
                )
            )
            if len(done.task_ids or []) == done.prediction_count == len(tasks):
                return int(max(done.task_ids))
        except LostAnswerError:
            pass
        found = _found(api, project, tasks, newest, patience)
        if found is not None:
            _suggest(api, project, tasks, found, page)
            return max(int(row.id) for row in found.values())
    raise AnnotatorError(
        f"{len(tasks)} tasks, from {tasks[0].uid} on, were sent to {api.url} but do not show up there. Look at the "
        "server's log, then run the command again: what arrived is not sent twice."
    )


def _found(
    api: LabelStudioApi, project: int, tasks: Sequence[LabelTask], newest: int, patience: float
) -> dict[str, Any] | None:
    """The tasks beyond `newest`, by uid, once all of these are among them; None where they are not in time."""
    end = time.monotonic() + patience
    while True:
        present = tasks_by_uid(api, project, newest)
        if all(task.uid in present for task in tasks):
            return present
        if time.monotonic() >= end:
            return None
        time.sleep(min(1.0, patience))


def _suggest(
    api: LabelStudioApi, project: int, tasks: Sequence[LabelTask], present: dict[str, Any], page: Page
) -> None:
    """Gives those of the tasks their prediction that came without: while it takes two imports at once, the server drops
    the predictions of one and says nothing but a lower count."""
    many = page.description.multi_label
    bare = [(present[task.uid].id, task) for task in tasks if task.uid in present]
    bare = [(number, task) for number, task in bare if not present[task.uid].total_predictions]
    for start in range(0, len(bare), _CHUNK):
        part: Any = [{"task": number, **prediction(task, many)} for number, task in bare[start : start + _CHUNK]]
        _import_predictions(api, project, part)


def _import_predictions(api: LabelStudioApi, project: int, rows: Any) -> None:
    api.ask(lambda client: client.projects.import_predictions(project, request=rows, request_options=ONCE))


def _row(task: LabelTask, page: Page) -> dict[str, Any]:
    return {"data": task_data(task, page), "predictions": [prediction(task, page.description.multi_label)]}


def _single(api: LabelStudioApi, project: int, first: Any, second: Any) -> Any:
    # An import that was given up for lost can still land: the copy that nobody has judged goes.
    spare, kept = (first, second) if _judged(second) else (second, first)
    if not _judged(spare):
        delete_unjudged(api, project, [spare.id])
    return kept


def _judged(row: Any) -> bool:
    return bool(row.total_annotations or row.cancelled_annotations)
