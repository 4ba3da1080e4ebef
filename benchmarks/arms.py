"""Compares the arms of replays and peers on each set, over seeds, as Markdown tables: area under the learning curve,
last accuracy, and the human labels needed to reach shares of full supervision.

labelloop replay … --json banking77.json
python benchmarks/arms.py banking77.json [peers.json …]
"""

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SHARES = (0.8, 0.9, 0.95)
Curve = list[dict[str, Any]]
Runs = dict[str, list[dict[str, Any]]]


def check_plan(results: Path, plan: dict[str, Any], wanted: dict[str, Any], way_out: str) -> None:
    """Ends where results that are there already are of another `plan` than is `wanted`; `way_out` says what to do."""
    if other := [name for name, value in wanted.items() if plan[name] != value]:
        sys.exit(f"{results} was measured with other {', '.join(other)}: {way_out}")


def area(curve: Curve) -> float:
    """The mean height of accuracy over human labels, by trapezoids; the accuracy itself for a curve of one point."""
    labels = [point["human_labels"] for point in curve]
    accuracy = [point["accuracy"] for point in curve]
    if labels[0] == labels[-1]:
        return float(accuracy[-1])
    return float(np.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def at_counts(curve: Curve, other: Curve) -> Curve:
    """The points of a curve at the label counts of another, coarser one."""
    counts = {point["human_labels"] for point in other}
    return [point for point in curve if point["human_labels"] in counts]


def labels_to(curve: Curve, target: float) -> float:
    """Human labels at which the curve first reaches `target`, interpolated between two points; infinite if never."""
    before = None
    for point in curve:
        if point["accuracy"] >= target:
            if before is None:
                return float(point["human_labels"])
            rise = (target - before["accuracy"]) / (point["accuracy"] - before["accuracy"])
            return float(before["human_labels"] + rise * (point["human_labels"] - before["human_labels"]))
        before = point
    return float("inf")


def table(runs: list[dict[str, Any]], full: dict[str, Any] | None) -> str:
    """One line an arm: mean over seeds, [lowest, highest]; for labels the median, "–" where it is out of reach."""
    shares = [f"labels to {share:.0%} of full" for share in SHARES] if full else []
    heads = ["arm", "area under the curve", "last accuracy", *shares, "tokens", "seconds a run"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for arm, curves in by_arm(runs).items():
        own = [run for run in runs if run["arm"] == arm]
        cells = [arm, spread([area(c) for c in curves]), spread([c[-1]["accuracy"] for c in curves])]
        cells += [number(median_labels(curves, share * full["accuracy"])) for share in SHARES if full]
        cells += [f"{statistics.mean(run[key] for run in own):,.0f}" for key in ("tokens", "seconds")]
        lines.append(f"| {' | '.join(cells)} |")
    if full:
        lines.append(
            f"\nFull supervision, {full['labels']:,} labels: {full['accuracy']:.3f} in {full['seconds']:.0f} s."
        )
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"


def median_labels(curves: list[Curve], target: float) -> float:
    """The median over seeds of the labels to `target`; infinite where most never get there."""
    return statistics.median_high([labels_to(curve, target) for curve in curves])


def number(labels: float) -> str:
    return "–" if labels == float("inf") else f"{labels:.0f}"


def by_arm(runs: list[dict[str, Any]]) -> dict[str, list[Curve]]:
    """The curves of each arm, arms in the order in which they come."""
    curves: dict[str, list[Curve]] = defaultdict(list)
    for run in runs:
        curves[run["arm"]].append(run["curve"])
    return curves


def read_results(files: Sequence[Path]) -> tuple[Runs, dict[str, dict[str, Any]]]:
    """All runs of the files, and full supervision where it was measured, both by data set."""
    runs: Runs = defaultdict(list)
    full: dict[str, dict[str, Any]] = {}
    for file in files:
        results = json.loads(file.read_text(encoding="utf-8"))
        name = Path(results["plan"]["train"]).parent.name
        runs[name] += results["arms"]
        if results["full_supervision"]:
            full[name] = results["full_supervision"]
    return runs, full


if __name__ == "__main__":
    all_runs, all_full = read_results([Path(name) for name in sys.argv[1:]])
    for name, own in all_runs.items():
        print(f"### {name}\n\n{table(own, all_full.get(name))}\n")
