"""A strategy that looks for classes that nobody has seen yet."""

from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from models.strategies.uncertainty import Chosen, Floats


def rare_classes(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """One after the other, the row with the largest doubt times squared distance from all that is labelled or chosen.

    A rare class lies apart, as the core-set approach has it (Sener and Savarese, ICLR 2018), and is predicted as
    nothing with confidence; a lone text of a known class lies apart too, but is no cause for doubt.
    """
    doubt = 1 - classifier.predict_proba(X).max(axis=1) + 1e-6
    known = NearestNeighbors(n_neighbors=1).fit(classifier.X_training)
    distance = known.kneighbors(X)[0][:, 0] ** 2 + 1e-6
    chosen: list[int] = []
    scores: list[float] = []
    while len(chosen) < n_instances:
        wanted = doubt * distance
        wanted[chosen] = -1
        best = int(wanted.argmax())
        chosen.append(best)
        scores.append(float(wanted[best]))
        distance = np.minimum(distance, ((X - X[best]) ** 2).sum(axis=1) + 1e-6)
    return np.array(chosen), np.array(scores)
