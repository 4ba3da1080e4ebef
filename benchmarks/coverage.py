"""How often the 95 % intervals of accuracy and macro-F1 hold the truth.

python benchmarks/coverage.py snips/train.csv snips/test.csv --labels 100 --holdout 200

Each of many replays labels texts of its own at random, trains on the frozen encoder, and measures on a holdout of its
own; the truth is the same classifier on all texts that it was not trained on. "Stratified" is no part of the loop: the
holdout is divided by how sure the classifier is, and texts set aside say how large each part is.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from connectors.datasets import read_labelled
from loop.evaluate import evaluate, wilson
from models.calibration import fit_head
from models.encoder import open_encoder

MEASURES = ("accuracy", "accuracy, prediction-powered", "accuracy, stratified", "macro-F1")
STRATA = 5


def play(
    vectors: NDArray[Any], labels: NDArray[Any], seed: int, options: argparse.Namespace
) -> list[tuple[bool, float]]:
    """Whether each interval of `MEASURES` held the truth, and its width."""
    rng = np.random.default_rng(seed)
    known, holdout, rest = np.split(rng.permutation(len(labels)), [options.labels, options.labels + options.holdout])
    head = fit_head(vectors[known], labels[known].tolist())
    # What no training has seen is the population; holdout and texts set aside are draws of it.
    unseen = np.r_[holdout, rest]
    answers = head.predict(vectors[unseen])
    accuracy = float((answers == labels[unseen]).mean())
    f1 = float(f1_score(labels[unseen], answers, average="macro"))
    predicted, truth = answers[: len(holdout)].tolist(), labels[holdout].tolist()
    sure = [head.predict_proba(vectors[rows]).max(axis=1) for rows in (holdout, rest[: options.set_aside])]
    plain = evaluate(predicted, truth, 1, options.labels, rng)
    powered = evaluate(predicted, truth, 1, options.labels, rng, (sure[0], sure[1]))
    low, high = stratified(answers[: len(holdout)] == labels[holdout], *sure)
    return [
        (plain.low <= accuracy <= plain.high, plain.high - plain.low),
        (powered.low <= accuracy <= powered.high, powered.high - powered.low),
        (low <= accuracy <= high, high - low),
        (plain.macro_f1_low <= f1 <= plain.macro_f1_high, plain.macro_f1_high - plain.macro_f1_low),
    ]


def stratified(hits: NDArray[Any], sure: NDArray[Any], sure_aside: NDArray[Any]) -> tuple[float, float]:
    """The interval of accuracy, post-stratified: `hits` (n,) of the holdout, its top probabilities (n,) and those of
    texts set aside (m,). Cochran, "Sampling Techniques", 3rd ed. 1977, chapters 5A and 12 (sizes of strata estimated).
    """
    both = np.r_[sure, sure_aside]
    cuts = np.quantile(both, np.linspace(0, 1, STRATA + 1)[1:-1])
    of, of_all = np.searchsorted(cuts, sure), np.searchsorted(cuts, both)
    value, variance, between = 0.0, 0.0, []
    for stratum in np.unique(of):
        part, share = hits[of == stratum], float((of_all == stratum).mean())
        value += share * part.mean()
        variance += share**2 * part.var() / len(part)
        between.append((share, part.mean()))
    spread = sum(share * (mean - value) ** 2 for share, mean in between) / len(both)
    return wilson(value, variance + spread, len(hits))


def cell(held: Sequence[bool]) -> str:
    """The share of intervals that held the truth, with the interval of that share."""
    found = binomtest(sum(held), len(held)).proportion_ci(0.95, method="wilson")
    return f"{100 * np.mean(held):.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="labelled files of one set, taken together")
    parser.add_argument("--labels", type=int, default=100, help="texts to learn from")
    parser.add_argument("--holdout", type=int, default=200, help="texts to measure on")
    parser.add_argument("--set-aside", type=int, default=1000, help="texts for the prediction-powered interval")
    parser.add_argument("--replays", type=int, default=400)
    options = parser.parse_args()
    examples = list({e.id: e for file in options.files for e in read_labelled(file, "text", "label", "pool")}.values())
    vectors = open_encoder("auto", [e.text for e in examples]).encode([e.text for e in examples])
    labels = np.array([str(e.label) for e in examples])
    played = [play(vectors, labels, seed, options) for seed in range(options.replays)]
    heads = [f"{name}: held, mean width in points" for name in MEASURES]
    print(f"| {' | '.join(['set', 'classes', 'labels', 'holdout', *heads])} |")
    print("|---" * (4 + len(heads)) + "|")
    cells = [options.files[0].parent.name, len(np.unique(labels)), options.labels, options.holdout]
    for measured in zip(*played, strict=True):
        width = 100 * np.mean([width for _, width in measured])
        cells.append(f"{cell([held for held, _ in measured])}, {width:.1f}")
    print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
