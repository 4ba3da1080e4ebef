"""Labels that look wrong go back to a human once."""

import numpy as np
from fakes import TableEncoder

from loop.people.recheck import SURE, doubts, recheck_tasks, standing_doubts
from loop.store import Store
from models.measures import Doubt
from models.records import Example, LabelTask, TrainingExample

NAMES = ("late", "lost", "paid")


def clumps(wrong: dict[int, str], size: int = 60, spread: float = 0.15) -> tuple[list[TrainingExample], TableEncoder]:
    """Three clumps of texts, one a class; `wrong` says which positions carry another label."""
    rng = np.random.default_rng(0)
    points = {f"text {n}": np.eye(3)[n % 3] + rng.normal(scale=spread, size=3) for n in range(size)}
    labels = [wrong.get(n, NAMES[n % 3]) for n in range(size)]
    humans = [TrainingExample(f"e{n}", text, labels[n], "human") for n, text in enumerate(points)]
    return humans, TableEncoder({text: point.astype(np.float32) for text, point in points.items()})


def asked_again(
    humans: list[TrainingExample], encoder: TableEncoder, settled: dict[str, bool], most: int
) -> list[LabelTask]:
    texts = {e.id: e.text for e in humans}
    doubted = {d: texts[d.example] for d in doubts(2, humans, encoder, 0)}
    return recheck_tasks("project", 3, doubted, settled, most)


def test_wrong_labels_are_found_with_the_class_they_should_have() -> None:
    found = doubts(2, *clumps({0: "paid", 10: "late", 23: "late"}), 0)
    assert {(d.example, d.label, d.likely) for d in found} == {
        ("e0", "paid", "late"),
        ("e10", "late", "lost"),
        ("e23", "late", "paid"),
    }
    assert all(d.round == 2 and 0.4 <= d.probability <= 1 for d in found)


def test_right_labels_are_left_alone() -> None:
    assert doubts(2, *clumps({}), 0) == []


def test_the_only_label_of_a_class_is_not_doubted() -> None:
    assert "e5" not in [d.example for d in doubts(2, *clumps({5: "rare"}), 0)]


def test_one_class_gives_nothing_to_doubt() -> None:
    assert doubts(2, *clumps(dict.fromkeys(range(60), "late")), 0) == []


def test_few_labels_are_not_held_against_each_other() -> None:
    assert doubts(2, *clumps({0: "paid"}, size=30), 0) == []


def test_a_doubted_label_is_asked_about_blind_with_the_reason() -> None:
    humans, encoder = clumps({0: "paid", 10: "late"})
    (task,) = asked_again(humans, encoder, {}, 1)
    assert (task.kind, task.round, task.suggestion) == ("recheck", 3, None)
    assert task.text == humans[int(task.example[1:])].text
    assert f"labelled '{humans[int(task.example[1:])].label}'" in task.reason


def test_where_hardly_any_label_changed_no_more_is_asked() -> None:
    humans, encoder = clumps({0: "paid", 10: "late"})
    kept = {f"e{n}": False for n in (20, 30, 40, 50)}
    assert asked_again(humans, encoder, kept, 5) == []
    assert asked_again(humans, encoder, kept | {"e50": True}, 5)


def test_what_was_asked_again_is_not_asked_a_third_time(store: Store) -> None:
    store.add([Example(f"e{n}", f"text {n}", "seed", "paid") for n in range(2)])
    store.add([Doubt(2, f"e{n}", "paid", "late", 0.9) for n in range(2)])
    store.finish(2, "learn", [], 1.0)
    assert [d.example for d in standing_doubts(store)] == ["e0", "e1"]
    store.add([LabelTask("again", "e0", "text 0", 3, "recheck", 1.0)])
    asked = recheck_tasks("project", 4, standing_doubts(store), {"e0": True}, 5)
    assert [task.example for task in asked] == ["e1"]


def test_only_the_last_doubts_stand_and_status_may_ask_for_surer_ones(store: Store) -> None:
    store.add([Example(f"e{n}", f"text {n}", "seed", "paid") for n in range(3)])
    store.add([Doubt(1, "e0", "paid", "late", 0.9)])
    store.add([Doubt(2, "e1", "paid", "late", 0.9), Doubt(2, "e2", "paid", "late", SURE - 0.01)])
    store.finish(2, "learn", [], 1.0)
    assert [d.example for d in standing_doubts(store)] == ["e1", "e2"]
    assert [d.example for d in standing_doubts(store, SURE)] == ["e1"]


def test_none_is_asked_again_where_none_may_be() -> None:
    assert recheck_tasks("project", 3, {Doubt(2, "e0", "paid", "late", 0.9): "text"}, {}, 0) == []
