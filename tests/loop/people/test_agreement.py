"""How far people agree, and who gives the consensus."""

import pytest

from loop.people.agreement import accuracy, agreement, people_facts, people_sentence
from loop.people.consensus import Answer
from loop.store import Store
from models.records import LabelTask, Verdict


def votes(*rows: dict[str, str]) -> dict[str, dict[str, Answer]]:
    return {str(n): {who: ("label", label) for who, label in row.items()} for n, row in enumerate(rows)}


def test_alpha_is_krippendorffs() -> None:
    """1 less the observed over the expected disagreement, of 20 values in 10 pairs, 4 of which disagree."""
    first, second = "aabbddceeb", "babbbccecb"
    assert sum(a != b for a, b in zip(first, second, strict=True)) == 4
    squares = sum((first + second).count(c) ** 2 for c in "abcde")
    found = agreement(votes(*({"x": a, "y": b} for a, b in zip(first, second, strict=True))))
    assert found["alpha"] == pytest.approx(1 - (20 - 1) * 8 / (20 * 20 - squares))


def test_full_agreement_is_one_and_one_answer_only_says_nothing() -> None:
    assert agreement(votes({"x": "a", "y": "a"}, {"x": "b", "y": "b"}))["alpha"] == pytest.approx(1)
    assert agreement(votes({"x": "a", "y": "a"}))["alpha"] is None
    assert agreement(votes({"x": "a", "y": "a"}))["pairs"][0]["kappa"] is None


def test_kappa_is_of_each_pair_on_what_both_answered() -> None:
    pairs = agreement(votes({"x": "a", "y": "a"}, {"x": "b", "y": "b"}, {"x": "a", "z": "b"}))["pairs"]
    assert [(p["annotators"], p["tasks"]) for p in pairs] == [(["x", "y"], 2), (["x", "z"], 1)]
    assert pairs[0]["kappa"] == pytest.approx(1)


def test_pairs_go_by_the_number_of_the_annotator() -> None:
    said = votes({f"annotator {n}": "a" for n in (10, 9, 1)})
    assert [p["annotators"][1] for p in agreement(said)["pairs"]] == ["annotator 9", "annotator 10", "annotator 10"]


def test_of_no_class_and_unusable_are_counted_apart() -> None:
    answers: list[Answer] = [("label", ""), ("reject", None)]
    right = {f"{n} {kind}": answer for n in range(20) for kind, answer in zip("ab", answers, strict=True)}
    said = {uid: {"x": answers[0]} for uid in right}
    found = accuracy("x", said, right)["classes"]
    assert {name: (one["hits"], one["of"]) for name, one in found.items()} == {"": (20, 20), "✗": (0, 20)}


@pytest.fixture
def run(store: Store) -> Store:
    """ann and ben judged four texts in round 1 and one in round 2, cat three of the first; ann alone a sixth."""
    store.add([LabelTask(f"u{n}", f"e{n}", "t", 1 if n < 4 else 2, "query", 0.5, people=2) for n in range(6)])
    answers = {"ann@x": "ababaa", "ben@x": "abaab", "cat@x": "aba"}
    for who, labels in answers.items():
        store.add([Verdict(f"u{n}", "label", label, who, f"{who}{n}") for n, label in enumerate(labels)])
    return store


def test_people_are_judged_by_the_consensus_with_counts_and_intervals(run: Store) -> None:
    facts = people_facts(run, names=False)
    assert facts is not None
    assert facts["tasks"] == 5
    assert [r["round"] for r in facts["rounds"]] == [1, 2]
    assert [r["tasks"] for r in facts["rounds"]] == [4, 1]
    cat = facts["people"][2]
    assert (cat["annotator"], cat["hits"], cat["of"]) == ("annotator 3", 3, 3)
    assert 0.4 < cat["low"] < 0.5
    assert cat["classes"] == {}


def test_who_is_accurate_on_what_is_told_where_there_is_enough() -> None:
    said = votes(*[{"x": "a", "y": "a"}] * 4, {"x": "b", "y": "a"}, *[{"x": "b", "y": "b"}] * 3)
    right = dict.fromkeys(said, ("label", "a")) | dict.fromkeys("567", ("label", "b"))
    found = accuracy("x", said, right)
    assert (found["hits"], found["of"]) == (7, 8)
    assert {name: (c["hits"], c["of"]) for name, c in found["classes"].items()} == {"a": (4, 5)}


def test_names_are_given_only_where_asked_for(run: Store) -> None:
    hidden, named = people_facts(run, names=False), people_facts(run, names=True)
    assert hidden is not None
    assert named is not None
    assert "@" not in repr(hidden) + people_sentence(hidden)
    assert "ann@x 5/5" in people_sentence(named) or "ann@x 4/5" in people_sentence(named)
    assert "5 texts" in people_sentence(hidden)


def test_one_annotator_gives_nothing_to_compare(store: Store) -> None:
    assert people_facts(store, names=True) is None
    store.add([LabelTask("u", "e", "t", 1, "query", 0.5), Verdict("u", "label", "a", "ann", "1")])
    store.add([Verdict("u", "label", "b", "ann", "2")])
    assert people_facts(store, names=True) is None
