"""Which labelled texts a writing prompt shows: those near its region, those unlike each other, or those that teach."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loop.sections import Shown
from models.records import Region, TrainingExample

Vectors = NDArray[np.float32]
CLOSE = 5  # times as many near texts as are wanted, to choose the diverse and the informative ones from
NEIGHBOURS = 5


def demonstrations(
    region: Region,
    classes: Sequence[str],
    verified: Sequence[TrainingExample],
    vectors: Vectors,
    count: int,
    by: Shown,
) -> list[TrainingExample]:
    """`count` verified examples of each of `classes`, chosen from those nearest to the region's centroid; `vectors`
    (n, d) are the embeddings of `verified` in its space."""
    if not verified:
        return []
    order = np.argsort(-(vectors @ np.array(region.centroid, dtype=np.float32)), kind="stable")
    worth = usefulness(vectors, [e.label for e in verified]) if by == "informative" else None
    chosen: list[int] = []
    for name in classes:
        near = [int(i) for i in order if verified[i].label == name]
        close = near[: count * CLOSE]
        if by == "diverse":
            chosen += _spread_out(close, vectors, count)
        elif worth is not None:
            chosen += sorted(close, key=lambda i: -worth[i])[:count]
        else:
            chosen += near[:count]
    return [verified[i] for i in chosen]


def _spread_out(close: Sequence[int], vectors: Vectors, count: int) -> list[int]:
    """The first of `close`, then always the one farthest from all that are taken (Gonzalez, 1985)."""
    taken = list(close[:1])
    while len(taken) < min(count, len(close)):
        rest = [i for i in close if i not in taken]
        nearness = (vectors[rest] @ vectors[taken].T).max(axis=1)
        taken.append(rest[int(nearness.argmin())])
    return taken


def usefulness(vectors: Vectors, labels: Sequence[str]) -> NDArray[np.float64]:
    """How much each labelled text (n,) helps to classify the others: its exact Shapley value in a classifier of
    `NEIGHBOURS` nearest neighbours that is tested on each text with that text left out.

    Jia et al., "Efficient task-specific data valuation for nearest neighbor algorithms", VLDB 2019, theorem 1.
    """
    n = len(labels)
    worth = np.zeros(n)
    if n < 2:
        return worth
    names, ranks = np.array(labels), np.arange(1, n - 1)
    share = np.minimum(NEIGHBOURS, ranks) / ranks / NEIGHBOURS
    for test in range(n):
        order = np.argsort(-(vectors @ vectors[test]), kind="stable")
        others = order[order != test]
        right = (names[others] == names[test]).astype(float)
        steps = np.r_[(right[:-1] - right[1:]) * share, right[-1] / len(others)]
        worth[others] += steps[::-1].cumsum()[::-1] / n
    return worth
