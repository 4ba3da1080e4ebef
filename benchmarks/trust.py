"""When an LLM's labels are trusted, and what that does: an LLM that is right so often, simulated.

python benchmarks/trust.py --runs 8
python benchmarks/trust.py --runs 8 --train klue_ynat_ko/train.csv

Texts are points around the centre of their class, or those of a labelled file; `--machine` labels of the LLM beside the
human ones. The gain is of accuracy on 600 more texts, in points, with the weight that trust chose; "always" is with the
LLM's labels at weight 1.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.datasets import read_labelled
from loop.trust import UNLABELLED, choose_weights
from models.encoder import open_encoder
from models.head import fit_logistic, self_train
from models.records import TrainingExample
from models.vectors import Vectors, unit_rows

DIMENSIONS, FRESH = 40, 600
Texts = Iterator[tuple[NDArray[Any], str]]


@dataclass
class World:
    """Vectors with their classes, as they come, and an LLM that calls a text right with probability `right`."""

    texts: Texts
    names: list[str]
    right: float
    rng: np.random.Generator
    name: str = "simulated"
    table: dict[str, NDArray[Any]] = field(default_factory=dict)

    def encode(self, texts: list[str]) -> Vectors:
        return unit_rows(np.array([self.table[text] for text in texts], dtype=float))

    def draw(self, n: int) -> list[tuple[str, str, str]]:
        """(text, true class, what the LLM says)."""
        drawn = []
        for _ in range(n):
            vector, truth = next(self.texts)
            name = f"text {len(self.table)}"
            self.table[name] = vector
            others = [other for other in self.names if other != truth]
            said = truth if self.rng.random() < self.right else str(self.rng.choice(others))
            drawn.append((name, truth, said))
        return drawn


def simulated(classes: int, apart: float) -> tuple[Callable[[np.random.Generator], Texts], list[str]]:
    """Points around centres that lie `apart`, and the names of the classes."""

    def texts(rng: np.random.Generator) -> Texts:
        centres = apart * unit_rows(rng.normal(size=(classes, DIMENSIONS)))
        while True:
            truth = int(rng.integers(classes))
            yield centres[truth] + rng.normal(size=DIMENSIONS), str(truth)

    return texts, [str(n) for n in range(classes)]


def real(file: Path, weights: str) -> tuple[Callable[[np.random.Generator], Texts], list[str]]:
    """The texts of a labelled file in random order, by that encoder, and its classes."""
    examples = list({e.text: e for e in read_labelled(file, "text", "label", "pool")}.values())
    part = [examples[i] for i in np.random.default_rng(0).permutation(len(examples))[:3000]]
    vectors = open_encoder(weights, [e.text for e in part]).encode([e.text for e in part])
    labels = [str(e.label) for e in part]

    def texts(rng: np.random.Generator) -> Texts:
        yield from ((vectors[i], labels[i]) for i in rng.permutation(len(part)))

    return texts, sorted(set(labels))


def simulate(world: World, labels: int, machine: int) -> tuple[float, float, float, float]:
    """Accuracy without the LLM, the weight that its labels get, and the gain with that weight and with weight 1."""
    humans, alone, fresh, others = (world.draw(n) for n in (labels, machine, FRESH, UNLABELLED))
    human = [TrainingExample(text, text, truth, "human") for text, truth, _ in humans]
    own = [TrainingExample(text, text, said, "llm-label") for text, _, said in alone]
    told, unlabelled = {text: said for text, _, said in humans}, [text for text, _, _ in others]
    found = choose_weights(human, own, unlabelled, world, 1, 0, said=told)  # type: ignore[arg-type]
    weight_of = {t.source: t.weight for t in found}
    share, weight = weight_of["self"], weight_of["llm-label"]
    itself = partial(self_train, unlabelled=world.encode(unlabelled), share=share)
    fit = itself if share else partial(fit_logistic, strength=1.0)

    def accuracy(weight: float) -> float:
        learned = [*human, *(own if weight else [])]
        weights = np.array([1.0] * labels + [weight] * (len(learned) - labels))
        head = fit(world.encode([e.text for e in learned]), np.array([e.label for e in learned]), weights)
        return float((head.predict(world.encode([t for t, _, _ in fresh])) == [y for _, y, _ in fresh]).mean())

    without = accuracy(0.0)
    return without, weight, accuracy(weight) - without, accuracy(1.0) - without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--train", type=Path, help="a labelled file; simulated texts where none is given")
    parser.add_argument("--encoder", default="auto", help="as learner.encoder, for the labelled file")
    parser.add_argument("--classes", type=int, default=7)
    parser.add_argument("--apart", type=float, default=2.5, help="of the centres, in standard deviations")
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 80])
    parser.add_argument("--machine", type=int, default=100)
    parser.add_argument("--right", type=float, nargs="+", default=[0.5, 0.7, 0.85])
    options = parser.parse_args()
    texts, names = real(options.train, options.encoder) if options.train else simulated(options.classes, options.apart)
    heads = ["human labels", "the LLM is right", "without", "trusted in", "gain", "worst run", "always"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for labels in options.labels:
        for right in dict.fromkeys((1 / len(names), *options.right)):
            seeds = map(np.random.default_rng, range(options.runs))
            worlds = [World(texts(rng), names, right, rng) for rng in seeds]
            found = np.array([simulate(world, labels, options.machine) for world in worlds])
            gains, trusted = 100 * found[:, 2], (found[:, 1] > 0).mean()
            cells = [labels, f"{right:.2f}", f"{100 * found[:, 0].mean():.1f}", f"{trusted:.0%}"]
            cells += [f"{gains.mean():+.1f}", f"{gains.min():+.1f}", f"{100 * found[:, 3].mean():+.1f}"]
            print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
