"""How far to trust each machine source: a weight chosen by cross-validation on human labels alone, zero included."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap

from loop.held_out import REPEATS, AnyFit, embedded, held_out, held_out_hits
from models.encoder import Encoder
from models.head import Fit, Floats, balanced, fit_logistic, self_train
from models.measures import SourceTrust
from models.records import Source, TrainingExample
from models.set_head import fit_each, self_train_each

WEIGHTS = (0.1, 0.3, 1.0)
SELF_SHARE = 3.0  # what the classifier's own answers weigh, in units of all labels,
HALF_A_LABEL = 0.5  # and each of them at most
MANY = 100
# Standard errors that what is taken unless labels speak against it must cost to be left out, with one text more each
# way (docs/benchmarks.md). Names that mean nothing cost more than own answers do.
AGAINST: Mapping[Source, float] = MappingProxyType({"description": 0.75, "self": 2.0})
ALONE = 1.645  # standard errors to be passed by what examples add, where no more is known: one-sided 95 %
# The same with what is known of the LLM as a labeller. That says nothing of how its texts read, so they must show more.
TOGETHER: Mapping[Source, float] = MappingProxyType({"llm-label": 0.0, "llm-text": 1.28})
CHANCE = 0.01  # how probable what the LLM says may be, had it labelled by chance
MOST_KNOWN = 1.5  # standard errors that an LLM's own accuracy may speak for its labels: its judges are hard texts
FEWEST = 10
UNLABELLED = 500  # texts that the heads of cross-validation are self-trained on
SOURCES: tuple[Source, ...] = ("llm-label", "llm-text")
NOTHING = (0.0, 0.0, 0.0, 0.0)
UNKNOWN = (0.0, 0.0, -1.0, 1.0)
UNSAID: Mapping[str, str] = MappingProxyType({})


def choose_weights(
    human: Sequence[TrainingExample],
    machine: Sequence[TrainingExample],
    unlabelled: Sequence[str],
    encoder: Encoder,
    round_: int,
    seed: int,
    multi_label: bool = False,
    said: Mapping[str, str] = UNSAID,
    alike: bool = False,
) -> list[SourceTrust]:
    """The trust in each machine source for the fit of `round_`; `unlabelled` are the texts it may be self-trained on,
    `said` is what the LLM, asked blind, called texts by their ids. What a source is worth is counted over the human
    labels, or, with the classes `alike`, over the classes: a source that costs rare ones is then no gain for what it
    brings to common ones.

    Sources are taken in turn, each on top of what was chosen for those before; a weight multiplies that which the
    examples bring. An LLM's weight is preferred to zero where human labels speak for it, and they alone: its examples
    raise the score of a head on the frozen encoder, in repeated cross-validation; asked blind, it is right on the
    labelled texts more often than chance would have it (`CHANCE`); and what its examples add and how much more often it
    is right than heads that have not seen those texts, each a mean in standard errors, together pass `TOGETHER`
    (their sum over √2: Stouffer et al., "The American soldier", 1949). At twenty labels the first alone would hardly
    ever convince, whatever the source is worth. Where the LLM was not asked it must: `ALONE`. The weight is that of the
    best mean score, which the evidence for a lighter one may support as well: a lighter weight is surer and gains less.
    Where a held-out example stood in the prompt of a generated text, that text is held out with it. The classifier's
    own answers and what the user says the classes are, are taken unless they cost more than `AGAINST` standard errors:
    on the sets measured (docs/benchmarks.md) they pay, so that human labels need only object.
    """
    judges = [e for e in human if e.source == "human"]
    counts: Floats = np.ones(len(judges))
    if alike and judges:
        counts = balanced(np.array([e.label for e in judges]), counts)
    described = [e for e in machine if e.source == "description"]
    words = _weigh_descriptions(judges, counts, described, encoder, seed) if described else NOTHING
    known = described if words[0] else []
    own_answers = encoder.encode(unlabelled[:UNLABELLED])
    enough = len(judges) >= FEWEST and len(own_answers) > 0
    # Of all the texts, though fewer are played with: measured is the weight that the fit will give them.
    share = own_share(len(judges), len(unlabelled)) if enough else 0.0
    itself = _weigh_self(judges, counts, known, own_answers, share, encoder, seed, multi_label) if share else NOTHING
    chosen: dict[Source, float] = {"description": words[0], "self": itself[0]}
    trust = [SourceTrust(round_, "description", *words, examples=len(described))]
    trust.append(SourceTrust(round_, "self", *itself, examples=len(unlabelled)))
    fit = partial(self_train, unlabelled=own_answers, share=itself[0]) if itself[0] else fit_logistic
    for source in SOURCES:
        own = [e for e in machine if e.source == source]
        others = [_weighed(e, chosen[e.source]) for e in machine if chosen.get(e.source, 0) > 0]
        unmeasured = UNKNOWN if own else NOTHING
        measured = bool(own) and len(judges) >= FEWEST
        found = _weigh(source, judges, counts, own, others, encoder, fit, seed, said) if measured else unmeasured
        chosen[source] = found[0]
        trust.append(SourceTrust(round_, source, *found, examples=len(own)))
    return trust


def _weighed(example: TrainingExample, weight: float) -> TrainingExample:
    return replace(example, weight=weight * example.weight)


def _weigh_descriptions(
    judges: Sequence[TrainingExample],
    counts: Floats,
    described: Sequence[TrainingExample],
    encoder: Encoder,
    seed: int,
) -> tuple[float, float, float, float]:
    """Weight, worth and its interval for the descriptions of classes: a person's words, so that they weigh like labels
    until labels speak against them."""
    if len(judges) < FEWEST:
        return 1.0, *UNKNOWN[1:]
    vectors = embedded(encoder, judges, described)
    plain = partial(fit_logistic, strength=1.0)
    with_, without = (held_out_hits(judges, known, vectors, plain, seed) for known in (described, []))
    gain = counts * (with_ - without)
    worth = float(gain.mean())
    return (0.0 if objected("description", gain) else 1.0), worth, *interval(gain, seed)


def _weigh_self(
    judges: Sequence[TrainingExample],
    counts: Floats,
    known: Sequence[TrainingExample],
    unlabelled: Floats,
    share: float,
    encoder: Encoder,
    seed: int,
    multi_label: bool,
) -> tuple[float, float, float, float]:
    """Weight, worth and its interval for the classifier's own answers on `unlabelled` embeddings (m, d) that weigh
    `share` times the labels, where `known` examples are learned from, too."""
    vectors = embedded(encoder, judges, known)
    plain: AnyFit = partial(fit_each if multi_label else fit_logistic, strength=1.0)
    itself: AnyFit = partial(self_train_each if multi_label else self_train, unlabelled=unlabelled, share=share)
    # Each of these fits has all the unlabelled texts: the longest part of a round with many classes.
    repeats = 1 if len(judges) >= MANY else REPEATS
    trained, alone = (held_out_hits(judges, known, vectors, fit, seed, repeats) for fit in (itself, plain))
    gain = counts * (trained - alone)
    worth = float(gain.mean())
    return (0.0 if objected("self", gain) else share), worth, *interval(gain, seed)


def own_share(labels: int, texts: int) -> float:
    """What the classifier's own answers on so many texts weigh, in units of all labels: with many labels to learn from,
    answers that weigh as much each as what people said take accuracy away (docs/benchmarks.md)."""
    return min(SELF_SHARE, HALF_A_LABEL * texts / labels)


def objected(source: Source, gain: Floats) -> bool:
    """Whether what held-out labels (n,) gain speaks against a source: one lost text of forty is no reason to give up
    what pays."""
    return _cautious(gain) < -AGAINST[source]


def _weigh(
    source: Source,
    judges: Sequence[TrainingExample],
    counts: Floats,
    own: Sequence[TrainingExample],
    others: Sequence[TrainingExample],
    encoder: Encoder,
    fit: Fit,
    seed: int,
    said: Mapping[str, str],
) -> tuple[float, float, float, float]:
    """Weight, worth and its interval for the examples of one source; each judge (n,) `counts` for so much."""
    vectors = embedded(encoder, judges, own, others)
    without = held_out(judges, others, vectors, fit, seed)
    found = {w: held_out(judges, [*others, *(_weighed(e, w) for e in own)], vectors, fit, seed) for w in WEIGHTS}
    gains = {w: counts * (with_.scores - without.scores) for w, with_ in found.items()}
    best = max(WEIGHTS, key=lambda w: (gains[w].mean(), -w))
    sure = max(map(_standard_errors, gains.values()))
    hits = counts * (found[best].hits - without.hits)
    known = known_better(judges, said, without.hits, counts)
    if known is None:
        enough = sure > ALONE
    else:
        enough = (sure + known) / np.sqrt(2) > TOGETHER[source] and by_chance(judges, said) < CHANCE
    accepted = enough and gains[best].mean() > 0
    return (best if accepted else 0.0), float(hits.mean()), *interval(hits, seed)


def known_better(
    judges: Sequence[TrainingExample], said: Mapping[str, str], hits: Floats, counts: Floats
) -> float | None:
    """By how many standard errors what the LLM `said` of the judges (n), who count for `counts` (n,), is more often
    right than heads that have not seen them are, `hits` (n,); at most `MOST_KNOWN`, as judges are drawn where the
    classifier is in doubt; None where it said too little."""
    told = [n for n, e in enumerate(judges) if e.id in said]
    better = [counts[n] * (float(said[judges[n].id] == judges[n].label) - hits[n]) for n in told]
    if len(told) < FEWEST:
        return None
    return min(MOST_KNOWN, _cautious(better))


def by_chance(judges: Sequence[TrainingExample], said: Mapping[str, str]) -> float:
    """How probable it is to be right on as many of the judges as what was `said` of them is, or on more, for somebody
    who says each class as often and looks at no text; 1 where nothing was said."""
    told = [(said[e.id], e.label) for e in judges if e.id in said]
    if not told:
        return 1.0
    given, true = (Counter(side) for side in zip(*told, strict=True))
    expected = sum(given[name] * true[name] for name in given) / len(told) ** 2
    return float(binomtest(sum(a == b for a, b in told), len(told), expected, alternative="greater").pvalue)


def interval(differences: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """The 95 % bootstrap interval (percentile) of the mean of differences (n,)."""
    if np.ptp(differences) == 0:
        return float(differences[0]), float(differences[0])
    rng = np.random.default_rng(seed)
    found = bootstrap((differences,), np.mean, n_resamples=2000, method="percentile", rng=rng)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _standard_error(differences: NDArray[np.float64]) -> float:
    return float(differences.std(ddof=1) / np.sqrt(len(differences)))


def _standard_errors(differences: NDArray[np.float64]) -> float:
    """The mean of differences (n,) in its standard errors; 0 where they are all alike."""
    error = _standard_error(differences)
    return float(differences.mean() / error) if error > 1e-12 else 0.0


def _cautious(differences: Sequence[float] | Floats) -> float:
    """The same of one text more each way, so that a few that all agree claim no certainty."""
    return _standard_errors(np.array([*differences, 1.0, -1.0]))
