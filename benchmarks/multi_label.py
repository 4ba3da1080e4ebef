"""Makes a multi-label set of a single-label one: one to three of its texts in a row, with the classes of all.

python benchmarks/multi_label.py snips/train.csv snips/test.csv --to sets
labelloop replay --train sets/train.csv --test sets/test.csv --multi-label …

People do write like that to a support desk. Which texts come together is chance, by seed.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from models.label_sets import join

TOGETHER = (0.5, 0.35, 0.15)


def joined(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The rows of `frame` in random order, `TOGETHER` as often one, two and three of them as one."""
    order, rows = rng.permutation(len(frame)).tolist(), []
    while order:
        part = frame.iloc[[order.pop() for _ in range(min(len(order), 1 + rng.choice(3, p=TOGETHER)))]]
        rows.append({"text": " ".join(part["text"]), "label": join(part["label"])})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="folder for train.csv and test.csv")
    parser.add_argument("--cut-at", help="of a label only what stands before this is a class")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    for seed, path in enumerate((options.train, options.test)):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        if options.cut_at:
            frame["label"] = frame["label"].str.partition(options.cut_at)[0]
        joined(frame, np.random.default_rng(seed)).to_csv(options.to / f"{path.stem}.csv", index=False)


if __name__ == "__main__":
    main()
