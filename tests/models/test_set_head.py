"""The head of multi-label tasks: what it learns, its thresholds, and how query strategies see it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.label_sets import indicator, join
from models.set_head import SetHead, fit_each, fit_sets, self_train_each

CLASSES = ["a", "b", "c"]


def mixed(size: int, share: float = 0.4, noise: float = 0.4, seed: int = 0) -> tuple[NDArray[np.float64], list[str]]:
    """Embeddings that sum a direction for each class they hold, `share` of the time each."""
    rng = np.random.default_rng(seed)
    held = rng.random((size, len(CLASSES))) < share
    vectors = held @ np.eye(len(CLASSES), 8) + rng.normal(scale=noise, size=(size, 8))
    return vectors, [join(np.array(CLASSES)[row]) for row in held]


def macro_f1(head: SetHead, vectors: NDArray[np.float64], labels: list[str]) -> float:
    said, true = indicator(head.predict(vectors).tolist(), CLASSES), indicator(labels, CLASSES)
    return float(np.mean(2 * (said & true).sum(axis=0) / (said.sum(axis=0) + true.sum(axis=0))))


def test_sets_are_learned_the_empty_one_too() -> None:
    head = fit_sets(*mixed(120, noise=0.1))
    vectors, labels = mixed(60, noise=0.1, seed=1)
    assert "" in labels
    assert (head.predict(vectors) == np.array(labels)).mean() > 0.95


def test_probabilities_are_calibrated_class_by_class() -> None:
    head = fit_sets(*mixed(400))
    vectors, labels = mixed(3000, seed=1)
    probabilities, held = head.predict_proba(vectors), indicator(labels, CLASSES)
    for low in (0.1, 0.3, 0.5, 0.7):
        inside = (probabilities >= low) & (probabilities < low + 0.2)
        assert held[inside].mean() == pytest.approx(probabilities[inside].mean(), abs=0.08)


def test_a_class_of_which_vectors_say_nothing_is_as_probable_as_it_is_common() -> None:
    labels = ["a"] * 2 + [""] * 38
    for seed in range(4):
        rng = np.random.default_rng(seed)
        head = fit_sets(rng.normal(size=(40, 8)), labels, seed=seed)
        assert head.predict_proba(rng.normal(size=(500, 8))).mean() == pytest.approx(0.06, abs=0.03)


def test_thresholds_serve_f1_where_classes_are_rare() -> None:
    head = fit_sets(*mixed(300, share=0.1))
    vectors, labels = mixed(2000, share=0.1, seed=1)
    halves = SetHead(head.classes_, head.coefficients, head.intercept, np.full(len(CLASSES), 0.5))
    assert (head.thresholds < 0.5).all()
    assert macro_f1(head, vectors, labels) > macro_f1(halves, vectors, labels)


@pytest.mark.parametrize("noise", [0.4, 0.8])
def test_as_many_texts_are_said_to_be_of_a_class_as_are(noise: float) -> None:
    head = fit_sets(*mixed(400, share=0.2, noise=noise))
    vectors, labels = mixed(3000, share=0.2, noise=noise, seed=1)
    said, true = indicator(head.predict(vectors).tolist(), CLASSES), indicator(labels, CLASSES)
    assert said.sum(axis=0) == pytest.approx(true.sum(axis=0), rel=0.25)


def test_a_class_of_every_text_and_texts_of_none_are_learned() -> None:
    vectors, labels = mixed(40, noise=0.1)
    everywhere = [join([*label.split(";"), "all"]) for label in labels]
    head = fit_sets(vectors, everywhere)
    assert (head.predict_proba(vectors)[:, head.classes_.tolist().index("all")] > 0.99).all()
    nothing = fit_sets(vectors, [""] * 40)
    assert nothing.predict(vectors).tolist() == [""] * 40
    assert (nothing.for_strategies().predict_proba(vectors) == 0.5).all()


def test_one_label_of_a_class_is_enough_to_fit() -> None:
    vectors, labels = mixed(20, share=0.0)
    head = fit_sets(vectors, ["a", *labels[1:]])
    assert head.classes_.tolist() == ["a"]
    assert np.isfinite(head.predict_proba(vectors)).all()


def test_strategies_see_the_class_nearest_its_threshold() -> None:
    head = SetHead(np.array(["a", "b"]), np.eye(2), np.zeros(2), np.array([0.5, 0.2]))
    at_b = np.log(0.2 / 0.8)
    seen = head.for_strategies().predict_proba(np.array([[5.0, at_b], [0.0, 9.0], [6.0, 9.0]]))
    assert seen[:2] == pytest.approx(np.full((2, 2), 0.5))
    assert seen[2, 0] > 0.99
    assert np.allclose(seen.sum(axis=1), 1)


def test_confidence_is_that_of_the_whole_set() -> None:
    head = SetHead(np.array(["a", "b"]), np.zeros((2, 1)), np.log([4.0, 0.25]), np.array([0.5, 0.1]))
    assert head.predict(np.zeros((1, 1))).tolist() == ["a;b"]
    assert head.confidence(np.zeros((1, 1))) == pytest.approx([0.8 * 0.2])


def test_being_right_goes_by_order_not_by_threshold() -> None:
    head = SetHead(np.array(CLASSES), np.zeros((3, 1)), np.array([3.0, 2.0, 1.0]), np.full(3, 0.99))
    right = head.right(np.zeros((3, 1)), np.array(["a;b", "c", ""]))
    assert right == pytest.approx([1, 1 / 3, 1])


def test_self_training_learns_from_texts_without_labels() -> None:
    vectors, labels = mixed(16, noise=0.7)
    unlabelled, _ = mixed(1000, noise=0.7, seed=1)
    test, truth = mixed(1000, noise=0.7, seed=2)
    weights, held = np.ones(16), np.array(truth)
    plain = fit_each(vectors, np.array(labels), weights, strength=1.0)
    trained = self_train_each(vectors, np.array(labels), weights, unlabelled, 3.0)
    assert trained.right(test, held).mean() > plain.right(test, held).mean()


def test_a_saved_head_answers_the_same(tmp_path: Path) -> None:
    vectors, labels = mixed(60)
    head = fit_sets(vectors, labels)
    head.save(tmp_path / "head.safetensors")
    again = SetHead.load(tmp_path / "head.safetensors", head.classes_.tolist())
    assert (again.predict_proba(vectors) == head.predict_proba(vectors)).all()
    assert again.predict(vectors).tolist() == head.predict(vectors).tolist()


def test_texts_of_no_class_at_all_can_be_learned_and_asked() -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 3))
    head = fit_sets(vectors, [""] * 6)
    assert head.predict(vectors).tolist() == [""] * 6
    assert head.right(vectors, np.array(["", "rare"] * 3)).tolist() == [1.0] * 6
