"""What the learning curve says of the labels to come."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loop.advice import Forecast, forecast, sentence, stability
from models.measures import Evaluation


def curve(height: Callable[[int], float], points: int = 8, margin: float = 0.02) -> list[Evaluation]:
    found = []
    for number in range(1, points + 1):
        a = height(20 * number)
        found.append(Evaluation(number, 20 * number, a, a - margin, a + margin, a, a, a))
    return found


def ahead(points: list[Evaluation], holdout: int = 2000) -> Forecast:
    found = forecast(points, holdout, np.random.default_rng(0))
    assert found is not None
    return found


def test_a_power_law_is_read_on() -> None:
    def law(labels: float) -> float:
        return 0.95 - 2.0 * labels**-0.6

    found = ahead(curve(law))
    assert found.gain == pytest.approx(law(260) - law(160), abs=0.01)
    assert found.low <= found.gain <= found.high


def test_a_flat_curve_promises_nothing() -> None:
    found = ahead(curve(lambda labels: 0.9), holdout=100_000)
    assert found.gain == pytest.approx(0, abs=0.005)
    assert "flat" in sentence(found, curve(lambda labels: 0.9)[-1])


def test_a_small_holdout_makes_the_forecast_wide() -> None:
    points = curve(lambda labels: 0.9 - labels**-0.7)
    small, large = ahead(points, holdout=100), ahead(points, holdout=100_000)
    assert small.high - small.low > 2 * (large.high - large.low)


def test_the_interval_holds_what_is_measured_where_points_lie_beside_the_curve() -> None:
    held = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        points = curve(lambda labels, rng=rng: 0.9 - labels**-0.7 + rng.normal(0, 0.01), points=13)  # type: ignore[misc]
        found = ahead(points[:8], holdout=1000)
        held += found.low <= points[12].accuracy - points[7].accuracy <= found.high
    assert held >= 9


def test_a_curve_of_three_points_is_not_read_on() -> None:
    assert forecast(curve(lambda labels: 0.5, points=3), 200, np.random.default_rng(0)) is None


@pytest.mark.parametrize("counts", [(0, 20, 40, 60), (20, 20, 40, 60)])
def test_rounds_without_a_label_or_a_new_one_are_no_points(counts: tuple[int, ...]) -> None:
    points = [replace(p, human_labels=n) for p, n in zip(curve(lambda labels: 0.7, points=4), counts, strict=True)]
    assert forecast(points, 200, np.random.default_rng(0)) is None
    more = [*points, replace(points[-1], human_labels=80)]
    assert ahead(more).gain == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("height", [0.0, 1.0])
def test_the_ends_of_the_scale_are_no_trouble(height: float) -> None:
    found = ahead(curve(lambda labels: height))
    assert found.gain + 1e-9 >= 0
    assert found.gain < 0.1


def test_the_sentence_says_when_the_holdout_cannot_tell() -> None:
    last = curve(lambda labels: 0.8, margin=0.06)[-1]
    assert "than this holdout can tell apart (± 6.0)" in sentence(Forecast(100, 0.03, 0.0, 0.05), last)
    assert "known to ± 6.0: going on pays" in sentence(Forecast(100, 0.09, 0.05, 0.12), last)


def test_the_sentence_says_what_the_labels_cost_where_that_is_known() -> None:
    last = curve(lambda labels: 0.8)[-1]
    assert "(about 10 minutes of a person's time, 1.1 for a point)" in sentence(
        Forecast(100, 0.09, 0.05, 0.12), last, 6.0
    )
    assert "(about 10 minutes of a person's time)" in sentence(Forecast(100, 0.01, 0.0, 0.02), last, 6.0)
    assert "minutes" not in sentence(Forecast(100, 0.09, 0.05, 0.12), last)


def test_answers_that_have_settled_are_said_to_have() -> None:
    unsettled = stability([0.5, 0.87], [0.3, 0.062], stable=False)
    assert "kappa of 0.87. Accuracy there cannot have moved by more than 6.2 points." in unsettled
    assert "would change little" in stability([0.995], [0.004], stable=True)


def test_no_forecast_leaves_the_scale() -> None:
    falling = curve(lambda labels: 1 - labels / 200, points=4)
    found = ahead(falling, holdout=200)
    assert -falling[-1].accuracy <= found.low <= found.gain <= found.high <= 1 - falling[-1].accuracy
