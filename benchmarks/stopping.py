"""What the stop rule saves and costs, and how good the forecasts are: both looked up in replays that go on to the end.

python benchmarks/stopping.py snips/train.csv snips/test.csv --labels 400

The first table: for each seed the labels at which `run.stop` would have ended the run, the accuracy there, and at the
end. The second: at each round the gain that another 100 labels were to bring, beside what they brought; how often the
95 % interval held that.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from connectors.datasets import read_labelled
from loop.advice import forecast
from loop.arms import Plan, replay_arm
from loop.stopping import settled
from loop.store import Store
from models.records import Evaluation, PoolAnswers

Run = tuple[list[Evaluation], list[PoolAnswers]]


def play(options: argparse.Namespace, seed: int, folder: Path) -> Run:
    """The points and the answers on the pool of each round of the default."""
    plan = Plan(
        train=options.train,
        test=options.test,
        arms=("auto",),
        labels=options.labels,
        batch=options.batch,
        start=options.batch,
        seeds=1,
        training="frozen",
        encoder="auto",
        llm="none",
        task="Which class has this text?",
    )
    replay_arm(plan, "auto", seed, read_labelled(plan.train, "text", "label", "pool"), folder, None, lambda *_: None)
    (directory,) = folder.glob(f"*-{seed}")
    with Store(directory, read_only=True) as store:
        return store.all(Evaluation), store.all(PoolAnswers)


def stopped(points: Sequence[Evaluation], answers: Sequence[PoolAnswers]) -> Evaluation | None:
    """Where the rule would have ended the run; None where it would not."""
    return next((point for n, point in enumerate(points, 1) if settled(answers[:n])), None)


def foretold(points: Sequence[Evaluation], holdout: int) -> Iterator[tuple[float, float, bool]]:
    """The gain foretold, the gain that came, and whether the interval held it, for each round with both."""
    later = {point.human_labels: point.accuracy for point in points}
    for n, point in enumerate(points, 1):
        ahead = forecast(points[:n], holdout, np.random.default_rng(0))
        if ahead is not None and point.human_labels + ahead.labels in later:
            came = later[point.human_labels + ahead.labels] - point.accuracy
            yield ahead.gain, came, ahead.low <= came <= ahead.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--labels", type=int, default=400)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    holdout, told = len(read_labelled(options.test, "text", "label", "holdout")), []
    print("| seed | stops at | accuracy there | accuracy at the end |", "|---|---|---|---|", sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            points, answers = play(options, seed, Path(folder))
            end, found = points[-1], stopped(points, answers)
            told += list(foretold(points, holdout))
            where = f"{found.human_labels} | {found.accuracy:.3f}" if found else "– | –"
            print(f"| {seed} | {where} | {end.accuracy:.3f} at {end.human_labels} |", flush=True)
    if not told:
        sys.exit("no forecast has come due: give --labels of 200 or more")
    foretold_, came, held = (list(column) for column in zip(*told, strict=True))
    print("\n| forecasts | foretold, mean | came, mean | mean error | the interval held it |\n|---|---|---|---|---|")
    error = statistics.mean(abs(a - b) for a, b in zip(foretold_, came, strict=True))
    means = f"{100 * statistics.mean(foretold_):+.1f} | {100 * statistics.mean(came):+.1f} | {100 * error:.1f}"
    print(f"| {len(told)} | {means} | {statistics.mean(held):.0%} |")


if __name__ == "__main__":
    main()
