"""Starting from a Label Studio project that people have worked in: their verdicts and the rest of its texts."""

from collections.abc import Collection
from dataclasses import replace

from connectors.label_studio_source import Judged
from loop.verify import task_uid
from models.records import Example, LabelTask, Verdict


def adopted(project: str, judged: Judged, pool: Collection[Example]) -> tuple[list[LabelTask], list[Verdict]]:
    """The verdicts on texts of the pool, as said before the run began, and the tasks that stand for their asking."""
    texts = {example.id for example in pool}
    tasks, verdicts = [], []
    for example, said in judged:
        if said and example.id in texts:
            uid = task_uid(project, f"{example.id} adopted")
            tasks.append(LabelTask(uid, example.id, example.text, 0, "adopted", 0.0, people=len(said)))
            verdicts += [replace(verdict, task=uid) for verdict in said]
    return tasks, verdicts
