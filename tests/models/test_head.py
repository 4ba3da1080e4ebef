"""The linear head: what it learns, how sure it says it is, and its folds."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax

from models.calibration import ENOUGH, SELF_STRENGTHS, fit_head, fit_temperature, self_strength
from models.folds import fold_indices, out_of_fold_logits
from models.head import Head, fit_logistic, self_train


def blobs(per_class: int, classes: str, spread: float, seed: int = 0) -> tuple[NDArray[np.float64], list[str]]:
    rng = np.random.default_rng(seed)
    centres = np.eye(len(classes), 8) * 3
    rows = [centre + rng.normal(scale=spread, size=(per_class, 8)) for centre in centres]
    return np.concatenate(rows), [name for name in classes for _ in range(per_class)]


def log_loss(head: Head, vectors: NDArray[np.float64], labels: list[str]) -> float:
    columns = np.searchsorted(head.classes_, labels)
    return float(-np.log(head.predict_proba(vectors)[np.arange(len(labels)), columns]).mean())


def test_what_is_not_judged_teaches_and_does_not_measure() -> None:
    """Wrong examples beside right ones make the head unsure where they are judged, and only there."""
    vectors, labels = blobs(20, "ab", 0.5)
    wrong = ["b"] * 8 + ["a"] * 8
    both, names = np.vstack([vectors, vectors[:8], vectors[20:28]]), [*labels, *wrong]
    judged = np.arange(len(names)) < len(labels)
    weights = np.where(judged, 1.0, 0.1)
    trusting, doubting = fit_head(both, names, weights, judged=judged), fit_head(both, names, weights)
    assert trusting.confidence(vectors).mean() > doubting.confidence(vectors).mean()
    alone = judged & (np.arange(len(names)) == 0)
    assert set(fit_head(both, names, weights, judged=alone).classes_) == {"a", "b"}


@pytest.mark.parametrize("classes", ["ab", "abc"])
def test_separable_classes_are_learned(classes: str) -> None:
    head = fit_head(*blobs(10, classes, 0.3))
    vectors, labels = blobs(10, classes, 0.3, seed=1)
    assert head.predict(vectors).tolist() == labels


@pytest.mark.parametrize("classes", ["ab", "abcd"])
def test_probabilities_sum_to_one_and_agree_with_the_prediction(classes: str) -> None:
    vectors, labels = blobs(8, classes, 2.0)
    head = fit_head(vectors, labels)
    probabilities = head.predict_proba(vectors)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (head.classes_[probabilities.argmax(axis=1)] == head.predict(vectors)).all()


def test_classes_do_not_depend_on_the_order_of_labels() -> None:
    vectors, labels = blobs(6, "abc", 0.5)
    turned = fit_head(vectors[::-1], labels[::-1])
    assert turned.classes_.tolist() == ["a", "b", "c"]
    assert turned.predict(vectors).tolist() == labels


def test_one_class_is_always_answered() -> None:
    head = fit_head(np.random.default_rng(0).normal(size=(3, 4)), ["only"] * 3)
    assert head.predict(np.ones((2, 4))).tolist() == ["only", "only"]
    assert head.predict_proba(np.ones((2, 4))).tolist() == [[1.0], [1.0]]


def test_a_class_with_one_example_is_learned() -> None:
    vectors, labels = blobs(10, "ab", 0.2)
    head = fit_head(np.vstack([vectors, np.eye(1, 8, k=7) * 3]), [*labels, "rare"])
    assert head.predict(np.eye(1, 8, k=7) * 3).tolist() == ["rare"]


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"], ["a", "a", "b"]])
def test_the_fewest_labels_are_enough(labels: list[str]) -> None:
    vectors = np.eye(len(labels), 4)
    assert np.isfinite(fit_head(vectors, labels).predict_proba(vectors)).all()


def test_a_weight_outvotes() -> None:
    vectors = np.eye(3).repeat([20, 15, 15], axis=0)
    labels = ["a"] * 15 + ["b"] * 5 + ["b"] * 15 + ["a"] * 15
    weights = np.array([0.1] * 15 + [1.0] * 35)
    assert fit_head(vectors, labels).predict(vectors[:1]) == ["a"]
    assert fit_head(vectors, labels, weights).predict(vectors[:1]) == ["b"]


def test_a_class_with_few_labels_is_answered_as_readily() -> None:
    rng = np.random.default_rng(0)
    sides = np.repeat([[1.0, 0.0], [0.0, 1.0]], [95, 5], axis=0)
    head = fit_head(sides + rng.normal(scale=0.2, size=(100, 2)), ["many"] * 95 + ["few"] * 5)
    asked = rng.normal(scale=0.2, size=(200, 2)) + np.array([0.0, 1.0])
    assert (head.predict(asked) == "few").mean() > 0.9


def test_a_class_that_is_hardly_trusted_stays_light() -> None:
    vectors, labels = np.ones((11, 2)), ["a"] * 10 + ["b"]
    assert fit_logistic(vectors, np.array(labels), np.array([1.0] * 10 + [0.03])).predict(vectors[:1]) == ["a"]


def test_calibration_beats_the_overconfident_head_on_new_texts() -> None:
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(300, 30)), rng.choice(["a", "b"], 300).tolist()
    calibrated = fit_head(vectors[:60], labels[:60])
    raw = fit_logistic(vectors[:60], np.array(labels[:60]), np.ones(60), strength=100.0)
    assert log_loss(calibrated, vectors[60:], labels[60:]) < log_loss(raw, vectors[60:], labels[60:])
    # Nothing can be learned here, so a calibrated head is hardly surer than a coin.
    assert calibrated.predict_proba(vectors[60:]).max(axis=1).mean() < 0.7


def test_temperature_undoes_a_known_exaggeration() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(4000, 3))
    targets = np.array([rng.choice(3, p=p) for p in softmax(logits, axis=1)])
    assert fit_temperature(logits * 4, targets, np.ones(4000)) == pytest.approx(4, rel=0.1)


def test_temperature_of_a_perfect_handful_stays_modest() -> None:
    head = fit_head(np.eye(2).repeat(5, axis=0), ["a"] * 5 + ["b"] * 5)
    assert head.predict_proba(np.eye(2)).max() < 1 - 1e-9


def test_save_and_load_predict_alike(tmp_path: Path) -> None:
    vectors, labels = blobs(8, "abc", 1.0)
    head = fit_head(vectors, labels)
    head.save(tmp_path / "head.safetensors")
    loaded = Head.load(tmp_path / "head.safetensors", head.classes_.tolist(), head.temperature)
    assert np.allclose(loaded.predict_proba(vectors), head.predict_proba(vectors), atol=1e-5)


@pytest.mark.parametrize(
    ("classes", "labels", "noise", "wanted"),
    [
        (50, ENOUGH, 0.0, SELF_STRENGTHS[1]),
        (50, ENOUGH - 1, 0.0, SELF_STRENGTHS[0]),
        (2, ENOUGH, 0.3, SELF_STRENGTHS[0]),
    ],
)
def test_many_labels_say_how_strong_a_self_trained_head_is(
    classes: int, labels: int, noise: float, wanted: float
) -> None:
    rng = np.random.default_rng(0)
    true = np.arange(labels) % classes
    vectors = rng.normal(size=(classes, 100))[true] + rng.normal(scale=1.5, size=(labels, 100))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    said = np.where(rng.random(labels) < noise, rng.integers(0, classes, labels), true).astype(str)
    assert self_strength(vectors, said, np.ones(labels), fold_indices(said, 0)) == wanted


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=30), st.integers(0, 5))
def test_folds_test_each_example_once_and_never_train_on_it(labels: list[str], seed: int) -> None:
    folds = fold_indices(np.array(labels), seed)
    assert sorted(int(i) for _, test in folds for i in test) == list(range(len(labels)))
    assert all(not set(train.tolist()) & set(test.tolist()) for train, test in folds)


def test_folds_follow_the_seed() -> None:
    labels = np.array(list("ab" * 20))
    first, again, other = (fold_indices(labels, seed)[0][1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_out_of_fold_scores_come_from_a_head_that_has_not_seen_the_text() -> None:
    labels = np.array(["a"] * 10 + ["b"] * 10)
    # Each row is its own direction: a head knows nothing of a row it has not seen, and everything of one it has.
    vectors = np.eye(20)
    fit = partial(fit_logistic, strength=100.0)
    logits = out_of_fold_logits(fit, vectors, labels, np.ones(20), fold_indices(labels, 0))
    assert np.abs(logits[:, 0] - logits[:, 1]).max() < 0.5


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_any_labels_and_weights_give_finite_probabilities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 12))
    vectors = rng.normal(size=(n, 3))
    head = fit_head(vectors, rng.choice(list("abcd"), n).tolist(), rng.uniform(0.01, 1, n), seed=seed)
    probabilities = head.predict_proba(vectors)
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_unlabelled_texts_show_how_far_a_class_reaches() -> None:
    vectors, labels = blobs(1, "abc", 1.2)
    others, truth = blobs(100, "abc", 1.2, seed=1)
    alone = fit_head(vectors, labels).predict(others)
    taught = fit_head(vectors, labels, unlabelled=others, share=3.0).predict(others)
    assert (taught == truth).mean() > (alone == truth).mean() + 0.02


def test_own_answers_weigh_their_share_whatever_their_number() -> None:
    vectors, labels = blobs(5, "ab", 1.0)
    others, _ = blobs(40, "ab", 1.0, seed=1)
    known = vectors, np.array(labels), np.ones(10)
    once, twice = (self_train(*known, unlabelled, 2.0) for unlabelled in (others, np.vstack([others, others])))
    assert np.allclose(once.coefficients, twice.coefficients, atol=1e-2)
