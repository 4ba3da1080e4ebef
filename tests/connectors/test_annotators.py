"""The simulated annotator: right as often as it should be, and always the same."""

import pytest

from connectors.annotators import InstantAnnotators, SimulatedAnnotator
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
