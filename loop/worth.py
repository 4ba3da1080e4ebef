"""What each source is worth on the holdout, where texts are as hard as they are: told to people, chosen by nobody."""

import math

import numpy as np
from numpy.typing import NDArray

from loop.evaluate import Z, gain
from loop.store import Store
from models.measures import HoldoutWorth
from models.records import Source

WORDS: dict[str, str] = {
    "description": "the descriptions of classes",
    "self": "the classifier's own answers",
    "llm-label": "the LLM's labels",
    "llm-text": "the LLM's texts",
}


def on_holdout(round_: int, source: Source, right: NDArray[np.bool_], right_without: NDArray[np.bool_]) -> HoldoutWorth:
    """What a source adds to accuracy on the holdout, from which of its texts (n,) are classified right with it and
    without it. The 95 % interval is that of a difference of matched shares: Agresti and Min, "Simple improved
    confidence intervals for comparing matched proportions", Statistics in Medicine 2005. It tells the luck of the
    holdout's draw, not that of the labels'."""
    won, lost = int((right & ~right_without).sum()), int((right_without & ~right).sum())
    size, middle, moved = len(right) + 2, won - lost, won + lost + 1
    half = Z * math.sqrt(moved - middle**2 / size)
    value, low, high = middle / len(right), (middle - half) / size, (middle + half) / size
    return HoldoutWorth(round_, source, value, max(-1.0, min(value, low)), min(1.0, max(value, high)))


def worth_sentences(store: Store) -> list[str]:
    """What the last measured round's classifier owes each source, in words; none where it learned from people alone."""
    found = store.all(HoldoutWorth)
    last = [w for w in found if w.round == found[-1].round]
    said = ", ".join(f"{WORDS[w.source]} {gain(w.worth, w.low, w.high)}" for w in last)
    return [f"On the holdout the classifier of round {last[0].round} owes, in points, {said}."] if said else []
