"""Strategies that represent the pool, whatever the classifier says: for the start, and while labels are few."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.neighbors import NearestNeighbors

from models.strategies.uncertainty import Chosen, Floats, nearest_to_centres

MANY = 5000
MOST_CLUSTERS = 500
NEIGHBOURS = 20
PURITY = 0.95


def random(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """Rows in the order they come: `choose` has shuffled them."""
    return np.arange(n_instances), np.ones(n_instances)


def k_means(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """The rows nearest to the centres of k-means over all."""
    nearest = nearest_to_centres(X, _cluster(X, n_instances).cluster_centers_)
    return nearest, np.ones(n_instances)


def coreset(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """One after the other, the row farthest from all that is labelled or chosen; the most central one first.

    Sener and Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018.
    """
    known, wish = _labelled_rows(classifier, X), np.ones(len(X))
    if len(known):
        return farthest_first(X, known, wish, n_instances)
    spread = ((X - X.mean(axis=0)) ** 2).sum(axis=1)
    central = int(spread.argmin())
    wish[central] = 0
    others, scores = farthest_first(X, X[[central]], wish, n_instances - 1)
    return np.r_[central, others], np.r_[spread.max(), scores]


def farthest_first(X: Floats, known: Floats, wish: Floats, n_instances: int) -> Chosen:
    """Greedily, the row of largest wish (n,) times squared distance from all that is known (m, d) or chosen."""
    near = 1e-6  # Rows that stand on known ones still come by their wish.
    distance = NearestNeighbors(n_neighbors=1).fit(known).kneighbors(X)[0][:, 0] ** 2 + near
    chosen: list[int] = []
    scores: list[float] = []
    while len(chosen) < n_instances:
        wanted = wish * distance
        wanted[chosen] = -1
        best = int(wanted.argmax())
        chosen.append(best)
        scores.append(float(wanted[best]))
        distance = np.minimum(distance, ((X - X[best]) ** 2).sum(axis=1) + near)
    return np.array(chosen, dtype=np.intp), np.array(scores)


def typiclust(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """The most typical row of each of the largest clusters that hold no label yet.

    Hacohen, Dekel and Weinshall, "Active learning on a budget: opposite strategies suit high and low budgets", ICML
    2022. Typical is what lies close to its neighbours; the score is minus the mean distance to them.
    """
    known = _labelled_rows(classifier, X)
    both = np.vstack([known, X])
    clusters = _cluster(both, min(len(known) + n_instances, MOST_CLUSTERS, len(both))).labels_
    held = np.bincount(clusters[: len(known)], minlength=clusters.max() + 1)
    waiting = [_typical_first(X, np.flatnonzero(clusters[len(known) :] == c)) for c in range(len(held))]
    chosen: list[tuple[int, float]] = []
    while len(chosen) < n_instances:
        cluster = min((c for c, rows in enumerate(waiting) if rows), key=lambda c: (held[c], -len(waiting[c])))
        chosen.append(waiting[cluster].pop(0))
        held[cluster] += 1
    rows, scores = zip(*chosen, strict=True)
    return np.array(rows), np.array(scores)


def prob_cover(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """One after the other, the row whose ball covers most rows that no labelled or chosen ball covers.

    Yehuda et al., "Active learning through a covering lens", NeurIPS 2022. The radius is the largest at which 95 % of
    balls are pure, by clusters for classes. Of a large pool, `MANY` random rows stand for all.
    """
    part = X[: max(MANY, n_instances)]
    known = _labelled_rows(classifier, X)
    radius = _pure_radius(part, n_instances if classifier is None else len(classifier.class_names))
    near = NearestNeighbors(radius=radius).fit(part)
    covers: NDArray[np.float32] = near.radius_neighbors_graph(part).toarray().astype(np.float32)
    if len(known):
        covers[:, near.radius_neighbors_graph(known).toarray().any(axis=0)] = 0
    chosen: list[int] = []
    scores: list[float] = []
    while len(chosen) < n_instances:
        gain = covers.sum(axis=1)
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        scores.append(float(gain[best]))
        covers[:, covers[best] > 0] = 0
    return np.array(chosen), np.array(scores)


def _labelled_rows(classifier: Any, X: Floats) -> Floats:
    """The embeddings (m, d) that the classifier has learned from; none where there is no classifier."""
    known = None if classifier is None else classifier.X_training
    return np.zeros((0, X.shape[1]), dtype=X.dtype) if known is None else known


def _cluster(X: Floats, count: int) -> Any:
    algorithm = MiniBatchKMeans if len(X) > MANY else KMeans
    return algorithm(count, n_init=3, random_state=0).fit(X)


def _typical_first(X: Floats, rows: NDArray[np.intp]) -> list[tuple[int, float]]:
    """The rows of one cluster with minus their mean distance to their nearest neighbours in it, closest first."""
    if len(rows) < 2:
        return [(int(row), 0.0) for row in rows]
    near = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(rows) - 1)).fit(X[rows])
    spread = near.kneighbors()[0].mean(axis=1)
    order = np.argsort(spread, kind="stable")
    return [(int(rows[i]), -float(spread[i])) for i in order]


def _pure_radius(X: Floats, classes: int) -> float:
    clusters = _cluster(X, min(max(2, classes), len(X))).labels_
    nearest_other = np.full(len(X), np.inf)
    for cluster in np.unique(clusters):
        inside = clusters == cluster
        if not inside.all():
            near = NearestNeighbors(n_neighbors=1).fit(X[~inside])
            nearest_other[inside] = near.kneighbors(X[inside])[0][:, 0]
    return float(np.quantile(nearest_other, 1 - PURITY)) if np.isfinite(nearest_other).all() else 0.0
