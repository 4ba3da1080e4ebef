"""Runs in which a text may be of several classes, or of none."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from small_run import instant, write_config

from loop.arms import Plan
from loop.config import load_config
from loop.evaluate import evaluate
from loop.labelled import human_examples
from loop.parts import assemble
from loop.replay import replay
from loop.rounds import run, silent
from loop.store import Store
from models.classifier import TextClassifier
from models.errors import ConfigError, DataError
from models.label_sets import indicator, join, split
from models.measures import Evaluation
from models.records import Suggestion

CLASSES = ["a", "b", "c"]


def pair_up(path: Path) -> None:
    """Makes of every two texts of a file one, of both their classes; the last is of none."""
    with path.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    with path.open("w", encoding="utf-8", newline="") as target:
        out = csv.writer(target)
        out.writerow(["text", "label"])
        for one, other in zip(rows[::2], rows[1::2], strict=False):
            out.writerow([f"{one['text']} {other['text']}", f"{other['label']} ; {one['label']}"])
        out.writerow(["good morning", ""])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    sections = {"task": {"multi_label": True}, "learner": {"encoder": "auto"}, "llm": {"model": "none"}}
    path = write_config(tmp_path, 260, 120, **sections, run={"labels": 60})
    pair_up(tmp_path / "pool.csv")
    pair_up(tmp_path / "holdout.csv")
    return path


def test_a_run_learns_sets_from_sets(path: Path) -> None:
    config = load_config(path)
    with Store(config.run.directory) as store:
        parts = assemble(config, store, instant(config))
        run(parts, watch=silent)
        points, labels = store.all(Evaluation), [e.label for e in human_examples(store)]
        suggestions = store.all(Suggestion)
    assert [p.human_labels for p in points] == [20, 30, 40, 50, 60]
    assert all(label == join(split(label)) for label in labels)
    assert max(len(split(label)) for label in labels) == 2
    assert points[-1].macro_f1 > 0.45
    assert all(p.low <= p.accuracy <= p.high and p.macro_f1_low <= p.macro_f1 <= p.macro_f1_high for p in points)
    assert all(set(split(s.label)) <= set(config.classes) for s in suggestions)
    loaded = TextClassifier.load(config.run.directory / "model", parts.encoder)
    assert loaded.multi_label
    assert set(loaded.classes_) <= set(config.classes)


def test_a_replay_plays_them(path: Path, tmp_path: Path) -> None:
    pool, holdout = path.parent / "pool.csv", path.parent / "holdout.csv"
    plan = Plan(pool, holdout, ("auto", "badge"), 40, 20, 20, 1, "frozen", "auto", "none", "Which?")
    results = replay(replace(plan, multi_label=True, unlabelled=100), tmp_path / "work", None, silent)
    assert [r["arm"] for r in results["arms"]] == ["auto", "badge"]
    assert results["full_supervision"]["accuracy"] > 0


def test_accuracy_is_of_whole_sets_and_macro_f1_by_class() -> None:
    predicted, truth = ["a;b", "a", "", "b;c"] * 5, ["a;b", "a;b", "", "c"] * 5
    found = evaluate(predicted, truth, 1, 20, np.random.default_rng(0), multi_label=True)
    said, true = indicator(predicted, CLASSES), indicator(truth, CLASSES)
    assert found.accuracy == pytest.approx(0.5)
    assert found.macro_f1 == pytest.approx(f1_score(true, said, average="macro"))
    assert found.macro_f1_low <= found.macro_f1 <= found.macro_f1_high


def test_unknown_classes_of_a_set_are_named(path: Path) -> None:
    holdout = path.parent / "holdout.csv"
    holdout.write_text(holdout.read_text(encoding="utf-8") + "who am I,delivery_late;nonsense\n", encoding="utf-8")
    config = load_config(path)
    with Store(config.run.directory) as store, pytest.raises(DataError, match="'nonsense' \\(1\\)"):
        assemble(config, store, instant(config))


@pytest.mark.parametrize(
    ("section", "settings", "key"),
    [
        ("llm", {"model": "bundled"}, "llm.model"),
        ("learner", {"training": "full"}, "learner.training"),
        ("learner", {"training": "contrastive"}, "learner.training"),
        ("learner", {"goal": "macro-f1"}, "learner.goal"),
        ("annotation", {"rechecks": 2}, "annotation.rechecks"),
    ],
)
def test_what_takes_one_class_a_text_is_refused(
    tmp_path: Path, section: str, settings: dict[str, object], key: str
) -> None:
    path = write_config(tmp_path, **{"task": {"multi_label": True}, section: settings})
    with pytest.raises(ConfigError, match=f"'{key}' works with one class a text only"):
        load_config(path)


def test_a_class_name_with_the_separator_is_refused(tmp_path: Path) -> None:
    path = write_config(tmp_path, task={"multi_label": True}, classes={"late;lost": ""})
    with pytest.raises(ConfigError, match="'late;lost' holds ';'"):
        load_config(path)
