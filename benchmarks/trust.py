"""When an LLM's labels are trusted, and what that does: simulated texts, an LLM that is right so often.

python benchmarks/trust.py --runs 8

Texts are points around the centre of their class; `--machine` labels of the LLM beside the human ones. The gain is of
accuracy on 600 more texts, in points, with the weight that trust chose; "always" is with the LLM's labels at weight 1.
"""

import argparse
from dataclasses import dataclass, field

import numpy as np

from loop.trust import choose_weights
from models.encoder import Vectors, unit_rows
from models.head import fit_logistic
from models.records import TrainingExample

DIMENSIONS, FRESH = 40, 600
Labelled = list[tuple[str, str, str]]


@dataclass
class World:
    """Texts of `classes` whose centres lie `apart`; the LLM labels one right with probability `right`."""

    classes: int
    apart: float
    right: float
    rng: np.random.Generator
    name: str = "simulated"
    table: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.centres = self.apart * unit_rows(self.rng.normal(size=(self.classes, DIMENSIONS)))

    def encode(self, texts: list[str]) -> Vectors:
        rows = np.array([self.table[text] for text in texts], dtype=float).reshape(len(texts), DIMENSIONS)
        return unit_rows(rows)

    def draw(self, n: int) -> Labelled:
        """(text, true class, what the LLM says)."""
        drawn = []
        for truth in self.rng.integers(self.classes, size=n):
            name = f"text {len(self.table)}"
            self.table[name] = self.centres[truth] + self.rng.normal(size=DIMENSIONS)
            other = (truth + self.rng.integers(1, self.classes)) % self.classes
            drawn.append((name, str(truth), str(truth if self.rng.random() < self.right else other)))
        return drawn


def simulate(world: World, labels: int, machine: int) -> tuple[float, float, float, float]:
    """Accuracy without the LLM, the weight that its labels get, and the gain with that weight and with weight 1."""
    humans, alone, fresh = world.draw(labels), world.draw(machine), world.draw(FRESH)
    human = [TrainingExample(text, text, truth, "human") for text, truth, _ in humans]
    own = [TrainingExample(text, text, said, "llm-label") for text, _, said in alone]
    told = {text: said for text, _, said in humans}
    trust = choose_weights(human, own, [], world, 1, 0, said=told)  # type: ignore[arg-type]
    (weight,) = (t.weight for t in trust if t.source == "llm-label")

    def accuracy(share: float) -> float:
        learned = [*human, *(own if share else [])]
        weights = np.array([1.0] * labels + [share] * (len(learned) - labels))
        head = fit_logistic(world.encode([e.text for e in learned]), np.array([e.label for e in learned]), weights, 1.0)
        return float((head.predict(world.encode([t for t, _, _ in fresh])) == [y for _, y, _ in fresh]).mean())

    without = accuracy(0.0)
    return without, weight, accuracy(weight) - without, accuracy(1.0) - without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--classes", type=int, default=7)
    parser.add_argument("--apart", type=float, default=2.5, help="of the centres, in standard deviations")
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 80])
    parser.add_argument("--machine", type=int, default=100)
    parser.add_argument("--right", type=float, nargs="+", default=[0.5, 0.7, 0.85])
    options = parser.parse_args()
    heads = ["human labels", "the LLM is right", "without", "trusted in", "gain", "worst run", "always"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for labels in options.labels:
        for right in (1 / options.classes, *options.right):
            seeds = map(np.random.default_rng, range(options.runs))
            worlds = [World(options.classes, options.apart, right, rng) for rng in seeds]
            found = np.array([simulate(world, labels, options.machine) for world in worlds])
            gains, trusted = 100 * found[:, 2], (found[:, 1] > 0).mean()
            cells = [labels, f"{right:.2f}", f"{100 * found[:, 0].mean():.1f}", f"{trusted:.0%}"]
            cells += [f"{gains.mean():+.1f}", f"{gains.min():+.1f}", f"{100 * found[:, 3].mean():+.1f}"]
            print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
