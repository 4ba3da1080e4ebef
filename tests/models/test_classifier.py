"""The classifier in its three ways of training: fit, calibrate, save, load."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import TableEncoder
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from models.char_ngrams import CharNgramEncoder
from models.classifier import TextClassifier
from models.encoder import Encoder, SentenceEncoder, open_encoder
from models.errors import DataError, WeightsError
from models.finetune import train_full

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


def test_a_loaded_model_says_which_encoder_it_is(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    facts = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    assert facts["encoder"] == fitted.trained_.name == TextClassifier.load(str(tmp_path / "model")).trained_.name


def test_an_encoder_that_is_open_is_not_read_again(tiny_encoder: SentenceEncoder, tmp_path: Path) -> None:
    TextClassifier(tiny_encoder, "frozen").fit(TEXTS, LABELS).save(tmp_path)
    shutil.rmtree(tmp_path / "encoder")
    assert TextClassifier.load(tmp_path, tiny_encoder).trained_ is tiny_encoder


def test_an_encoder_that_is_not_the_one_saved_is_refused(tmp_path: Path) -> None:
    TextClassifier(CharNgramEncoder.learn(TEXTS), "frozen").fit(TEXTS, LABELS).save(tmp_path)
    CharNgramEncoder.learn([text.upper() + "?" for text in TEXTS]).save(tmp_path / "encoder")
    with pytest.raises(WeightsError, match="other weights than those that were saved"):
        TextClassifier.load(tmp_path)


def test_a_head_that_is_broken_is_told(tmp_path: Path) -> None:
    TextClassifier(CharNgramEncoder.learn(TEXTS), "frozen").fit(TEXTS, LABELS).save(tmp_path)
    (tmp_path / "head.safetensors").write_bytes(b"rubbish")
    with pytest.raises(WeightsError, match="not a labelloop model"):
        TextClassifier.load(tmp_path)


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("way", ["code for a module", "code for a model", "a pickle", "a model from elsewhere"])
def test_a_model_from_a_stranger_runs_no_code(fitted: TextClassifier, tmp_path: Path, way: str) -> None:
    folder, mark = tmp_path / "model", tmp_path / "ran"
    fitted.save(folder)
    inside = folder / "encoder"
    code = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nclass Evil: pass\n"
    if way == "code for a module":
        (inside / "evil.py").write_text(code)
        (inside / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]))
    else:
        config = json.loads((inside / "config.json").read_text(encoding="utf-8"))
        names = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification")
        place = "stranger/repository--evil.Evil" if way == "a model from elsewhere" else "evil.Evil"
        (inside / "config.json").write_text(
            json.dumps(config | {"model_type": "evil", "auto_map": dict.fromkeys(names, place)})
        )
        if way == "code for a model":
            (inside / "evil.py").write_text(code)
    if way == "a pickle":
        (inside / "model.safetensors").unlink()
        (inside / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Trap(mark)}))
    says = None if way == "a model from elsewhere" else "could run code"
    with pytest.raises(WeightsError, match=says):
        TextClassifier.load(folder)
    assert not mark.exists()


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


def test_full_training_learns_a_rare_class_too() -> None:
    things, ends = ("parcel", "order", "delivery", "package", "letter", "box"), ("arrived", "come", "shipped", "left")
    late = [f"my {thing} has not {end} yet" for thing in things for end in ends]
    texts = [*late, "i was charged twice for it", "the payment was taken two times"]
    encoder = open_encoder("packaged", [])
    assert isinstance(encoder, SentenceEncoder)
    tuned = train_full(encoder.model, texts, ["late"] * len(late) + ["twice"] * 2, np.ones(len(texts)), 0, 0.2)
    others = ["why did you charge my card again", "my bank shows a double payment", "you took the money two times"]
    assert tuned.encode(others).argmax(axis=1).tolist() == [1, 1, 1]
    assert not tuned.encode(late).argmax(axis=1).any()


def test_weights_in_half_precision_are_tuned_in_single(tiny_weights: Path, tmp_path: Path) -> None:
    encoder = SentenceEncoder.open(str(tiny_weights))
    encoder.model.half().save(str(tmp_path))
    half = SentenceEncoder.open(str(tmp_path)).model
    assert {p.dtype for p in half.parameters()} == {torch.float16}
    tuned = train_full(half, ["west", "east"], ["w", "e"], np.ones(2), 0, 0.02)
    assert {p.dtype for p in tuned.model.parameters()} == {torch.float32}


def test_it_is_a_scikit_learn_classifier() -> None:
    copy = clone(TextClassifier(POINTS, "full", seed=7))
    assert (copy.training, copy.seed) == ("full", 7)
    assert copy.fit(["west", "east"], ["w", "e"]).score(["north west", "north east"], ["w", "e"]) == 1


def test_scikit_learn_works_with_it() -> None:
    texts, labels = ["west", "east", "north west", "north east"] * 3, ["w", "e"] * 6
    classifier = TextClassifier(POINTS, "frozen")
    with pytest.raises(NotFittedError):
        classifier.predict(texts)
    assert cross_val_score(classifier, texts, labels, cv=3).tolist() == [1, 1, 1]
    search = GridSearchCV(classifier, {"training": ["frozen", "contrastive"]}, cv=2).fit(texts, labels)
    assert search.predict(["east"]).tolist() == ["e"]


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
