"""Accuracy and macro-F1 on the holdout, each with its 95 % interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap

from models.errors import DataError
from models.records import Evaluation

RESAMPLES = 500


def evaluate(
    predicted: Sequence[str], truth: Sequence[str], round_: int, human_labels: int, rng: np.random.Generator
) -> Evaluation:
    """One point of the learning curve, from predictions and true labels of the holdout, both (n,).

    Wilson's interval for accuracy, a percentile bootstrap over the holdout for macro-F1. Raises DataError for a holdout
    that cannot tell classes apart.
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
    interval = bootstrap(
        (pairs,),
        lambda sample: macro_f1(sample, len(names)),
        vectorized=False,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=rng,
    ).confidence_interval
    return Evaluation(
        round=round_,
        human_labels=human_labels,
        accuracy=hits / len(truth),
        low=float(accuracy.low),
        high=float(accuracy.high),
        macro_f1=macro_f1(pairs, len(names)),
        macro_f1_low=float(interval.low),
        macro_f1_high=float(interval.high),
    )


def share(value: float, low: float, high: float) -> str:
    """A share of 1 with its interval, in points, as people read it."""
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def macro_f1(pairs: NDArray[np.integer[Any]], classes: int) -> float:
    """Macro-F1 over the classes that occur, of (predicted × classes + true) codes (n,)."""
    table = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    support = table.sum(axis=0) + table.sum(axis=1)
    occurs = support > 0
    return float(np.mean(2 * np.diag(table)[occurs] / support[occurs]))
