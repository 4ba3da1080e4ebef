"""`labelloop predict` beside sentence-transformers' own `encode`, on the same texts and the packaged encoder.

python benchmarks/predict.py --texts 5000 --repeats 5

Each measurement is a process of its own. Ours reads a CSV file, encodes, classifies and writes a CSV file; theirs
encodes texts that are in memory already: as it comes (float32, 32 texts a batch), and, where the processor has
bfloat16, in which ours computes there, with our precision and batch. The sides run one after the other, in turn first.
Loading the weights is in no time but that of the whole process, and in every peak. On a machine that does other work
too, go by the processor's seconds, in which waiting for a core does not count.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIDES = ("labelloop", "encode", "encode, our precision")
CLOCKS = ("seconds", "processor", "whole")
CORPUS = Path(__file__).absolute().parent.parent / "loop" / "corpus" / "en" / "pool.csv"


def write_texts(path: Path, count: int, longest: int) -> None:
    """`count` texts of one to `longest` messages of the packaged corpus."""
    with CORPUS.open(encoding="utf-8", newline="") as file:
        messages = [row["text"] for row in csv.DictReader(file)]
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([" ".join(rng.choice(messages, rng.integers(1, longest + 1)))] for _ in range(count))


def save_model(path: Path) -> None:
    from connectors.datasets import read_labelled
    from models.classifier import TextClassifier
    from models.encoder import SentenceEncoder

    known = read_labelled(CORPUS, "text", "label", "pool")[:200]
    classifier = TextClassifier(SentenceEncoder.open("packaged"), "frozen")
    classifier.fit([e.text for e in known], [str(e.label) for e in known]).save(path)


def ours(folder: Path) -> dict[str, float]:
    """Seconds from the end of loading to the end of writing, and MiB: the peak after a chunk and at the end."""
    from loop.predict import predict
    from models.classifier import TextClassifier

    peaks: list[float] = []
    classifier = TextClassifier.load(folder / "model")
    classifier.predict(["warm"])
    target = folder / "labels.csv"
    begun = time.perf_counter(), time.process_time()
    predict(classifier, folder / "texts.csv", "text", 0.0, target, lambda *_: peaks.append(peak()))
    found = since(*begun) | {"first": peaks[0], "peak": peak()}
    target.unlink()
    return found


def theirs(folder: Path, like_ours: bool) -> dict[str, float]:
    import torch

    from models.encoder import BATCH, load_sentence_transformer
    from models.packaged import encoder_dir
    from models.threads import best_dtype, use_real_cores

    use_real_cores()
    with (folder / "texts.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    model = load_sentence_transformer(encoder_dir())
    half = like_ours and best_dtype() != torch.float32
    with torch.autocast(model.device.type, best_dtype(), enabled=half):
        model.encode(["warm"])
        begun = time.perf_counter(), time.process_time()
        model.encode(texts, batch_size=BATCH if like_ours else 32, show_progress_bar=False)
    return since(*begun) | {"first": peak(), "peak": peak()}


def has_bfloat16() -> bool:
    import torch

    from models.threads import best_dtype

    return best_dtype() == torch.bfloat16


def since(wall: float, processor: float) -> dict[str, float]:
    """Seconds on the clock, and those of all threads on the processor."""
    return {"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}


def peak() -> float:
    """The most memory this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(side: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder)]
    begun = children()
    found: dict[str, float] = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    ) | {"whole": children() - begun}
    said = f"{found['seconds']:.1f} s, {found['processor']:.1f} on the processor, peak {found['peak']:.0f} MiB"
    print(f"{side}: {said}", file=sys.stderr, flush=True)
    return found


def children() -> float:
    """Seconds on the processor of all processes started so far, imports and loading included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def report(runs: dict[str, list[dict[str, float]]], texts: int) -> None:
    heads = ["", "texts/s, median", "ours to it: median [least, most]", "the same by the processor's seconds"]
    heads += ["and of the whole process", "peak MiB", "… after the first chunk"]
    print(f"| {' | '.join(heads)} |")
    print("|---" * len(heads) + "|")
    for side, found in runs.items():
        own = side == SIDES[0]
        cells = [side, f"{texts / np.median([run['seconds'] for run in found]):.0f}"]
        cells += ["–" if own else ratio(found, runs[SIDES[0]], clock) for clock in CLOCKS]
        cells += [f"{max(run['peak'] for run in found):.0f}"]
        cells += [f"{max(run['first'] for run in found):.0f}" if own else "–"]
        print(f"| {' | '.join(cells)} |")


def ratio(theirs: list[dict[str, float]], ours: list[dict[str, float]], clock: str) -> str:
    """How many times their throughput ours is, pair by pair."""
    found = np.array([their[clock] / our[clock] for their, our in zip(theirs, ours, strict=True)])
    return f"{np.median(found):.3f} [{found.min():.3f}, {found.max():.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--longest", type=int, default=4, help="messages in the longest texts")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        found = ours(options.folder) if options.side == SIDES[0] else theirs(options.folder, options.side == SIDES[2])
        print(json.dumps(found))
        return
    sides = SIDES if has_bfloat16() else SIDES[:2]
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as name:
        write_texts(Path(name) / "texts.csv", options.texts, options.longest)
        save_model(Path(name) / "model")
        for repeat in range(options.repeats):
            for side in sides if repeat % 2 == 0 else sides[::-1]:
                runs[side].append(measure(side, Path(name)))
    report(runs, options.texts)


if __name__ == "__main__":
    main()
