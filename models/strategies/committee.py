"""Query by committee: classifiers of different kinds on the same labels, and modAL's measures of how they disagree."""

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from models.errors import ConfigError
from models.label_calibration import says_something
from models.strategies.coverage import random
from models.strategies.uncertainty import Chosen, Floats, margin

NEIGHBOURS = 5
READ_BY_LLM = 3  # texts that the LLM reads for each that is chosen


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


def llm_committee(classifier: Any, X: Floats, n_instances: int) -> Chosen:
    """modAL's maximal disagreement in a committee of two, the classifier and an LLM, over the `READ_BY_LLM` × n rows
    that the classifier doubts most: the LLM reads no others. Of what it says nothing about, its budget being spent, it
    has the classifier's opinion; where that is all, it is margin sampling. Raises ConfigError where there is no LLM.

    `classifier.opinion(X)` gives the LLM's probability of each of `classifier.class_names`.
    """
    from modAL.disagreement import max_disagreement_sampling
    from modAL.models import Committee

    opinion = getattr(classifier, "opinion", None)
    if opinion is None:
        raise ConfigError("the query strategy 'llm-committee' asks an LLM: give llm.model")
    doubted, _ = margin(classifier, X, min(READ_BY_LLM * n_instances, len(X)))
    said = opinion(X[doubted])
    column = {name: n for n, name in enumerate(classifier.class_names.tolist())}
    own = np.zeros_like(said)
    own[:, [column[name] for name in classifier.estimator.classes_.tolist()]] = classifier.predict_proba(X[doubted])
    told = says_something(said)
    if not told.any():
        return margin(classifier, X, n_instances)
    committee = Committee([_Voice(own), _Voice(np.where(told[:, None], said, own))])
    rows, scores = max_disagreement_sampling(committee, X[doubted], n_instances=n_instances)
    return doubted[rows], np.nan_to_num(scores)


class _Voice:
    """A member of a committee that has spoken already: `shares` (n, k) of the rows it will be asked about."""

    def __init__(self, shares: Floats) -> None:
        self.estimator, self.shares = self, shares
        self.classes_ = np.arange(shares.shape[1])

    def predict_proba(self, X: Floats) -> Floats:
        return self.shares


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
