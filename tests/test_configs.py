"""Every example configuration loads, and plays a round: a quickstart on the packaged corpus, the others on data of the
shape they name."""

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
from models.measures import Evaluation
from models.records import Verdict

ROOT = Path(__file__).parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.toml"))
PACKAGED = {"pool": 120, "holdout": 60}


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


def copy_corpus(config: Config, folder: Path) -> dict[str, str]:
    """The first texts of the packaged files that the configuration names, where it names them; what is true of them."""
    truth = {}
    for name, path in (("pool", config.data.pool), ("holdout", config.data.holdout)):
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        with (ROOT / path.resolve().relative_to(folder.resolve())).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[: PACKAGED[name] + 1]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        truth |= dict(rows[1:])
    return truth


def prepared(source: Path, folder: Path) -> tuple[Config, dict[str, str]]:
    """The configuration in a folder of its own, its data where it says, and small enough for a test."""
    (folder / "configs").mkdir()
    shutil.copytree(ROOT / "loop" / "corpus", folder / "loop" / "corpus", ignore=shutil.ignore_patterns("*.csv"))
    config = load_config(Path(shutil.copy(source, folder / "configs")))
    if source.stem.startswith("quickstart"):
        truth = copy_corpus(config, folder)
    else:
        truth = write_data(config.data.pool, config, 0, 120, 20 if config.data.seed else 0)
        if config.data.holdout:
            truth |= write_data(config.data.holdout, config, 500, 40, 40)
    small = {
        "data": config.data.model_copy(update={"holdout_size": 30}),
        "learner": config.learner.model_copy(update={"training": "frozen"}),
        "run": config.run.model_copy(update={"start": 20, "batch": 10, "labels": 30}),
        "llm": config.llm.model_copy(update={"texts": 2, "labels": 4, "verify": 0}),
    }
    return config.model_copy(update=small), truth


def test_there_are_examples() -> None:
    others = {"own-csv", "vllm", "air-gapped", "multi-annotator"}
    assert {file.stem for file in CONFIGS} >= {"quickstart-en", "quickstart-ko"} | others


@pytest.mark.parametrize("source", CONFIGS, ids=lambda file: file.stem)
def test_an_example_plays_a_round(tmp_path: Path, source: Path) -> None:
    config, truth = prepared(source, tmp_path)
    classes, overlap = list(config.classes), config.annotation.overlap
    people = [SimulatedAnnotator(truth, classes, name=f"person {n}") for n in range(overlap)]
    with Store(config.run.directory) as store:
        parts = assemble(config, store, InstantAnnotators(*people), ScriptedLLM(write_or_choose))
        assert run(parts, wait=False) == "done"
        points, judges = store.all(Evaluation), {v.annotator for v in store.all(Verdict)}
    assert points[-1].human_labels == 30
    assert len(judges) == overlap
    # Made of class names, texts are told apart at once; real ones take more labels than these.
    assert points[-1].accuracy > (0.2 if source.stem.startswith("quickstart") else 0.9)
