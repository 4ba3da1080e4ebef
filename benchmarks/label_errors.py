"""One verdict in five flipped at random: how many of the flips are doubted, and how many of the doubts are flips?

python benchmarks/label_errors.py snips/train.csv --labels 100 200 400

Also what cleansing is worth: accuracy of the self-trained head on other texts of the file, with all labels as heavy,
with doubted ones made lighter as by default, and with no flip at all. `--share 0` says what it costs where nothing is
wrong.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from connectors.datasets import read_labelled
from loop.people.recheck import SURE, doubts
from loop.trust import own_share
from models.calibration import fit_head
from models.embedding_cache import EmbeddingCache
from models.encoder import Encoder, open_encoder
from models.head import self_train
from models.records import Example, TrainingExample

UNLABELLED = 2000
TEST = 2000


def flipped(labels: list[str], share: float, rng: np.random.Generator) -> list[str]:
    classes = sorted(set(labels))
    wrong = rng.random(len(labels)) < share
    return [str(rng.choice([c for c in classes if c != n])) if w else n for n, w in zip(labels, wrong, strict=True)]


def measure(examples: list[Example], encoder: Encoder, size: int, share: float, seed: int) -> Iterator[float]:
    """Recall and precision of all doubts, how many `status` lists and the precision of those, and accuracy with flips,
    cleansed, and without flips, in shares of 1."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(examples)).tolist()
    ends = (0, size, size + UNLABELLED, size + UNLABELLED + TEST)
    part, others, test = ([examples[i] for i in order[start:end]] for start, end in pairwise(ends))
    truth = [str(e.label) for e in part]
    said = flipped(truth, share, rng)
    humans = [TrainingExample(e.id, e.text, label, "human") for e, label in zip(part, said, strict=True)]
    doubted = doubts(0, humans, encoder, seed, [e.text for e in others])
    found, listed = ({d.example for d in doubted if d.probability >= sure} for sure in (0.0, SURE))
    flips = {part[i].id for i in range(size) if said[i] != truth[i]}
    yield len(flips & found) / max(1, len(flips))
    yield len(flips & found) / max(1, len(found))
    yield len(listed)
    yield len(flips & listed) / max(1, len(listed))
    vectors, pool, held = (encoder.encode([e.text for e in examples]) for examples in (part, others, test))
    as_said, shared = (np.array(said), np.ones(size)), own_share(size, len(others))
    heads = [
        self_train(vectors, *as_said, pool, shared),
        fit_head(vectors, said, seed=seed, unlabelled=pool, share=shared),
        self_train(vectors, np.array(truth), np.ones(size), pool, shared),
    ]
    yield from (float((head.predict(held) == np.array([e.label for e in test])).mean()) for head in heads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 200, 400])
    parser.add_argument("--share", type=float, default=0.2, help="of labels that are flipped")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="a file that embeddings are remembered in")
    options = parser.parse_args()
    examples = read_labelled(options.train, "text", "label", "pool")
    encoder = open_encoder("auto", [e.text for e in examples], EmbeddingCache(options.cache) if options.cache else None)
    heads = ("labels", "flips found", "of the doubts, flips", "listed", "of those, flips")
    print(f"| {' | '.join((*heads, 'accuracy with flips', 'cleansed', 'without flips'))} |")
    print("|---" * 8 + "|")
    for size in options.labels:
        runs = [list(measure(examples, encoder, size, options.share, seed)) for seed in range(options.seeds)]
        cells = [f"{np.median(c):.3f} [{min(c):.3f}, {max(c):.3f}]" for c in zip(*runs, strict=True)]
        print(f"| {size} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
