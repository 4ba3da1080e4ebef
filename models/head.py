"""The linear head on top of embeddings: logistic regression, its strength chosen and its probabilities calibrated by
cross-validation."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from models.threads import one_thread

Floats = NDArray[np.floating[Any]]
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
FOLDS = 5
UNSEEN = -30.0
SHARPEST, SOFTEST = 0.001, 20.0


@dataclass(frozen=True)
class Head:
    """A multinomial logistic model, temperature included; `classes_` are the labels it has seen, sorted.

    A scikit-learn-shaped classifier over embeddings, so that any query strategy of modAL's convention can ask it.
    """

    classes_: NDArray[np.str_]
    coefficients: Floats = field(repr=False)
    intercept: Floats = field(repr=False)
    temperature: float = 1.0

    def logits(self, vectors: Floats) -> Floats:
        scores: Floats = (np.asarray(vectors) @ self.coefficients.T + self.intercept) / self.temperature
        return scores

    def predict_proba(self, vectors: Floats) -> NDArray[np.float64]:
        """Calibrated probabilities, (n, k classes), for embeddings (n, d)."""
        probabilities: NDArray[np.float64] = softmax(self.logits(vectors).astype(np.float64), axis=1)
        return probabilities

    def predict(self, vectors: Floats) -> NDArray[np.str_]:
        best: NDArray[np.str_] = self.classes_[self.logits(vectors).argmax(axis=1)]
        return best

    def save(self, path: Path) -> None:
        from safetensors.numpy import save_file

        arrays = {"coefficients": self.coefficients, "intercept": self.intercept}
        save_file({name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}, path)

    @classmethod
    def load(cls, path: Path, classes: Sequence[str], temperature: float) -> "Head":
        from safetensors.numpy import load_file

        arrays = load_file(path)
        return cls(np.array(classes, dtype=str), arrays["coefficients"], arrays["intercept"], temperature)


def fit_head(vectors: Floats, labels: Sequence[str], weights: Floats | None = None, seed: int = 0) -> Head:
    """The head for embeddings (n, d) with labels (n,) and weights (n,), 1 each where none are given.

    Strength C makes the fewest weighted errors out of fold, then the least log loss, which the temperature minimises
    (Guo et al., "On calibration of modern neural networks", ICML 2017). The only example of a class is out of sight in
    its own fold, and the loss counts that.
    """
    targets = np.asarray(labels, dtype=str)
    share = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=float)
    classes = np.unique(targets)
    if len(classes) == 1:
        return Head(classes, np.zeros((1, vectors.shape[1])), np.zeros(1))
    folds = fold_indices(targets, seed)
    strength, temperature = _choose(vectors, targets, share, classes, folds)
    head = fit_logistic(vectors, targets, share, strength)
    return Head(head.classes_, head.coefficients, head.intercept, temperature)


def fit_logistic(vectors: Floats, labels: NDArray[np.str_], weights: Floats, strength: float = 10.0) -> Head:
    """The uncalibrated head at a given strength; with one class in `labels` it always answers that class.

    Classes count alike, however many labels each has: a query strategy's labels are not the pool's, and at low strength
    the head becomes that of the class means, which at a few labels, or wrong ones, nothing beats.
    """
    classes = np.unique(labels)
    if len(classes) == 1:
        return Head(classes, np.zeros((1, vectors.shape[1])), np.zeros(1))
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3)
    with one_thread(), warnings.catch_warnings():
        # Many classes and few labels look like a regression to it.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(np.asarray(vectors, dtype=np.float64), labels, sample_weight=_balanced(labels, weights))
    coefficients, intercept = model.coef_, model.intercept_
    if len(classes) == 2:
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercept = np.array([0.0, intercept[0]])
    # As precise as it is saved: a run that was stopped goes on with the same numbers.
    return Head(classes, coefficients.astype(np.float32), intercept.astype(np.float32))


def _balanced(labels: NDArray[np.str_], weights: Floats) -> Floats:
    """Weights (n,) with the same sum in each class; a class of less than one label in all stays as light as it is:
    what is hardly trusted must not weigh full because it stands alone."""
    classes, codes = np.unique(labels, return_inverse=True)
    labelled = np.maximum(np.bincount(codes, weights), 1.0)
    share: Floats = weights * (weights.sum() / len(classes) / labelled)[codes]
    return share


def fold_indices(labels: NDArray[np.str_], seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """(train, test) positions, stratified as far as the rarest classes let it."""
    folds = min(FOLDS, len(labels))
    _, counts = np.unique(labels, return_counts=True)
    if counts.max() >= folds and len(counts) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
            return list(splitter.split(np.zeros((len(labels), 1)), labels))
    return list(KFold(folds, shuffle=True, random_state=seed).split(np.zeros((len(labels), 1))))


def out_of_fold_logits(
    vectors: Floats,
    labels: NDArray[np.str_],
    weights: Floats,
    classes: NDArray[np.str_],
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    strength: float,
) -> Floats:
    """Logits (n, k classes) of each example by a head that has not seen it; a class its head has not seen either
    scores `UNSEEN`."""
    logits = np.full((len(labels), len(classes)), UNSEEN)
    for train, test in folds:
        head = fit_logistic(vectors[train], labels[train], weights[train], strength)
        columns = np.searchsorted(classes, head.classes_)
        logits[np.ix_(test, columns)] = head.logits(vectors[test])
    return logits


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


def _choose(
    vectors: Floats,
    labels: NDArray[np.str_],
    weights: Floats,
    classes: NDArray[np.str_],
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> tuple[float, float]:
    targets = np.searchsorted(classes, labels)
    trials = []
    for strength in STRENGTHS:
        logits = out_of_fold_logits(vectors, labels, weights, classes, folds, strength)
        temperature = fit_temperature(logits, targets, weights)
        errors = float(weights @ (logits.argmax(axis=1) != targets))
        trials.append((errors, _log_loss(logits / temperature, targets, weights), strength, temperature))
    # Errors first: at one or two labels a class, the log loss alone can prefer a head that answers the commonest.
    _, _, strength, temperature = min(trials)
    return strength, temperature
