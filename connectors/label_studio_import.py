"""Bringing tasks to Label Studio exactly once, whatever happens to an import on the way."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from connectors.label_studio_api import ONCE, Condition, LabelStudioApi, LostAnswerError
from connectors.labeling_config import Page, batch_of, prediction, task_data
from models.errors import AnnotatorError
from models.records import LabelTask

_CHUNK = 500
_COUNTS = "id,data,total_annotations,cancelled_annotations"


def in_batch(batch: str) -> Condition:
    return ("data.batch", "equal", "String", batch)


def import_missing(api: LabelStudioApi, project: int, tasks: Sequence[LabelTask], patience: float, page: Page) -> int:
    """Imports the tasks that the project does not hold yet, highest priority first; returns their number.

    A batch is listed before anything is sent and after every chunk. A chunk that does not show up is waited
    for `patience` seconds, since a server goes on with an import whose client has gone. Raises
    AnnotatorError.
    """
    batches: dict[str, list[LabelTask]] = defaultdict(list)
    for task in sorted(tasks, key=lambda task: (-task.priority, task.uid)):
        batches[batch_of(task.round)].append(task)
    new = 0
    for batch, members in batches.items():
        absent = _absent(api, project, batch, members)
        for start in range(0, len(absent), _CHUNK):
            part = absent[start : start + _CHUNK]
            rows = [_row(task, page) for task in part]
            _import(api, project, part, rows, patience)
        new += len(absent)
    return new


def _row(task: LabelTask, page: Page) -> dict[str, Any]:
    return {"data": task_data(task, page), "predictions": [prediction(task, page.description.multi_label)]}


def _import(
    api: LabelStudioApi, project: int, tasks: Sequence[LabelTask], rows: list[dict[str, Any]], patience: float
) -> None:
    """Imports tasks of one batch, each with its row."""
    batch = batch_of(tasks[0].round)
    for _ in range(2):
        lost = False
        try:
            api.ask(lambda client: client.projects.import_tasks(project, request=rows, request_options=ONCE))
        except LostAnswerError:
            lost = True
        if _shown(api, project, batch, tasks, patience):
            return
        if not lost:
            break
    raise AnnotatorError(
        f"{len(tasks)} tasks of {batch} were sent to {api.url} but do not show up there. Look at the "
        "server's log, then run the command again: what arrived is not sent twice."
    )


def _shown(api: LabelStudioApi, project: int, batch: str, tasks: Sequence[LabelTask], patience: float) -> bool:
    end = time.monotonic() + patience
    while _absent(api, project, batch, tasks):
        if time.monotonic() >= end:
            return False
        time.sleep(min(1.0, patience))
    return True


def _absent(api: LabelStudioApi, project: int, batch: str, tasks: Sequence[LabelTask]) -> list[LabelTask]:
    present: dict[str, Any] = {}
    for row in api.tasks(project, [in_batch(batch)], include=_COUNTS):
        uid = str(row.data.get("uid"))
        present[uid] = _single(api, present[uid], row) if uid in present else row
    return [task for task in tasks if task.uid not in present]


def _single(api: LabelStudioApi, first: Any, second: Any) -> Any:
    # An import that was given up for lost can still land: the copy that nobody has judged goes.
    spare, kept = (first, second) if _judged(second) else (second, first)
    if not _judged(spare):
        api.ask(lambda client: client.tasks.delete(str(spare.id)))
    return kept


def _judged(row: Any) -> bool:
    return bool(row.total_annotations or row.cancelled_annotations)
