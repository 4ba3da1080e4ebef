"""How heads fare on human labels that they have not seen, with machine labels beside them and without."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from models.calibration import fit_temperature
from models.encoder import Encoder
from models.folds import UNSEEN, fold_indices
from models.head import Fit, Floats, Head
from models.records import TrainingExample
from models.set_head import SetHead

REPEATS = 3
H = TypeVar("H", bound=Head | SetHead)
AnyFit = Callable[[Floats, NDArray[np.str_], Floats], Head | SetHead]


@dataclass(frozen=True)
class HeldOut:
    """What heads that have not seen them say of the judges: `hits` (n,) in [0, 1], and `scores` (n,), the quadratic
    score of calibrated probabilities, which tells more of each judge than right or wrong does."""

    hits: NDArray[np.float64]
    scores: NDArray[np.float64]


def held_out(
    judges: Sequence[TrainingExample],
    machine: Sequence[TrainingExample],
    vectors: Mapping[str, NDArray[np.float32]],
    fit: Fit,
    seed: int,
) -> HeldOut:
    """How the judges (n) fare with heads that have not seen them but have seen `machine`, over `REPEATS` ways to fold;
    heads come from `fit`. Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 2007,
    for the quadratic score; a temperature for each way takes out how sure the heads are, which labels of any kind
    raise."""
    labels = np.array([e.label for e in judges])
    names = np.unique([e.label for e in (*judges, *machine)])
    targets = np.searchsorted(names, labels)
    hits, scores = np.zeros(len(judges)), np.zeros(len(judges))
    for repeat in range(REPEATS):
        logits = np.full((len(judges), len(names)), UNSEEN)
        for head, test in _heads(judges, machine, vectors, fit, seed + repeat):
            columns = np.searchsorted(names, head.classes_)
            logits[np.ix_(test, columns)] = head.logits(np.stack([vectors[judges[i].id] for i in test]))
        hits += (logits.argmax(axis=1) == targets) / REPEATS
        scores += _quadratic(logits, targets) / REPEATS
    return HeldOut(hits, scores)


def _quadratic(logits: Floats, targets: NDArray[np.intp]) -> NDArray[np.float64]:
    """The quadratic score (n,), higher is better, of calibrated probabilities from logits (n, k)."""
    warmth = fit_temperature(logits, targets, np.ones(len(targets)))
    probabilities = softmax(np.where(logits <= UNSEEN, -np.inf, logits / warmth), axis=1)
    right = probabilities[np.arange(len(targets)), targets]
    scores: NDArray[np.float64] = 2 * right - (probabilities**2).sum(axis=1)
    return scores


def held_out_hits(
    judges: Sequence[TrainingExample],
    machine: Sequence[TrainingExample],
    vectors: Mapping[str, NDArray[np.float32]],
    fit: AnyFit,
    seed: int,
    repeats: int = REPEATS,
) -> NDArray[np.float64]:
    """How right each of `judges` (n) is classified, (n,) in [0, 1], over `repeats` ways to fold, else as `held_out`;
    heads may be of sets too."""
    labels = np.array([e.label for e in judges])
    hits = np.zeros(len(judges))
    for repeat in range(repeats):
        for head, test in _heads(judges, machine, vectors, fit, seed + repeat):
            hits[test] += head.right(np.stack([vectors[judges[i].id] for i in test]), labels[test]) / repeats
    return hits


def _heads(
    judges: Sequence[TrainingExample],
    machine: Sequence[TrainingExample],
    vectors: Mapping[str, NDArray[np.float32]],
    fit: Callable[[Floats, NDArray[np.str_], Floats], H],
    seed: int,
) -> list[tuple[H, NDArray[np.intp]]]:
    """A head for each fold, with the positions of the judges that it has not seen."""
    found = []
    for train, test in fold_indices(np.array([e.label for e in judges]), seed):
        held = {judges[i].id for i in test}
        seen = [judges[i] for i in train]
        seen += [e for e in machine if held.isdisjoint(e.parents) and e.id not in held]
        rows, names = np.stack([vectors[e.id] for e in seen]), np.array([e.label for e in seen])
        found.append((fit(rows, names, np.array([e.weight for e in seen])), test))
    return found


def embedded(encoder: Encoder, *parts: Sequence[TrainingExample]) -> dict[str, NDArray[np.float32]]:
    """The vector of each example, by its id."""
    examples = [e for part in parts for e in part]
    return {e.id: vector for e, vector in zip(examples, encoder.encode([e.text for e in examples]), strict=True)}
