"""The default: represent the pool while labels are few, then ask for what the classifier doubts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.strategies.coverage import typiclust
from models.strategies.uncertainty import Chosen, Floats, cluster_margin

LABELS_PER_CLASS = 3


def auto(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """TypiClust up to `LABELS_PER_CLASS` labels for each class seen, cluster-margin from there on.

    What a classifier doubts says little while it hardly knows the classes (Hacohen, Dekel and Weinshall, "Active
    learning on a budget: opposite strategies suit high and low budgets", ICML 2022).
    """
    strategy = typiclust if few(classifier.y_training) else cluster_margin
    return strategy(classifier, X, n_instances)


def few(labels: NDArray[np.str_]) -> bool:
    """Whether labels (m,) are too few for the classifier to be asked."""
    return len(labels) < LABELS_PER_CLASS * len(np.unique(labels))
