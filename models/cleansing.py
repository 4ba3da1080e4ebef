"""Labels that look wrong: found by what a classifier says that has not seen them, and made lighter."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

LIGHT = 0.25
FEWEST_DOUBTED = 0.1
LABELS_PER_CLASS = 5


def doubted(labels: NDArray[np.str_], probabilities: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """The positions of labels (n,) that look wrong, the worst first, by calibrated probabilities (n, k sorted classes)
    out of fold: confident learning (Northcutt, Jiang and Chuang, JAIR 2021)."""
    from cleanlab.filter import find_label_issues

    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return np.array([], dtype=np.intp)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "May not flag all label issues", UserWarning)
        order = find_label_issues(codes, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    # The only label of a class is out of sight in its own fold: nothing speaks for it, and that is no evidence.
    return np.array([i for i in order if counts[codes[i]] > 1], dtype=np.intp)


def lightened(
    labels: NDArray[np.str_], weights: NDArray[np.floating[Any]], probabilities: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]] | None:
    """The weights (n,) with those of doubted labels cut to `LIGHT`; None where a classifier's own errors explain the
    doubts as well: under `LABELS_PER_CLASS` labels a class or one for each pair of classes to be confused, or under
    `FEWEST_DOUBTED` of them doubted."""
    classes = probabilities.shape[1]
    if len(labels) < max(LABELS_PER_CLASS * classes, classes * (classes - 1) / 2):
        return None
    wrong = doubted(labels, probabilities)
    if len(wrong) < FEWEST_DOUBTED * len(labels):
        return None
    lighter = weights.copy()
    lighter[wrong] *= LIGHT
    return lighter
