"""Labels of the LLM accepted unseen: over many simulated runs, are they right as often as was demanded?

python benchmarks/acceptance.py --runs 200

An LLM of a given accuracy for each class labels texts, round after round; a random audit judges a share of them; from the
third round on permissions are worked out as a run does it (loop/people/acceptance.py). Prints a Markdown table: for each
LLM and demand, the runs in which anything was accepted at the end, the runs in which what was accepted meets the demand
(where nothing is, it does), the labels accepted and their precision, the lowest precision of a run, and the runs that met
the demand in every round on the way, which nothing promises.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loop.people.acceptance import CONFIDENCE, FIRST_ROUND, MachineLabel, drawn_for_audit, permissions
from models.records import Queried

SURE = 0.9
LLMS: dict[str, Sequence[float]] = {
    "varies by class: .99 .95 .9 .7": (0.99, 0.95, 0.9, 0.7),
    "good: .99 .98": (0.99, 0.98),
    "just too bad at .95: .945 .94": (0.945, 0.94),
    "just too bad at .9: .895 .89": (0.895, 0.89),
    "at random, 4 classes": (0.25,) * 4,
    "at random, 77 classes": (1 / 77,) * 77,
}


@dataclass(frozen=True)
class Round:
    """How many labels a round accepts unseen, and the share of them that is right; 1 where there are none."""

    accepted: int
    precision: float


def play(accuracies: Sequence[float], demanded: float, options: argparse.Namespace, seed: int) -> list[Round]:
    """The rounds of one run. Above a confidence of `SURE` the LLM is wrong half as often as its class's accuracy says,
    as long as it is better than chance."""
    rng = np.random.default_rng(seed)
    seen: list[MachineLabel] = []
    right: list[bool] = []
    rounds = []
    for number in range(1, options.rounds + 1):
        if number >= FIRST_ROUND:
            rounds.append(_accepted(seen, right, demanded, number))
        drawn = drawn_for_audit([Queried(number, "", "llm", 0.5)] * options.labels, options.share, rng)
        for item in drawn:
            name = int(rng.integers(len(accuracies)))
            sure, wrong = float(rng.uniform(0.3, 1)), 1 - accuracies[name]
            if sure >= SURE and accuracies[name] > 1 / len(accuracies):
                wrong /= 2
            right.append(bool(rng.random() >= wrong))
            seen.append(MachineLabel(str(name), sure, right[-1] if item.purpose == "audit" else None))
    return [*rounds, _accepted(seen, right, demanded, options.rounds + 1)]


def _accepted(seen: Sequence[MachineLabel], right: Sequence[bool], demanded: float, number: int) -> Round:
    above = {p.label: p.above for p in permissions(seen, demanded, number)}
    taken = [
        hit for x, hit in zip(seen, right, strict=True) if x.right is None and x.confidence >= above.get(x.label, 2)
    ]
    return Round(len(taken), statistics.mean(taken) if taken else 1.0)


def summary(runs: Sequence[Sequence[Round]], demanded: float) -> dict[str, float]:
    """What the table shows of many runs."""
    last = [rounds[-1] for rounds in runs]
    some = [r for r in last if r.accepted]
    return {
        "accepting": len(some),
        "met": sum(r.precision >= demanded for r in last),
        "met_throughout": sum(all(r.precision >= demanded for r in rounds) for rounds in runs),
        "labels": statistics.mean(r.accepted for r in some) if some else 0.0,
        "precision": statistics.mean(r.precision for r in some) if some else float("nan"),
        "lowest": min((r.precision for r in some), default=float("nan")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="seeds 0, 1, …")
    parser.add_argument("--demanded", type=float, nargs="+", default=[0.95, 0.9])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--labels", type=int, default=200, help="texts that the LLM labels each round")
    parser.add_argument("--share", type=float, default=0.1, help="share of them that is audited")
    options = parser.parse_args()
    print(f"At least {CONFIDENCE:.0%} of runs are to meet the demand.\n")
    print(
        "| LLM | demanded | runs that accept | runs that meet it | labels accepted | precision | lowest | met in every round |"
    )
    print("|---" * 8 + "|")
    for name, accuracies in LLMS.items():
        for demanded in options.demanded:
            found = summary([play(accuracies, demanded, options, seed) for seed in range(options.runs)], demanded)
            shown = [f"{found['labels']:.0f}", f"{found['precision']:.3f}", f"{found['lowest']:.3f}"]
            counts = [f"{found[n]}/{options.runs}" for n in ("accepting", "met")]
            shown = shown if found["accepting"] else ["0", "–", "–"]
            every = f"{found['met_throughout']}/{options.runs}"
            print(f"| {name} | {demanded:g} | {' | '.join([*counts, *shown])} | {every} |", flush=True)


if __name__ == "__main__":
    main()
