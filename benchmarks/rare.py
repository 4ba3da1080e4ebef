"""How many human labels it takes until rare classes have been seen: a set made imbalanced, replayed with each strategy.

python benchmarks/rare.py banking77/train.csv banking77/test.csv --arms margin rare-classes

A seeded half of the classes is cut to between 1 and 10 % of its texts. Prints a Markdown table: for each arm the labels
after which 50, 80 and 100 % of the cut classes have one, median over seeds and [fewest, most], "–" where the labels ran
out first; and the last macro-F1 on the holdout, which stays balanced.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arms import number
from numpy.typing import NDArray
from stores import played

from loop.labelled import human_examples
from models.measures import Evaluation

SHARES = (0.5, 0.8, 1.0)


def cut(labels: pd.Series, seed: int) -> tuple[NDArray[Any], set[str]]:
    """The rows that stay (m,), in order, and the classes that were cut; at least two texts of each stay."""
    rng = np.random.default_rng(seed)
    names = np.unique(labels)
    rare = rng.permutation(names)[: len(names) // 2]
    stay = np.ones(len(labels), dtype=bool)
    for name in rare:
        rows = rng.permutation(np.flatnonzero(labels == name))
        stay[rows[max(2, round(len(rows) * rng.uniform(0.01, 0.1))) :]] = False
    return np.flatnonzero(stay), set(rare.tolist())


def labels_until(labelled: list[str], wanted: set[str], share: float) -> float:
    """How many of `labelled`, in order, until `share` of the wanted classes has been among them; infinite if never."""
    seen: set[str] = set()
    for count, name in enumerate(labelled, 1):
        seen |= {name} & wanted
        if len(seen) >= share * len(wanted):
            return float(count)
    return float("inf")


def play(options: argparse.Namespace, arm: str, seed: int, folder: Path) -> tuple[list[float], float]:
    """Labels until each share of the cut classes has been seen, and the last macro-F1."""
    frame = pd.read_csv(options.train, dtype=str, keep_default_na=False)
    rows, rare = cut(frame["label"], seed)
    train = folder / f"train-{seed}.csv"
    frame.iloc[rows].to_csv(train, index=False)
    # The strategies alone are compared; self-training would blur them, and takes its time.
    with played(options, train, arm, seed, folder / arm / str(seed), unlabelled=0) as store:
        labelled = [e.label for e in human_examples(store)]
        macro_f1 = store.all(Evaluation)[-1].macro_f1
    return [labels_until(labelled, rare, share) for share in SHARES], macro_f1


def cell(values: list[float]) -> str:
    return f"{number(statistics.median(values))} [{number(min(values))}, {number(max(values))}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--arms", nargs="+", required=True, help="query strategies by name")
    parser.add_argument("--labels", type=int, default=600)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print("| arm |", *(f"labels until {share:.0%} seen |" for share in SHARES), "last macro-F1 |")
    print("|---" * (2 + len(SHARES)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for arm in options.arms:
            found = []
            for seed in range(options.seeds):
                found.append(play(options, arm, seed, Path(folder)))
                print(f"{arm}, seed {seed}: {found[-1]}", file=sys.stderr, flush=True)
            columns = [cell([labels[n] for labels, _ in found]) for n in range(len(SHARES))]
            print(f"| {arm} | {' | '.join(columns)} | {statistics.mean(f1 for _, f1 in found):.3f} |", flush=True)


if __name__ == "__main__":
    main()
