"""Labels that look wrong go back to a human once."""

import numpy as np
from fakes import TableEncoder

from loop.people.recheck import label_issues, recheck_tasks
from models.records import TrainingExample

NAMES = ("late", "lost", "paid")


def clumps(wrong: dict[int, str], size: int = 60, spread: float = 0.15) -> tuple[list[TrainingExample], TableEncoder]:
    """Three clumps of texts, one a class; `wrong` says which positions carry another label."""
    rng = np.random.default_rng(0)
    points = {f"text {n}": np.eye(3)[n % 3] + rng.normal(scale=spread, size=3) for n in range(size)}
    labels = [wrong.get(n, NAMES[n % 3]) for n in range(size)]
    humans = [TrainingExample(f"e{n}", text, labels[n], "human") for n, text in enumerate(points)]
    return humans, TableEncoder({text: point.astype(np.float32) for text, point in points.items()})


def test_wrong_labels_are_found_with_the_class_they_should_have() -> None:
    humans, encoder = clumps({0: "paid", 10: "late", 23: "late"})
    assert {*label_issues(humans, encoder, 0)} == {(0, "late"), (10, "lost"), (23, "paid")}


def test_right_labels_are_left_alone() -> None:
    assert label_issues(*clumps({}), 0) == []


def test_the_only_label_of_a_class_is_not_doubted() -> None:
    humans, encoder = clumps({5: "rare"})
    assert 5 not in [position for position, _ in label_issues(humans, encoder, 0)]


def test_one_class_gives_nothing_to_doubt() -> None:
    humans, encoder = clumps(dict.fromkeys(range(60), "late"))
    assert label_issues(humans, encoder, 0) == []


def test_a_doubted_label_is_asked_about_blind_with_the_reason() -> None:
    humans, encoder = clumps({0: "paid", 10: "late"})
    (task,) = recheck_tasks("project", 3, humans, encoder, {}, 1, 0)
    assert (task.kind, task.round, task.suggestion) == ("recheck", 3, None)
    assert f"labelled '{humans[int(task.example[1:])].label}'" in task.reason


def test_what_was_asked_again_is_not_asked_a_third_time() -> None:
    humans, encoder = clumps({0: "paid", 10: "late"})
    again = recheck_tasks("project", 3, humans, encoder, {"e0": True}, 5, 0)
    assert [task.example for task in again] == ["e10"]


def test_where_hardly_any_label_changed_no_more_is_asked() -> None:
    humans, encoder = clumps({0: "paid", 10: "late"})
    kept = {f"e{n}": False for n in (20, 30, 40, 50)}
    assert recheck_tasks("project", 3, humans, encoder, kept, 5, 0) == []
    assert recheck_tasks("project", 3, humans, encoder, kept | {"e50": True}, 5, 0)


def test_few_labels_are_not_held_against_each_other() -> None:
    humans, encoder = clumps({0: "paid"}, size=30)
    assert recheck_tasks("project", 3, humans, encoder, {}, 5, 0) == []
