"""Where the classifier is unsure: regions of the pool, and the batch that is drawn from it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from models.classifier import TextClassifier
from models.head import Head
from models.label_sets import split
from models.records import Example, Queried, Region, TaskDescription, TrainingExample
from models.set_head import SetHead
from models.strategies import Known, Strategy, choose, margin_uncertainty
from models.strategies.uncertainty import margin

REGION_SIZE = 25
MOST_REGIONS = 12
UNCERTAIN_PER_LABEL = 10

Opinion = Callable[[Sequence[str]], NDArray[np.floating[Any]]]


def shortlist(frozen: Head, vectors: NDArray[np.float32], size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The rows of `vectors` (n, d) least certain to the head on the frozen encoder, `size` of them, ties by the seed:
    a trained encoder makes the pool's embeddings stale, and only these are embedded anew."""
    return choose(margin, frozen, vectors, min(size, len(vectors)), rng)


def what_is_known(classifier: TextClassifier, humans: Sequence[TrainingExample], task: TaskDescription) -> Known:
    """What the query may go by: the real texts that humans have labelled, and what the classes are about. In a
    multi-label task a text stands there once for each of its classes."""
    of = [split(e.label) or ("",) if task.multi_label else (e.label,) for e in humans]
    rows = np.repeat(np.arange(len(humans)), [len(names) for names in of])
    return Known(
        vectors=classifier.encode([e.text for e in humans])[rows],
        labels=np.array([name for names in of for name in names]),
        class_names=np.array(task.class_names),
        class_vectors=classifier.encode([c.words() for c in task.classes]),
    )


def draw(
    pool: Sequence[Example],
    classifier: TextClassifier,
    known: Known,
    strategy: Strategy,
    batch: int,
    for_llm: int,
    round_: int,
    rng: np.random.Generator,
    opinion: Opinion | None = None,
    told: Collection[str] = (),
) -> tuple[list[Queried], list[Region]]:
    """A batch for the humans, `for_llm` more of the uncertain texts for the LLM, of those that it has not `told` the
    class of yet, by id, and the regions they come from; `opinion` is what an LLM thinks of texts, for a strategy that
    asks."""
    vectors = classifier.encode([e.text for e in pool])
    if opinion is not None:
        texts = {vector.tobytes(): e.text for vector, e in zip(vectors, pool, strict=True)}
        known = replace(known, opinion=lambda rows: opinion([texts[row.tobytes()] for row in rows]))
    asked = classifier.head.for_strategies()
    uncertainty = margin_uncertainty(asked, vectors)
    chosen = choose(strategy, asked, vectors, min(batch, len(pool)), rng, known)
    order = np.argsort(-uncertainty, kind="stable")
    most = max(UNCERTAIN_PER_LABEL * batch, batch + for_llm)
    unsure, untold = order[:most], [i for i in order if pool[i].id not in told][:most]
    rest = np.setdiff1d(untold, chosen)
    extra = rng.choice(rest, size=min(for_llm, len(rest)), replace=False)
    queried = [Queried(round_, pool[i].id, "query", float(uncertainty[i])) for i in chosen]
    queried += [Queried(round_, pool[i].id, "llm", float(uncertainty[i])) for i in extra]
    return queried, find_regions(pool, vectors, uncertainty, classifier.head, unsure, round_)


def find_regions(
    pool: Sequence[Example],
    vectors: NDArray[np.float32],
    uncertainty: NDArray[np.floating[Any]],
    head: Head | SetHead,
    unsure: NDArray[np.intp],
    round_: int,
) -> list[Region]:
    """Clusters the `unsure` rows of the pool; each region is named by the two classes it confuses, those with the most
    probability over its members. None while the classifier knows fewer than two classes."""
    if len(head.classes_) < 2 or not len(unsure):
        return []
    count = int(np.clip(len(unsure) // REGION_SIZE, 1, MOST_REGIONS))
    clusters = KMeans(count, n_init=1, random_state=0).fit_predict(vectors[unsure])
    probabilities = head.predict_proba(vectors)
    regions: list[Region] = []
    for cluster in np.unique(clusters):
        rows = unsure[clusters == cluster]
        first, second = np.argsort(-probabilities[rows].mean(axis=0), kind="stable")[:2]
        region = Region(
            round=round_,
            index=len(regions),
            members=tuple(pool[i].id for i in rows),
            classes=(str(head.classes_[first]), str(head.classes_[second])),
            uncertainty=float(uncertainty[rows].mean()),
            centroid=tuple(float(x) for x in vectors[rows].mean(axis=0)),
        )
        regions.append(region)
    return regions


def nearest_regions(vectors: NDArray[np.floating[Any]], regions: Sequence[Region]) -> list[int]:
    """For each of `vectors` (n, d) the index of the region whose centroid is nearest."""
    distances = np.linalg.norm(vectors[:, None] - np.array([r.centroid for r in regions])[None], axis=2)
    return [regions[i].index for i in distances.argmin(axis=1)]


def draw_start(
    pool: Sequence[Example],
    vectors: NDArray[np.float32],
    strategy: Strategy,
    holdout: int,
    start: int,
    rng: np.random.Generator,
) -> list[Queried]:
    """The first thing humans judge: a holdout drawn at random, then a start batch from what is left."""
    held, rest = draw_holdout(pool, holdout, rng)
    chosen = rest[choose(strategy, None, vectors[rest], start, rng)] if start else rest[:0]
    return held + [Queried(0, pool[i].id, "start", 1.0) for i in chosen]


def draw_holdout(
    pool: Sequence[Example], size: int, rng: np.random.Generator
) -> tuple[list[Queried], NDArray[np.intp]]:
    """So many of the pool at random, and the rows of what is left, in random order."""
    drawn = rng.permutation(len(pool))
    return [Queried(0, pool[i].id, "holdout", 1.0) for i in drawn[:size]], drawn[size:]
