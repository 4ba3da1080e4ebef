"""How good the forecasts of another 100 labels are, looked up in the results of replays that went on.

python benchmarks/forecasts.py snips.json subj.json

At each count of labels that a replay passed: the gain that the curve so far foretells, beside the one that came, on
the same holdout, read between two counts where there is none; and how often the 95 % interval held it.
"""

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from connectors.datasets import read_labelled
from loop.advice import AHEAD, Forecast, forecast
from models.measures import Evaluation


def point(number: int, row: Mapping[str, Any]) -> Evaluation:
    """A point of the curve; of macro-F1 results say no interval, and a forecast reads none."""
    between = (row["low"], row["high"])
    return Evaluation(number, row["human_labels"], row["accuracy"], *between, row["macro_f1"], *between)


def due(curve: Sequence[Mapping[str, Any]], holdout: int) -> Iterator[tuple[Forecast, float]]:
    """Each forecast with the gain that came, for the counts that the curve went on from by so many labels."""
    points = [point(n, row) for n, row in enumerate(curve, 1)]
    labels, accuracy = [p.human_labels for p in points], [p.accuracy for p in points]
    for n, last in enumerate(points, 1):
        if last.human_labels + AHEAD > labels[-1]:
            return
        if ahead := forecast(points[:n], holdout, np.random.default_rng(0)):
            yield ahead, float(np.interp(last.human_labels + AHEAD, labels, accuracy)) - last.accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="what labelloop replay --json has written")
    options = parser.parse_args()
    print("| set | forecasts | foretold, mean | came, mean | mean error | width | the interval held it |")
    print("|---" * 7 + "|")
    for file in options.files:
        results = json.loads(file.read_text(encoding="utf-8"))
        plan = results["plan"]
        holdout = len(read_labelled(Path(plan["test"]), plan["text"], plan["label"], "holdout"))
        found = [pair for run in results["arms"] for pair in due(run["curve"], holdout)]
        if not found:
            continue
        held = statistics.mean(a.low <= came <= a.high for a, came in found)
        means = [
            statistics.mean(a.gain for a, _ in found),
            statistics.mean(came for _, came in found),
            statistics.mean(abs(a.gain - came) for a, came in found),
            statistics.mean(a.high - a.low for a, _ in found),
        ]
        cells = " | ".join(f"{100 * value:.1f}" for value in means)
        print(f"| {Path(plan['train']).parent.name} | {len(found)} | {cells} | {held:.0%} |", flush=True)


if __name__ == "__main__":
    main()
