"""What counts as a label, from whom, and what a round learns from."""

import pytest

from loop.labelled import (
    answered_again,
    holdout_examples,
    human_examples,
    human_label_count,
    kept_candidates,
    machine_examples,
    rechecked,
    training_set,
    unasked_texts,
    unjudged_pool,
    verdicts_by_example,
    verified_candidates,
)
from loop.store import Store
from models.measures import SourceTrust
from models.records import (
    Candidate,
    Example,
    LabelTask,
    Outcome,
    Queried,
    Rejection,
    Suggestion,
    TaskKind,
    TrainingExample,
    Verdict,
)


def ids(examples: list[TrainingExample]) -> list[str]:
    return [e.id for e in examples]


def task(example: str, kind: TaskKind = "query") -> LabelTask:
    return LabelTask(f"uid-{example}", example, f"text {example}", 1, kind, 0.5)


def said(example: str, label: str | None, outcome: Outcome = "label", revision: str = "1") -> Verdict:
    return Verdict(f"uid-{example}", outcome, label, "ann", revision)


@pytest.fixture
def run(store: Store) -> Store:
    """Two rounds in: h held out, s from the seed file, p… the pool, c… written by the LLM."""
    store.add(
        [
            Example("hold", "given holdout", "holdout", "late"),
            Example("seed", "given seed", "seed", "lost"),
            *[Example(f"p{n}", f"text p{n}", "pool") for n in range(8)],
            *[Candidate(f"c{n}", f"text c{n}", 1, 0, "late", f"key{n}", "m", ("seed",)) for n in range(4)],
            Rejection(1, "llm-text", Candidate("c3", "", 1, 0, "", "key3", "m", ()).key, "duplicate"),
        ]
    )
    store.add([task("p0", "holdout"), task("p1", "start"), task("p2"), task("p3"), task("c0", "candidate")])
    store.add([said("p0", "late"), said("p1", "lost"), said("p2", "late"), said("c0", "lost")])
    llm = ["p4", "p5", "p6"]
    store.add([Queried(1, n, "llm", 0.5) for n in llm])
    store.add([Suggestion(n, 1, "m", "lost", 0.9) for n in [*llm, "p2"]])
    store.add([Suggestion("p4", 1, "classifier", "late", 0.9), Rejection(1, "llm-label", "p6", "unlikely")])
    return store


def test_human_labels_are_the_seeds_then_the_judged(run: Store) -> None:
    found = human_examples(run)
    assert [(e.id, e.label, e.source) for e in found] == [
        ("seed", "lost", "human"),
        ("p1", "lost", "human"),
        ("p2", "late", "human"),
    ]


def test_the_holdout_only_measures(run: Store) -> None:
    assert ids(holdout_examples(run)) == ["hold", "p0"]
    run.add([SourceTrust(2, "llm-label", 1, 0, 0, 0, 1), SourceTrust(2, "llm-text", 1, 0, 0, 0, 1)])
    learned = training_set(run, 2)
    assert not {"hold", "p0"} & set(ids(learned))


def test_a_written_text_that_a_human_labelled_has_the_humans_label(run: Store) -> None:
    (candidate,) = verified_candidates(run)
    assert (candidate.id, candidate.label, candidate.source) == ("c0", "lost", "human")
    assert "c0" not in ids(machine_examples(run))


def test_machine_examples_are_what_was_kept_and_no_human_judged(run: Store) -> None:
    found = {e.id: e for e in machine_examples(run)}
    assert set(found) == {"c1", "c2", "p4", "p5"}
    assert (found["c1"].label, found["c1"].source, found["c1"].parents) == ("late", "llm-text", ("seed",))
    assert (found["p4"].label, found["p4"].source, found["p4"].text) == ("lost", "llm-label", "text p4")


def test_an_llm_label_ends_where_a_human_speaks(run: Store) -> None:
    run.add([task("p4"), said("p4", "late")])
    assert "p4" not in ids(machine_examples(run))
    assert ("p4", "late") in [(e.id, e.label) for e in human_examples(run)]


@pytest.mark.parametrize("outcome", ["skip", "reject"])
def test_a_written_text_that_a_human_turned_down_is_gone(run: Store, outcome: Outcome) -> None:
    run.add([task("c1", "candidate"), said("c1", None, outcome)])
    assert "c1" not in ids(machine_examples(run)) + ids(verified_candidates(run))


