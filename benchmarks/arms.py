"""Compares the arms of replays: area under the learning curve and last accuracy, over seeds, as a Markdown table.

labelloop replay … --json banking77.json
python benchmarks/arms.py banking77.json
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np


def area(curve: list[dict[str, Any]]) -> float:
    """The mean height of accuracy over human labels, by trapezoids; the accuracy itself for a curve of one point."""
    labels = [point["human_labels"] for point in curve]
    accuracy = [point["accuracy"] for point in curve]
    if labels[0] == labels[-1]:
        return float(accuracy[-1])
    return float(np.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def table(results: dict[str, Any]) -> str:
    """One line an arm: mean over seeds, [lowest, highest]."""
    lines = ["| arm | area under the curve | last accuracy | tokens | seconds a run |", "|---|---|---|---|---|"]
    for arm in dict.fromkeys(run["arm"] for run in results["arms"]):
        runs = [run for run in results["arms"] if run["arm"] == arm]
        areas = [area(run["curve"]) for run in runs]
        lasts = [run["curve"][-1]["accuracy"] for run in runs]
        tokens = statistics.mean(run["tokens"] for run in runs)
        seconds = statistics.mean(run["seconds"] for run in runs)
        lines.append(f"| {arm} | {_spread(areas)} | {_spread(lasts)} | {tokens:,.0f} | {seconds:.0f} |")
    full = results["full_supervision"]
    if full:
        lines.append(
            f"| full supervision, {full['labels']:,} labels | | {full['accuracy']:.3f} | 0 | {full['seconds']:.0f} |"
        )
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}\n\n{table(json.loads(Path(name).read_text(encoding='utf-8')))}\n")
