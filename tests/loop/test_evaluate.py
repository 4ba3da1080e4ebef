"""Accuracy and macro-F1, and how sure one may be of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from loop.evaluate import evaluate, gain, prediction_powered
from models.errors import DataError
from models.measures import Evaluation

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=2, max_size=40).filter(
    lambda pairs: len({truth for _, truth in pairs}) > 1
)


def measure(predicted: list[str], truth: list[str], seed: int = 0) -> Evaluation:
    return evaluate(predicted, truth, 3, 40, np.random.default_rng(seed))


@settings(max_examples=15)
@given(PAIRS)
def test_points_are_those_of_scikit_learn_and_lie_in_their_intervals(pairs: list[tuple[str, str]]) -> None:
    predicted, truth = [p for p, _ in pairs], [t for _, t in pairs]
    found = measure(predicted, truth)
    assert found.accuracy == pytest.approx(accuracy_score(truth, predicted))
    assert found.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro", zero_division=0))
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
    assert 0 <= found.macro_f1_low <= found.macro_f1 <= found.macro_f1_high <= 1


def test_what_was_measured_when_is_kept() -> None:
    found = measure(["a", "b"], ["a", "b"])
    assert (found.round, found.human_labels) == (3, 40)


def test_a_perfect_score_on_a_few_texts_is_not_certain() -> None:
    found = measure(["a", "b"] * 5, ["a", "b"] * 5)
    assert (found.accuracy, found.macro_f1) == (1, 1)
    assert found.low < 0.75


def test_more_texts_narrow_the_intervals() -> None:
    predicted, truth = list("aabb" * 5), list("abab" * 5)
    few, many = measure(predicted, truth), measure(predicted * 20, truth * 20)
    assert many.high - many.low < (few.high - few.low) / 3
    assert many.macro_f1_high - many.macro_f1_low < (few.macro_f1_high - few.macro_f1_low) / 3


def test_macro_f1_sees_the_rare_class_that_accuracy_does_not() -> None:
    found = measure(["a"] * 20, ["a"] * 19 + ["b"])
    assert found.accuracy == pytest.approx(0.95)
    assert found.macro_f1 < 0.5


def test_where_few_texts_have_any_class_macro_f1_is_no_surer_for_it() -> None:
    truth, predicted = [""] * 97 + ["a"] * 3, [""] * 97 + ["a", "", ""]
    found = evaluate(predicted, truth, 3, 40, np.random.default_rng(0), multi_label=True)
    assert found.macro_f1 == 0.5
    assert found.macro_f1_low < 0.3
    assert found.macro_f1_high > 0.7


def test_where_no_text_has_a_class_and_none_is_said_nothing_is_known_of_macro_f1() -> None:
    found = evaluate([""] * 20, [""] * 20, 3, 40, np.random.default_rng(0), multi_label=True)
    assert (found.accuracy, found.macro_f1, found.macro_f1_low, found.macro_f1_high) == (1, 0, 0, 1)


def test_one_seed_one_interval() -> None:
    predicted, truth = list("aabbc" * 6), list("ababc" * 6)
    assert measure(predicted, truth, 1) == measure(predicted, truth, 1)


@pytest.mark.parametrize("truth", [[], ["a"]])
def test_a_holdout_that_measures_nothing_is_told(truth: list[str]) -> None:
    with pytest.raises(DataError, match="two are needed to measure anything"):
        measure(truth, truth)


@pytest.mark.parametrize("predicted", [["a", "a", "a"], ["a", "b", "c"], ["b", "b", "b"]])
def test_a_holdout_of_one_class_measures_that_one(predicted: list[str]) -> None:
    found = measure(predicted, ["a", "a", "a"])
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
    assert 0 <= found.macro_f1_low <= found.macro_f1 <= found.macro_f1_high <= 1


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        hits = rng.random(50) < 0.8
        found = measure(np.where(hits, ["a", "b"] * 25, ["b", "a"] * 25).tolist(), ["a", "b"] * 25)
        covered += found.low <= 0.8 <= found.high
    assert covered >= 52


def test_macro_f1_of_many_classes_on_a_small_holdout_is_covered_too() -> None:
    rng = np.random.default_rng(0)
    skill = rng.uniform(0.2, 1.0, size=30)

    def answers(n: int) -> tuple[list[str], list[str]]:
        truth = rng.integers(30, size=n)
        predicted = np.where(rng.random(n) < skill[truth], truth, rng.integers(30, size=n))
        return [str(p) for p in predicted], [str(t) for t in truth]

    predicted, truth = answers(100_000)
    value = f1_score(truth, predicted, average="macro")
    held = [measure(*answers(150)) for _ in range(60)]
    assert sum(e.macro_f1_low <= value <= e.macro_f1_high for e in held) >= 52


def test_texts_set_aside_narrow_the_interval_as_far_as_the_classifier_knows_what_it_knows() -> None:
    rng = np.random.default_rng(0)
    widths, misses = [], []
    for _ in range(150):
        sure = rng.uniform(0.2, 1.0, size=1200)
        hits = (rng.random(1200) < sure).astype(float)
        value, (low, high) = prediction_powered(hits[:200], sure[:200], sure[200:])
        widths.append((high - low) / (2 * 1.96 * np.sqrt(0.24 / 200)))
        misses.append(not low <= 0.6 <= high)
        assert low <= value <= high
    assert np.mean(widths) < 0.95
    assert np.mean(misses) < 0.1


def test_a_classifier_that_knows_nothing_of_itself_narrows_nothing() -> None:
    rng = np.random.default_rng(1)
    hits, sure = (rng.random(400) < 0.7).astype(float), rng.random(1400)
    value, (low, high) = prediction_powered(hits, sure[:400], sure[400:])
    assert value == pytest.approx(hits.mean(), abs=0.02)
    assert prediction_powered(hits, np.ones(400), np.ones(1000))[0] == pytest.approx(hits.mean())
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.21 / 400), rel=0.1)


def test_a_gain_of_nothing_has_no_minus() -> None:
    assert gain(-0.0001, -0.02, 0.02) == "+0.0 [-2.0, +2.0]"
