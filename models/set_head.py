"""The head of multi-label tasks: one logistic model for each class, each with a threshold of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import label_ranking_average_precision_score

from models.calibration import best_out_of_fold, strengths_of
from models.folds import fold_indices
from models.head import Fit, Floats, Head, fit_logistic, self_train
from models.label_sets import SEPARATOR, indicator, join, split

SURE = 30.0
HALF = 0.5
FLAT = 1e-3  # the least slope of calibrated log odds


@dataclass(frozen=True)
class SetHead:
    """A logistic model for each of `classes_` (k,), sorted; a text is of a class whose probability reaches its
    threshold. Labels are sets of class names, written as models/label_sets.py has it."""

    classes_: NDArray[np.str_]
    coefficients: Floats = field(repr=False)
    intercept: Floats = field(repr=False)
    thresholds: Floats = field(repr=False)

    def logits(self, vectors: Floats) -> Floats:
        scores: Floats = np.asarray(vectors) @ self.coefficients.T + self.intercept
        return scores

    def predict_proba(self, vectors: Floats) -> NDArray[np.float64]:
        """The probability of each class, (n, k), for embeddings (n, d); a row need not sum to 1."""
        probabilities: NDArray[np.float64] = expit(self.logits(vectors).astype(np.float64))
        return probabilities

    def predict(self, vectors: Floats) -> NDArray[np.str_]:
        held = self.predict_proba(vectors) >= self.thresholds
        return np.array([join(self.classes_[row]) for row in held], dtype=str)

    def confidence(self, vectors: Floats) -> NDArray[np.float64]:
        """The probability that the whole set is right, (n,), as if classes came independently."""
        probabilities = self.predict_proba(vectors)
        sure: NDArray[np.float64] = np.where(probabilities >= self.thresholds, probabilities, 1 - probabilities).prod(
            axis=1
        )
        return sure

    def right(self, vectors: Floats, labels: NDArray[np.str_]) -> NDArray[np.float64]:
        """How far the classes of each label (n,) come before the others, (n,) in (0, 1]: label ranking average
        precision, in which no threshold has a say. Where there is nothing to rank it is 1."""
        if not len(self.classes_):
            return np.ones(len(labels))
        held, odds = indicator(labels.tolist(), self.classes_.tolist()), self.logits(vectors)
        return np.array(
            [label_ranking_average_precision_score(h[None], o[None]) for h, o in zip(held, odds, strict=True)]
        )

    def for_strategies(self) -> "MostDoubted":
        return MostDoubted(self)

    def save(self, path: Path) -> None:
        from safetensors.numpy import save_file

        arrays = {"coefficients": self.coefficients, "intercept": self.intercept, "thresholds": self.thresholds}
        save_file({name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}, path)

    @classmethod
    def load(cls, path: Path, classes: Sequence[str]) -> "SetHead":
        from safetensors.numpy import load_file

        arrays = load_file(path)
        return cls(np.array(classes, dtype=str), arrays["coefficients"], arrays["intercept"], arrays["thresholds"])


@dataclass(frozen=True)
class MostDoubted:
    """A set head as query strategies can ask it: as the yes or no of the class that is nearest to its threshold.

    The minimum over classes of the binary margin: Brinker, "On active learning in multi-label classification", 2006.
    """

    head: SetHead
    # Names that no class of the task can have.
    classes_: tuple[str, str] = (f"yes{SEPARATOR}", f"no{SEPARATOR}")

    def predict_proba(self, vectors: Floats) -> NDArray[np.float64]:
        """The probability of yes and no, (n, 2); even on the threshold."""
        if not len(self.head.classes_):
            return np.full((len(vectors), 2), HALF)
        shifted = expit(self.head.logits(vectors) - logit(self.head.thresholds))
        nearest = np.abs(shifted - HALF).argmin(axis=1)
        yes = shifted[np.arange(len(shifted)), nearest]
        return np.column_stack([yes, 1 - yes])

    def predict(self, vectors: Floats) -> NDArray[np.str_]:
        answers: NDArray[np.str_] = np.array(self.classes_)[self.predict_proba(vectors).argmax(axis=1)]
        return answers


def fit_sets(
    vectors: Floats,
    labels: Sequence[str],
    weights: Floats | None = None,
    seed: int = 0,
    unlabelled: Floats | None = None,
    share: float = 0.0,
) -> SetHead:
    """The calibrated head for embeddings (n, d) with label sets (n,) and weights (n,), one class at a time; with a
    `share`, each is self-trained on `unlabelled` embeddings (m, d).

    Strength is chosen, probabilities calibrated (Platt, "Probabilistic outputs for support vector machines", 1999) and
    thresholds set by cross-validation: out of fold, as many texts reach a class's threshold as are of it (the
    proportional cut of Yang, "A study of thresholding strategies for text categorization", SIGIR 2001).
    """
    weighed = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=float)
    fits = strengths_of(unlabelled, share)
    names = _names(labels)
    rows = [_fit_one(held, np.asarray(vectors), weighed, fits, seed) for held in indicator(labels, names).T]
    return _stacked(names, rows, vectors.shape[1])


def fit_each(vectors: Floats, labels: NDArray[np.str_], weights: Floats, strength: float = 10.0) -> SetHead:
    """The uncalibrated head at a given strength, thresholds at one half."""
    return _of_each(partial(fit_logistic, strength=strength), vectors, labels, weights)


def self_train_each(
    vectors: Floats, labels: NDArray[np.str_], weights: Floats, unlabelled: Floats, share: float, strength: float = 1.0
) -> SetHead:
    """The same, each class self-trained on `unlabelled` (m, d)."""
    fit = partial(self_train, unlabelled=unlabelled, share=share, strength=strength)
    return _of_each(fit, vectors, labels, weights)


Row = tuple[Floats, float, float]


def _of_each(fit: Fit, vectors: Floats, labels: Sequence[str] | NDArray[np.str_], weights: Floats) -> SetHead:
    names = _names(labels)
    rows = [(*_line(fit(vectors, _written(held), weights)), HALF) for held in indicator(list(labels), names).T]
    return _stacked(names, rows, vectors.shape[1])


def _names(labels: Sequence[str] | NDArray[np.str_]) -> list[str]:
    return sorted({name for label in labels for name in split(str(label))})


def _written(held: NDArray[np.bool_]) -> NDArray[np.str_]:
    return np.where(held, "yes", "no")


def _line(head: Head) -> tuple[Floats, float]:
    """Coefficients (d,) and intercept of the log odds of "yes"; a head that knows one answer is sure of it."""
    if len(head.classes_) == 1:
        return head.coefficients[0], SURE if head.classes_[0] == "yes" else -SURE
    no, yes = head.coefficients
    return (yes - no) / head.temperature, float(head.intercept[1] - head.intercept[0]) / head.temperature


def _fit_one(held: NDArray[np.bool_], vectors: Floats, weights: Floats, fits: Sequence[Fit], seed: int) -> Row:
    labels = _written(held)
    if held.all():
        return np.zeros(vectors.shape[1]), SURE, HALF
    head, logits = best_out_of_fold(fits, vectors, labels, weights, fold_indices(labels, seed))
    coefficients, intercept = _line(replace(head, temperature=1.0))
    odds = np.clip(logits[:, 1] - logits[:, 0], -SURE, SURE)
    slope, shift = _platt(odds, held, weights)
    return slope * coefficients, slope * intercept + shift, _proportional_cut(slope * odds + shift, held, weights)


def _platt(odds: Floats, held: NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    """Slope and shift of log odds (n,) that make them calibrated; targets smoothed as Platt has it."""
    yes, no = weights[held].sum(), weights[~held].sum()
    target = np.where(held, (yes + 1) / (yes + 2), 1 / (no + 2))
    twice, answers = np.r_[odds, odds][:, None], np.r_[np.ones(len(odds)), np.zeros(len(odds))]
    model = LogisticRegression(C=1e3).fit(twice, answers, sample_weight=np.r_[weights * target, weights * (1 - target)])
    slope, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope > FLAT:
        return slope, shift
    # Held out at a few labels, odds can point the wrong way by chance; then only how common the class is says anything.
    return FLAT, float(np.log((yes + 1) / (no + 1)) - FLAT * np.average(odds, weights=weights))


def _proportional_cut(odds: Floats, held: NDArray[np.bool_], weights: Floats) -> float:
    """The probability that texts (n,) of as much weight reach, by their log odds, as are held; halfway to the next."""
    order = np.argsort(-odds, kind="stable")
    last = int(np.searchsorted(np.cumsum(weights[order]), (weights * held).sum() - 1e-9))
    return float(expit(odds[order[last : last + 2]].mean()))


def _stacked(names: Sequence[str], rows: Sequence[Row], width: int) -> SetHead:
    coefficients = np.array([row[0] for row in rows]).reshape(len(rows), width)
    # As precise as they are saved: a run that was stopped goes on with the same numbers.
    parts = [coefficients, np.array([row[1] for row in rows]), np.array([row[2] for row in rows])]
    return SetHead(np.array(names, dtype=str), *(part.astype(np.float32) for part in parts))
