"""Labels of the LLM accepted unseen: over many simulated runs, are they right as often as was demanded?

python benchmarks/acceptance.py --runs 200

An LLM of a given accuracy for each class labels texts, round after round; a random audit judges a share of them;
from the third round on permissions are worked out as a run does it (loop/people/acceptance.py). Prints a Markdown
table: for each LLM and demand, the runs in which anything was accepted at the end, the runs in which what was accepted
meets the demand (where nothing is, it does), the labels accepted and their precision, the lowest precision of a run,
and the runs that met the demand in every round on the way, which nothing promises.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loop.people.acceptance import CONFIDENCE, FIRST_ROUND, MachineLabel, drawn_for_audit, permissions
from models.records import Queried

SURE = 0.9
LLMS: Sequence[tuple[str, Sequence[float], float]] = (
    ("varies by class: .99 .95 .9 .7", (0.99, 0.95, 0.9, 0.7), 0.95),
    ("varies by class: .99 .95 .9 .7", (0.99, 0.95, 0.9, 0.7), 0.9),
    ("good: .99 .98", (0.99, 0.98), 0.95),
    ("just too bad: .945 .94 .92", (0.945, 0.94, 0.92), 0.95),
    ("just too bad: .895 .89 .88", (0.895, 0.89, 0.88), 0.9),
    ("at random, 4 classes", (0.25,) * 4, 0.9),
    ("at random, 20 classes", (0.05,) * 20, 0.9),
)
COLUMNS = ("LLM", "demanded", "runs that accept", "that meet it", "labels", "precision", "lowest", "met throughout")


@dataclass(frozen=True)
class Round:
    """How many labels a round accepts unseen, and the share of them that is right; 1 where there are none."""

    accepted: int
    precision: float


def play(accuracies: Sequence[float], demanded: float, options: argparse.Namespace, seed: int) -> list[Round]:
    """The rounds of one run, from the first that may accept anything. Of those classes that are not guessed, labels
    above a confidence of `SURE` are wrong half as often."""
    rng = np.random.default_rng(seed)
    seen: list[MachineLabel] = []
    right: list[bool] = []
    rounds = []
    for number in range(1, options.rounds + 2):
        if number >= FIRST_ROUND:
            rounds.append(_accepted(seen, right, demanded, number))
        drawn = drawn_for_audit([Queried(number, "", "llm", 0.5)] * options.labels, options.share, rng)
        names = rng.integers(len(accuracies), size=options.labels)
        sure, wrong = rng.uniform(0.3, 1, size=options.labels), 1 - np.array(accuracies)[names]
        guessed = wrong >= 1 - 1 / len(accuracies)
        hits = rng.random(options.labels) >= np.where((sure >= SURE) & ~guessed, wrong / 2, wrong)
        for item, name, confidence, hit in zip(drawn, names.tolist(), sure.tolist(), hits.tolist(), strict=True):
            right.append(hit)
            seen.append(MachineLabel(str(name), confidence, hit if item.purpose == "audit" else None))
    return rounds


def _accepted(seen: Sequence[MachineLabel], right: Sequence[bool], demanded: float, number: int) -> Round:
    above = {p.label: p.above for p in permissions(seen, demanded, number)}
    unseen = [(x, hit) for x, hit in zip(seen, right, strict=True) if x.right is None]
    taken = [hit for x, hit in unseen if x.confidence >= above.get(x.label, 2)]
    return Round(len(taken), statistics.mean(taken) if taken else 1.0)


def row(name: str, accuracies: Sequence[float], demanded: float, options: argparse.Namespace) -> list[str]:
    """A row of the table."""
    runs = [play(accuracies, demanded, options, seed) for seed in range(options.runs)]
    some = [rounds[-1] for rounds in runs if rounds[-1].accepted]
    met = sum(rounds[-1].precision >= demanded for rounds in runs)
    throughout = sum(all(r.precision >= demanded for r in rounds) for rounds in runs)
    counts = [f"{count}/{options.runs}" for count in (len(some), met, throughout)]
    labels, precision = ([getattr(r, key) for r in some] for key in ("accepted", "precision"))
    shown = ["0", "–", "–"]
    if some:
        shown = [f"{statistics.mean(labels):.0f}", f"{statistics.mean(precision):.3f}", f"{min(precision):.3f}"]
    return [name, f"{demanded:g}", *counts[:2], *shown, counts[2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="seeds 0, 1, …")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--labels", type=int, default=200, help="texts that the LLM labels each round")
    parser.add_argument("--share", type=float, default=0.1, help="share of them that is audited")
    options = parser.parse_args()
    print(f"At least {CONFIDENCE:.0%} of the runs are to meet the demand.\n")
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for name, accuracies, demanded in LLMS:
        print(f"| {' | '.join(row(name, accuracies, demanded, options))} |", flush=True)


if __name__ == "__main__":
    main()
