"""What a peer is given and gives back. Runs in every peer's environment, so it needs numpy alone."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

# Those that train an encoder are trained and measured once in so many batches: a training takes them minutes.
HEAVY = 4


@dataclass(frozen=True)
class Task:
    """Texts and class codes of pool and holdout, the encoder's directory, and the rows to start from. `folder` holds
    the encoder's vectors of both, for those that learn on them."""

    train: list[str]
    train_y: np.ndarray
    test: list[str]
    test_y: np.ndarray
    classes: int
    encoder: str
    start: list[int]
    batch: int
    labels: int
    seed: int
    folder: str

    @cached_property
    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors (n, d) of pool and holdout by the task's encoder: the same numbers for all."""
        return np.load(Path(self.folder) / "pool.npy"), np.load(Path(self.folder) / "holdout.npy")

    def accuracy(self, predicted: Any) -> float:
        return float((np.asarray(predicted) == self.test_y).mean())

    def unlabelled(self, rows: np.ndarray) -> np.ndarray:
        return np.setdiff1d(np.arange(len(self.train)), rows)


Loop = Callable[[Task], Iterator[tuple[int, float]]]


def main(arms: dict[str, Loop]) -> None:
    """Plays arms on the task in argv[1], all or those it asks for; writes the curves to argv[2] as a replay does."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wanted = facts.pop("arms")
    facts |= {key: np.array(facts[key]) for key in ("train_y", "test_y")}
    task, runs = Task(**facts), []
    for arm, loop in arms.items():
        if wanted and not any(word in arm for word in wanted):
            continue
        begun, curve = time.monotonic(), []
        for labels, accuracy in loop(task):
            curve.append({"human_labels": labels, "accuracy": accuracy})
            print(f"{arm}, seed {task.seed}: {accuracy:.3f} with {labels} labels", file=sys.stderr, flush=True)
        seconds = round(time.monotonic() - begun, 1)
        runs.append({"arm": arm, "seed": task.seed, "curve": curve, "tokens": 0, "seconds": seconds})
        # After each: where a later arm fails, this one took its minutes too.
        Path(sys.argv[2]).write_text(json.dumps(runs), encoding="utf-8")
