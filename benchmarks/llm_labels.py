"""How often an LLM labels texts right: as it says, calibrated, and with the nearest labelled examples in its prompt.

python benchmarks/llm_labels.py snips/train.csv --task "What does the user want the assistant to do?"

Rows are ways to prompt: no examples, or the nearest of `--known` labelled texts. "as it says" is the likeliest class;
"contextual" divides by what it says of an empty text (Zhao et al., "Calibrate before use", ICML 2021); "calibrated" is
what labelloop does, with the labels of the known texts. "60 % one class" are the same three where three fifths of the
texts are of one class, mean over the classes. Log loss is in nats, before and after. "vote" is what the examples alone
would say.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from loop.parts import open_llm
from loop.sections import LLMSection
from models.encoder import open_encoder
from models.label_calibration import fit_label_calibration
from models.llm_classifier import nearest_examples
from models.prompting import PACKAGED
from models.records import ClassDefinition, TaskDescription, TrainingExample, text_id

EMPTY = ("N/A", "", "[MASK]")
SKEW = 0.6


def read(options: argparse.Namespace) -> tuple[pd.DataFrame, TaskDescription]:
    """A random part of the file, of at most `--classes` of its classes."""
    frame = pd.read_csv(options.file, dtype=str, keep_default_na=False)
    rng = np.random.default_rng(options.seed)
    names = sorted(rng.permutation(sorted(frame["label"].unique()))[: options.classes])
    frame = frame[frame["label"].isin(names)]
    frame = frame.iloc[rng.permutation(len(frame))[: options.texts + options.known]]
    meanings = json.loads(options.meanings)
    classes = tuple(ClassDefinition(name, meanings.get(name, "")) for name in names)
    return frame.reset_index(drop=True), TaskDescription(options.task, classes, options.language)


def skewed(codes: NDArray[Any], seed: int) -> list[NDArray[Any]]:
    """For each class the rows of a draw in which it takes `SKEW` of the texts."""
    rng = np.random.default_rng(seed)
    draws = []
    for code in np.unique(codes):
        inside, outside = rng.permutation(np.flatnonzero(codes == code)), rng.permutation(np.flatnonzero(codes != code))
        others = round(len(inside) / SKEW * (1 - SKEW))
        draws.append(np.r_[inside, outside[:others]])
    return draws


def counts_like(codes: NDArray[Any], size: int, classes: int, seed: int) -> NDArray[Any]:
    """The labels of each class, (k,), that `size` texts drawn as `codes` are would have."""
    drawn = np.random.default_rng(seed).choice(codes, size)
    return np.bincount(drawn, minlength=classes).astype(float)


def cells(
    shares: NDArray[Any], empty: NDArray[Any], known: NDArray[Any], codes: NDArray[Any], seen: NDArray[Any]
) -> list[str]:
    """What the table says of `shares` (n, k) of texts whose classes are `codes`, and `known` (m, k), `seen`."""
    classes = shares.shape[1]

    def accuracy(answers: NDArray[Any], rows: slice | NDArray[Any] = slice(None)) -> float:
        return float((answers.argmax(axis=1) == codes[rows]).mean())

    counts = np.bincount(seen, minlength=classes).astype(float)
    calibrated = fit_label_calibration(np.vstack([shares, known]), known, seen, counts).apply(shares)
    uneven = []
    for number, rows in enumerate(skewed(codes, 0)):
        labels = counts_like(codes[rows], len(seen), classes, number)
        plain = fit_label_calibration(shares[rows], known[:0], [], labels).apply(shares[rows])
        uneven.append((accuracy(shares[rows], rows), accuracy(shares[rows] / empty, rows), accuracy(plain, rows)))
    losses = [log_loss(codes, np.clip(p, 1e-12, 1), labels=range(classes)) for p in (shares, calibrated)]
    found = [accuracy(shares), accuracy(shares / empty), accuracy(calibrated)]
    return [
        *(f"{100 * value:.1f}" for value in found),
        ", ".join(f"{100 * value:.1f}" for value in np.mean(uneven, axis=0)),
        f"{losses[0]:.2f} → {losses[1]:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--task", required=True, help="one sentence, as in a configuration")
    parser.add_argument("--language", default="en")
    parser.add_argument("--meanings", default="{}", help="class definitions, as a JSON object")
    parser.add_argument("--classes", type=int, default=1000, help="at most so many, drawn at random")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--known", type=int, default=40, help="labelled texts beside them")
    parser.add_argument("--examples", type=int, nargs="+", default=[0, 4], help="shown in each prompt")
    parser.add_argument("--llm", default="bundled")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    frame, task = read(options)
    llm = open_llm(LLMSection(model=options.llm))
    assert llm is not None
    texts, names = frame["text"].tolist(), list(task.class_names)
    codes = np.searchsorted(names, frame["label"].to_numpy(dtype=str))
    size = options.texts
    verified = [TrainingExample(text_id(t), t, names[c], "human") for t, c in zip(texts, codes, strict=True)][size:]
    encoder = open_encoder("auto", texts)
    empty = llm.label_probabilities([PACKAGED.labelling(task, t) for t in EMPTY], names).mean(axis=0)
    print("| set | classes | examples | as it says | contextual | calibrated | 60 % one class | log loss | vote |")
    print("|---" * 9 + "|")
    for count in options.examples:
        shown = nearest_examples(texts, verified, encoder.encode, count)
        prompts = [PACKAGED.labelling(task, t, s) for t, s in zip(texts, shown, strict=True)]
        shares = llm.label_probabilities(prompts, names)
        row = cells(shares[:size], empty, shares[size:], codes[:size], codes[size:])
        # The commonest label among the examples; of equals the nearest, which stands last.
        votes = [Counter(e.label for e in reversed(s)).most_common(1)[0][0] for s in shown[:size] if s]
        right = np.mean(np.array(votes) == np.array(names)[codes[:size]]) if votes else 0
        row.append(f"{100 * right:.1f}" if votes else "–")
        print(f"| {options.file.parent.name} | {len(names)} | {count} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
