"""What names and definitions of classes are worth as an example of each: accuracy with and without them.

python benchmarks/descriptions.py banking77/train.csv --labels 40 120 240

Labels, texts to be self-trained on and texts to measure on are drawn from train.csv; the encoder is kept frozen.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np

from connectors.datasets import read_labelled
from loop.data import without_copies
from loop.labelled import descriptions
from loop.trust import SELF_SHARE
from models.encoder import open_encoder
from models.head import self_train
from models.records import ClassDefinition, TaskDescription

WEIGHTS = (0.0, 1.0, 2.0, 4.0)
MEASURED, UNLABELLED = 600, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 60])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    pool, _ = without_copies(read_labelled(options.train, "text", "label", "pool"), [], [])
    order = np.random.default_rng(0).permutation(len(pool))[: MEASURED + UNLABELLED + max(options.labels)]
    texts, truth = [pool[i].text for i in order], np.array([str(pool[i].label) for i in order])
    classes = tuple(ClassDefinition(name) for name in sorted({str(e.label) for e in pool}))
    described = descriptions(TaskDescription("", classes))
    encoder = open_encoder("auto", texts)
    vectors, words = encoder.encode(texts), encoder.encode([e.text for e in described])
    names = np.array([e.label for e in described])
    print(f"| set | labels | {' | '.join('without' if w == 0 else f'weight {w:g}' for w in WEIGHTS)} |")
    print("|---" * (2 + len(WEIGHTS)) + "|")
    for count in options.labels:
        cells = []
        for weight in WEIGHTS:
            hits = []
            for seed in range(options.seeds):
                rows = MEASURED + np.random.default_rng(seed).permutation(len(texts) - MEASURED)
                known, others = rows[:count], rows[count : count + UNLABELLED]
                more = len(described) if weight else 0
                head = self_train(
                    np.vstack([vectors[known], words[:more]]),
                    np.r_[truth[known], names[:more]],
                    np.r_[np.ones(count), np.full(more, weight)],
                    vectors[others],
                    SELF_SHARE,
                )
                hits.append(float((head.predict(vectors[:MEASURED]) == truth[:MEASURED]).mean()))
            cells.append(f"{statistics.mean(hits):.3f} [{min(hits):.3f}, {max(hits):.3f}]")
        print(f"| {options.train.parent.name} | {count} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
