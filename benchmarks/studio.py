"""What exactly-once costs: pushing tasks and pulling verdicts through labelloop beside the bare SDK calls for the same.

In turns on one Label Studio, a new project each; medians. `python benchmarks/studio.py --tasks 10000 --verdicts 1000`
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from connectors.label_studio import LabelStudioAnnotators
from connectors.label_studio_api import ONCE, LabelStudioApi
from connectors.label_studio_project import find_project
from connectors.labeling_config import Page, labeling_config, prediction, task_data
from connectors.studio import Studio, home, start
from models.records import ClassDefinition, LabelTask, TaskDescription

PAGE = Page(TaskDescription("Which topic?", (ClassDefinition("sport"), ClassDefinition("money"))))
TEXT = "A text about as long as a message to a support desk is, so that what is sent weighs what it would weigh. "
CHUNK = 500


def make_tasks(count: int, run: int) -> list[LabelTask]:
    return [
        LabelTask(f"{run:04x}{n:012x}", f"e{n}", f"{TEXT} {n}", 1, "query", n / count, "sport", 0.9)
        for n in range(count)
    ]


class Bare:
    """The SDK, called as its documentation does."""

    def __init__(self, studio: Studio, title: str) -> None:
        self.client = LabelStudioApi(studio.url, studio.token).ask(lambda client: client)
        self.project = self.client.projects.create(title=title, label_config=labeling_config(PAGE)).id

    def push(self, tasks: Sequence[LabelTask]) -> None:
        for part in _parts(tasks):
            rows = [{"data": task_data(t, PAGE), "predictions": [prediction(t)]} for t in part]
            self.client.projects.import_tasks(self.project, request=rows, request_options=ONCE)

    def pull(self, tasks: Sequence[LabelTask]) -> int:
        judged = {"filter": "filter:tasks:annotations_ids", "operator": "empty", "type": "String", "value": False}
        query = json.dumps({"filters": {"conjunction": "and", "items": [judged]}})
        rows = self.client.tasks.list(project=self.project, query=query, fields="all", page_size=CHUNK)
        return sum(len(row.annotations) for row in rows)


class Labelloop:
    """The connector."""

    def __init__(self, studio: Studio, title: str) -> None:
        self.annotators = LabelStudioAnnotators(studio.url, studio.token, title, PAGE.description, run="benchmark")
        self.project = int(self.annotators.address.split("/")[-2])

    def push(self, tasks: Sequence[LabelTask]) -> None:
        self.annotators.post(tasks)

    def pull(self, tasks: Sequence[LabelTask]) -> int:
        return len(self.annotators.collect(tasks))


def _parts(tasks: Sequence[LabelTask]) -> list[Sequence[LabelTask]]:
    return [tasks[n : n + CHUNK] for n in range(0, len(tasks), CHUNK)]


def annotate(studio: Studio, title: str, count: int) -> None:
    """Has the server itself accept the first suggestions: how fast people work is not measured here."""
    api = LabelStudioApi(studio.url, studio.token, timeout=600.0)
    project = find_project(api, title)
    assert project is not None
    ids = [row.id for row in api.tasks(project, [], include="id", limit=count)[:count]]
    chosen: Any = {"all": False, "included": ids}
    api.ask(lambda c: c.actions.create(id="predictions_to_annotations", project=project, selected_items=chosen))


def timed(work: Callable[[Sequence[LabelTask]], Any], tasks: Sequence[LabelTask]) -> tuple[Any, float]:
    """What the work on tasks comes to, and its seconds."""
    begun = time.perf_counter()
    done = work(tasks)
    return done, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--verdicts", type=int, default=1_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--home", type=Path, default=home())
    asked = parser.parse_args()
    seconds: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as data, start(asked.home, Path(data)) as studio:
        for turn in range(asked.turns):
            # Who begins changes from turn to turn: whoever comes second finds a larger database.
            for kind in (Bare, Labelloop) if turn % 2 == 0 else (Labelloop, Bare):
                title, tasks = f"{kind.__name__} {turn}", make_tasks(asked.tasks, turn)
                side = kind(studio, title)
                _, pushed = timed(side.push, tasks)
                annotate(studio, title, asked.verdicts)
                found, pulled = timed(side.pull, tasks)
                assert found == asked.verdicts
                for what, took in (("push", pushed), ("pull", pulled), ("both", pushed + pulled)):
                    seconds.setdefault((what, kind.__name__), []).append(took)
                print(f"turn {turn} {kind.__name__}: push {pushed:.1f} s, pull {pulled:.1f} s", flush=True)
    print(f"\n| {asked.tasks:,} tasks, {asked.verdicts:,} verdicts | bare SDK | labelloop | ratio |\n|---|---|---|---|")
    for what in ("push", "pull", "both"):
        bare, ours = (seconds[what, kind.__name__] for kind in (Bare, Labelloop))
        ratio = statistics.median(ours) / statistics.median(bare)
        print(f"| {what} | {_shown(bare)} | {_shown(ours)} | {ratio:.2f} |")


def _shown(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f} s [{min(seconds):.1f}, {max(seconds):.1f}]"


if __name__ == "__main__":
    main()
