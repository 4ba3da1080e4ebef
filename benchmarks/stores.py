"""What a replay of one arm leaves in its store, for benchmarks that ask for more than a curve."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.datasets import read_labelled
from loop.arms import Plan, replay_arm
from loop.store import Store


@contextmanager
def played(
    options: argparse.Namespace, train: Path, arm: str, seed: int, work: Path, unlabelled: int = 2000
) -> Iterator[Store]:
    """The store of `arm` with this seed, frozen encoder, played in `work`; `options` say test, labels and batch."""
    plan = Plan(
        train=train,
        test=options.test,
        arms=(arm,),
        labels=options.labels,
        batch=options.batch,
        start=options.batch,
        seeds=1,
        training="frozen",
        encoder="auto",
        llm="none",
        task="Which class has this text?",
        unlabelled=unlabelled,
    )
    replay_arm(plan, arm, seed, read_labelled(train, "text", "label", "pool"), work, None, lambda *_: None)
    (directory,) = work.glob(f"*-{seed}")
    with Store(directory, read_only=True) as store:
        yield store
