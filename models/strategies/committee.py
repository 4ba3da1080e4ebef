"""Query by committee: classifiers of different kinds on the same labels, and modAL's measures of how they disagree."""

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from models.strategies.coverage import random
from models.strategies.uncertainty import Chosen, Floats

NEIGHBOURS = 5


def committee_votes(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's vote entropy: the rows on whose class the members are most divided.

    Dagan and Engelson, "Committee-based sampling for training probabilistic classifiers", ICML 1995.
    """
    from modAL.disagreement import vote_entropy_sampling

    return _ask(vote_entropy_sampling, classifier, X, n_instances)


def committee_disagreement(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's maximal disagreement: the largest Kullback–Leibler divergence of a member from the consensus.

    McCallum and Nigam, "Employing EM and pool-based active learning for text classification", ICML 1998.
    """
    from modAL.disagreement import max_disagreement_sampling

    return _ask(max_disagreement_sampling, classifier, X, n_instances)


def _ask(sampling: Any, classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """`sampling` of a committee fitted on the labelled rows; chance while they are all of one class."""
    names, codes = np.unique(classifier.y_training, return_inverse=True)
    if len(names) < 2:
        return random(classifier, X, n_instances)
    # modAL counts votes in an array of floats: members speak in numbers.
    indices, scores = sampling(_committee(classifier.X_training, codes), X, n_instances=n_instances)
    return indices, np.nan_to_num(scores)


def _committee(X: Floats, y: Any) -> Any:
    from modAL.models import ActiveLearner, Committee

    members = [
        LogisticRegression(C=10.0, max_iter=300, tol=1e-3),
        GaussianNB(var_smoothing=1e-2),
        KNeighborsClassifier(min(NEIGHBOURS, len(y)), weights="distance"),
        RandomForestClassifier(100, random_state=0),
    ]
    return Committee([ActiveLearner(estimator=member.fit(X, y)) for member in members])
