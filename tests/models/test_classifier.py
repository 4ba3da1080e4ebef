"""The classifier in its three ways of training: fit, calibrate, save, load."""

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import TableEncoder
from sklearn.base import clone

from models.classifier import TextClassifier
from models.encoder import CharNgramEncoder, Encoder, SentenceEncoder
from models.errors import DataError, WeightsError

TEXTS = [f"{what} {when}" for what in ("parcel late", "card declined") for when in ("today", "again", "now", "since")]
LABELS = ["late"] * 4 + ["declined"] * 4
POINTS = TableEncoder({"west": [-1, 0], "north west": [-1, 0.3], "east": [1, 0], "north east": [1, 0.3]})
WAYS = ("frozen", "contrastive", "full")


@pytest.fixture(scope="module", params=WAYS)
def fitted(request: pytest.FixtureRequest, tiny_encoder: SentenceEncoder) -> TextClassifier:
    return TextClassifier(tiny_encoder, request.param).fit(TEXTS, LABELS)


def test_probabilities_sum_to_one_over_the_classes(fitted: TextClassifier) -> None:
    assert fitted.classes_.tolist() == ["declined", "late"]
    probabilities = fitted.predict_proba(TEXTS)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(TEXTS)).all()


def test_a_loaded_model_predicts_alike(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = TextClassifier.load(tmp_path / "model")
    texts = [*TEXTS, "something new", "", "한글"]
    assert loaded.classes_.tolist() == fitted.classes_.tolist()
    assert np.allclose(loaded.predict_proba(texts), fitted.predict_proba(texts), atol=1e-5)


def test_a_saved_model_is_safetensors_and_text(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    kinds = {file.suffix for file in (tmp_path / "model").rglob("*") if file.is_file()}
    assert kinds <= {".safetensors", ".json", ".txt", ".md"}
    for file in (tmp_path / "model").rglob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))


def test_saving_replaces_what_was_there(tmp_path: Path) -> None:
    ngrams = CharNgramEncoder.learn(TEXTS)
    TextClassifier(ngrams, "frozen").fit(TEXTS, ["old"] * 4 + ["older"] * 4).save(tmp_path / "model")
    (tmp_path / "model" / "leftover").write_text("x")
    TextClassifier(ngrams, "frozen").fit(TEXTS, LABELS).save(tmp_path / "model")
    assert TextClassifier.load(tmp_path / "model").predict(TEXTS).tolist() == LABELS
    assert not (tmp_path / "model" / "leftover").exists()


def test_a_model_that_was_not_written_to_its_end_is_refused(tmp_path: Path) -> None:
    TextClassifier(CharNgramEncoder.learn(TEXTS), "frozen").fit(TEXTS, LABELS).save(tmp_path)
    (tmp_path / "model.json").unlink()
    with pytest.raises(WeightsError, match="not a labelloop model"):
        TextClassifier.load(tmp_path)


def test_a_model_of_another_format_is_refused(tmp_path: Path) -> None:
    TextClassifier(CharNgramEncoder.learn(TEXTS), "frozen").fit(TEXTS, LABELS).save(tmp_path)
    facts = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(facts | {"format": 99}))
    with pytest.raises(WeightsError, match="format 99"):
        TextClassifier.load(tmp_path)


@pytest.mark.parametrize("training", WAYS)
def test_one_class_is_always_answered(training: str, tiny_encoder: SentenceEncoder, tmp_path: Path) -> None:
    classifier = TextClassifier(tiny_encoder, training).fit(TEXTS[:3], ["late"] * 3)
    classifier.save(tmp_path / "model")
    for model in (classifier, TextClassifier.load(tmp_path / "model")):
        assert model.predict(["anything"]).tolist() == ["late"]
        assert model.predict_proba(["anything", "else"]).tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("training", WAYS)
def test_an_encoder_without_trainable_weights_gets_a_head(training: str, tmp_path: Path) -> None:
    texts = [
        "배송이 늦어요",
        "배송 언제 와요",
        "배송이 안 와요",
        "결제가 안 돼요",
        "결제 오류가 나요",
        "결제를 못 해요",
    ]
    labels = ["배송지연"] * 3 + ["결제실패"] * 3
    classifier = TextClassifier(CharNgramEncoder.learn(texts), training).fit(texts, labels)
    classifier.save(tmp_path / "model")
    loaded = TextClassifier.load(tmp_path / "model")
    assert classifier.predict(texts).tolist() == loaded.predict(texts).tolist() == labels
    assert loaded.predict(["배송 문의예요"]).tolist() == ["배송지연"]


def test_nothing_to_learn_from_is_told() -> None:
    with pytest.raises(DataError, match="no labelled text"):
        TextClassifier(POINTS, "frozen").fit([], [])
    with pytest.raises(DataError, match="no labelled text"):
        TextClassifier(POINTS, "frozen").fit(["west"], ["w"], np.zeros(1))


def test_texts_of_no_weight_are_not_learned_from() -> None:
    texts, labels = ["west", "east", "north east"], ["w", "e", "wrong"]
    classifier = TextClassifier(POINTS, "frozen").fit(texts, labels, np.array([1.0, 1.0, 0.0]))
    assert classifier.classes_.tolist() == ["e", "w"]


def test_weights_decide_between_labels_that_disagree() -> None:
    texts, labels = ["west", "west", "east"], ["w", "e", "e"]
    left = TextClassifier(POINTS, "frozen").fit(texts, labels, np.array([1.0, 0.03, 1.0]))
    right = TextClassifier(POINTS, "frozen").fit(texts, labels, np.array([0.03, 1.0, 1.0]))
    assert (left.predict(["west"]).item(), right.predict(["west"]).item()) == ("w", "e")


def test_it_is_a_scikit_learn_classifier() -> None:
    copy = clone(TextClassifier(POINTS, "full", seed=7))
    assert (copy.training, copy.seed) == ("full", 7)
    assert copy.fit(["west", "east"], ["w", "e"]).score(["north west", "north east"], ["w", "e"]) == 1


def test_the_head_answers_for_the_embeddings(fitted: TextClassifier) -> None:
    assert np.allclose(fitted.head.predict_proba(fitted.encode(TEXTS)), fitted.predict_proba(TEXTS))


def test_the_packaged_encoder_learns_from_a_few_labels(encoder: Encoder) -> None:
    classifier = TextClassifier(encoder, "frozen").fit(TEXTS, LABELS)
    texts = ["my delivery has not arrived yet", "the bank refused the payment"]
    assert classifier.predict(texts).tolist() == ["late", "declined"]


def test_labels_held_out_calibrate_a_trained_encoder(tiny_encoder: SentenceEncoder) -> None:
    texts = [f"note {n} {n * n} {n % 7}" for n in range(48)]
    labels = np.random.default_rng(0).choice(["a", "b"], 48).tolist()
    classifier = TextClassifier(tiny_encoder, "contrastive").fit(texts, labels)
    # The labels are noise: what the encoder learned by heart must not be taken for certainty.
    new = classifier.predict_proba([f"note {n} {n * n} {n % 7}" for n in range(100, 160)])
    assert new.max(axis=1).mean() < 0.75
