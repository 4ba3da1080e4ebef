"""What is accepted unseen is right as often as demanded, or nothing is."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binomtest

from loop.labelled import accepted, human_label_count, training_set
from loop.people.acceptance import (
    CONFIDENCE,
    MachineLabel,
    acceptance_sentences,
    drawn_for_audit,
    least_right,
    machine_labels,
    most_for_llm,
    permissions,
)
from loop.store import Store
from models.measures import Permission, SourceTrust
from models.records import Example, LabelTask, Outcome, Queried, Rejection, Suggestion, Verdict

RUNS = 200


def accepted_share(accuracies: Sequence[float], demanded: float, seed: int) -> float | None:
    """The share of the labels accepted unseen that is right; None where none is. Above a confidence of .9 the simulated
    LLM is wrong half as often as below."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(len(accuracies), size=2000)
    confidence = rng.uniform(0.5, 1, size=2000)
    wrong = (1 - np.array(accuracies)[labels]) * np.where(confidence >= 0.9, 0.5, 1)
    right, audited = rng.random(2000) >= wrong, rng.random(2000) < 0.1
    seen = [
        MachineLabel(str(label), sure, bool(hit) if looked else None)
        for label, sure, hit, looked in zip(labels, confidence, right, audited, strict=True)
    ]
    above = {p.label: p.above for p in permissions(seen, demanded, 3)}
    taken = ~audited & (confidence >= np.array([above.get(str(label), 2.0) for label in labels]))
    return float(right[taken].mean()) if taken.any() else None


@pytest.mark.parametrize("accuracies", [(0.99, 0.9, 0.7), (0.89, 0.88)])
def test_over_200_runs_the_accepted_labels_are_as_right_as_demanded(accuracies: Sequence[float]) -> None:
    shares = [accepted_share(accuracies, 0.9, seed) for seed in range(RUNS)]
    broken = sum(share is not None and share < 0.9 for share in shares)
    assert broken <= (1 - CONFIDENCE) * RUNS


def test_an_llm_that_is_right_is_accepted_and_one_that_guesses_never() -> None:
    good = [accepted_share((0.99, 0.9, 0.7), 0.9, seed) for seed in range(RUNS)]
    assert sum(share is not None for share in good) > 0.6 * RUNS
    assert all(accepted_share((0.25,) * 4, 0.9, seed) is None for seed in range(RUNS))


def test_among_many_more_labels_the_bound_is_clopper_and_pearsons() -> None:
    for right, of in ((59, 59), (97, 100), (10, 20)):
        exact = binomtest(right, of).proportion_ci(0.9, "exact").low
        assert least_right(right, of, 4000, 0.05) == pytest.approx(exact, abs=0.004)


def test_few_unseen_labels_are_never_promised_more_than_is_known_of_them() -> None:
    assert least_right(59, 59, 531, 0.05) < 0.95 < least_right(62, 62, 531, 0.05)
    assert least_right(5, 5, 0, 0.05) == least_right(0, 0, 5, 0.05) == 0.0


def audit(label: str, confidence: float, right: int, wrong: int, unseen: int) -> list[MachineLabel]:
    outcomes = [True] * right + [False] * wrong + [None] * unseen
    return [MachineLabel(label, confidence, outcome) for outcome in outcomes]


def test_a_permission_says_from_which_confidence_on_and_why() -> None:
    labels = audit("late", 0.99, 60, 0, 500) + audit("late", 0.6, 20, 20, 300) + audit("lost", 0.99, 5, 5, 50)
    (permission,) = permissions(labels, 0.9, 4)
    assert (permission.round, permission.label, permission.above) == (4, "late", 0.7)
    assert (permission.audited, permission.right, permission.unseen) == (60, 60, 500)
    assert 0.9 <= permission.low < 0.96


def test_the_first_confidence_that_fails_ends_it() -> None:
    """What lies below would pass by itself, but was not to be tested any more."""
    labels = audit("late", 0.99, 30, 20, 300) + audit("late", 0.6, 500, 0, 5000)
    assert permissions(labels, 0.9, 3) == []


