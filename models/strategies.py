"""Query strategies: which of the pool to have labelled next.

Every strategy has modAL's calling convention, `(classifier, X, n_instances) -> (indices, scores)`: `classifier` is a
modAL learner that answers `predict_proba(X)`, `X` is (n, d) embeddings, and `n_instances` rows of it are chosen.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

from models.errors import ConfigError

Floats = NDArray[np.floating[Any]]
Chosen = tuple[NDArray[np.intp], Floats]
Strategy = Callable[..., Any]
MANY = 5000


def least_confidence(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's uncertainty sampling: the lowest top probability."""
    from modAL.uncertainty import uncertainty_sampling

    return uncertainty_sampling(classifier, X, n_instances=n_instances)  # type: ignore[no-any-return]


def margin(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's margin sampling: the smallest gap between the two top probabilities."""
    from modAL.uncertainty import margin_sampling

    return margin_sampling(classifier, X, n_instances=n_instances)  # type: ignore[no-any-return]


def entropy(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's entropy sampling: the highest entropy of the class probabilities."""
    from modAL.uncertainty import entropy_sampling

    return entropy_sampling(classifier, X, n_instances=n_instances)  # type: ignore[no-any-return]


def cluster_margin(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """The centres of k-means over the 10 × n most uncertain rows, weighted by uncertainty.

    Zhdanov, "Diverse mini-batch active learning", arXiv:1901.05954.
    """
    shortlist, _ = margin(classifier, X, min(10 * n_instances, len(X)))
    uncertainty = margin_uncertainty(classifier, X[shortlist])
    clusters = KMeans(n_instances, n_init=1, random_state=0)
    clusters.fit(X[shortlist], sample_weight=uncertainty + 1e-6)
    nearest = _nearest_to_centres(X[shortlist], clusters.cluster_centers_)
    return shortlist[nearest], uncertainty[nearest]


def k_means(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """The rows nearest to the centres of k-means over all: for the start, when no classifier knows anything."""
    algorithm = MiniBatchKMeans if len(X) > MANY else KMeans
    clusters = algorithm(n_instances, n_init=3, random_state=0).fit(X)
    nearest = _nearest_to_centres(X, clusters.cluster_centers_)
    return nearest, np.ones(n_instances)


def random(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """Rows in the order they come: `choose` has shuffled them."""
    return np.arange(n_instances), np.ones(n_instances)


STRATEGIES: dict[str, Strategy] = {
    "random": random,
    "least-confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
    "cluster-margin": cluster_margin,
    "k-means": k_means,
}
STARTS = ("random", "k-means")


def find_strategy(name: str) -> Strategy:
    """The strategy of that name, or the function at `package.module:function`. Raises ConfigError."""
    if name in STRATEGIES:
        return STRATEGIES[name]
    module, _, function = name.partition(":")
    if not function:
        raise ConfigError(
            f"no query strategy '{name}'; there are: {', '.join(STRATEGIES)}, or give package.module:function"
        )
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"query strategy '{name}' cannot be imported: {error}") from error
    if not callable(found):
        raise ConfigError(f"query strategy '{name}' is not a function")
    return found  # type: ignore[no-any-return]


def find_start(name: str) -> Strategy:
    """The same for the start, when there is no classifier to ask. Raises ConfigError."""
    if name in STRATEGIES and name not in STARTS:
        raise ConfigError(f"'{name}' needs a classifier, and at the start there is none; take {' or '.join(STARTS)}")
    return find_strategy(name)


def choose(
    strategy: Strategy, classifier: Any, X: Floats, n_instances: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """The rows of `X` that the strategy chooses, distinct, `n_instances` of them.

    The rows are shuffled before the strategy sees them, so that ties fall by the seed and not by position. Raises
    ConfigError where a strategy breaks the contract.
    """
    from modAL.models import ActiveLearner

    shuffled = rng.permutation(len(X))
    # What modAL's own strategies expect to be asked; not its `query`, which misreads an answer of two rows.
    learner = None if classifier is None else ActiveLearner(estimator=classifier)
    answer = strategy(learner, X[shuffled], n_instances)
    indices = np.asarray(answer[0] if isinstance(answer, tuple) else answer).ravel()
    rows = np.unique(indices) if indices.dtype.kind in "iu" else np.zeros(0)
    if len(indices) != n_instances or len(rows) != n_instances or rows.min() < 0 or rows.max() >= len(X):
        raise ConfigError(
            f"the query strategy gave {len(rows)} distinct rows of {n_instances} asked for, from {len(X)}; "
            "a strategy returns (indices, scores), n_instances of each"
        )
    chosen: NDArray[np.intp] = shuffled[indices]
    return chosen


def margin_uncertainty(classifier: Any, X: Floats) -> Floats:
    """1 − (top probability − second), in [0, 1], (n,); 1 is least certain."""
    from modAL.uncertainty import classifier_margin

    uncertainty: Floats = 1 - classifier_margin(classifier, X)
    return uncertainty


def _nearest_to_centres(X: Floats, centres: Floats) -> NDArray[np.intp]:
    """One distinct row per centre: its nearest that no earlier centre took."""
    distance = (X**2).sum(axis=1)[:, None] - 2 * X @ centres.T
    taken: list[int] = []
    for column in range(len(centres)):
        distance[taken, column] = np.inf
        taken.append(int(distance[:, column].argmin()))
    return np.array(taken, dtype=np.intp)
