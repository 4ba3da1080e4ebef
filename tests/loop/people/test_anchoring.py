"""What annotators make of suggestions, shown and kept from them."""

import pytest

from loop.evaluate import rate
from loop.people.anchoring import (
    acceptance,
    acceptance_sentence,
    anchoring,
    anchoring_sentences,
    blind_accuracy,
    blind_sentences,
    difference,
)
from loop.people.suggestions import judged_suggestions, odd_origins, odd_sentences, unswayed
from loop.store import Store
from models.records import LabelTask, Suggestion, Verdict


@pytest.fixture
def run(store: Store) -> Store:
    """The classifier suggested "late" of ten texts: six shown, of which five were accepted, four kept, two of them the
    same; one more was skipped. The LLM's own suggestion of a shown text was not the one shown."""
    for n in range(11):
        shown = n < 6
        store.add([Suggestion(f"e{n}", 1, "classifier", "late", 0.95 if n < 3 else 0.6)])
        suggestion, confidence = ("late", 0.6) if shown else (None, None)
        store.add([LabelTask(f"u{n}", f"e{n}", "t", 1, "query", 0.5, suggestion, confidence, suggester="classifier")])
    store.add([Suggestion("e0", 1, "llm", "lost", 0.5)])
    labels = ["late"] * 5 + ["lost"] + ["late"] * 2 + ["lost"] * 2
    store.add([Verdict(f"u{n}", "label", label, "ann", "1") for n, label in enumerate(labels)])
    store.add([Verdict("u10", "skip", None, "ann", "1")])
    store.add([LabelTask("h", "eh", "t", 0, "holdout", 0.5), Verdict("h", "label", "late", "ann", "1")])
    return store


def test_acceptance_is_of_what_was_shown_by_class_and_confidence(run: Store) -> None:
    found = acceptance(judged_suggestions(run))
    assert list(found) == ["classifier"]
    assert (found["classifier"]["hits"], found["classifier"]["of"]) == (5, 6)
    assert (found["classifier"]["classes"]["late"]["hits"], found["classifier"]["classes"]["late"]["of"]) == (5, 6)
    bands = {name: (r["hits"], r["of"]) for name, r in found["classifier"]["confidence"].items()}
    assert bands == {"0.5–0.7": (2, 3), "0.9–1.0": (3, 3)}


def test_anchoring_is_what_seeing_adds(run: Store) -> None:
    found = anchoring(judged_suggestions(run))["classifier"]
    assert (found["blind"]["hits"], found["blind"]["of"]) == (2, 4)
    assert found["sway"]["share"] == pytest.approx(5 / 6 - 2 / 4)
    assert found["sway"]["low"] < 0 < found["sway"]["high"]
    (sentence,) = anchoring_sentences({"classifier": found})
    assert "+33.3 points" in sentence


def test_seen_one_way_only_there_is_no_difference(run: Store) -> None:
    shown = [j for j in judged_suggestions(run) if j.shown]
    facts = anchoring(shown)
    assert facts["classifier"]["sway"] is None
    assert facts["classifier"]["blind"] == {}
    assert anchoring_sentences(facts) == []


def test_the_interval_is_newcombes() -> None:
    """His example: 56 of 70 against 48 of 80, [0.0524, 0.3339] by method 10."""
    found = difference(rate(56, 70), rate(48, 80))
    assert (found["low"], found["high"]) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_how_right_machines_are_is_told_by_what_was_judged_blind(run: Store) -> None:
    """The LLM too, whose labels nobody saw there; of a text shown with the classifier's label it tells nothing."""
    run.add([Suggestion(f"e{n}", 1, "llm", "lost", 0.5) for n in range(6, 10)])
    run.add([Suggestion("a", 1, "llm", "paid", 0.5), LabelTask("ua", "a", "t", 1, "audit", 0.5)])
    run.add([Verdict("ua", "label", "paid", "ann", "1")])
    found = blind_accuracy(judged_suggestions(run))
    assert {m: (r["hits"], r["of"]) for m, r in found.items()} == {"classifier": (2, 4), "llm": (3, 5)}
    assert {n: (r["hits"], r["of"]) for n, r in found["llm"]["classes"].items()} == {"lost": (2, 4), "paid": (1, 1)}
    assert blind_sentences(found)[1].startswith(
        "Where people saw no suggestion, 'llm' was right on 3 of 5 texts (60% ["
    )


def test_a_round_says_how_many_suggestions_were_accepted(run: Store) -> None:
    (said,) = acceptance_sentence(1, acceptance(judged_suggestions(run)))
    assert said.startswith("Of 6 suggestions by 'classifier' shown in round 1, people accepted 5 (83% [")


def test_origins_are_held_against_the_labels(run: Store) -> None:
    assert odd_origins(run) == {"blind": 0, "accepted": 0}
    run.add([Verdict("u0", "label", "late", "ann", "2", origin="prediction")])
    run.add([Verdict("u1", "label", "lost", "ann", "2", origin="prediction-changed")])
    assert odd_origins(run) == {"blind": 0, "accepted": 0}
    assert acceptance(judged_suggestions(run))["classifier"]["origins"] == {"prediction": 1, "prediction-changed": 1}
    run.add([Verdict("u2", "label", "lost", "ann", "2", origin="prediction")])
    run.add([Verdict("u6", "label", "late", "ann", "2", origin="prediction")])
    run.add([Verdict("h", "label", "late", "ann", "2", origin="prediction-changed")])
    run.add([LabelTask("old", "old", "t", 0, "adopted", 0.5)])
    run.add([Verdict("old", "label", "late", "ann", "2", origin="prediction")])
    assert odd_origins(run) == {"blind": 2, "accepted": 1}
    assert [said.split()[0] for said in odd_sentences(odd_origins(run))] == ["2", "1"]


def test_a_blind_task_with_somebody_elses_suggestion_was_not_blind(run: Store) -> None:
    run.add([Verdict("u6", "label", "late", "ann", "2", origin="prediction")])
    found = anchoring(judged_suggestions(run))["classifier"]
    assert (found["blind"]["hits"], found["blind"]["of"]) == (1, 3)


def test_machines_are_compared_by_blind_verdicts_where_there_are_enough(run: Store) -> None:
    assert unswayed(run).keys() == {f"e{n}" for n in range(11)}
    for n in range(20, 26):
        run.add([LabelTask(f"u{n}", f"e{n}", "t", 2, "query", 0.5, suggester="classifier")])
        run.add([Verdict(f"u{n}", "label", "late", "ann", "1")])
    assert unswayed(run).keys() == {f"e{n}" for n in (*range(6, 11), *range(20, 26))}
    run.add([Verdict("u25", "label", "late", "ann", "2", origin="prediction")])
    assert "e25" not in unswayed(run)
