"""A project of a test on the real server, and what it holds."""

import time
from collections.abc import Callable
from typing import Any

from connectors.label_studio import LabelStudioAnnotators
from models.records import ClassDefinition, LabelTask, TaskDescription

NEWS = TaskDescription(
    "Which topic?", (ClassDefinition("sport", "games"), ClassDefinition("$money")), guideline="Be <quick>."
)
Opened = Callable[..., LabelStudioAnnotators]


def tasks_of(number: int, count: int, suggestion: str | None = "sport") -> list[LabelTask]:
    return [
        LabelTask(f"{number:02x}{i:04x}", f"e{i}", f"text {i}", number, "query", i * 7 % 10 / 10, suggestion, 0.9)
        for i in range(count)
    ]


def on_server(annotators: LabelStudioAnnotators, person: Any) -> list[Any]:
    return list(person.tasks.list(project=project_of(annotators), fields="all"))


def project_of(annotators: LabelStudioAnnotators) -> int:
    return int(annotators.address.split("/")[-2])


def uids(rows: list[Any]) -> list[str]:
    return [row.data["uid"] for row in rows]


def ids(annotators: LabelStudioAnnotators, person: Any) -> dict[str, int]:
    return {row.data["uid"]: row.id for row in on_server(annotators, person)}


def await_that(it_is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not it_is_so():
        assert time.monotonic() < end, "waited for 30 s"
        time.sleep(0.2)
