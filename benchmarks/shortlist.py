"""How much of what a trained encoder doubts is on the frozen encoder's shortlist, and what embedding it costs.

python benchmarks/shortlist.py snips/train.csv --labels 100

A contrastively trained encoder has made the pool's embeddings stale, and `learner.shortlist` texts are embedded anew:
those that a head on the frozen encoder doubts most. Beside it is the whole pool embedded anew. Compared are the texts
that an uncertain batch is drawn from, ten a label: how many of the pool's are on the shortlist, and how uncertain the
shortlist's own are, as a share of the pool's.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from connectors.datasets import read_labelled
from loop.query import UNCERTAIN_PER_LABEL, shortlist
from models.calibration import fit_head
from models.classifier import TextClassifier
from models.encoder import SentenceEncoder, open_encoder
from models.records import Example
from models.strategies import margin_uncertainty


def measure(
    encoder: SentenceEncoder, known: list[Example], pool: list[str], options: argparse.Namespace, seed: int
) -> list[tuple[float, float, float]]:
    """For each size of the shortlist: share found, share of the uncertainty, CPU seconds of embedding."""
    texts, labels = [e.text for e in known], [str(e.label) for e in known]
    frozen, vectors = fit_head(encoder.encode(texts), labels), encoder.encode(pool)
    classifier = TextClassifier(encoder, "contrastive", seed).fit(texts, labels)
    begun = time.process_time()
    anew = classifier.encode(pool)
    taken = time.process_time() - begun
    uncertainty = margin_uncertainty(classifier.head, anew)
    best = np.argsort(-uncertainty)[: UNCERTAIN_PER_LABEL * options.batch]
    found = []
    for size in options.sizes:
        rows = shortlist(frozen, vectors, size, np.random.default_rng(seed))
        own = np.sort(uncertainty[rows])[::-1][: len(best)]
        found.append((np.isin(best, rows).mean(), own.mean() / uncertainty[best].mean(), taken * size / len(pool)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--pool", type=int, default=5000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000, 3000])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    examples = list({e.text: e for e in read_labelled(options.train, "text", "label", "pool")}.values())
    encoder = open_encoder("auto", [e.text for e in examples])
    if not isinstance(encoder, SentenceEncoder):
        parser.error(f"the encoder for {options.train}, {encoder.name}, has nothing to train")
    played = []
    for seed in range(options.seeds):
        rows = np.random.default_rng(seed).permutation(len(examples))[: options.labels + options.pool]
        known = [examples[i] for i in rows[: options.labels]]
        pool = [examples[i].text for i in rows[options.labels :]]
        played.append(measure(encoder, known, pool, options, seed))
    print("| set | pool | shortlist | of the most uncertain, found | uncertainty, share | CPU seconds |")
    print("|---|---|---|---|---|---|")
    for size, column in zip(options.sizes, np.array(played).transpose(1, 0, 2), strict=True):
        cells = [f"{part.mean():.2f} [{part.min():.2f}, {part.max():.2f}]" for part in column.T[:2]]
        print(
            f"| {options.train.parent.name} | {len(pool)} | {size} | {' | '.join(cells)} | {column[:, 2].mean():.0f} |"
        )


if __name__ == "__main__":
    main()
