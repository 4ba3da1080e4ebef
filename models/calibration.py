"""Which head fits the labels best, and how sure it may be: both by cross-validation."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from models.cleansing import lightened
from models.folds import UNSEEN, Fold, measured_folds, out_of_fold_logits
from models.head import SELF_STRENGTH, Fit, Floats, Head, fit_logistic, self_train

STRENGTHS = (0.1, 1.0, 10.0, 100.0)
SELF_STRENGTHS = (SELF_STRENGTH, 10.0)
ENOUGH = 500  # labels to choose between those by
SHARPEST, SOFTEST = 0.001, 20.0


def fit_head(
    vectors: Floats,
    labels: Sequence[str],
    weights: Floats | None = None,
    seed: int = 0,
    unlabelled: Floats | None = None,
    share: float = 0.0,
    judged: NDArray[np.bool_] | None = None,
    cleansing: bool | NDArray[np.bool_] = True,
) -> Head:
    """The head for embeddings (n, d) with labels (n,) and weights (n,), 1 each where none are given; with a `share`, it
    is self-trained on `unlabelled` embeddings (m, d). Examples that are not `judged` (n,) teach and do not measure.

    Strength C makes the fewest weighted errors out of fold, then the least log loss, which the temperature minimises
    (Guo et al., "On calibration of modern neural networks", ICML 2017). The only example of a class is out of sight in
    its own fold, and the loss counts that. With `cleansing`, for all or for those (n,) it says, a self-trained head
    makes labels that look wrong lighter, where that brings it nearer to the labels it has not seen, right and wrong.
    """
    targets = np.asarray(labels, dtype=str)
    weighed = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=float)
    if len(np.unique(targets)) == 1:
        return fit_logistic(vectors, targets, weighed)
    folds = measured_folds(targets, seed, judged)
    strength = self_strength(vectors, targets, weighed, folds) if share > 0 else SELF_STRENGTH
    fits = strengths_of(unlabelled, share, strength)
    head, logits = best_out_of_fold(fits, vectors, targets, weighed, folds)
    measured = np.sort(np.concatenate([test for _, test in folds]))
    doubtful = measured[np.broadcast_to(cleansing, len(targets))[measured]] if share > 0 else measured[:0]
    lighter = _lightened(targets, weighed, logits / head.temperature, measured, doubtful) if len(doubtful) else None
    if lighter is None:
        return head
    cleansed, anew = best_out_of_fold(fits, vectors, targets, lighter, folds)
    known = np.unique(targets, return_inverse=True)[1][measured]
    before, after = (_misfit(found[measured], known, weighed[measured]) for found in (logits, anew))
    return cleansed if after[0] <= before[0] and after[1] < before[1] else head


def _lightened(
    labels: NDArray[np.str_], weights: Floats, logits: Floats, rows: NDArray[np.intp], doubtful: NDArray[np.intp]
) -> Floats | None:
    """Weights (n,) with those of doubted ones of `rows` lighter where they are `doubtful`; None where there is nothing
    to do."""
    columns = np.isin(np.unique(labels), labels[rows])
    found = lightened(labels[rows], weights[rows], softmax(logits[np.ix_(rows, columns)], axis=1))
    if found is None:
        return None
    lighter = weights.copy()
    lighter[rows] = np.where(np.isin(rows, doubtful), found, weights[rows])
    return lighter


def strengths_of(unlabelled: Floats | None, share: float, strength: float = SELF_STRENGTH) -> list[Fit]:
    """The fits to choose from: one for each strength, or that of self-training where there is something to do it on."""
    if unlabelled is not None and len(unlabelled) and share > 0:
        return [partial(self_train, unlabelled=unlabelled, share=share, strength=strength)]
    return [partial(fit_logistic, strength=strength) for strength in STRENGTHS]


def self_strength(vectors: Floats, labels: NDArray[np.str_], weights: Floats, folds: Sequence[Fold]) -> float:
    """The strength C to be self-trained at: that at which plain heads, which fit faster, do best out of fold, and the
    lower one while there are too few labels to tell. Many labels of many classes want more (docs/benchmarks.md)."""
    known, rows = np.unique(labels, return_inverse=True)[1], np.concatenate([test for _, test in folds])
    if len(rows) < ENOUGH:
        return SELF_STRENGTH

    def misfit(strength: float) -> tuple[float, float]:
        logits = out_of_fold_logits(partial(fit_logistic, strength=strength), vectors, labels, weights, folds)
        return _misfit(logits[rows], known[rows], weights[rows])

    return min(SELF_STRENGTHS, key=misfit)


def fit_temperature(logits: Floats, targets: NDArray[np.intp], weights: Floats) -> float:
    """The temperature with the least weighted log loss; targets that score `UNSEEN` are left out."""
    picked = logits[np.arange(len(targets)), targets] > UNSEEN
    if not picked.any():
        return 1.0
    found = minimize_scalar(
        lambda t: _log_loss(logits[picked] / np.exp(t), targets[picked], weights[picked]),
        bounds=(np.log(SHARPEST), np.log(SOFTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def _log_loss(logits: Floats, targets: NDArray[np.intp], weights: Floats) -> float:
    """The loss of targets smoothed as if one more text had been seen, of any class: a few texts, all of them right,
    would otherwise claim certainty (Platt, "Probabilistic outputs for support vector machines", 1999)."""
    log_probabilities = np.maximum(log_softmax(logits, axis=1), UNSEEN)
    smoothing = 1 / (len(targets) + 1)
    right = log_probabilities[np.arange(len(targets)), targets]
    losses = (1 - smoothing) * right + smoothing * log_probabilities.mean(axis=1)
    return float(-(weights @ losses) / weights.sum())


def _misfit(logits: Floats, targets: NDArray[np.intp], weights: Floats) -> tuple[float, float]:
    """Weighted errors and log loss, at the best temperature, of logits (n, k) out of fold."""
    errors = float(weights @ (logits.argmax(axis=1) != targets))
    return errors, _log_loss(logits / fit_temperature(logits, targets, weights), targets, weights)


def best_out_of_fold(
    fits: Sequence[Fit],
    vectors: Floats,
    labels: NDArray[np.str_],
    weights: Floats,
    folds: Sequence[Fold],
) -> tuple[Head, Floats]:
    """The head, calibrated, of that of `fits` which does best out of fold, and its logits (n, k) there."""
    targets = np.unique(labels, return_inverse=True)[1]
    measured = np.zeros(len(labels))
    for _, test in folds:
        measured[test] = weights[test]
    trials = []
    for number, fit in enumerate(fits):
        logits = out_of_fold_logits(fit, vectors, labels, weights, folds)
        temperature = fit_temperature(logits, targets, measured)
        errors = float(measured @ (logits.argmax(axis=1) != targets))
        trials.append((errors, _log_loss(logits / temperature, targets, measured), number, temperature, logits))
    # Errors first: at one or two labels a class, the log loss alone can prefer a head that answers the commonest.
    _, _, best, temperature, logits = min(trials, key=lambda trial: trial[:3])
    return replace(fits[best](vectors, labels, weights), temperature=temperature), logits
