"""Cross-validation: which examples each head has not seen, and what it says of them."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from models.head import Fit, Floats

FOLDS = 5
UNSEEN = -30.0
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def fold_indices(labels: NDArray[np.str_], seed: int) -> list[Fold]:
    """(train, test) positions, stratified as far as the rarest classes let it."""
    folds = min(FOLDS, len(labels))
    _, counts = np.unique(labels, return_counts=True)
    if counts.max() >= folds and len(counts) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
            return list(splitter.split(np.zeros((len(labels), 1)), labels))
    return list(KFold(folds, shuffle=True, random_state=seed).split(np.zeros((len(labels), 1))))


def measured_folds(labels: NDArray[np.str_], seed: int, judged: NDArray[np.bool_] | None) -> list[Fold]:
    """`fold_indices` of the `judged` examples (n,), or of all where not two are; the others are in every training
    part."""
    if judged is None or judged.sum() < 2:
        return fold_indices(labels, seed)
    rows, others = np.flatnonzero(judged), np.flatnonzero(~judged)
    return [(np.r_[rows[train], others], rows[test]) for train, test in fold_indices(labels[rows], seed)]


def out_of_fold_logits(
    fit: Fit,
    vectors: Floats,
    labels: NDArray[np.str_],
    weights: Floats,
    folds: Sequence[Fold],
) -> Floats:
    """Logits (n, k sorted classes) of each example by a head that has not seen it; a class its head has not seen either
    scores `UNSEEN`."""
    classes = np.unique(labels)
    logits = np.full((len(labels), len(classes)), UNSEEN)
    for train, test in folds:
        head = fit(vectors[train], labels[train], weights[train])
        columns = np.searchsorted(classes, head.classes_)
        logits[np.ix_(test, columns)] = head.logits(vectors[test])
    return logits
