"""How often the 95 % intervals of accuracy and macro-F1 hold the truth.

python benchmarks/coverage.py snips/train.csv snips/test.csv --labels 100 --holdout 200

Each of many replays labels texts of its own at random, trains on the frozen encoder, and measures on a holdout of its
own; the truth is the same classifier on all texts that it was not trained on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from connectors.datasets import read_labelled
from loop.evaluate import evaluate
from models.calibration import fit_head
from models.encoder import open_encoder


def play(vectors: np.ndarray, labels: np.ndarray, seed: int, taught: int, held: int) -> tuple[list[bool], list[float]]:
    """Whether accuracy's and macro-F1's interval held the truth, and their widths."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    known, rest = order[:taught], order[taught:]
    predicted = fit_head(vectors[known], labels[known].tolist()).predict(vectors[rest])
    truth = evaluate(predicted.tolist(), labels[rest].tolist(), 1, taught, rng)
    holdout = rng.permutation(len(rest))[:held]
    found = evaluate(predicted[holdout].tolist(), labels[rest[holdout]].tolist(), 1, taught, rng)
    return (
        [found.low <= truth.accuracy <= found.high, found.macro_f1_low <= truth.macro_f1 <= found.macro_f1_high],
        [found.high - found.low, found.macro_f1_high - found.macro_f1_low],
    )


def cell(held: Sequence[bool]) -> str:
    """The share of intervals that held the truth, with the interval of that share."""
    found = binomtest(sum(held), len(held)).proportion_ci(0.95, method="wilson")
    return f"{100 * np.mean(held):.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="labelled files of one set, taken together")
    parser.add_argument("--labels", type=int, default=100, help="texts to learn from")
    parser.add_argument("--holdout", type=int, default=200, help="texts to measure on")
    parser.add_argument("--replays", type=int, default=400)
    options = parser.parse_args()
    examples = list({e.id: e for file in options.files for e in read_labelled(file, "text", "label", "pool")}.values())
    vectors = open_encoder("auto", [e.text for e in examples]).encode([e.text for e in examples])
    labels = np.array([str(e.label) for e in examples])
    played = [play(vectors, labels, seed, options.labels, options.holdout) for seed in range(options.replays)]
    (accuracy, f1), widths = zip(*(held for held, _ in played), strict=True), np.mean([w for _, w in played], axis=0)
    print("| set | classes | labels | holdout | accuracy held | macro-F1 held | mean widths, points |")
    print("|---" * 7 + "|")
    name, classes = options.files[0].parent.name, len(np.unique(labels))
    shown = f"{100 * widths[0]:.1f}, {100 * widths[1]:.1f}"
    print(f"| {name} | {classes} | {options.labels} | {options.holdout} | {cell(accuracy)} | {cell(f1)} | {shown} |")


if __name__ == "__main__":
    main()
