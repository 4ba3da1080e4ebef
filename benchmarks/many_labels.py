"""Is self-training worth it where labels are many, or unlabelled texts few? Random ones of one file.

python benchmarks/many_labels.py banking77/train.csv --labels 400 800 1600
python benchmarks/many_labels.py snips/train.csv --labels 40 160 --unlabelled 150

The head without it; self-trained as at few labels, whatever their number; and as a run does it, where each answer
weighs half a label at most and the strength follows cross-validation. Accuracy, median over seeds [lowest, highest].
"""

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.datasets import read_labelled
from loop.trust import SELF_SHARE, own_share
from models.calibration import fit_head
from models.encoder import open_encoder
from models.head import Floats, self_train

TEST = 2000
ARMS = ("without", "as at few labels", "as a run does it")


def measure(vectors: Floats, labels: NDArray[Any], size: int, unlabelled: int, seed: int) -> Iterator[float]:
    """Accuracy of each of `ARMS` with so many labels and unlabelled texts, of embeddings (n, d) with `labels` (n,)."""
    order = np.random.default_rng(seed).permutation(len(labels))
    test, others, known = np.split(order, [TEST, TEST + unlabelled])
    part, pool = known[:size], vectors[others]
    said = labels[part].tolist()
    heads = (
        fit_head(vectors[part], said, seed=seed),
        self_train(vectors[part], labels[part], np.ones(size), pool, SELF_SHARE),
        fit_head(vectors[part], said, seed=seed, unlabelled=pool, share=own_share(size, unlabelled)),
    )
    for head in heads:
        yield float(head.right(vectors[test], labels[test]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[400, 800, 1600])
    parser.add_argument("--unlabelled", type=int, default=2000, help="texts to be self-trained on")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    examples = list({e.text: e for e in read_labelled(options.train, "text", "label", "pool")}.values())
    if len(examples) < TEST + options.unlabelled + max(options.labels):
        raise SystemExit(f"{options.train} has {len(examples)} different texts: ask for fewer --labels")
    texts, labels = [e.text for e in examples], np.array([str(e.label) for e in examples])
    vectors = open_encoder("auto", texts).encode(texts)
    print(f"| labels | {' | '.join(ARMS)} |\n" + "|---" * (1 + len(ARMS)) + "|")
    for size in options.labels:
        columns = zip(
            *(measure(vectors, labels, size, options.unlabelled, seed) for seed in range(options.seeds)), strict=True
        )
        cells = (f"{statistics.median(c):.3f} [{min(c):.3f}, {max(c):.3f}]" for c in columns)
        print(f"| {size:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
