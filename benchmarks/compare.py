"""Plays peers on the same texts, encoder, start rows, seeds and holdout as a replay, each in an environment of its own.

labelloop replay … --arms auto --json ours.json
python benchmarks/compare.py ours.json modal_margin skactiveml_strategies --json peers.json
python benchmarks/arms.py ours.json peers.json

The plan is read from the replay's results. Environments are made once, under LABELLOOP_HOME or ~/.cache/labelloop.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from connectors.datasets import read_labelled
from connectors.studio import home
from loop import randomness
from loop.data import without_copies
from loop.query import draw_start
from models.encoder import open_encoder
from models.packaged import encoder_dir
from models.strategies import find_start

HERE = Path(__file__).absolute().parent / "peers"
REQUIREMENTS = {
    "modal_margin": ["modAL-python==0.4.2.1", "scikit-learn<1.8"],
    "skactiveml_strategies": ["scikit-activeml==1.0.1"],
    "setfit_random": ["torch>=2.6,<2.14", "setfit==1.2.0", "transformers<5"],
    "small_text_loops": [
        "torch>=2.6,<2.14",
        "small-text[transformers]==1.4.1",
        "setfit==1.1.3",
        "transformers<4.46",
        "sentence-transformers<4",
        # It was written for numpy 1; these are the last that go with it.
        "numpy<2",
        "pandas<2.3",
        "pyarrow<19",
        "datasets<4",
        "scikit-learn<1.6",
        "scipy<1.14",
    ],
}


def environment(peer: str) -> Path:
    """The Python of the peer's environment, made where it is not there yet."""
    place = home() / "peers" / peer
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        print(f"installing {peer} into {place}", file=sys.stderr)
        venv.create(place, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        # One after the other: pip keeps the torch it finds, a CPU build where one is offered.
        for wanted in ([r for r in REQUIREMENTS[peer] if r.startswith("torch")], REQUIREMENTS[peer]):
            if wanted:
                subprocess.run([*pip, *wanted], check=True)
        (place / "ready").touch()
    return python


def tasks_of(plan: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """What the peers are given, seed by seed: see peers/exchange.py. Vectors go to `folder`. The start is that of the
    replay's k-means arms."""
    train = read_labelled(Path(plan["train"]), plan["text"], plan["label"], "pool")
    test = read_labelled(Path(plan["test"]), plan["text"], plan["label"], "holdout")
    pool, _ = without_copies(train, [], test)
    names = sorted({str(e.label) for e in [*pool, *test]})
    encoder = open_encoder(plan["encoder"], [e.text for e in pool])
    vectors, held = encoder.encode([e.text for e in pool]), encoder.encode([e.text for e in test])
    np.save(folder / "pool.npy", vectors)
    np.save(folder / "holdout.npy", held)
    rows = {e.id: row for row, e in enumerate(pool)}
    weights = encoder_dir() if plan["encoder"] in ("auto", "packaged") else plan["encoder"]
    facts = {
        "train": [e.text for e in pool],
        "train_y": [names.index(str(e.label)) for e in pool],
        "test": [e.text for e in test],
        "test_y": [names.index(str(e.label)) for e in test],
        "classes": len(names),
        "encoder": str(Path(weights).absolute() if Path(weights).exists() else weights),
        "folder": str(folder),
        "batch": plan["batch"],
        "labels": plan["labels"],
    }
    for seed in range(plan["seeds"]):
        rng = randomness.of_stage(seed, 0, "query")
        drawn = draw_start(pool, vectors, find_start("k-means"), 0, plan["start"], rng)
        yield facts | {"start": [rows[q.example] for q in drawn], "seed": seed}


def play(peer: str, task: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The curves of the arms that it finished, and its exit status."""
    python = environment(peer)
    with tempfile.TemporaryDirectory() as folder:
        given, back = Path(folder) / "task.json", Path(folder) / "curves.json"
        given.write_text(json.dumps(task), encoding="utf-8")
        settings = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}
        # In the folder that goes: some of them leave checkpoints of hundreds of MB where they run.
        script = [str(python), str(HERE / f"{peer}.py"), str(given), str(back)]
        status = subprocess.run(script, check=False, env=settings, cwd=folder).returncode
        curves: list[dict[str, Any]] = json.loads(back.read_text(encoding="utf-8")) if back.exists() else []
    return curves, status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("replay", type=Path, help="the results of a replay")
    parser.add_argument("peers", nargs="+", choices=REQUIREMENTS)
    parser.add_argument("--json", type=Path, required=True, help="file for the results")
    parser.add_argument("--seeds", type=int, help="fewer than the replay had, for peers that take hours")
    parser.add_argument("--labels", type=int, help="fewer than the replay had, for the same reason, or more")
    parser.add_argument(
        "--arms", nargs="+", default=[], help="words in the names of the peers' arms to play; all otherwise"
    )
    options = parser.parse_args()
    plan = json.loads(options.replay.read_text(encoding="utf-8"))["plan"]
    plan["seeds"] = min(plan["seeds"], options.seeds or plan["seeds"])
    plan["labels"] = options.labels or plan["labels"]
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks_of(plan, Path(folder)):
            for peer in options.peers:
                curves, status = play(peer, task | {"arms": options.arms})
                runs += curves
                results = {"plan": plan, "arms": runs, "full_supervision": None}
                options.json.write_text(json.dumps(results), encoding="utf-8")
                if status:
                    sys.exit(f"{peer} failed with seed {task['seed']}; what it finished is in {options.json}")


if __name__ == "__main__":
    main()
