"""What an encoder is worth: accuracy of the same head on its vectors, at a few label counts.

python benchmarks/encoders.py klue_ynat_ko/train.csv --encoders char-ngram korean --labels 20 60 200

Encoders are learned, where they learn, on 4,000 texts of `train.csv`, labels drawn at random from those, accuracy
measured on 2,000 others of the same file. Cells are means over seeds [lowest, highest].
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from arms import spread

from models.classifier import TextClassifier
from models.encoder import Encoder, open_encoder

POOL, HELD = 4000, 2000


def accuracies(encoder: Encoder, frame: pd.DataFrame, labels: int, seeds: int) -> Iterator[float]:
    """The head's, trained on so many labels of the pool, without self-training, for each seed."""
    pool, held = frame[:POOL], frame[POOL : POOL + HELD]
    for seed in range(seeds):
        drawn = pool.iloc[np.random.default_rng(seed).permutation(len(pool))[:labels]]
        classifier = TextClassifier(encoder, "frozen", seed).fit(drawn["text"].tolist(), drawn["label"].tolist())
        yield float((classifier.predict(held["text"].tolist()) == held["label"].to_numpy()).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--encoders", nargs="+", default=["char-ngram", "korean"])
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 60, 200])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    frame = pd.read_csv(options.train, dtype=str, keep_default_na=False).sample(frac=1, random_state=0)
    encoders = {name: open_encoder(name, frame["text"][:POOL].tolist()) for name in options.encoders}
    print(f"| labels | {' | '.join(encoders)} |\n" + "|---" * (1 + len(encoders)) + "|")
    for labels in options.labels:
        cells = [spread(list(accuracies(e, frame, labels, options.seeds))) for e in encoders.values()]
        print(f"| {labels} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
