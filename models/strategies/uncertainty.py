"""Strategies that ask for what the classifier doubts."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

Floats = NDArray[np.floating[Any]]
Chosen = tuple[NDArray[np.intp], Floats]
Strategy = Callable[..., Any]


def least_confidence(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's uncertainty sampling: the lowest top probability."""
    from modAL.uncertainty import uncertainty_sampling

    return uncertainty_sampling(classifier, X, n_instances=n_instances)  # type: ignore[no-any-return]


def margin(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's margin sampling: the smallest gap between the two top probabilities; the score is 1 − gap."""
    from modAL.uncertainty import margin_sampling

    rows, gaps = margin_sampling(classifier, X, n_instances=n_instances)
    return rows, 1 - gaps


def entropy(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's entropy sampling: the highest entropy of the class probabilities."""
    from modAL.uncertainty import entropy_sampling

    return entropy_sampling(classifier, X, n_instances=n_instances)  # type: ignore[no-any-return]


def density(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """Margin uncertainty times the mean cosine similarity to the pool: doubt in thin air is left alone.

    Settles and Craven, "An analysis of active learning strategies for sequence labeling tasks", EMNLP 2008.
    """
    unit = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)
    # The mean of all pairs, without the pairs.
    similarity = np.clip(unit @ unit.mean(axis=0), 0, 1)
    return highest(margin_uncertainty(classifier, X) * similarity, n_instances)


def cluster_margin(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """The centres of k-means over the 10 × n most uncertain rows, weighted by uncertainty.

    Zhdanov, "Diverse mini-batch active learning", arXiv:1901.05954.
    """
    shortlist, _ = margin(classifier, X, min(10 * n_instances, len(X)))
    uncertainty = margin_uncertainty(classifier, X[shortlist])
    clusters = KMeans(n_instances, n_init=1, random_state=0)
    clusters.fit(X[shortlist], sample_weight=uncertainty + 1e-6)
    nearest = nearest_to_centres(X[shortlist], clusters.cluster_centers_)
    return shortlist[nearest], uncertainty[nearest]


def margin_uncertainty(classifier: Any, X: Floats) -> Floats:
    """1 − (top probability − second), in [0, 1], (n,); 1 is least certain."""
    from modAL.uncertainty import classifier_margin

    uncertainty: Floats = 1 - classifier_margin(classifier, X)
    return uncertainty


def highest(scores: Floats, n_instances: int) -> Chosen:
    """The rows with the highest scores, highest first."""
    order = np.argsort(-scores, kind="stable")[:n_instances]
    return order, scores[order]


def nearest_to_centres(X: Floats, centres: Floats) -> NDArray[np.intp]:
    """One distinct row per centre: its nearest that no earlier centre took."""
    distance = (X**2).sum(axis=1)[:, None] - 2 * X @ centres.T
    taken: list[int] = []
    for column in range(len(centres)):
        distance[taken, column] = np.inf
        taken.append(int(distance[:, column].argmin()))
    return np.array(taken, dtype=np.intp)
