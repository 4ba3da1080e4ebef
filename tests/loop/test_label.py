"""Labels proposed by machines, and whose are shown."""

import pytest
from fakes import TASK, TableEncoder

from loop.label import CLASSIFIER, best_suggester, label, label_by_classifier
from models.classifier import TextClassifier
from models.llm import ScriptedLLM
from models.records import ChatRequest, Suggestion, Verdict


def answer(request: ChatRequest) -> tuple[float, ...]:
    return (1, 8, 1) if "a lost parcel" in request.messages[-1].content else (6, 2, 2)


def test_the_llms_best_class_and_its_probability() -> None:
    suggestions = label(ScriptedLLM(answer), TASK, [("1", "a lost parcel"), ("2", "a late parcel")], 3)
    assert suggestions == [
        Suggestion("1", 3, "scripted", "lost", pytest.approx(0.8)),
        Suggestion("2", 3, "scripted", "late", pytest.approx(0.6)),
    ]


def test_nothing_to_label_asks_nothing() -> None:
    def never(request: ChatRequest) -> str:
        raise AssertionError(request)

    assert label(ScriptedLLM(never), TASK, [], 1) == []


def test_the_classifiers_own_label() -> None:
    encoder = TableEncoder({"east": [1, 0], "west": [-1, 0], "far east": [1, 0.1]})
    classifier = TextClassifier(encoder, "frozen").fit(["east", "west"] * 5, ["e", "w"] * 5)
    assert label_by_classifier(classifier, [], 1) == []
    (first, second) = label_by_classifier(classifier, [("1", "far east"), ("2", "west")], 4)
    assert (first.label, second.label) == ("e", "w")
    assert first.confidence == pytest.approx(classifier.predict_proba(["far east"]).max())
    assert (first.model, first.round) == (CLASSIFIER, 4)


def said(example: str, label_: str | None) -> Verdict:
    return Verdict(example, "label" if label_ else "skip", label_, "ann", "1")


def suggested(model: str, labels: dict[str, str]) -> list[Suggestion]:
    return [Suggestion(example, 1, model, name, 0.9) for example, name in labels.items()]


VERDICTS = {n: said(n, "late") for n in "123456"}


def test_the_machine_that_was_right_more_often_is_shown() -> None:
    right, wrong = dict.fromkeys("123456", "late"), dict.fromkeys("123456", "lost")
    assert best_suggester(suggested(CLASSIFIER, wrong) + suggested("llm", right), VERDICTS) == "llm"
    assert best_suggester(suggested(CLASSIFIER, right) + suggested("llm", wrong), VERDICTS) == CLASSIFIER


def test_a_draw_goes_to_the_classifier() -> None:
    right = dict.fromkeys("123456", "late")
    assert best_suggester(suggested("llm", right) + suggested(CLASSIFIER, right), VERDICTS) == CLASSIFIER
    assert best_suggester([], {}) == CLASSIFIER
    assert best_suggester(suggested("llm", right), {}) == CLASSIFIER


def test_one_lucky_answer_does_not_beat_a_record() -> None:
    record = suggested(CLASSIFIER, dict.fromkeys("12345", "late") | {"6": "lost"})
    assert best_suggester(record + suggested("llm", {"1": "late"}), VERDICTS) == CLASSIFIER


def test_skips_count_for_nobody() -> None:
    verdicts = {"1": said("1", "late"), **{n: said(n, None) for n in "23456"}}
    suggestions = suggested("llm", dict.fromkeys("123456", "late")) + suggested(CLASSIFIER, {"1": "lost"})
    assert best_suggester(suggestions, verdicts) == "llm"
