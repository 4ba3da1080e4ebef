"""Query strategies: which of the pool to have labelled next.

Every strategy has modAL's calling convention, `(classifier, X, n_instances) -> (indices, scores)`: `classifier` is a
modAL learner that answers `predict_proba(X)` and knows the labelled rows as `X_training` (m, d) and `y_training` (m,),
what each class is about as `class_names` (k,) and `class_vectors` (k, d), and what an LLM thinks as `opinion`; `X` is
(n, d) embeddings, of which `n_instances` rows are chosen; a score is higher the more the row is wanted.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ConfigError
from models.strategies.automatic import auto, few
from models.strategies.committee import committee_disagreement, committee_votes, llm_committee
from models.strategies.contrast import contrastive, discriminative
from models.strategies.coverage import coreset, k_means, prob_cover, random, typiclust
from models.strategies.gradient import badge
from models.strategies.rare import rare_classes
from models.strategies.uncertainty import (
    Floats,
    Strategy,
    cluster_margin,
    density,
    entropy,
    least_confidence,
    margin,
    margin_uncertainty,
)
from models.threads import all_threads, one_thread

__all__ = [
    "STARTS",
    "STRATEGIES",
    "Known",
    "Strategy",
    "choose",
    "covers",
    "find_start",
    "find_strategy",
    "margin_uncertainty",
]

STRATEGIES: dict[str, Strategy] = {
    "auto": auto,
    "random": random,
    "least-confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
    "density": density,
    "cluster-margin": cluster_margin,
    "badge": badge,
    "contrastive": contrastive,
    "discriminative": discriminative,
    "committee-votes": committee_votes,
    "committee-disagreement": committee_disagreement,
    "llm-committee": llm_committee,
    "rare-classes": rare_classes,
    "coreset": coreset,
    "k-means": k_means,
    "typiclust": typiclust,
    "probcover": prob_cover,
}
STARTS = ("random", "k-means", "typiclust", "probcover", "coreset")
Opinion = Callable[[Floats], Floats]  # what an LLM thinks of rows (n, d): the probability of each class, (n, k)
COVERING: tuple[Strategy, ...] = (random, coreset, k_means, typiclust, prob_cover, discriminative)


@dataclass(frozen=True)
class Known:
    """What a strategy may know beside the classifier: the embeddings (m, d) and labels (m,) it has learned from, the
    names of all classes (k,) with the embeddings of their descriptions (k, d), and an LLM's `opinion`."""

    vectors: Floats
    labels: NDArray[np.str_]
    class_names: NDArray[np.str_]
    class_vectors: Floats
    opinion: Opinion | None = None


def find_strategy(name: str) -> Strategy:
    """The strategy of that name, or the function at `package.module:function`. Raises ConfigError."""
    if name in STRATEGIES:
        return STRATEGIES[name]
    module, _, function = name.partition(":")
    if not function:
        raise ConfigError(
            f"no query strategy '{name}'; there are: {', '.join(STRATEGIES)}, or give package.module:function"
        )
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"query strategy '{name}' cannot be imported: {error}") from error
    if not callable(found):
        raise ConfigError(f"query strategy '{name}' is not a function")
    return found  # type: ignore[no-any-return]


def find_start(name: str) -> Strategy:
    """The same for the start, when there is no classifier to ask. Raises ConfigError."""
    if name in STRATEGIES and name not in STARTS:
        raise ConfigError(
            f"'{name}' needs a classifier, and at the start there is none; take one of: {', '.join(STARTS)}"
        )
    return find_strategy(name)


def covers(strategy: Strategy, labels: NDArray[np.str_]) -> bool:
    """Whether, with these labels (m,), the strategy looks at how the pool lies, not at what the classifier doubts: to
    show it only what is doubted would blind it."""
    return strategy in COVERING or (strategy is auto and few(labels))


def choose(
    strategy: Strategy,
    classifier: Any,
    X: Floats,
    n_instances: int,
    rng: np.random.Generator,
    known: Known | None = None,
) -> NDArray[np.intp]:
    """The rows of `X` that the strategy chooses, distinct, `n_instances` of them.

    The rows are shuffled before the strategy sees them, so that ties fall by the seed and not by position. Raises
    ConfigError where there are not so many rows, and where a strategy breaks the contract.
    """
    if not 0 <= n_instances <= len(X):
        raise ConfigError(f"{n_instances} rows cannot be chosen from {len(X)}")
    if not n_instances:
        return np.zeros(0, dtype=np.intp)
    shuffled = rng.permutation(len(X))
    with one_thread() as limits:
        answer = strategy(_learner(classifier, known, limits), X[shuffled], n_instances)
    indices = np.asarray(answer[0] if isinstance(answer, tuple) else answer).ravel()
    rows = np.unique(indices) if indices.dtype.kind in "iu" else np.zeros(0)
    if len(indices) != n_instances or len(rows) != n_instances or rows.min() < 0 or rows.max() >= len(X):
        raise ConfigError(
            f"the query strategy gave {len(rows)} distinct rows of {n_instances} asked for, from {len(X)}; "
            "a strategy returns (indices, scores), n_instances of each"
        )
    chosen: NDArray[np.intp] = shuffled[indices]
    return chosen


def _learner(classifier: Any, known: Known | None, limits: Any) -> Any:
    """What modAL's own strategies expect to be asked; not its `query`, which misreads an answer of two rows, nor its
    constructor's `X_training`, which fits anew."""
    from modAL.models import ActiveLearner

    if classifier is None:
        return None
    learner = ActiveLearner(estimator=classifier)
    if known is not None:
        learner.X_training, learner.y_training = known.vectors, known.labels
        learner.class_names, learner.class_vectors = known.class_names, known.class_vectors
        learner.opinion = _unlimited(known.opinion, limits) if known.opinion else None
    return learner


def _unlimited(opinion: Opinion, limits: Any) -> Opinion:
    def ask(rows: Floats) -> Floats:
        with all_threads(limits):
            return opinion(rows)

    return ask
