"""Which training is better at few labels? Each on random labels of one file, measured on other texts of that file.

python benchmarks/trainings.py banking77/train.csv --labels 40 160 --trainings frozen contrastive

No holdout has a say, so that a default may be chosen by it. Self-training and calibration are as in a run.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss

from connectors.datasets import read_labelled
from loop.trust import SELF_SHARE
from models.classifier import TextClassifier
from models.encoder import Encoder, open_encoder
from models.records import Example


def measure(
    examples: list[Example], encoder: Encoder, training: str, seed: int, sizes: tuple[int, int, int]
) -> tuple[float, float, float]:
    """Accuracy, log loss over the classes that have a label, and CPU seconds of the fit; `sizes` are the numbers of
    labels, of texts to be self-trained on and of texts to measure on."""
    labels, unlabelled, _ = sizes
    order = np.random.default_rng(seed).permutation(len(examples))
    known, others, held = np.split(order[: sum(sizes)], [labels, labels + unlabelled])
    texts, truth = [e.text for e in examples], np.array([str(e.label) for e in examples])
    classifier = TextClassifier(encoder, training, seed)
    begun = time.process_time()
    classifier.fit([texts[i] for i in known], truth[known].tolist(), None, [texts[i] for i in others], SELF_SHARE)
    taken = time.process_time() - begun
    said = classifier.predict_proba([texts[i] for i in held])
    accuracy = float((classifier.classes_[said.argmax(axis=1)] == truth[held]).mean())
    seen = np.isin(truth[held], classifier.classes_)
    return accuracy, float(log_loss(truth[held][seen], said[seen], labels=classifier.classes_)), taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[40, 160])
    parser.add_argument("--trainings", nargs="+", default=["frozen", "contrastive"])
    parser.add_argument("--unlabelled", type=int, default=1000)
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    examples = list({e.text: e for e in read_labelled(options.train, "text", "label", "pool")}.values())
    encoder = open_encoder("auto", [e.text for e in examples])
    print("| set | labels | training | seed | accuracy | log loss | CPU seconds |\n|---|---|---|---|---|---|---|")
    for size in options.labels:
        for seed in range(options.seeds):
            for training in options.trainings:
                sizes = (size, options.unlabelled, options.test)
                accuracy, loss, taken = measure(examples, encoder, training, seed, sizes)
                cells = f"{accuracy:.3f} | {loss:.2f} | {taken:.0f}"
                print(f"| {options.train.parent.name} | {size} | {training} | {seed} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
