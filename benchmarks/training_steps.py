"""How many steps of contrastive training pay, and whether to go on from the encoder of the round before.

python benchmarks/training_steps.py banking77/train.csv --labels 160

Each way on the same random labels of one file, measured on other texts of that file by a head without self-training; no
holdout has a say. "warm" begins with an encoder trained on half of the labels, as the round before would leave it. The
loss is that at the temperature which makes it least, so that it speaks of the order of texts and not of how sure the
head is.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from connectors.datasets import read_labelled
from models.calibration import fit_temperature
from models.contrastive import train_contrastive
from models.encoder import Encoder, SentenceEncoder, open_encoder
from models.head import fit_logistic
from models.records import Example

EFFORTS = (0.25, 0.5, 1.0, 2.0)


def ways(encoder: SentenceEncoder, texts: list[str], labels: list[str], seed: int) -> Iterator[tuple[str, Encoder]]:
    """The encoder trained each way on texts (n) with labels (n); the first half of them is the round before."""

    def train(begun: SentenceEncoder, count: int, effort: float) -> SentenceEncoder:
        known = texts[:count], labels[:count], np.ones(count)
        return SentenceEncoder(train_contrastive(begun.model, *known, seed, effort))

    yield "none (frozen)", encoder
    for effort in EFFORTS:
        yield f"{effort:g} × the steps", train(encoder, len(texts), effort)
    before = train(encoder, len(texts) // 2, 1.0)
    for effort in (0.5, 1.0):
        yield f"warm, {effort:g} × the steps", train(before, len(texts), effort)


def measure(encoder: Encoder, known: list[Example], held: list[Example]) -> tuple[float, float]:
    """Accuracy and log loss on `held` of a head fitted on `known`; the loss over the classes that have a label."""
    labels, truth = (np.array([str(e.label) for e in part]) for part in (known, held))
    head = fit_logistic(encoder.encode([e.text for e in known]), labels, np.ones(len(known)))
    logits = head.logits(encoder.encode([e.text for e in held]))
    right = float((head.classes_[logits.argmax(axis=1)] == truth).mean())
    seen = np.isin(truth, head.classes_)
    logits, targets = logits[seen], np.searchsorted(head.classes_, truth[seen])
    logs = log_softmax(logits / fit_temperature(logits, targets, np.ones(len(targets))), axis=1)
    return right, float(-logs[np.arange(len(targets)), targets].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, default=160)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    examples = list({e.text: e for e in read_labelled(options.train, "text", "label", "pool")}.values())
    encoder = open_encoder("auto", [e.text for e in examples])
    if not isinstance(encoder, SentenceEncoder):
        parser.error(f"the encoder for {options.train}, {encoder.name}, has nothing to train")
    print("| set | labels | seed | training | accuracy | log loss | CPU seconds |\n|---|---|---|---|---|---|---|")
    for seed in range(options.seeds):
        order = np.random.default_rng(seed).permutation(len(examples))
        parts = np.split(order, [options.labels, options.labels + options.test])[:2]
        known, held = ([examples[i] for i in rows] for rows in parts)
        begun = time.process_time()
        for name, trained in ways(encoder, [e.text for e in known], [str(e.label) for e in known], seed):
            taken = time.process_time() - begun
            accuracy, loss = measure(trained, known, held)
            cells = f"{options.labels} | {seed} | {name} | {accuracy:.3f} | {loss:.3f} | {taken:.0f}"
            print(f"| {options.train.parent.name} | {cells} |", flush=True)
            begun = time.process_time()


if __name__ == "__main__":
    main()
