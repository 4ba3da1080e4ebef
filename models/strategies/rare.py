"""Strategies for classes that are rare, or have not been seen at all."""

from typing import Any

import numpy as np
from scipy.special import softmax

from models.strategies.coverage import farthest_first
from models.strategies.uncertainty import Chosen, Floats
from models.vectors import unit_rows

SHARPNESS = 20.0
TRIES = 5


def rare_classes(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """What looks like classes without a label; then, one after the other, the row with the largest product of doubt and
    squared distance from all that is labelled or chosen.

    Texts of a class that has no label lie apart from those that have, and the classifier gives them nothing with
    confidence; a lone text of a known class lies apart too, but is no cause for doubt.
    """
    described, likeness = like_unseen_classes(classifier, X, n_instances)
    wish = _doubt(classifier, X)
    wish[described] = 0
    known = np.vstack([classifier.X_training, X[described]])
    apart, scores = farthest_first(X, known, wish, n_instances - len(described))
    return np.r_[described, apart], np.r_[1 + likeness, scores]


def like_unseen_classes(classifier: Any, X: Floats, most: int) -> Chosen:
    """A distinct row for each of at most `most` classes that have no label yet: the row most like the class's
    description among all descriptions, in the manner of a zero-shot classifier, and doubted by the one there is.

    A class is given up once `TRIES` labelled rows that looked most like it were of other classes: its description
    misleads, or the pool has none of it.
    """
    # A text of several classes stands there once for each of them.
    looked_like = _likeness(classifier, np.unique(classifier.X_training, axis=0)).argmax(axis=1)
    tried = np.bincount(looked_like, minlength=len(classifier.class_names))
    unseen = ~np.isin(classifier.class_names, classifier.y_training)
    wanted = np.flatnonzero(unseen & (tried < TRIES))[:most]
    wish = _likeness(classifier, X)[:, wanted] * _doubt(classifier, X)[:, None]
    taken: list[int] = []
    scores: list[float] = []
    for column in range(len(wanted)):
        wish[taken, column] = -1
        taken.append(int(wish[:, column].argmax()))
        scores.append(float(wish[taken[-1], column]))
    return np.array(taken, dtype=np.intp), np.array(scores)


def _likeness(classifier: Any, X: Floats) -> Floats:
    """How far each row (n,) reads like each class's description, (n, k), as probabilities."""
    cosine = unit_rows(X) @ unit_rows(classifier.class_vectors).T
    share: Floats = softmax(SHARPNESS * cosine, axis=1)
    return share


def _doubt(classifier: Any, X: Floats) -> Floats:
    """How far the classes that have a label leave each row (n,) open. A class that is known by its description alone
    does not count: what it is given with confidence is what is looked for. In a multi-label task all answers count."""
    labelled = np.isin(classifier.estimator.classes_, classifier.y_training)
    shares = classifier.predict_proba(X)[:, labelled if labelled.any() else slice(None)]
    doubt: Floats = 1 - shares.max(axis=1) + 1e-6
    return doubt
