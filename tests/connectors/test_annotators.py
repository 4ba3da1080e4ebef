"""The simulated annotator: right as often as it should be, and always the same."""

from dataclasses import replace

import pytest

from connectors.annotators import InstantAnnotators, SimulatedAnnotator, simulated_crowd
from models.errors import AnnotatorError
from models.records import LabelTask, text_id

CLASSES = ["late", "lost", "paid"]
TASKS = [LabelTask(text_id(f"uid {n}"), f"e{n}", f"text {n}", 1, "query", 0.5) for n in range(600)]
TRUTH = {task.text: CLASSES[n % 3] for n, task in enumerate(TASKS)}
WRITTEN = LabelTask(text_id("w"), "w", "written", 1, "candidate", 1.0)


def answers(annotator: SimulatedAnnotator) -> list[str | None]:
    return [annotator.answer(task).label for task in TASKS]


def test_without_errors_it_knows_the_truth() -> None:
    assert answers(SimulatedAnnotator(TRUTH, CLASSES)) == list(TRUTH.values())


def test_it_errs_as_often_as_it_should_and_never_by_the_right_label() -> None:
    found = answers(SimulatedAnnotator(TRUTH, CLASSES, error_rate=0.3))
    wrong = [label for label, truth in zip(found, TRUTH.values(), strict=True) if label != truth]
    assert 0.24 < len(wrong) / len(TASKS) < 0.36
    assert set(wrong) == set(CLASSES)
    always = answers(SimulatedAnnotator(TRUTH, CLASSES, error_rate=1.0))
    assert all(label != truth for label, truth in zip(always, TRUTH.values(), strict=True))


def test_its_errors_follow_task_and_seed_and_not_the_order_of_asking() -> None:
    annotator = SimulatedAnnotator(TRUTH, CLASSES, error_rate=0.3, seed=1)
    backwards = [annotator.answer(task).label for task in reversed(TASKS)]
    assert backwards[::-1] == answers(annotator)
    assert answers(annotator) != answers(SimulatedAnnotator(TRUTH, CLASSES, error_rate=0.3, seed=2))


def test_a_verdict_names_its_task_and_its_annotator() -> None:
    verdict = SimulatedAnnotator(TRUTH, CLASSES, name="sim").answer(TASKS[4])
    assert (verdict.task, verdict.annotator, verdict.outcome) == (TASKS[4].uid, "sim", "label")


def test_a_written_text_is_judged_rejected_or_skipped() -> None:
    judged = SimulatedAnnotator(TRUTH, CLASSES, judge=lambda text: "paid" if text == "written" else None)
    assert (judged.answer(WRITTEN).outcome, judged.answer(WRITTEN).label) == ("label", "paid")
    strict = SimulatedAnnotator(TRUTH, CLASSES, judge=lambda _: None)
    assert (strict.answer(WRITTEN).outcome, strict.answer(WRITTEN).label) == ("reject", None)
    blind = SimulatedAnnotator(TRUTH, CLASSES)
    assert (blind.answer(WRITTEN).outcome, blind.answer(WRITTEN).label) == ("skip", None)


def test_a_known_text_is_not_put_to_the_judge() -> None:
    annotator = SimulatedAnnotator(TRUTH, CLASSES, judge=lambda _: None)
    assert annotator.answer(TASKS[0]).label == TRUTH[TASKS[0].text]


@pytest.mark.parametrize("n", [0, 5])
def test_instant_annotators_judge_what_they_are_asked_about(n: int) -> None:
    annotators = InstantAnnotators(SimulatedAnnotator(TRUTH, CLASSES))
    annotators.post(TASKS[:n])
    verdicts = annotators.collect(TASKS[:n])
    assert [v.task for v in verdicts] == [t.uid for t in TASKS[:n]]
    assert annotators.collect(TASKS[:n]) == verdicts


def test_a_task_for_several_goes_to_so_many_people_and_its_adjudication_to_others() -> None:
    crowd = InstantAnnotators(*simulated_crowd(TRUTH, CLASSES, [0.9, 0.8, 0.7]))
    shared = [replace(t, people=2) for t in TASKS[:50]]
    settling = [replace(t, uid=text_id(t.uid), kind="adjudication") for t in TASKS[:50]]
    for task, again in zip(shared, settling, strict=True):
        first, second = crowd.collect([task]), crowd.collect([again])
        assert len({v.annotator for v in first + second}) == 3
    assert {v.annotator for v in crowd.collect(TASKS)} == {"simulated 0", "simulated 1", "simulated 2"}


def test_a_crowds_people_err_on_their_own() -> None:
    people = simulated_crowd(TRUTH, CLASSES, [0.7, 0.7], seed=3)
    wrong = [[label != TRUTH[t.text] for label, t in zip(answers(p), TASKS, strict=True)] for p in people]
    assert 0.04 < sum(a and b for a, b in zip(*wrong, strict=True)) / len(TASKS) < 0.14


def test_more_people_than_there_are_is_refused() -> None:
    with pytest.raises(AnnotatorError, match="3 people and 1"):
        InstantAnnotators(SimulatedAnnotator(TRUTH, CLASSES)).post([replace(TASKS[0], people=3)])
