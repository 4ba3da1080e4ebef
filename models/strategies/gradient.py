"""BADGE: a diverse set of large hypothetical gradients."""

from typing import Any

import numpy as np

from models.strategies.uncertainty import Chosen, Floats


def badge(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """k-means++ over the gradients that the head would take if its own prediction were right.

    Ash et al., "Deep batch active learning by diverse, uncertain gradient lower bounds", ICLR 2020. A gradient is the
    outer product of residual (k,) and embedding (d,): its distances need the two, never the k × d numbers.
    """
    probabilities = classifier.predict_proba(X)
    residual = probabilities - np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    length = (residual**2).sum(axis=1) * (X**2).sum(axis=1)
    rng = np.random.default_rng(0)
    chosen = [int(length.argmax())]
    scores = [float(length[chosen[0]])]
    distance = np.full(len(X), np.inf)
    while len(chosen) < n_instances:
        last = chosen[-1]
        apart = length + length[last] - 2 * (residual @ residual[last]) * (X @ X[last])
        distance = np.minimum(distance, np.maximum(apart, 0))
        distance[chosen] = 0
        chosen.append(_draw(distance, chosen, rng))
        scores.append(float(distance[chosen[-1]]))
    return np.array(chosen), np.array(scores)


def _draw(distance: Floats, chosen: list[int], rng: np.random.Generator) -> int:
    """A row in proportion to its squared distance; any that is left where all distances are zero."""
    total = distance.sum()
    if total <= 0:
        return int(np.setdiff1d(np.arange(len(distance)), chosen)[0])
    return int(rng.choice(len(distance), p=distance / total))
