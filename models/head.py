"""The linear head on top of embeddings: logistic regression, on labels alone or self-trained."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from models.threads import one_thread

Floats = NDArray[np.floating[Any]]
PASSES = 2
SELF_STRENGTH = 3.0


Fit = Callable[[Floats, NDArray[np.str_], Floats], "Head"]


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

    def confidence(self, vectors: Floats) -> NDArray[np.float64]:
        """The probability of the answer, (n,)."""
        top: NDArray[np.float64] = self.predict_proba(vectors).max(axis=1)
        return top

    def right(self, vectors: Floats, labels: NDArray[np.str_]) -> NDArray[np.float64]:
        """How right the answers are, (n,): 1 or 0."""
        hits: NDArray[np.float64] = (self.predict(vectors) == labels).astype(float)
        return hits

    def for_strategies(self) -> "Head":
        """What query strategies ask."""
        return self

    def save(self, path: Path) -> None:
        from safetensors.numpy import save_file

        arrays = {"coefficients": self.coefficients, "intercept": self.intercept}
        save_file({name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}, path)

    @classmethod
    def load(cls, path: Path, classes: Sequence[str], temperature: float) -> "Head":
        from safetensors.numpy import load_file

        arrays = load_file(path)
        return cls(np.array(classes, dtype=str), arrays["coefficients"], arrays["intercept"], temperature)


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
        # In single precision, as embeddings come: the same answers in half the time.
        alike = balanced(labels, weights).astype(np.float32)
        model.fit(np.asarray(vectors, dtype=np.float32), labels, sample_weight=alike)
    coefficients, intercept = model.coef_, model.intercept_
    if len(classes) == 2:
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercept = np.array([0.0, intercept[0]])
    # As precise as it is saved: a run that was stopped goes on with the same numbers.
    return Head(classes, coefficients.astype(np.float32), intercept.astype(np.float32))


def balanced(labels: NDArray[np.str_], weights: Floats) -> Floats:
    """Weights (n,) with the same sum in each class; a class of less than one label in all stays as light as it is:
    what is hardly trusted must not weigh full because it stands alone."""
    classes, codes = np.unique(labels, return_inverse=True)
    labelled = np.maximum(np.bincount(codes, weights), 1.0)
    share: Floats = weights * (weights.sum() / len(classes) / labelled)[codes]
    return share


def self_train(
    vectors: Floats,
    labels: NDArray[np.str_],
    weights: Floats,
    unlabelled: Floats,
    share: float,
    strength: float = SELF_STRENGTH,
) -> Head:
    """The uncalibrated head that also learns from its own answers on `unlabelled` (m, d), `PASSES` times over; they
    weigh `share` times the labels in all, each by its probability.

    Yarowsky, "Unsupervised word sense disambiguation rivaling supervised methods", ACL 1995. A few labels say where the
    classes are, the unlabelled texts how far each reaches.
    """
    head = fit_logistic(vectors, labels, weights, strength)
    both = np.vstack([vectors, unlabelled])
    for _ in range(PASSES):
        probabilities = head.predict_proba(unlabelled)
        sure = probabilities.max(axis=1)
        answers = head.classes_[probabilities.argmax(axis=1)]
        own = share * weights.sum() * sure / sure.sum()
        head = fit_logistic(both, np.r_[labels, answers], np.r_[weights, own], strength)
    return head
