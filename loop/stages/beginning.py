"""The first labels, and what the LLM begins with once they are there."""

import numpy as np

from loop.labelled import (
    descriptions,
    human_examples,
    unjudged_pool,
)
from loop.parts import Parts
from loop.query import (
    UNCERTAIN_PER_LABEL,
    draw_start,
    find_regions,
)
from loop.stages.asking import may_accept
from loop.store import Record
from models.classifier import TextClassifier
from models.records import Queried
from models.strategies import choose, margin_uncertainty


def start(parts: Parts, round_: int = 0) -> list[Queried]:
    """What humans judge before the first round: a holdout and a first batch, where no file gives them."""
    config, pool = parts.config, unjudged_pool(parts.store)
    holdout = 0 if config.data.holdout else config.data.holdout_size
    start = 0 if len({e.label for e in human_examples(parts.store)}) > 1 else config.run.start
    vectors = parts.encoder.encode([e.text for e in pool])
    return draw_start(pool, vectors, parts.start, holdout, start, parts.rng(0, "query"))


def first_look(parts: Parts) -> TextClassifier:
    """The classifier of the first labels, on the frozen encoder: it only tells the LLM where to begin. Of the names of
    the classes where people skipped all of the first batch."""
    known = human_examples(parts.store) or descriptions(parts.task)
    classifier = TextClassifier(parts.encoder, "frozen", parts.config.run.seed)
    return classifier.fit([e.text for e in known], [e.label for e in known])


def aim(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """What the LLM begins with, once the first labels are there: texts for it to label, drawn from all of the pool as
    those of the first batch were, and the regions of low confidence. Labels that may be accepted unseen wait for the
    first round, which audits them."""
    pool, rng = unjudged_pool(parts.store), parts.rng(round_, "label")
    vectors = classifier.encode([e.text for e in pool])
    count = 0 if may_accept(parts) else min(parts.config.llm.start, len(pool))
    chosen = choose(parts.start, None, vectors, count, rng) if count else ()
    uncertainty = margin_uncertainty(classifier.head.for_strategies(), vectors)
    unsure = np.argsort(-uncertainty, kind="stable")[: UNCERTAIN_PER_LABEL * parts.config.run.batch]
    regions = find_regions(pool, vectors, uncertainty, classifier.head, unsure, round_)
    return [*(Queried(round_, pool[i].id, "llm", float(uncertainty[i])) for i in chosen), *regions]
