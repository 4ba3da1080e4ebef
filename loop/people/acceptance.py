"""Labels of the LLM that no human needs to see: accepted where a random audit of the same labels shows them right."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from scipy.stats import hypergeom

from loop.label import CLASSIFIER
from loop.labelled import rejected, unseen_labels, verdicts_by_example
from loop.store import Store
from models.measures import Permission
from models.records import Queried, Suggestion

CONFIDENCE = 0.95
FIRST_ROUND = 3
THRESHOLDS = (0.99, 0.95, 0.9, 0.8, 0.7, 0.5, 0.0)
ROUNDING = 1e-9


@dataclass(frozen=True)
class MachineLabel:
    """A label that the LLM gave a text on its own. `right` is what the audit found, None where no human has looked."""

    label: str
    confidence: float
    right: bool | None = None


def drawn_for_audit(queried: Sequence[Queried], share: float, rng: np.random.Generator) -> list[Queried]:
    """The same, each text for the LLM drawn for the audit with probability `share`: by a coin of its own, so that
    whatever is audited of a class, above a confidence, over all rounds, is a simple random sample of it."""
    coins = rng.random(len(queried))
    drawn = (q.purpose == "llm" and coin < share for q, coin in zip(queried, coins, strict=True))
    return [replace(q, purpose="audit") if audit else q for q, audit in zip(queried, drawn, strict=True)]


def most_for_llm(batch: int, share: float) -> int:
    """How many texts the LLM may label in a round so that their audit takes about half of the batch."""
    return int(batch / (2 * share))


def machine_labels(store: Store) -> list[MachineLabel]:
    """The LLM's labels of the real texts drawn for it: those audited, and those that would be accepted unseen. What
    curation turned down is neither, nor what was drawn for the audit and found no room in the batch. A text that a
    human could not label was not labelled right."""
    audits = {q.example for q in store.all(Queried, purpose="audit")} - rejected(store, "llm-label")
    verdicts = verdicts_by_example(store)
    audited = [
        MachineLabel(s.label, s.confidence, verdicts[s.example].label == s.label)
        for s in store.all(Suggestion)
        if s.example in audits and s.example in verdicts and s.model != CLASSIFIER
    ]
    return audited + [MachineLabel(s.label, s.confidence) for s in unseen_labels(store)]


def permissions(labels: Sequence[MachineLabel], demanded: float, round_: int) -> list[Permission]:
    """The classes, each with a confidence, above which at least the share `demanded` of the unseen labels is right.

    With probability `CONFIDENCE`, all of them together are: the tests of the classes share the chance of an error
    (Bonferroni), among those that have been audited enough to pass at all. Within a class, confidences are tested from
    the highest down to the first that fails, which costs nothing (fixed-sequence testing: Angelopoulos et al., "Learn
    then Test: calibrating predictive algorithms to achieve risk control", 2021). What is tested goes by how many were
    audited, never by how many were right. The promise is each round's, for what is accepted in it: over many rounds
    some round may break it, and what a round draws goes by earlier verdicts, of which the test takes no account.
    """
    names = sorted({x.label for x in labels})
    ladders = [[_band([x for x in labels if x.label == name], above, round_) for above in THRESHOLDS] for name in names]
    error, ladders = _testable(ladders, demanded)
    granted = []
    for ladder in ladders:
        passed = list(takewhile(lambda band: _chance(band, band.right, demanded) <= error, ladder))[-1:]
        granted += [replace(b, low=least_right(b.right, b.audited, b.unseen, error)) for b in passed]
    return granted


def _testable(ladders: Sequence[Sequence[Permission]], demanded: float) -> tuple[float, list[list[Permission]]]:
    """The chance of an error left to each class, and of each class that can pass at all, the bands that can, from the
    highest confidence down."""
    flawless = [[(band, _chance(band, band.audited, demanded)) for band in ladder] for ladder in ladders]
    for classes in range(1, len(ladders) + 1):
        error = (1 - CONFIDENCE) / classes
        found = [own for ladder in flawless if (own := [band for band, chance in ladder if chance <= error])]
        if len(found) <= classes:
            return error, found
    return 0.0, []


def _band(labels: Sequence[MachineLabel], above: float, round_: int) -> Permission:
    found = Counter(x.right for x in labels if x.confidence >= above)
    audited = found[True] + found[False]
    return Permission(round_, labels[0].label, above, audited, found[True], found[None], low=0.0)


def acceptance_sentences(store: Store) -> list[str]:
    """What the newest permissions say, and which of the round before are withdrawn; nothing where there were none."""
    newest = max((round_ for round_, stage in store.stages() if stage == "learn"), default=0) + 1
    now, before = (store.all(Permission, round=n) for n in (newest, newest - 1))
    said = [
        f"Accepted unseen: {p.unseen} labels '{p.label}' of the LLM at a confidence of {p.above:g} or more; at "
        f"least {p.low:.1%} are right, with {CONFIDENCE:.0%} confidence: {p.right} of {p.audited} audited were."
        for p in now
    ]
    withdrawn = sorted({p.label for p in before} - {p.label for p in now})
    return said + [
        f"No longer accepted unseen: the LLM's labels '{name}'; the audit does not bear them out any more."
        for name in withdrawn
    ]


def _chance(band: Permission, right: int, demanded: float) -> float:
    """How likely an audit with so many `right` is, at most, if less than the share `demanded` of the unseen labels are:
    under the error allowed where, and only where, `least_right` is `demanded` or more."""
    if not band.unseen:
        return 1.0
    wrong, too_many = band.audited - right, int((1 - demanded) * band.unseen + ROUNDING) + 1
    return float(hypergeom.cdf(wrong, band.audited + band.unseen, wrong + too_many, band.audited))


def least_right(right: int, audited: int, unseen: int, error: float) -> float:
    """The least share of `unseen` labels that is right, but for a chance of `error`, where `right` of `audited` ones
    were, drawn at random from them all.

    Clopper and Pearson's bound (Biometrika 1934) for a population that is finite: hypergeometric instead of binomial,
    and about the labels that are accepted, not about some larger world that they come from.
    """
    wrong = audited - right
    unseen_wrong = np.arange(unseen + 1)
    chance = hypergeom.cdf(wrong, audited + unseen, wrong + unseen_wrong, audited)
    believable = unseen_wrong[chance > error]
    return float(1 - believable.max() / unseen) if audited and unseen else 0.0
