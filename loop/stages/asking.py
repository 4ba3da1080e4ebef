"""What a round asks of humans and of the LLM: the texts it draws, and how many it may."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loop.budget.ledger import Budget
from loop.budget.pausing import Allowance, allowance
from loop.budget.people import labels_left
from loop.budget.split import most_labels
from loop.completions import StoredLLM
from loop.labelled import (
    human_examples,
    told_by_llm,
    unjudged_pool,
)
from loop.parts import Parts
from loop.people import acceptance
from loop.query import (
    UNCERTAIN_PER_LABEL,
    Opinion,
    draw,
    shortlist,
    what_is_known,
)
from loop.store import Record
from models.calibration import fit_head
from models.chat import Account
from models.classifier import TextClassifier
from models.llm_classifier import LLMClassifier
from models.records import Example, Region, Source, TrainingExample
from models.strategies import Strategy, covers


def query(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """The round's batch for the humans, the texts for the LLM, and the regions of low confidence."""
    config, rng = parts.config, parts.rng(round_, "query")
    humans = human_examples(parts.store)
    # Where all of the first batch was skipped there is no more to go by than at the start.
    strategy = parts.strategy if humans else parts.start
    pool = _shortlisted(parts, classifier, strategy, humans, rng)
    batch = batch_size(parts)
    for_llm = most_labels(config.llm) if parts.llm is not None else 0
    accepts, share = may_accept(parts), config.annotation.blind_share
    if accepts:
        for_llm = min(for_llm, acceptance.most_for_llm(batch, share))
    known = what_is_known(classifier, humans, parts.task)
    opinion, told = _second_opinion(parts, round_, humans), told_by_llm(parts.store)
    queried, regions = draw(pool, classifier, known, strategy, batch, for_llm, round_, rng, opinion, told)
    alone = [q for q in queried if q.purpose == "llm"]
    allowed = asked_of(parts, "llm-label", round_, regions).examples
    queried = [*(q for q in queried if q.purpose != "llm"), *alone[:allowed]]
    return [*(acceptance.drawn_for_audit(queried, share, rng) if accepts else queried), *regions]


def _second_opinion(parts: Parts, round_: int, humans: Sequence[TrainingExample]) -> Opinion | None:
    """What the LLM thinks of texts, calibrated on human labels; it is asked only where a strategy wants to know."""
    if parts.llm is None:
        return None
    llm = StoredLLM(parts.llm, parts.store, Account(round_, "query", "human"))
    member = LLMClassifier(llm, parts.task, prompts=parts.prompts)

    def think(texts: Sequence[str]) -> NDArray[np.float64]:
        member.fit([e.text for e in humans], [e.label for e in humans])
        return member.predict_proba(texts)[:, np.searchsorted(member.classes_, parts.task.class_names)]

    return think


def may_accept(parts: Parts) -> bool:
    """Whether labels of the LLM may be accepted unseen."""
    return parts.config.annotation.accept_above > 0


def asked_of(parts: Parts, source: Source, round_: int, regions: Sequence[Region] = ()) -> Allowance:
    """What a round may ask of a source. Labels that may be accepted do not pause: the audit says what they are worth,
    and without them it would stand still."""
    if source == "llm-label" and may_accept(parts):
        return Allowance(parts.config.llm.labels)
    return allowance(parts.store, parts.config.llm, source, round_, regions)


def left_to_ask(parts: Parts) -> list[Example]:
    """The pool texts that a round may still ask humans about."""
    return unjudged_pool(parts.store, spared=may_accept(parts))


def batch_size(parts: Parts) -> int:
    """What a round may ask of humans: a batch, or the labels that are left."""
    return min(parts.config.run.batch, labels_left(parts.store, Budget.of(parts.config)))


def _shortlisted(
    parts: Parts,
    classifier: TextClassifier,
    strategy: Strategy,
    humans: Sequence[TrainingExample],
    rng: np.random.Generator,
) -> list[Example]:
    """The pool, or, where a trained encoder has made its embeddings stale, the part worth embedding anew."""
    # Never less than what an uncertain batch is drawn from, or the batch itself would be cut.
    pool, size = left_to_ask(parts), max(parts.config.learner.shortlist, UNCERTAIN_PER_LABEL * batch_size(parts))
    if classifier.trained_ is parts.encoder or len(pool) <= size:
        return pool
    if not humans or covers(strategy, np.array([e.label for e in humans])):
        return [pool[i] for i in rng.permutation(len(pool))[:size]]
    frozen = fit_head(parts.encoder.encode([e.text for e in humans]), [e.label for e in humans])
    vectors = parts.encoder.encode([e.text for e in pool])
    return [pool[i] for i in shortlist(frozen, vectors, size, rng)]