def test_classes_share_the_chance_of_an_error() -> None:
    """30 of 30 are enough for one class, not where there are three of them."""
    one = audit("a", 0.99, 30, 0, 2000)
    assert len(permissions(one, 0.9, 3)) == 1
    assert permissions([*one, *audit("b", 0.99, 30, 0, 2000), *audit("c", 0.99, 30, 0, 2000)], 0.9, 3) == []
    # A class that could not pass anyhow takes nothing from the others.
    assert len(permissions([*one, *audit("b", 0.99, 3, 0, 2000)], 0.9, 3)) == 1


def test_the_audit_takes_a_share_of_what_the_llm_labels_whatever_it_is() -> None:
    queried = [Queried(1, str(n), "llm" if n % 2 else "query", 0.5) for n in range(4000)]
    drawn = drawn_for_audit(queried, 0.1, np.random.default_rng(0))
    assert [d for d in drawn if d.purpose != "audit"] == [q for q, d in zip(queried, drawn, strict=True) if d == q]
    assert {int(d.example) % 2 for d in drawn if d.purpose == "audit"} == {1}
    assert 160 < sum(d.purpose == "audit" for d in drawn) < 240
    assert most_for_llm(20, 0.1) == 100


@pytest.fixture
def run(store: Store) -> Store:
    """In round 1 the LLM labelled p0 to p5; p4 and p5 were drawn for the audit, and p4 was judged."""
    store.add([Example(f"p{n}", f"text p{n}", "pool") for n in range(6)])
    store.add([Queried(1, f"p{n}", "audit" if n > 3 else "llm", 0.5) for n in range(6)])
    store.add([Suggestion(f"p{n}", 1, "m", "late", 0.9 if n else 0.6) for n in range(6)])
    store.add([LabelTask("u4", "p4", "text p4", 1, "audit", 0.5), Verdict("u4", "label", "late", "ann", "1")])
    store.add([Rejection(1, "llm-label", "p3", "unlikely")])
    return store


def test_the_audited_and_the_unseen_are_all_that_was_drawn_and_kept(run: Store) -> None:
    found = machine_labels(run)
    assert [x.right for x in found] == [True, None, None, None]
    assert sorted(x.confidence for x in found) == [0.6, 0.9, 0.9, 0.9]


@pytest.mark.parametrize(("outcome", "label"), [("label", "lost"), ("skip", None), ("reject", None)])
def test_an_audit_that_does_not_confirm_the_label_speaks_against_it(
    run: Store, outcome: Outcome, label: str | None
) -> None:
    run.add([Verdict("u4", outcome, label, "ann", "2")])
    assert machine_labels(run)[0].right is False


def test_accepted_labels_are_learned_like_a_humans_and_counted_as_none(run: Store) -> None:
    run.add([SourceTrust(3, "llm-label", 0.0, 0, 0, 0, 3), Permission(3, "late", 0.7, 60, 60, 2, 0.95)])
    before = human_label_count(run)
    assert accepted(run, 3) == {"p1", "p2"}
    learned = {e.id: (e.source, e.weight) for e in training_set(run, 3)}
    assert learned == {"p4": ("human", 1.0), "p1": ("llm-label", 1.0), "p2": ("llm-label", 1.0)}
    assert human_label_count(run) == before == 1


def test_without_a_permission_of_its_round_nothing_is_accepted(run: Store) -> None:
    run.add([SourceTrust(4, "llm-label", 0.0, 0, 0, 0, 3), Permission(3, "late", 0.7, 60, 60, 2, 0.95)])
    assert accepted(run, 4) == set()
    assert [e.id for e in training_set(run, 4)] == ["p4"]


def test_it_is_said_what_is_accepted_and_when_that_ends(run: Store) -> None:
    assert acceptance_sentences(run) == []
    run.finish(2, "learn", [Permission(3, "late", 0.7, 60, 60, 2, 0.95)], 0.0)
    (said,) = acceptance_sentences(run)
    assert "2 labels 'late'" in said
    assert "60 of 60" in said
    run.finish(3, "learn", [], 0.0)
    assert acceptance_sentences(run) == [
        "No longer accepted unseen: the LLM's labels 'late'; the audit does not bear them out any more."
    ]
