"""One verdict in five flipped at random: how many of the flips are doubted, and how many of the doubts are flips?

python benchmarks/label_errors.py snips/train.csv --labels 100 200 400

Also what the doubts are worth: accuracy of the default head on the file's other texts with the flips as they are, with
the doubted labels put right as a human would, and with no flip at all.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from connectors.datasets import read_labelled
from loop.people.recheck import label_issues
from models.calibration import fit_head
from models.encoder import Encoder, open_encoder
from models.records import Example, TrainingExample

TEST = 2000


def flipped(labels: list[str], share: float, rng: np.random.Generator) -> list[str]:
    classes = sorted(set(labels))
    wrong = rng.random(len(labels)) < share
    return [str(rng.choice([c for c in classes if c != n])) if w else n for n, w in zip(labels, wrong, strict=True)]


def measure(examples: list[Example], encoder: Encoder, size: int, share: float, seed: int) -> Iterator[float]:
    """Recall, precision, and accuracy with flips, mended, and clean, in shares of 1."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(examples)).tolist()
    part, test = [examples[i] for i in order[:size]], [examples[i] for i in order[size : size + TEST]]
    truth = [str(e.label) for e in part]
    said = flipped(truth, share, rng)
    humans = [TrainingExample(e.id, e.text, label, "human") for e, label in zip(part, said, strict=True)]
    doubted = {i for i, _ in label_issues(humans, encoder, seed)}
    flips = {i for i in range(size) if said[i] != truth[i]}
    yield len(flips & doubted) / max(1, len(flips))
    yield len(flips & doubted) / max(1, len(doubted))
    mended = [truth[i] if i in doubted else said[i] for i in range(size)]
    vectors, held = encoder.encode([e.text for e in part]), encoder.encode([e.text for e in test])
    for labels in (said, mended, truth):
        hits = fit_head(vectors, labels, seed=seed).predict(held) == np.array([e.label for e in test])
        yield float(hits.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 200, 400])
    parser.add_argument("--share", type=float, default=0.2, help="of labels that are flipped")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    examples = read_labelled(options.train, "text", "label", "pool")
    encoder = open_encoder("auto", [e.text for e in examples])
    print("| labels | flips found | of the doubts, flips | accuracy with flips | mended | without flips |")
    print("|---|---|---|---|---|---|")
    for size in options.labels:
        runs = [list(measure(examples, encoder, size, options.share, seed)) for seed in range(options.seeds)]
        cells = [f"{np.median(c):.2f} [{min(c):.2f}, {max(c):.2f}]" for c in zip(*runs, strict=True)]
        print(f"| {size} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
