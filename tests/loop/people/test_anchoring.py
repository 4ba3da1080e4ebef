"""What annotators make of suggestions, shown and kept from them."""

import pytest

from loop.evaluate import rate
from loop.people.anchoring import acceptance, anchoring, anchoring_sentences, difference, judged_suggestions
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
