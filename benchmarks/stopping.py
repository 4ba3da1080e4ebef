"""What the stop rule saves and costs: looked up in replays that go on to the end.

python benchmarks/stopping.py snips/train.csv snips/test.csv --labels 400

For each seed the labels at which `run.stop` would have ended the run, the accuracy there, and at the end.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stores import played

from loop.stopping import settled
from models.measures import Evaluation, PoolAnswers


def stopped(points: Sequence[Evaluation], answers: Sequence[PoolAnswers]) -> Evaluation | None:
    """Where the rule would have ended the run; None where it would not."""
    return next((point for n, point in enumerate(points, 1) if settled(answers[:n])), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--labels", type=int, default=400)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print("| seed | stops at | accuracy there | accuracy at the end |", "|---|---|---|---|", sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            with played(options, options.train, "auto", seed, Path(folder)) as store:
                points, answers = store.all(Evaluation), store.all(PoolAnswers)
            end, found = points[-1], stopped(points, answers)
            where = f"{found.human_labels} | {found.accuracy:.3f}" if found else "– | –"
            print(f"| {seed} | {where} | {end.accuracy:.3f} at {end.human_labels} |", flush=True)


if __name__ == "__main__":
    main()
