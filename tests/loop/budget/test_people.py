"""People's caps: what is left of their labels and of their minutes."""

import pytest

from loop.budget.ledger import Budget
from loop.budget.people import labels_left, why_spent
from loop.store import Store
from models.records import LabelTask, Verdict


def judge(store: Store, number: int, kind: str = "query", seconds: float = 30.0) -> None:
    store.add([LabelTask(f"t{number}", f"t{number}", "t", 1, kind, 0.5)])  # type: ignore[arg-type]
    store.add([Verdict(f"t{number}", "label", "late", "ann", "1", seconds)])


def test_labels_alone_are_counted_where_minutes_have_no_cap(store: Store) -> None:
    judge(store, 1)
    judge(store, 2, "holdout")
    assert labels_left(store, Budget(labels=10)) == 9
    assert why_spent(store, Budget(labels=1)) == "the 1 human labels of run.labels are spent"
    assert why_spent(store, Budget(labels=2)) == ""


def test_minutes_leave_what_there_is_time_for_and_those_of_the_holdout_count(store: Store) -> None:
    judge(store, 1, seconds=20)
    judge(store, 2, "holdout", seconds=40)
    assert labels_left(store, Budget(labels=10, minutes=2.4)) == 2
    assert labels_left(store, Budget(labels=2, minutes=60)) == 1
    assert why_spent(store, Budget(labels=10, minutes=1.4)) == (
        "of the 1.4 minutes of budget.minutes there are none left for another label"
    )
    assert labels_left(store, Budget(labels=10, minutes=0.5)) == 0


def test_before_anybody_is_timed_minutes_are_no_bound(store: Store) -> None:
    assert labels_left(store, Budget(labels=10, minutes=0.1)) == 10
    judge(store, 1, seconds=0)
    assert labels_left(store, Budget(labels=10, minutes=0.1)) == 9


@pytest.mark.parametrize("minutes", [0.0, 5.0])
def test_more_labels_than_there_may_be_leave_none(store: Store, minutes: float) -> None:
    for number in range(3):
        judge(store, number)
    assert labels_left(store, Budget(labels=2, minutes=minutes)) == 0
