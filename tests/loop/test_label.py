"""Labels proposed by machines, and whose are shown."""

import pytest
from fakes import TASK, TableEncoder

from loop.label import CLASSIFIER, ask, best_suggester, label, label_by_classifier, suggest
from models.chat import ChatRequest
from models.classifier import TextClassifier
from models.llm import ScriptedLLM
from models.records import Suggestion, TrainingExample, Verdict


def answer(request: ChatRequest) -> tuple[float, ...]:
    return (1, 8, 1) if "a lost parcel" in request.messages[-1].content else (6, 2, 2)


def test_the_llms_best_class_and_its_probability() -> None:
    suggestions = label(ScriptedLLM(answer), TASK, [("1", "a lost parcel"), ("2", "a late parcel")], 3)
    assert suggestions == [
        Suggestion("1", 3, "scripted", "lost", pytest.approx(0.8), (0.1, 0.8, 0.1)),
        Suggestion("2", 3, "scripted", "late", pytest.approx(0.6), (0.6, 0.2, 0.2)),
    ]


def leaning(request: ChatRequest) -> list[float]:
    """Answers "paid" to everything, and leans to "lost" a little where it reads of it."""
    return [1.0, 3.0 if "a lost parcel" in request.messages[-1].content else 1.0, 50.0]


MANY = [(str(n), f"a {'lost' if n % 2 else 'late'} parcel, {n}") for n in range(24)]


def test_what_an_llm_answers_to_everything_is_not_its_answer() -> None:
    suggestions = label(ScriptedLLM(leaning), TASK, MANY, 1)
    assert {s.label for s in suggestions if int(s.example) % 2} == {"lost"}
    assert "lost" not in {s.label for s in suggestions if int(s.example) % 2 == 0}
    assert {s.shares.index(max(s.shares)) for s in suggestions} == {2}


def test_what_it_said_before_counts_and_another_models_words_do_not() -> None:
    earlier = label(ScriptedLLM(leaning), TASK, MANY, 1)
    alone = ("new", "a lost parcel")
    (heard,) = label(ScriptedLLM(leaning), TASK, [alone], 2, earlier=earlier)
    (fresh,) = label(ScriptedLLM(leaning, "another"), TASK, [alone], 2, earlier=earlier)
    assert (heard.label, fresh.label) == ("lost", "paid")


def test_verdicts_that_speak_against_it_make_it_less_sure() -> None:
    earlier = label(ScriptedLLM(leaning), TASK, MANY, 1)
    names = {s.example: s.label for s in earlier}
    wrong = {example: ("late" if name == "lost" else "lost") for example, name in names.items()}
    now = [("new", "a lost parcel")]
    (praised,) = label(ScriptedLLM(leaning), TASK, now, 2, truth=names, earlier=earlier)
    (blamed,) = label(ScriptedLLM(leaning), TASK, now, 2, truth=wrong, earlier=earlier)
    assert praised.confidence > blamed.confidence


def test_labels_that_are_there_already_say_how_sure_it_may_be_of_its_first_answers() -> None:
    right = {example: "lost" if int(example) % 2 else "late" for example, _ in MANY}
    wrong = {example: "late" if name == "lost" else "lost" for example, name in right.items()}
    new = ("new", "a lost parcel")
    praised, blamed = (label(ScriptedLLM(leaning), TASK, [*MANY, new], 0, truth=known)[-1] for known in (right, wrong))
    assert (praised.example, praised.label) == ("new", "lost")
    assert praised.confidence > 2 * blamed.confidence


def test_an_llm_that_says_the_same_of_all_texts_suggests_nothing() -> None:
    assert label(ScriptedLLM(lambda _: (1, 2, 7)), TASK, MANY, 1) == []


def test_the_examples_shown_stand_in_the_prompt_and_in_the_birth_certificate() -> None:
    asked: list[str] = []

    def remember(request: ChatRequest) -> tuple[float, ...]:
        asked.append(request.messages[-1].content)
        return answer(request)

    shown = [[TrainingExample("e", "box gone", "lost", "human")], []]
    said = ask([ScriptedLLM(remember)], TASK, [("1", "a"), ("2", "b")], shown=shown)
    first, second = suggest("scripted", TASK, said, 1)
    assert '"box gone" → lost' in asked[0]
    assert "box gone" not in asked[1]
    assert (first.parents, second.parents) == (("e",), ())


def test_an_llm_that_is_not_sure_enough_abstains() -> None:
    said = ask([ScriptedLLM(answer)], TASK, [("1", "a lost parcel"), ("2", "a late parcel")])
    assert [s.example for s in suggest("scripted", TASK, said, 1, abstain_below=0.7)] == ["1"]


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
