"""The default: represent the pool while labels are few, then ask for what the classifier doubts."""

from typing import Any

from models.strategies.coverage import typiclust
from models.strategies.uncertainty import Chosen, Floats, cluster_margin

LABELS_PER_CLASS = 2


def auto(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    few = len(classifier.y_training) < LABELS_PER_CLASS * len(classifier.estimator.classes_)
    return typiclust(classifier, X, n_instances) if few else cluster_margin(classifier, X, n_instances)
