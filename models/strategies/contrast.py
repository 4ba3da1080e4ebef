"""Strategies that hold the pool against what is labelled."""

from typing import Any

import numpy as np
from scipy.special import rel_entr
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from models.strategies.uncertainty import Chosen, Floats, highest

NEIGHBOURS = 10
SUB_BATCHES = 10


def contrastive(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """Rows predicted most unlike their nearest labelled rows, by mean Kullback–Leibler divergence.

    Margatina et al., "Active learning by acquiring contrastive examples", EMNLP 2021.
    """
    known = classifier.X_training
    near = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(known))).fit(known).kneighbors(X)[1]
    theirs, own = classifier.predict_proba(known), np.maximum(classifier.predict_proba(X), 1e-12)
    divergence = [rel_entr(theirs[rows], p).sum(axis=1).mean() for rows, p in zip(near, own, strict=True)]
    return highest(np.array(divergence), n_instances)


def discriminative(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """Rows that a second classifier tells apart from the labelled ones most surely, in sub-batches.

    Gissin and Shalev-Shwartz, "Discriminative active learning", arXiv:1907.06347.
    """
    chosen: list[int] = []
    scores: list[float] = []
    for size in [len(part) for part in np.array_split(np.arange(n_instances), min(SUB_BATCHES, n_instances))]:
        left = np.setdiff1d(np.arange(len(X)), chosen)
        known = np.vstack([classifier.X_training, X[chosen]])
        foreign = _foreignness(X[left], known)
        rows, found = highest(foreign, size)
        chosen += left[rows].tolist()
        scores += found.tolist()
    return np.array(chosen), np.array(scores)


def _foreignness(X: Floats, known: Floats) -> Floats:
    """The probability of not being labelled, (n,)."""
    belongs = np.r_[np.ones(len(X)), np.zeros(len(known))]
    judge = LogisticRegression(C=10.0, max_iter=300, tol=1e-3, class_weight="balanced")
    probabilities: Floats = judge.fit(np.vstack([X, known]), belongs).predict_proba(X)[:, 1]
    return probabilities
