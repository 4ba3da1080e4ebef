"""What an LLM says of classes, with its liking for some of them taken out and its sureness fitted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.label_calibration import FEWEST, LabelCalibration, fit_label_calibration, says_something

NOBODY = np.zeros((0, 2))
NONE = np.zeros(2)


def liking_the_first(texts: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of a model that answers the first class always, and less surely to texts of the second; their classes."""
    codes = np.arange(texts) % 2
    first = np.where(codes == 0, 0.97, 0.9)
    return np.column_stack([first, 1 - first]), codes


def test_a_favourite_class_is_no_answer_but_what_departs_from_it_is() -> None:
    shares, codes = liking_the_first(FEWEST)
    calibrated = fit_label_calibration(shares, NOBODY, [], NONE).apply(shares)
    assert np.array_equal(shares.argmax(axis=1), np.zeros(FEWEST))
    assert np.array_equal(calibrated.argmax(axis=1), codes)
    assert np.allclose(calibrated.sum(axis=1), 1)


def test_a_handful_of_texts_says_nothing_of_a_favourite() -> None:
    shares, _ = liking_the_first(FEWEST - 1)
    assert np.allclose(fit_label_calibration(shares, NOBODY, [], NONE).apply(shares), shares)


def test_a_class_that_is_common_in_truth_may_be_answered_often() -> None:
    shares = np.tile([[0.9, 0.1], [0.85, 0.15]], (FEWEST, 1))
    even = fit_label_calibration(shares, NOBODY, [], NONE).apply(shares)
    mostly_first = fit_label_calibration(shares, NOBODY, [], np.array([95.0, 5.0])).apply(shares)
    assert even.argmax(axis=1).mean() == 0.5
    assert mostly_first.argmax(axis=1).mean() == 0


def test_a_model_that_says_the_same_of_every_text_says_nothing() -> None:
    shares = np.tile([0.8, 0.2], (FEWEST, 1))
    assert not says_something(fit_label_calibration(shares, NOBODY, [], NONE).apply(shares)).any()


def test_a_class_that_is_never_named_stays_unlikely() -> None:
    shares = np.tile([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], (FEWEST, 1))
    calibrated = fit_label_calibration(shares, np.zeros((0, 3)), [], np.zeros(3)).apply(shares)
    assert calibrated[:, 2].max() < 0.01
    assert np.array_equal(calibrated.argmax(axis=1), shares.argmax(axis=1))


def test_verdicts_tell_how_sure_it_may_be() -> None:
    codes = np.arange(200) % 2
    said = np.where(np.arange(200) % 20 < 14, codes, 1 - codes)
    shares = np.where(np.eye(2)[said] == 1, 0.99, 0.01)
    fitted = fit_label_calibration(shares, shares, codes, np.bincount(codes).astype(float))
    assert fitted.temperature > 2
    assert fitted.apply(shares).max(axis=1).mean() == pytest.approx(0.7, abs=0.02)
    few = fit_label_calibration(shares, shares[: FEWEST - 1], codes[: FEWEST - 1], NONE)
    assert few.temperature == 1


def test_a_row_that_says_nothing_is_left_out_and_left_alone() -> None:
    shares, codes = liking_the_first(FEWEST)
    both = np.vstack([shares, np.full((50, 2), 0.5)])
    fitted = fit_label_calibration(both, NOBODY, [], NONE)
    assert np.allclose(fitted.bias, fit_label_calibration(shares, NOBODY, [], NONE).bias)
    assert np.array_equal(fitted.apply(both)[FEWEST:], both[FEWEST:])
    assert np.array_equal(fitted.apply(both)[:FEWEST].argmax(axis=1), codes)


def test_nothing_said_is_nothing_calibrated() -> None:
    assert fit_label_calibration(NOBODY, NOBODY, [], NONE).apply(NOBODY).shape == (0, 2)
    assert LabelCalibration(NONE).apply(NOBODY).shape == (0, 2)


@given(arrays(float, (30, 3), elements=st.floats(0, 1)), st.lists(st.integers(0, 2), min_size=30, max_size=30))
def test_whatever_is_said_comes_out_as_probabilities(raw: np.ndarray, codes: list[int]) -> None:
    shares = (raw + 1e-300) / (raw + 1e-300).sum(axis=1, keepdims=True)
    calibrated = fit_label_calibration(shares, shares, codes, np.bincount(codes, minlength=3).astype(float)).apply(
        shares
    )
    assert np.isfinite(calibrated).all()
    assert np.allclose(calibrated.sum(axis=1), 1)
