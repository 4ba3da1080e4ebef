"""What each class has cost."""

import pytest

from loop.budget.classes import by_class, class_spending
from loop.budget.ledger import Budget, Ledger
from loop.label import CLASSIFIER
from loop.store import Store
from models.chat import Account, Arm, ChatRequest, Completion, Message
from models.records import Candidate, LabelTask, Suggestion, Verdict

BUDGET = Budget(price_in=100, price_out=500, hourly_wage=60)


def complete(store: Store, key: str, round_: int, stage: str, arm: Arm, tokens_in: int, tokens_out: int) -> None:
    account, request = Account(round_, stage, arm), ChatRequest((Message("user", key),))
    Ledger(store, BUDGET).keep(key, "m", account, request, Completion("x", tokens_in, tokens_out, 2.0))


@pytest.fixture
def run(store: Store) -> Store:
    """Texts written for "late" in two rounds, four of them labelled, and people who took a minute for each text."""
    for round_ in (1, 2):
        complete(store, f"w{round_}", round_, "generate", "llm-text", 1000, 100)
        store.add([Candidate(f"c{n}", "t", round_, 0, "late", f"w{round_}", "m", ()) for n in (1, 2)])
    complete(store, "l1", 2, "label", "llm-text", 300, 4)
    complete(store, "l2", 2, "label", "llm-label", 100, 4)
    said = {"c1": "late", "c2": "lost", "p1": "lost", "p2": "lost"}
    store.add([Suggestion(example, 2, "m", name, 0.9) for example, name in said.items()])
    store.add([Suggestion("p1", 2, CLASSIFIER, "late", 0.9)])
    for uid, round_, name in (("t0", 0, "lost"), ("t1", 1, "late"), ("t2", 2, "lost")):
        store.add([LabelTask(uid, uid, "t", round_, "query", 0.5), Verdict(uid, "label", name, "ann", "1", 60.0)])
    return store


def test_a_round_pays_for_people_for_texts_written_for_a_class_and_for_labels_that_name_it(run: Store) -> None:
    found = {(s.round, s.label): s for s in class_spending(run, BUDGET)}
    assert list(found) == [(0, "lost"), (1, "late"), (2, "late"), (2, "lost")]
    first, both, labels = found[1, "late"], found[2, "late"], found[2, "lost"]
    assert (first.labels, first.minutes, first.wages) == (1, 1.0, 1.0)
    assert (first.tokens, first.llm_seconds) == (1100, 2.0)
    assert first.money == pytest.approx((1000 * 100 + 100 * 500) / 1e6)
    # One of the round's four labels, which took 408 tokens and 4 seconds, named it.
    assert (both.labels, both.tokens, both.llm_seconds) == (0, 1100 + 102, 2.0 + 1.0)
    assert (labels.labels, labels.tokens, labels.llm_seconds) == (1, 306, 3.0)


def test_the_sums_of_the_classes_are_all_that_was_written_and_labelled(run: Store) -> None:
    sums = by_class(class_spending(run, BUDGET))
    assert sum(costs["tokens"] for costs in sums.values()) == 2 * 1100 + 408
    assert {name: costs["labels"] for name, costs in sums.items()} == {"late": 1, "lost": 2}


def test_all_who_judged_a_text_are_paid_by_what_they_came_to(run: Store) -> None:
    run.add([Verdict("t1", "label", "late", "ben", "1", 30.0), Verdict("t1", "label", "lost", "cat", "1", 30.0)])
    late = {(s.round, s.label): s for s in class_spending(run, BUDGET)}[1, "late"]
    assert (late.labels, late.minutes) == (3, 2.0)


def test_a_page_left_open_is_no_work(run: Store) -> None:
    run.add([LabelTask("lunch", "lunch", "t", 2, "query", 0.5), Verdict("lunch", "label", "late", "ann", "2", 3600.0)])
    assert by_class(class_spending(run, BUDGET))["late"]["minutes"] == 1.0 + 10.0


def test_a_text_of_several_classes_is_a_label_of_each_and_they_share_its_minutes(store: Store) -> None:
    store.set("classes", '["late", "lost"]')
    store.add([LabelTask("t", "t", "t", 1, "query", 0.5), Verdict("t", "label", "late; lost", "ann", "1", 60.0)])
    assert {s.label: (s.labels, s.minutes) for s in class_spending(store, BUDGET)} == {
        "late": (1, 0.5),
        "lost": (1, 0.5),
    }
