"""Whether more labels would pay, in words: what the curve and the classifier's answers say. It decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from models.measures import Evaluation

AHEAD = 100
FEWEST_POINTS = 4
DRAWS, PER_DRAW = 100, 20
FEWEST_FREE = 3  # degrees of freedom: with one, as four points have, an interval is too wide to tell anything
SMALL = 0.01
Judgement = Literal["flat", "hidden", "pays"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """Accuracy points (0.01 is one) that `labels` more human labels would likely bring, as the holdout will measure it,
    with a 95 % interval."""

    labels: int
    gain: float
    low: float
    high: float


def forecast(points: Sequence[Evaluation], holdout: int, rng: np.random.Generator) -> Forecast | None:
    """What another `AHEAD` labels would likely bring; None while the curve has under `FEWEST_POINTS` counts.

    A falling power law in the number of labels (Cortes et al., "Learning curves: asymptotic values and rate of
    convergence", NeurIPS 1993), fitted to the curve and, for the interval, to curves drawn from the binomial errors of
    a holdout of `holdout` texts. Points lie beside their curve, today's and the one to come: by how much they have so
    far is drawn for both, from Student's t since few points tell it; without it the interval is far too narrow
    (docs/benchmarks.md).
    """
    # No label yet is no point of a power law, and points at one count say nothing of the next.
    points = [p for p in points if p.human_labels]
    if len({p.human_labels for p in points}) < FEWEST_POINTS:
        return None
    labels = np.array([p.human_labels for p in points], dtype=float)
    accuracy = np.array([p.accuracy for p in points])
    curve = _curve(labels, accuracy)
    gain, beside = _rise(labels, curve), _scatter(labels, accuracy, curve)
    drawn = [_rise(labels, _curve(labels, rng.binomial(holdout, accuracy) / holdout)) for _ in range(DRAWS)]
    free = max(FEWEST_FREE, len(points) - len(curve))
    rises = drawn + np.sqrt(2) * beside * rng.standard_t(free, (PER_DRAW, DRAWS))
    # Accuracy cannot leave 0 to 1, whatever a few points that lie far apart would have.
    low, high = np.quantile(np.clip(rises, -accuracy[-1], 1 - accuracy[-1]), [0.025, 0.975])
    return Forecast(AHEAD, gain, float(min(low, gain)), float(max(high, gain)))


def judge(ahead: Forecast, last: Evaluation) -> Judgement:
    """What the forecast says of going on: the curve is "flat", the gain "hidden" in the holdout's interval, or it
    "pays"."""
    if ahead.high < SMALL:
        return "flat"
    return "hidden" if ahead.gain < (last.high - last.low) / 2 else "pays"


def sentence(ahead: Forecast, last: Evaluation, seconds: float = 0.0) -> str:
    """The forecast in words: what labels would bring and cost, how exactly accuracy is known, and why one would stop,
    where one would. `seconds` is what one label takes a human."""
    points = f"{100 * ahead.gain:+.1f} points [{100 * ahead.low:+.1f}, {100 * ahead.high:+.1f}]"
    margin = (last.high - last.low) / 2
    said = f"Another {ahead.labels} human labels{_cost(ahead, seconds)} would likely bring {points}"
    known = f"accuracy is known to ± {100 * margin:.1f}"
    judgement = judge(ahead, last)
    if judgement == "flat":
        return f"{said}; {known}: the curve is flat, and stopping would lose next to nothing."
    if judgement == "hidden":
        hidden = "stopping now would lose nothing that it could show"
        return f"{said}, less than this holdout can tell apart (± {100 * margin:.1f}): {hidden}."
    return f"{said}; {known}: going on pays."


def _cost(ahead: Forecast, seconds: float) -> str:
    """What the labels take a person, and each point that they bring, where they likely bring any."""
    if not seconds:
        return ""
    minutes = ahead.labels * seconds / 60
    each = f", {minutes / (100 * ahead.gain):.1f} for a point" if ahead.low > 0 else ""
    return f" (about {minutes:.0f} minutes of a person's time{each})"


def stability(agreed: Sequence[float], changed: Sequence[float], stable: bool) -> str:
    """What the agreement of each round's answers with those of the round before says, in words, and what the share that
    changed foretells."""
    said = f"The classifier's answers on the pool agree with those of the round before by a kappa of {agreed[-1]:.2f}"
    said += ": they have settled, and more labels of this kind would change little." if stable else "."
    return f"{said} Accuracy there cannot have moved by more than {100 * changed[-1]:.1f} points."


def _curve(labels: Floats, accuracy: Floats) -> Floats:
    """Top, fall and speed of the power law nearest to the points; a flat one where none can be fitted."""
    try:
        found, _ = curve_fit(
            _power_law,
            labels,
            accuracy,
            p0=(min(1.0, float(accuracy.max()) + 0.02), 1.0, 0.5),
            bounds=([0.0, 0.0, 0.05], [1.0, 10.0, 2.0]),
            max_nfev=2000,
        )
    except RuntimeError:
        return np.array([accuracy.mean(), 0.0, 1.0])
    return np.asarray(found, dtype=float)


def _rise(labels: Floats, curve: Floats) -> float:
    """The curve's, from the last point on."""
    return float(_power_law(labels[-1] + AHEAD, *curve) - _power_law(labels[-1], *curve))


def _scatter(labels: Floats, accuracy: Floats, curve: Floats) -> float:
    """By how much points lie beside the curve, as a standard deviation."""
    beside = accuracy - _power_law(labels, *curve)
    return float(np.sqrt((beside**2).sum() / max(1, len(labels) - len(curve))))


def _power_law(labels: Floats | float, top: float, fall: float, speed: float) -> Floats:
    height: Floats = top - fall * np.asarray(labels, dtype=float) ** -speed
    return height
