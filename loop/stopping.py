"""Whether the classifier still changes its mind: the stop rule. It looks at the pool alone; the holdout has no say."""

from collections.abc import Sequence
from itertools import pairwise

from models.measures import PoolAnswers

ANSWERS = 500
STABLE = 0.99
WINDOW = 3


def agreements(rounds: Sequence[PoolAnswers]) -> list[float]:
    """Cohen's kappa of the answers of each round with those of the round before; 1 is no change, 0 is chance."""
    return [_kappa(before.labels, after.labels) for before, after in pairwise(rounds)]


def changes(rounds: Sequence[PoolAnswers]) -> list[float]:
    """The share of the answers of each round that are not those of the round before: the most by which accuracy on
    these texts can have moved, known without a label.

    After Altschuler and Bloodgood, "Stopping active learning based on predicted change of F measure for text
    classification", ICSC 2019, who foretell the F measure's.
    """
    pairs = [list(zip(before.labels, after.labels, strict=True)) for before, after in pairwise(rounds)]
    return [sum(a != b for a, b in pair) / max(1, len(pair)) for pair in pairs]


def settled(rounds: Sequence[PoolAnswers]) -> bool:
    """Whether the answers have stopped changing: a mean kappa of `STABLE` over the last `WINDOW` rounds. To answer
    all texts alike is no evidence, as it leaves no chance to disagree.

    Bloodgood and Vijay-Shanker, "A method for stopping active learning based on stabilizing predictions and the need
    for user-adjustable stopping", CoNLL 2009, whose threshold and window these are.
    """
    last = agreements(rounds)[-WINDOW:]
    return len(last) == WINDOW and sum(last) / WINDOW >= STABLE and len(set(rounds[-1].labels)) > 1


def _kappa(before: Sequence[str], after: Sequence[str]) -> float:
    from sklearn.metrics import cohen_kappa_score

    # All of one class, twice: no chance to disagree, and kappa is 0 / 0.
    return 1.0 if len({*before, *after}) == 1 else float(cohen_kappa_score(before, after))
