"""What names and definitions of classes are worth as an example of each: accuracy with and without them.

python benchmarks/descriptions.py banking77/train.csv --labels 40 120 240

Labels, texts to be self-trained on and texts to measure on are drawn from train.csv; the encoder is kept frozen. The
last columns: as the loop decides by cross-validation on the labels, and how often it takes them.
"""

import argparse
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.datasets import read_labelled
from loop.data import without_copies
from loop.labelled import descriptions
from loop.trust import SELF_SHARE, choose_weights
from models.encoder import Encoder, open_encoder
from models.head import self_train
from models.records import ClassDefinition, TaskDescription, TrainingExample

WEIGHTS = (0.0, 1.0, 2.0, 4.0)
MEASURED, UNLABELLED = 600, 1000
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Played:
    """Texts of a set with their classes and vectors, the first `MEASURED` to measure on, and what the classes are said
    to be, with the vectors of that."""

    texts: list[str]
    truth: NDArray[np.str_]
    vectors: Floats
    described: list[TrainingExample]
    words: Floats
    encoder: Encoder

    def drawn(self, count: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows of `count` labels, and of texts to be self-trained on."""
        rows = MEASURED + np.random.default_rng(seed).permutation(len(self.texts) - MEASURED)
        return rows[:count], rows[count : count + UNLABELLED]

    def accuracy(self, count: int, seed: int, weight: float) -> float:
        """With descriptions at that weight."""
        known, others = self.drawn(count, seed)
        more = len(self.described) if weight else 0
        head = self_train(
            np.vstack([self.vectors[known], self.words[:more]]),
            np.r_[self.truth[known], [e.label for e in self.described[:more]]],
            np.r_[np.ones(count), np.full(more, weight)],
            self.vectors[others],
            SELF_SHARE,
        )
        return float((head.predict(self.vectors[:MEASURED]) == self.truth[:MEASURED]).mean())

    def decided(self, count: int, seed: int) -> float:
        """The weight that a run gives them."""
        known, _ = self.drawn(count, seed)
        humans = [TrainingExample(f"row {i}", self.texts[i], str(self.truth[i]), "human") for i in known]
        (trust,) = (
            t for t in choose_weights(humans, self.described, [], self.encoder, 1, seed) if t.source == "description"
        )
        return trust.weight


def read(train: Path, most: int, misnamed: bool) -> Played:
    """A set with `most` labels at the most; `misnamed` gives each class the name of the next."""
    pool, _ = without_copies(read_labelled(train, "text", "label", "pool"), [], [])
    order = np.random.default_rng(0).permutation(len(pool))[: MEASURED + UNLABELLED + most]
    texts, truth = [pool[i].text for i in order], np.array([str(pool[i].label) for i in order])
    classes = tuple(ClassDefinition(name) for name in sorted({str(e.label) for e in pool}))
    described = descriptions(TaskDescription("", classes))
    if misnamed:
        others = described[1:] + described[:1]
        described = [replace(e, text=other.text) for e, other in zip(described, others, strict=True)]
    encoder = open_encoder("auto", texts)
    words = encoder.encode([e.text for e in described])
    return Played(texts, truth, encoder.encode(texts), described, words, encoder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 60])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--misnamed", action="store_true", help="each class bears the name of the next")
    options = parser.parse_args()
    played = read(options.train, max(options.labels), options.misnamed)
    heads = ["without" if w == 0 else f"weight {w:g}" for w in WEIGHTS]
    print(f"| set | labels | {' | '.join(heads)} | as decided | taken |")
    print("|---" * (4 + len(WEIGHTS)) + "|")
    for count in options.labels:
        seeds = range(options.seeds)
        found = {w: [played.accuracy(count, seed, w) for seed in seeds] for w in WEIGHTS}
        taken = [played.decided(count, seed) for seed in seeds]
        columns = [*found.values(), [found[weight][seed] for seed, weight in enumerate(taken)]]
        cells = [f"{statistics.mean(hits):.3f} [{min(hits):.3f}, {max(hits):.3f}]" for hits in columns]
        share = f"{statistics.mean(taken):.0%}"
        print(f"| {options.train.parent.name} | {count} | {' | '.join(cells)} | {share} |", flush=True)


if __name__ == "__main__":
    main()
