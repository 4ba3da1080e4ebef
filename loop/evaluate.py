"""Accuracy and macro-F1 on the holdout, each with its 95 % interval."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap

from models.errors import DataError
from models.head import Floats
from models.label_sets import indicator, split
from models.measures import Evaluation

Bools = NDArray[np.bool_]
RESAMPLES = 500
Z = 1.96


def evaluate(
    predicted: Sequence[str],
    truth: Sequence[str],
    round_: int,
    human_labels: int,
    rng: np.random.Generator,
    sure: tuple[Floats, Floats] | None = None,
    multi_label: bool = False,
) -> Evaluation:
    """One point of the learning curve, from predictions and true labels of the holdout, both (n,). With `multi_label` a
    label is a set of classes: accuracy counts the sets that are right as a whole, macro-F1 goes by class.

    Wilson's interval for accuracy, or, given how `sure` the classifier is of the holdout (n,) and of texts set aside
    (m,), `prediction_powered`; for macro-F1 see `macro_f1_interval`. How often they hold the truth is measured:
    docs/benchmarks.md. Raises DataError for fewer than two texts.
    """
    if len(truth) < 2:
        raise DataError(
            f"{len(truth)} texts of the holdout have a label, and two are needed to measure anything: "
            "answer those that were skipped, then run again"
        )
    hits = np.array([p == t for p, t in zip(predicted, truth, strict=True)], dtype=float)
    accuracy = float(hits.mean())
    interval = wilson(accuracy, accuracy * (1 - accuracy) / len(hits), len(hits))
    if sure is not None:
        accuracy, interval = prediction_powered(hits, *sure)
    said, true = (_indicator(labels, [*truth, *predicted], multi_label) for labels in (predicted, truth))
    low, high = macro_f1_interval(said, true, rng)
    return Evaluation(
        round=round_,
        human_labels=human_labels,
        accuracy=accuracy,
        low=interval[0],
        high=interval[1],
        macro_f1=macro_f1(said, true),
        macro_f1_low=low,
        macro_f1_high=high,
    )


def share(value: float, low: float, high: float) -> str:
    """A share of 1 with its interval, in points, as people read it."""
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def gain(value: float, low: float, high: float) -> str:
    """A difference of shares with its interval, in points with their signs, as people read it."""
    # Adding 0 makes 0 of −0.
    value, low, high = (round(100 * share_, 1) + 0.0 for share_ in (value, low, high))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def rate(hits: int, count: int) -> dict[str, float]:
    """A share with its counts and Wilson's 95 % interval, JSON-ready; of at least one."""
    share_ = hits / count
    low, high = wilson(share_, share_ * (1 - share_) / count, count)
    return {"hits": hits, "of": count, "share": share_, "low": low, "high": high}


def prediction_powered(hits: Floats, sure: Floats, sure_aside: Floats) -> tuple[float, tuple[float, float]]:
    """Accuracy and its 95 % interval from `hits` (n,) on the holdout, its top probabilities (n,), and those of texts
    set aside (m,), which nobody has labelled and nothing has learned from.

    What the classifier expects of more texts corrects the luck of the holdout's draw, as far as it has been right to
    expect it there: Angelopoulos, Duchi and Zrnic, "PPI++: efficient prediction-powered inference", 2023. Valid where
    holdout and texts set aside are random draws of one pool.
    """
    n, m = len(hits), len(sure_aside)
    spread = float(np.var(np.r_[sure, sure_aside]))
    power = float(np.clip(np.cov(hits, sure)[0, 1] / ((1 + n / m) * spread), 0, 1)) if spread > 0 else 0.0
    value = float(np.clip(hits.mean() + power * (sure_aside.mean() - sure.mean()), 0, 1))
    variance = float(np.var(hits - power * sure) / n + power**2 * np.var(sure_aside) / m)
    return value, wilson(value, variance, n)


def macro_f1(said: Bools, true: Bools) -> float:
    """Macro-F1 over the classes that occur, of what was said and what is true of each class, (n, k) each; 0 where none
    does, as in scikit-learn."""
    right, named = _counts(said, true)
    if not named.any():
        return 0.0
    return float(np.mean(right[named > 0] / named[named > 0]))


def macro_f1_interval(said: Bools, true: Bools, rng: np.random.Generator) -> tuple[float, float]:
    """The 95 % interval of macro-F1, arguments as for `macro_f1`, which it always holds; where no class occurs, nothing
    is known of it.

    With a few texts a class the plain value is too low, and a percentile bootstrap is twice as much so. Here the middle
    is the macro-F1 with one more text in each class, right as often as texts are in general; the width is that of the
    bootstrap's standard error, a degree of freedom taken for each class, in Wilson's form, which keeps off the ends of
    the scale.
    """
    right, named = _counts(said, true)
    if not named.any():
        return 0.0, 1.0
    overall = right.sum() / named.sum()
    occurs = named > 0
    middle = float(np.mean((right[occurs] + 2 * overall) / (named[occurs] + 2)))
    size = len(said)
    with warnings.catch_warnings():
        # Resamples in which no text has a class, and none was said, tell nothing, and are left out below.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        resampled = bootstrap(
            (np.arange(size),),
            lambda rows: macro_f1(said[rows], true[rows]) if (said[rows] | true[rows]).any() else np.nan,
            vectorized=False,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=rng,
        )
    spread = float(np.nanvar(resampled.bootstrap_distribution, ddof=1))
    variance = spread * size / max(1, size - int(occurs.sum()))
    low, high = wilson(middle, variance, size)
    value = macro_f1(said, true)
    return min(value, low), max(value, high)


def wilson(value: float, variance: float, size: int) -> tuple[float, float]:
    """Wilson's 95 % interval around a share with that variance, of `size` texts (Wilson, JASA 1927: binomial)."""
    shrink = 1 + Z**2 / size
    centre = (value + Z**2 / (2 * size)) / shrink
    half = Z * np.sqrt(variance + (Z / (2 * size)) ** 2) / shrink
    # At the ends of the scale the formula meets them, but for the last digit.
    return max(0.0, min(value, float(centre - half))), min(1.0, max(value, float(centre + half)))


def _counts(said: Bools, true: Bools) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Twice the right answers of each class (k,), and how often it was named, by the classifier or the truth (k,)."""
    return 2 * (said & true).sum(axis=0), said.sum(axis=0) + true.sum(axis=0)


def _indicator(labels: Sequence[str], seen: Sequence[str], multi_label: bool) -> Bools:
    """Which of the classes `seen` each label (n,) is, (n, k)."""
    if multi_label:
        return indicator(labels, sorted({name for label in seen for name in split(label)}))
    held: Bools = np.array(labels)[:, None] == np.array(sorted(set(seen)))
    return held
