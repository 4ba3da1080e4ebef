"""A run small enough for a test: a slice of the packaged corpus, and the pieces a test may replace."""

import csv
import json
from pathlib import Path

from connectors.annotators import InstantAnnotators, SimulatedAnnotator
from connectors.datasets import read_labelled
from loop.config import Config, load_config
from models.chat import ChatRequest

CORPUS = Path(__file__).parent.parent / "loop" / "corpus" / "en"


def write_config(folder: Path, pool: int = 120, holdout: int = 60, **sections: dict[str, object]) -> Path:
    """A run.toml in `folder` with its data beside it; `sections` add to or override what it says."""
    for name, size in (("pool", pool), ("holdout", holdout)):
        with (CORPUS / f"{name}.csv").open(encoding="utf-8", newline="") as source:
            rows = list(csv.reader(source))[: size + 1]
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as target:
            csv.writer(target).writerows(rows)
    settings: dict[str, dict[str, object]] = {
        "task": {"description": "Which intent has this message to a shop's support desk?"},
        "classes": dict(load_config(CORPUS / "demo.toml").classes),
        "data": {"pool": "pool.csv", "holdout": "holdout.csv"},
        "learner": {"training": "frozen", "encoder": "char-ngram"},
        "llm": {"start": 6, "texts": 6, "labels": 6, "verify": 0},
        "annotation": {"project": "small run", "poll_seconds": 0.2},
        "run": {"directory": "run", "start": 20, "batch": 10, "labels": 40},
    }
    for section, values in sections.items():
        settings[section] = settings.get(section, {}) | values
    path = folder / "run.toml"
    path.write_text("\n".join(_table(name, values) for name, values in settings.items()), encoding="utf-8")
    return path


def _table(name: str, values: dict[str, object]) -> str:
    lines = [f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def truth_of(config: Config) -> dict[str, str]:
    pool = read_labelled(config.data.pool, "text", "label", "pool", multi_label=config.task.multi_label)
    return {e.text: str(e.label) for e in pool}


def instant(config: Config) -> InstantAnnotators:
    """Annotators who know the labels and have always judged already."""
    return InstantAnnotators(SimulatedAnnotator(truth_of(config), list(config.classes)))


def write_or_choose(request: ChatRequest) -> str | list[float]:
    """A script for an LLM: the first class for every text, for some more surely, and a text that is new for every
    request."""
    if request.choices:
        return [2.0 + len(request.messages[0].content) % 3] + [1.0] * (len(request.choices) - 1)
    return json.dumps({"text": f"Parcel number {request.seed} has been on its way for weeks, where is it?"})
