"""A strategy that looks for rare classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.strategies.coverage import coreset
from models.strategies.uncertainty import Chosen, Floats


def rare_classes(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """Half of the batch for known classes with few labels, half for classes that nobody has seen.

    For the first half, classes take turns, the one with the fewest labels first, each with the row that is most
    probably its own; for the second, rows far from all that is labelled or chosen.
    """
    few = _of_few_labels(classifier, X, n_instances // 2)
    rest = np.setdiff1d(np.arange(len(X)), few)
    far, distance = coreset(classifier, X[rest], n_instances - len(few))
    return np.r_[few, rest[far]], np.r_[np.full(len(few), 1 + distance.max()), distance]


def _of_few_labels(classifier: Any, X: Floats, n_instances: int) -> NDArray[np.intp]:
    probabilities = classifier.predict_proba(X).copy()
    names, counts = np.unique(classifier.y_training, return_counts=True)
    columns = [classifier.estimator.classes_.tolist().index(name) for name in names.tolist()]
    chosen: list[int] = []
    while len(chosen) < n_instances:
        fewest = int(counts.argmin())
        chosen.append(int(probabilities[:, columns[fewest]].argmax()))
        probabilities[chosen[-1]] = -1
        counts[fewest] += 1
    return np.array(chosen, dtype=np.intp)
