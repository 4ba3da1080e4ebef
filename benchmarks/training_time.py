"""How long a round's training takes: the classifier fitted on some labels, self-training and calibration included.

python benchmarks/training_time.py snips/train.csv --labels 100
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from connectors.datasets import read_labelled
from loop.trust import own_share
from models.classifier import TextClassifier
from models.encoder import open_encoder
from models.threads import real_cores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--unlabelled", type=int, default=2000)
    parser.add_argument("--trainings", nargs="+", default=["frozen", "contrastive", "full"])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    examples = read_labelled(options.train, "text", "label", "pool")
    encoder = open_encoder("auto", [])
    print(f"{real_cores()} cores, {options.labels} labels, {options.unlabelled} unlabelled texts; seconds\n")
    print("| training | median | lowest | highest | CPU, median |\n|---|---|---|---|---|")
    for training in options.trainings:
        taken, computed = [], []
        for seed in range(options.repeats):
            order = np.random.default_rng(seed).permutation(len(examples))
            part = [examples[i] for i in order[: options.labels]]
            others = [examples[i].text for i in order[options.labels : options.labels + options.unlabelled]]
            share = own_share(len(part), len(others))
            begun, busy = time.monotonic(), time.process_time()
            classifier = TextClassifier(encoder, training, seed)
            classifier.fit([e.text for e in part], [str(e.label) for e in part], None, others, share)
            taken.append(time.monotonic() - begun)
            computed.append(time.process_time() - busy)
        cells = [statistics.median(taken), min(taken), max(taken), statistics.median(computed)]
        print(f"| {training} | {' | '.join(f'{c:.1f}' for c in cells)} |", flush=True)


if __name__ == "__main__":
    main()