def test_the_last_word_counts(run: Store) -> None:
    run.add([said("p2", "lost", revision="2")])
    assert verdicts_by_example(run)["p2"].label == "lost"
    assert [e.label for e in human_examples(run) if e.id == "p2"] == ["lost"]
    run.add([said("p2", None, "skip", revision="3")])
    assert "p2" not in ids(human_examples(run))


def test_every_task_judged_is_paid_for_once_also_a_skipped_one(run: Store) -> None:
    before = human_label_count(run)
    run.add([said("p3", None, "skip")])
    assert human_label_count(run) == before + 1
    run.add([said("p3", "late", revision="2")])
    assert human_label_count(run) == before + 1


def test_rejected_texts_are_not_kept(run: Store) -> None:
    assert [c.id for c in kept_candidates(run)] == ["c0", "c1", "c2"]
    assert kept_candidates(run, round=2) == []


def test_a_round_learns_by_its_own_trust(run: Store) -> None:
    run.add([SourceTrust(2, "llm-label", 0.3, 0, 0, 0, 1), SourceTrust(2, "llm-text", 0, 0, 0, 0, 1)])
    run.add([SourceTrust(3, "llm-label", 0, 0, 0, 0, 1), SourceTrust(3, "llm-text", 1, 0, 0, 0, 1)])
    humans = {"seed": 1.0, "p1": 1.0, "p2": 1.0, "c0": 1.0}
    # Of either source one example was judged, and not right: the mean is 1/3, and five verdicts' worth of it stand by.
    chance = (5 / 3) / 6
    assert {e.id: e.weight for e in training_set(run, 1)} == humans
    labelled = dict.fromkeys(("p4", "p5"), 0.3 * chance)
    assert {e.id: e.weight for e in training_set(run, 2)} == pytest.approx(humans | labelled)
    assert {e.id: e.weight for e in training_set(run, 3)} == pytest.approx(humans | {"c1": chance, "c2": chance})


def test_what_a_human_was_asked_is_not_in_the_pool_any_more(run: Store) -> None:
    assert [e.id for e in unjudged_pool(run)] == ["p4", "p5", "p6", "p7"]


def test_an_empty_store_knows_nothing(store: Store) -> None:
    assert human_examples(store) == holdout_examples(store) == machine_examples(store) == training_set(store, 1) == []
    assert human_label_count(store) == 0


def test_a_second_answer_replaces_the_first_and_is_paid_for(run: Store) -> None:
    paid, labels = human_label_count(run), {e.id: e.label for e in human_examples(run)}
    run.add([LabelTask(f"again-{n}", n, f"text {n}", 2, "recheck", 1.0, reason="why") for n in ("p1", "p2", "seed")])
    said_again = {"p1": "lost", "p2": "lost", "seed": "late"}
    run.add([Verdict(f"again-{n}", "label", label, "ann", "1") for n, label in said_again.items()])
    assert {e.id: e.label for e in human_examples(run)} == labels | said_again
    assert human_label_count(run) == paid + 3
    assert rechecked(run) == {"p1": False, "p2": True, "seed": True}
    assert answered_again(run) == {"p1", "p2", "seed"}


def test_a_second_question_that_is_skipped_changes_nothing(run: Store) -> None:
    labels = {e.id: e.label for e in human_examples(run)}
    run.add([LabelTask("again-p2", "p2", "text p2", 2, "recheck", 1.0)])
    run.add([Verdict("again-p2", "skip", None, "ann", "1")])
    assert {e.id: e.label for e in human_examples(run)} == labels
    assert rechecked(run) == {"p2": False}
    assert answered_again(run) == set()
    assert verdicts_by_example(run)["p2"].label == labels["p2"]


def test_a_label_may_be_withdrawn_while_a_second_question_is_open(run: Store) -> None:
    (task,) = [t for t in run.all(LabelTask) if t.example == "p2"]
    run.add([LabelTask("again-p2", "p2", "text p2", 2, "recheck", 1.0)])
    run.add([Verdict(task.uid, "withdrawn", None, "ann", "2")])
    assert rechecked(run) == {"p2": False}
    run.add([Verdict("again-p2", "label", "late", "ann", "1")])
    assert rechecked(run) == {"p2": True}


def test_nothing_that_was_asked_before_is_learned_from_unlabelled(run: Store) -> None:
    run.add([Example("aside", "text aside", "aside")])
    assert unasked_texts(run, 2) == [f"text p{n}" for n in range(4, 8)]
    assert unasked_texts(run, 1) == [f"text p{n}" for n in range(8)]
