"""The default: find each class, represent the pool while labels are few, then ask for what the classifier doubts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.strategies.coverage import typiclust
from models.strategies.rare import like_unseen_classes
from models.strategies.uncertainty import Chosen, Floats, cluster_margin

LABELS_PER_CLASS = 3


def auto(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """TypiClust up to `LABELS_PER_CLASS` labels for each class seen, cluster-margin from there on; while some class has
    no label, up to half of the rows are those that read most like such a class.

    What a classifier doubts says little while it hardly knows the classes (Hacohen, Dekel and Weinshall, "Active
    learning on a budget: opposite strategies suit high and low budgets", ICML 2022).
    """
    described, likeness = like_unseen_classes(classifier, X, n_instances // 2)
    strategy = typiclust if few(classifier.y_training) else cluster_margin
    others = np.setdiff1d(np.arange(len(X)), described)
    rows, scores = strategy(classifier, X[others], n_instances - len(described))
    return np.r_[described, others[rows]], np.r_[1 + likeness, scores]


def few(labels: NDArray[np.str_]) -> bool:
    """Whether labels (m,) are too few for the classifier to be asked."""
    return len(labels) < LABELS_PER_CLASS * len(np.unique(labels))
