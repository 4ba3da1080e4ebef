"""An LLM behind scikit-learn's face: alone, with examples, and in a committee."""

import numpy as np
import pytest
from fakes import TASK, WordEncoder
from sklearn.base import clone

from connectors.openai_llm import OpenAILLM
from models.chat import ChatRequest
from models.classifier import TextClassifier
from models.errors import DataError
from models.llm import ScriptedLLM
from models.llm_classifier import LLMClassifier, nearest_examples
from models.local_llm import LocalLLM
from models.packaged import llm_file
from models.records import ClassDefinition, TaskDescription, TrainingExample

TEXTS = ["my parcel is slow", "my parcel vanished", "my money left"] * 8
LABELS = ["late", "lost", "paid"] * 8
WORDS = {"slow": "late", "vanished": "lost", "money": "paid"}


def favouring_paid(request: ChatRequest) -> list[float]:
    """Answers "paid" to everything, and says a little more of the class that a word in the text stands for."""
    text = request.messages[0].content.split("-----")[1]
    meant = {WORDS[word] for word in WORDS if word in text}
    return [(50.0 if c == "paid" else 1.0) * (3.0 if c in meant else 1.0) for c in request.choices]


def test_it_is_told_of_no_label_and_hears_what_the_llm_leans_to() -> None:
    classifier = LLMClassifier(ScriptedLLM(favouring_paid), TASK).fit(TEXTS)
    assert classifier.classes_.tolist() == ["late", "lost", "paid"]
    assert classifier.predict(TEXTS).tolist() == LABELS
    assert np.allclose(classifier.predict_proba(TEXTS).sum(axis=1), 1)
    assert classifier.score(TEXTS, LABELS) == 1


def test_labels_make_it_as_sure_as_it_is_right() -> None:
    llm = ScriptedLLM(favouring_paid)
    plain, told = LLMClassifier(llm, TASK).fit(TEXTS), LLMClassifier(llm, TASK).fit(TEXTS, LABELS)
    assert told.predict_proba(TEXTS).max(axis=1).min() > plain.predict_proba(TEXTS).max(axis=1).max()


def test_columns_follow_classes_whatever_the_order_of_the_task() -> None:
    shuffled = TaskDescription(TASK.sentence, TASK.classes[::-1])
    assert LLMClassifier(ScriptedLLM(favouring_paid), shuffled).fit(TEXTS).predict(TEXTS).tolist() == LABELS


def test_what_the_loop_has_asked_is_the_same_request() -> None:
    asked: list[ChatRequest] = []

    def answer(request: ChatRequest) -> list[float]:
        asked.append(request)
        return favouring_paid(request)

    shuffled = TaskDescription(TASK.sentence, TASK.classes[::-1])
    LLMClassifier(ScriptedLLM(answer), shuffled).fit(TEXTS)
    assert {request.choices for request in asked} == {shuffled.class_names}


def test_examples_stand_in_the_prompt_the_nearest_last_and_never_the_text_itself() -> None:
    asked: list[str] = []

    def answer(request: ChatRequest) -> list[float]:
        asked.append(request.messages[0].content)
        return favouring_paid(request)

    classifier = LLMClassifier(ScriptedLLM(answer), TASK, WordEncoder(), examples=2)
    classifier.fit(["my parcel is slow", "my parcel is late again", "where is it"], ["late", "late", "lost"])
    assert '"my parcel is slow" → late' not in asked[0]
    asked.clear()
    classifier.predict(["my parcel is slow today"])
    assert asked[0].index("late again") < asked[0].index("is slow")
    assert "where is it" not in asked[0]


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(DataError, match="'never' is not of the task; it has: late, lost, paid"):
        LLMClassifier(ScriptedLLM(favouring_paid), TASK).fit(["a", "b"], ["late", "never"])
    with pytest.raises(DataError, match="needs an encoder"):
        LLMClassifier(ScriptedLLM(favouring_paid), TASK, examples=3).fit(TEXTS, LABELS)


def test_nearest_examples_of_nothing_are_none() -> None:
    known = [TrainingExample("1", "a", "late", "human")]
    assert nearest_examples([], known, WordEncoder().encode, 2) == []
    assert nearest_examples(["x"], [], WordEncoder().encode, 2) == [[]]
    assert nearest_examples(["x"], known, WordEncoder().encode, 0) == [[]]


def test_in_a_committee_with_the_classifier_their_disagreement_is_asked_first() -> None:
    from modAL.disagreement import max_disagreement_sampling
    from modAL.models import ActiveLearner, Committee

    classifier = TextClassifier(WordEncoder(), "frozen").fit(TEXTS, LABELS)
    member = clone(LLMClassifier(ScriptedLLM(favouring_paid), TASK)).fit(TEXTS, LABELS)
    committee = Committee([ActiveLearner(estimator=classifier), ActiveLearner(estimator=member)])
    # The classifier goes by "parcel is", the LLM by "money".
    pool = np.array(["my parcel is slow", "my parcel vanished", "slow parcel is money", "my money left"])
    indices, _ = max_disagreement_sampling(committee, pool, n_instances=1)
    assert indices.tolist() == [2]


def test_scikit_learn_clones_it_without_the_connection_to_its_server() -> None:
    llm = OpenAILLM("http://127.0.0.1:9/v1", "m")
    copy = clone(LLMClassifier(llm, TASK, WordEncoder(), examples=2))
    assert copy.llm is llm
    assert copy.get_params()["examples"] == 2


@pytest.mark.slow
def test_the_packaged_llm_tells_more_than_its_favourite_class() -> None:
    classes = (ClassDefinition("sports"), ClassDefinition("weather"))
    task = TaskDescription("What is this sentence about?", classes)
    sports = ["The team won the final", "He scored two goals", "She ran the marathon", "The match ended in a draw"]
    weather = ["It will rain all day", "A cold wind blows", "Snow fell in the night", "The sun will shine tomorrow"]
    texts = [f"{text}{end}" for text in sports + weather for end in (".", "!", " again.")]
    truth = ["sports"] * 12 + ["weather"] * 12
    classifier = LLMClassifier(LocalLLM(llm_file()), task).fit(texts)
    assert classifier.score(texts, truth) >= 0.75


def test_texts_may_be_an_array() -> None:
    texts, labels = np.array(TEXTS), np.array(LABELS)
    classifier = LLMClassifier(ScriptedLLM(favouring_paid), TASK, WordEncoder(), examples=1).fit(texts, labels)
    assert classifier.predict(texts[:3]).tolist() == LABELS[:3]
