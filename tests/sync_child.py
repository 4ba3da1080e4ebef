"""What a run does with Label Studio, and nothing else: posts, polls and pulls, until all is judged."""

from pathlib import Path

import label_studio_sdk.label_interface.interface  # noqa: F401 - imported once, before the processes that use it

from connectors.label_studio import LabelStudioAnnotators
from loop.store import Store
from loop.verify import gather
from models.errors import OutageError
from models.records import ClassDefinition, LabelTask, TaskDescription

CLASSES = ("sport", "money")
PAGE = TaskDescription("Which topic?", tuple(ClassDefinition(name) for name in CLASSES))


def tasks(count: int) -> list[LabelTask]:
    return [
        LabelTask(f"{n:08x}", f"e{n}", f"text {n}", n % 3, "query", n % 10 / 10, CLASSES[n % 2], 0.9)
        for n in range(count)
    ]


def work(directory: Path, url: str, key: str, title: str, count: int) -> None:
    asked = tasks(count)
    with Store(directory) as store:
        store.add(asked)
        annotators = LabelStudioAnnotators(url, key, title, PAGE, patience=10.0, run="killed")
        while True:
            try:
                gather(store, annotators, asked, 0.1, True, lambda _: None)
                return
            except OutageError:
                continue
