"""How far to trust each machine source: a weight chosen by cross-validation on human labels alone, zero included."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from models.calibration import fold_indices
from models.encoder import Encoder
from models.head import Fit, Floats, Head, fit_logistic, self_train
from models.records import Source, SourceTrust, TrainingExample
from models.set_head import SetHead, fit_each, self_train_each

WEIGHTS = (0.03, 0.1, 0.3, 1.0)
SELF_SHARE = 3.0
REPEATS = 3
MANY = 100
CONFIDENCE = 1.645
FEWEST = 10
SOURCES: tuple[Source, ...] = ("llm-label", "llm-text")
NOTHING = (0.0, 0.0, 0.0, 0.0)
UNKNOWN = (0.0, 0.0, -1.0, 1.0)
AnyFit = Callable[[Floats, NDArray[np.str_], Floats], Head | SetHead]


def choose_weights(
    human: Sequence[TrainingExample],
    machine: Sequence[TrainingExample],
    unlabelled: Sequence[str],
    encoder: Encoder,
    round_: int,
    seed: int,
    multi_label: bool = False,
) -> list[SourceTrust]:
    """The trust in each machine source for the fit of `round_`; `unlabelled` are the texts it may be self-trained on.

    Sources are taken in turn, each on top of what was chosen for those before. An LLM's weight is preferred to zero
    when the accuracy it adds on human labels, in repeated cross-validation of a head on the frozen encoder, is above
    zero with one-sided confidence of 95 %: at a few labels the best of four weights looks good by luck. Where a
    held-out example stood in the prompt of a generated text, that text is held out with it. The classifier's own
    answers are taken unless they cost more than one standard error, and what the user says the classes are unless it
    costs anything: on the sets measured (docs/benchmarks.md) they pay, so that the human labels need only object.
    """
    judges = [e for e in human if e.source == "human"]
    described = [e for e in machine if e.source == "description"]
    words = _weigh_descriptions(judges, described, encoder, seed) if described else NOTHING
    known = described if words[0] else []
    own_answers = encoder.encode(unlabelled)
    enough = len(judges) >= FEWEST and len(own_answers) > 0
    itself = _weigh_self(judges, known, own_answers, encoder, seed, multi_label) if enough else NOTHING
    chosen: dict[Source, float] = {"description": words[0], "self": itself[0]}
    trust = [SourceTrust(round_, "description", *words, examples=len(described))]
    trust.append(SourceTrust(round_, "self", *itself, examples=len(unlabelled)))
    fit = partial(self_train, unlabelled=own_answers, share=itself[0]) if itself[0] else fit_logistic
    for source in SOURCES:
        own = [e for e in machine if e.source == source]
        others = [replace(e, weight=chosen[e.source]) for e in machine if chosen.get(e.source, 0) > 0]
        unmeasured = UNKNOWN if own else NOTHING
        found = _weigh(judges, own, others, encoder, fit, seed) if own and len(judges) >= FEWEST else unmeasured
        chosen[source] = found[0]
        trust.append(SourceTrust(round_, source, *found, examples=len(own)))
    return trust


def _weigh_descriptions(
    judges: Sequence[TrainingExample], described: Sequence[TrainingExample], encoder: Encoder, seed: int
) -> tuple[float, float, float, float]:
    """Weight, worth and its interval for the descriptions of classes: a person's words, so that they weigh like labels
    until labels speak against them."""
    if len(judges) < FEWEST:
        return 1.0, *UNKNOWN[1:]
    vectors = {e.id: v for part in (judges, described) for e, v in _embedded(part, encoder)}
    plain = partial(fit_logistic, strength=1.0)
    gain = held_out_hits(judges, described, vectors, plain, seed) - held_out_hits(judges, [], vectors, plain, seed)
    worth = float(gain.mean())
    return (1.0 if worth >= 0 else 0.0), worth, *interval(gain, seed)


def _weigh_self(
    judges: Sequence[TrainingExample],
    known: Sequence[TrainingExample],
    unlabelled: Floats,
    encoder: Encoder,
    seed: int,
    multi_label: bool,
) -> tuple[float, float, float, float]:
    """Weight, worth and its interval for the classifier's own answers on `unlabelled` embeddings (m, d), where `known`
    examples are learned from, too."""
    vectors = {e.id: v for part in (judges, known) for e, v in _embedded(part, encoder)}
    plain: AnyFit = partial(fit_each if multi_label else fit_logistic, strength=1.0)
    itself: AnyFit = partial(self_train_each if multi_label else self_train, unlabelled=unlabelled, share=SELF_SHARE)
    # Each of these fits has all the unlabelled texts: the longest part of a round with many classes.
    repeats = 1 if len(judges) >= MANY else REPEATS
    trained, alone = (held_out_hits(judges, known, vectors, fit, seed, repeats) for fit in (itself, plain))
    gain = trained - alone
    worth = float(gain.mean())
    return (0.0 if worth < -_standard_error(gain) else SELF_SHARE), worth, *interval(gain, seed)


def _weigh(
    judges: Sequence[TrainingExample],
    own: Sequence[TrainingExample],
    others: Sequence[TrainingExample],
    encoder: Encoder,
    fit: Fit,
    seed: int,
) -> tuple[float, float, float, float]:
    """Weight, worth and its interval for the examples of one source."""
    vectors = {e.id: v for part in (judges, own, others) for e, v in _embedded(part, encoder)}
    without = held_out_hits(judges, others, vectors, fit, seed)
    gains = {}
    for weight in WEIGHTS:
        machine = [*others, *(replace(e, weight=weight) for e in own)]
        gains[weight] = held_out_hits(judges, machine, vectors, fit, seed) - without
    best = max(WEIGHTS, key=lambda w: (gains[w].mean() - CONFIDENCE * _standard_error(gains[w]), -w))
    worth = float(gains[best].mean())
    low, high = interval(gains[best], seed)
    return (best if worth > CONFIDENCE * _standard_error(gains[best]) else 0.0), worth, low, high


def _embedded(
    examples: Sequence[TrainingExample], encoder: Encoder
) -> list[tuple[TrainingExample, NDArray[np.float32]]]:
    return list(zip(examples, encoder.encode([e.text for e in examples]), strict=True))


def held_out_hits(
    judges: Sequence[TrainingExample],
    machine: Sequence[TrainingExample],
    vectors: Mapping[str, NDArray[np.float32]],
    fit: AnyFit,
    seed: int,
    repeats: int = REPEATS,
) -> NDArray[np.float64]:
    """How right each of `judges` (n) is classified by a head that has not seen it but has seen `machine`, (n,) in
    [0, 1], over `repeats` ways to fold; heads come from `fit`."""
    labels = np.array([e.label for e in judges])
    hits = np.zeros(len(judges))
    for repeat in range(repeats):
        for train, test in fold_indices(labels, seed + repeat):
            held_out = {judges[i].id for i in test}
            seen = [judges[i] for i in train]
            seen += [e for e in machine if held_out.isdisjoint(e.parents) and e.id not in held_out]
            head = fit(
                np.stack([vectors[e.id] for e in seen]),
                np.array([e.label for e in seen]),
                np.array([e.weight for e in seen]),
            )
            hits[test] += head.right(np.stack([vectors[judges[i].id] for i in test]), labels[test]) / repeats
    return hits


def interval(differences: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """The 95 % bootstrap interval (percentile) of the mean of differences (n,)."""
    if np.ptp(differences) == 0:
        return float(differences[0]), float(differences[0])
    rng = np.random.default_rng(seed)
    found = bootstrap((differences,), np.mean, n_resamples=2000, method="percentile", rng=rng)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _standard_error(differences: NDArray[np.float64]) -> float:
    return float(differences.std(ddof=1) / np.sqrt(len(differences)))
