"""Accuracy and macro-F1 on the holdout, each with its 95 % interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap

from models.errors import DataError
from models.records import Evaluation

RESAMPLES = 500
Z = 1.96


def evaluate(
    predicted: Sequence[str], truth: Sequence[str], round_: int, human_labels: int, rng: np.random.Generator
) -> Evaluation:
    """One point of the learning curve, from predictions and true labels of the holdout, both (n,).

    Wilson's interval for accuracy; for macro-F1 see `macro_f1_interval`. How often they hold the truth is measured:
    docs/benchmarks.md. Raises DataError for a holdout that cannot tell classes apart.
    """
    if len(set(truth)) < 2:
        raise DataError(
            f"the holdout holds {len(set(truth))} class in {len(truth)} texts, so no accuracy can be measured: "
            "give a holdout with every class, or a larger data.holdout_size"
        )
    hits = sum(p == t for p, t in zip(predicted, truth, strict=True))
    accuracy = binomtest(hits, len(truth)).proportion_ci(0.95, method="wilson")
    names = sorted({*truth, *predicted})
    codes = np.searchsorted(names, np.array(predicted)), np.searchsorted(names, np.array(truth))
    pairs = codes[0] * len(names) + codes[1]
    low, high = macro_f1_interval(pairs, len(names), rng)
    return Evaluation(
        round=round_,
        human_labels=human_labels,
        accuracy=hits / len(truth),
        low=float(accuracy.low),
        high=float(accuracy.high),
        macro_f1=macro_f1(pairs, len(names)),
        macro_f1_low=low,
        macro_f1_high=high,
    )


def share(value: float, low: float, high: float) -> str:
    """A share of 1 with its interval, in points, as people read it."""
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def macro_f1(pairs: NDArray[np.integer[Any]], classes: int) -> float:
    """Macro-F1 over the classes that occur, of (predicted × classes + true) codes (n,)."""
    right, named = _counts(pairs, classes)
    return float(np.mean(right[named > 0] / named[named > 0]))


def macro_f1_interval(pairs: NDArray[np.integer[Any]], classes: int, rng: np.random.Generator) -> tuple[float, float]:
    """The 95 % interval of macro-F1, of codes (n,) as for `macro_f1`, which it always holds.

    With a few texts a class the plain value is too low, and a percentile bootstrap is twice as much so. Here the middle
    is the macro-F1 with one more text in each class, right as often as texts are in general; the width is that of the
    bootstrap's standard error, a degree of freedom taken for each class, in Wilson's form, which keeps off the ends of
    the scale.
    """
    right, named = _counts(pairs, classes)
    overall = right.sum() / named.sum()
    occurs = named > 0
    middle = float(np.mean((right[occurs] + 2 * overall) / (named[occurs] + 2)))
    resampled = bootstrap(
        (pairs,),
        lambda sample: macro_f1(sample, classes),
        vectorized=False,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=rng,
    )
    size = len(pairs)
    variance = resampled.standard_error**2 * size / max(1, size - occurs.sum())
    centre = (middle + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z * np.sqrt(variance + (Z / (2 * size)) ** 2) / (1 + Z**2 / size)
    value = macro_f1(pairs, classes)
    return max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half))


def _counts(pairs: NDArray[np.integer[Any]], classes: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Twice the right answers of each class (k,), and how often it was named, by the classifier or the truth (k,)."""
    table = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    return 2 * np.diag(table), table.sum(axis=0) + table.sum(axis=1)
