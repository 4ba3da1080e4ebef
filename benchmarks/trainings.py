"""Which training is better at few labels? Each on random labels of one file, measured on other texts of that file.

python benchmarks/trainings.py banking77/train.csv --labels 40 160 --trainings frozen contrastive

No holdout has a say, so that a default may be chosen by it. Self-training and calibration are as in a run. With
`--rarest 0.1` classes are not equally common among the labels, but from 1 to a tenth, in equal ratios and random order.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, log_loss

from connectors.datasets import read_labelled
from loop.trust import own_share
from models.classifier import TextClassifier
from models.encoder import Encoder, open_encoder
from models.records import Example


def draw(truth: NDArray[Any], seed: int, sizes: tuple[int, int, int], rarest: float) -> list[NDArray[Any]]:
    """Rows to label, to be self-trained on and to measure on; `truth` (n,) says the class of each."""
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(truth)), np.unique(truth)
    known = order[: sizes[0]]
    if rarest < 1:
        shares = rng.permutation(np.geomspace(1, rarest, len(names)))
        counts = np.maximum(1, np.round(sizes[0] * shares / shares.sum())).astype(int)
        known = np.concatenate([order[truth[order] == n][:count] for n, count in zip(names, counts, strict=True)])
    rest = order[~np.isin(order, known)]
    return [known, rest[: sizes[1]], rest[sizes[1] : sizes[1] + sizes[2]]]


def measure(
    examples: list[Example], encoder: Encoder, training: str, seed: int, sizes: tuple[int, int, int], rarest: float
) -> tuple[float, float, float, float]:
    """Accuracy, macro-F1, log loss over the classes that have a label, and CPU seconds of the fit; `sizes` are the
    numbers of labels, of texts to be self-trained on and of texts to measure on."""
    texts, truth = [e.text for e in examples], np.array([str(e.label) for e in examples])
    known, others, held = draw(truth, seed, sizes, rarest)
    classifier = TextClassifier(encoder, training, seed)
    begun = time.process_time()
    share = own_share(len(known), len(others))
    classifier.fit([texts[i] for i in known], truth[known].tolist(), None, [texts[i] for i in others], share)
    taken = time.process_time() - begun
    said = classifier.predict_proba([texts[i] for i in held])
    answers = classifier.classes_[said.argmax(axis=1)]
    right, f1 = float((answers == truth[held]).mean()), float(f1_score(truth[held], answers, average="macro"))
    seen = np.isin(truth[held], classifier.classes_)
    return right, f1, float(log_loss(truth[held][seen], said[seen], labels=classifier.classes_)), taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[40, 160])
    parser.add_argument("--trainings", nargs="+", default=["frozen", "contrastive"])
    parser.add_argument("--unlabelled", type=int, default=1000)
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rarest", type=float, default=1.0, help="labels of the rarest class to one of the commonest")
    options = parser.parse_args()
    examples = list({e.text: e for e in read_labelled(options.train, "text", "label", "pool")}.values())
    encoder = open_encoder("auto", [e.text for e in examples])
    heads = ["set", "labels", "training", "seed", "accuracy", "macro-F1", "log loss", "CPU seconds"]
    print(f"| {' | '.join(heads)} |\n" + "|---" * len(heads) + "|")
    for size in options.labels:
        for seed in range(options.seeds):
            for training in options.trainings:
                sizes = (size, options.unlabelled, options.test)
                right, f1, loss, taken = measure(examples, encoder, training, seed, sizes, options.rarest)
                cells = f"{right:.3f} | {f1:.3f} | {loss:.2f} | {taken:.0f}"
                print(f"| {options.train.parent.name} | {size} | {training} | {seed} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
