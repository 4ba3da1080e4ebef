"""A strategy that looks for classes that nobody has seen yet."""

from typing import Any

from models.strategies.coverage import farthest_first
from models.strategies.uncertainty import Chosen, Floats


def rare_classes(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """One after the other, the row with the largest doubt times squared distance from all that is labelled or chosen.

    A rare class lies apart, as the core-set approach has it (Sener and Savarese, ICLR 2018), and is predicted as
    nothing with confidence; a lone text of a known class lies apart too, but is no cause for doubt.
    """
    doubt = 1 - classifier.predict_proba(X).max(axis=1) + 1e-6
    return farthest_first(X, classifier.X_training, doubt, n_instances)
