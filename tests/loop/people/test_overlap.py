"""Several people judge a share of the tasks within what the batch pays for; disagreements go to one more person."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.people.consensus import disputed, last_words
from loop.people.overlap import adjudications, shared_out
from models.records import LabelTask, TaskKind, Verdict

TASKS = [LabelTask(f"u{n}", f"e{n}", f"text {n}", 1, "query", 1 - n / 100) for n in range(40)]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_for_one_person_nothing_changes() -> None:
    assert shared_out(TASKS, 20, 1, 0.1, rng()) == TASKS[:20]


def test_a_share_of_the_tasks_is_for_several_people() -> None:
    found = shared_out(TASKS, 20, 3, 0.1, rng())
    assert [t.uid for t in found] == [t.uid for t in TASKS[: len(found)]]
    assert sorted(t.people for t in found) == [1] * 14 + [3] * 2


@given(st.integers(1, 60), st.integers(1, 6), st.floats(0, 1))
def test_no_more_verdicts_than_the_batch_and_never_none(budget: int, people: int, share: float) -> None:
    found = shared_out(TASKS, budget, people, share, rng())
    assert sum(t.people for t in found) in range(1, budget + 1)
    assert len(found) == len(TASKS) or sum(t.people for t in found) > budget - people


def asked(kind: TaskKind = "query", settled: set[str] | None = None, labels: str = "ab") -> list[LabelTask]:
    tasks = [LabelTask("u", "e", "text", 1, kind, 0.5, "a", 0.9, people=2)]
    verdicts = [Verdict("u", "label", label, f"p{n}", str(n)) for n, label in enumerate(labels)]
    words = last_words(tasks, verdicts)
    return adjudications("p", 2, tasks, words, disputed(words), settled or set())


def test_a_disagreement_goes_blind_to_one_more_person_with_what_was_said() -> None:
    (task,) = asked()
    assert (task.kind, task.round, task.example, task.people, task.suggestion) == ("adjudication", 2, "e", 1, None)
    assert task.reason == "others disagreed: 'a', 'b'"
    assert task.uid != "u"


def test_of_no_class_is_another_answer_than_unusable() -> None:
    tasks = [LabelTask("u", "e", "text", 1, "query", 0.5, people=3)]
    said = [
        Verdict("u", "label", "a", "p0", "0"),
        Verdict("u", "label", "", "p1", "1"),
        Verdict("u", "reject", None, "p2", "2"),
    ]
    words = last_words(tasks, said)
    (task,) = adjudications("p", 2, tasks, words, disputed(words), set())
    assert task.reason == "others disagreed: –, unusable, 'a'"


def test_it_goes_once() -> None:
    assert asked(settled={"e"}) == []


@pytest.mark.parametrize("labels", ["", "a", "aa", "aab"])
def test_where_most_agree_nobody_is_asked(labels: str) -> None:
    assert asked(labels=labels) == []


def test_a_holdout_is_settled_too_a_written_text_is_not() -> None:
    assert len(asked("holdout")) == 1
    assert asked("candidate") == asked("recheck") == []
