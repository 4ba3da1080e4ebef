"""What a round finds out: how right the classifier is, what its sources are worth, and which labels look wrong."""

from dataclasses import dataclass

from models.records import Source


@dataclass(frozen=True)
class TextQuality:
    """What a round's texts are like (loop/quality.py): `hits` are (region, written, nearest to its centroid, in the
    low-confidence part), before curation; of those kept, `coverage` the share of regions with one; `distinct_2` that
    of different word pairs; `spread` the mean cosine distance, `vendi` the number of wholly different texts they amount
    to; `apart` how well they can be told from real ones, as an area under the ROC curve."""

    round: int
    kept: int
    hits: tuple[tuple[int, int, int, int], ...]
    coverage: float
    distinct_2: float
    spread: float
    vendi: float
    apart: float | None


@dataclass(frozen=True)
class Doubt:
    """A human `label` that looks wrong after `round`: the classifier, not having seen it, finds `likely` with that
    probability."""

    round: int
    example: str
    label: str
    likely: str
    probability: float


@dataclass(frozen=True)
class Evaluation:
    """One point of the learning curve, on the holdout. Intervals are 95 %, in shares of 1."""

    round: int
    human_labels: int
    accuracy: float
    low: float
    high: float
    macro_f1: float
    macro_f1_low: float
    macro_f1_high: float


@dataclass(frozen=True)
class PoolAnswers:
    """The class that a round's classifier gives each of a part of the pool, row by row; the part is random and the same
    in every round."""

    round: int
    examples: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class HoldoutAnswers:
    """What a round's classifier answers on the holdout, row by row: which classes it confuses. Nothing is chosen by
    it."""

    round: int
    examples: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class HoldoutWorth:
    """What the classifier of `round` owes a source: its accuracy on the holdout less that of the same classifier
    without the source's examples, as a difference (0.01 is one point) with a 95 % interval. Nothing is chosen by it."""

    round: int
    source: Source
    worth: float
    low: float
    high: float


@dataclass(frozen=True)
class SourceTrust:
    """How far the fit of `round` trusts a source: the weight of its examples, chosen by cross-validation on human
    labels, and what they were `worth` there, as a difference of accuracies (0.01 is one point) with a 95 % interval:
    on queried texts, that is, which are harder than most of the pool. At weight 0, `worth` is that of the best other
    weight: what was turned down. For "self", the classifier's own answers on unlabelled texts, `weight` is that of
    them all, in units of all labels together. What could not yet be measured is worth 0 with
    an interval of [-1, 1]."""

    round: int
    source: Source
    weight: float
    worth: float
    low: float
    high: float
    examples: int


@dataclass(frozen=True)
class Permission:
    """From the fit of `round` on, until a later round says otherwise, the LLM's labels of a class are accepted unseen
    where its confidence is `above` or more. Of such labels `audited` were judged by humans, drawn at random, of which
    `right` were right; of the `unseen` ones at least the share `low` is right, with the confidence that
    loop/people/acceptance.py states."""

    round: int
    label: str
    above: float
    audited: int
    right: int
    unseen: int
    low: float
