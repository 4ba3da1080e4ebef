"""Every example configuration loads, and plays a round on data of the shape it names."""

import csv
import shutil
from pathlib import Path

import pytest
from small_run import write_or_choose

from connectors.annotators import InstantAnnotators, SimulatedAnnotator
from loop.config import Config, load_config
from loop.parts import assemble
from loop.rounds import run
from loop.store import Store
from models.llm import ScriptedLLM
from models.records import Evaluation

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.toml"))


def write_data(path: Path, config: Config, start: int, count: int, labelled: int) -> dict[str, str]:
    """A file with the columns that the configuration names; returns what is true of its texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    classes = list(config.classes.items())
    numbered = [(i, *classes[i % len(classes)]) for i in range(start, start + count)]
    truth = {f"{name} {meaning}, case {i}": name for i, name, meaning in numbered}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", config.data.label, config.data.text])
        for i, (text, name) in enumerate(truth.items()):
            writer.writerow([i, name if i < labelled else "", text])
    return truth


def prepared(source: Path, folder: Path) -> tuple[Config, dict[str, str]]:
    """The configuration in a folder of its own, its data where it says, and small enough for a test."""
    (folder / "configs").mkdir()
    config = load_config(Path(shutil.copy(source, folder / "configs")))
    truth = write_data(config.data.pool, config, 0, 120, 30 if config.data.seed else 0)
    if config.data.holdout:
        truth |= write_data(config.data.holdout, config, 500, 40, 40)
    small = {
        "data": config.data.model_copy(update={"holdout_size": 30}),
        "learner": config.learner.model_copy(update={"training": "frozen"}),
        "run": config.run.model_copy(update={"start": 20, "batch": 10, "labels": 40}),
        "llm": config.llm.model_copy(update={"texts": 2, "labels": 4, "verify": 0}),
    }
    return config.model_copy(update=small), truth


def test_there_are_examples() -> None:
    assert {file.stem for file in CONFIGS} >= {"tickets", "own-csv", "vllm", "air-gapped"}


@pytest.mark.parametrize("source", CONFIGS, ids=lambda file: file.stem)
def test_an_example_plays_a_round(tmp_path: Path, source: Path) -> None:
    config, truth = prepared(source, tmp_path)
    annotators = InstantAnnotators(SimulatedAnnotator(truth, list(config.classes)))
    with Store(config.run.directory) as store:
        assert run(assemble(config, store, annotators, ScriptedLLM(write_or_choose)), wait=False) == "done"
        points = store.all(Evaluation)
    assert points[-1].human_labels == 40
    assert points[-1].accuracy > 0.9
