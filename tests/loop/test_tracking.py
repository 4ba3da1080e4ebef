"""Each round's figures are passed on once it is over; a tracker that fails stops nothing and is told again."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from small_run import instant, write_config

from connectors.trackers import Tracker
from loop.config import load_config
from loop.parts import assemble
from loop.rounds import run
from loop.store import Store
from loop.tracking import track
from models.errors import ConfigError, TrackerError

HEARD: list[tuple[str, int, Mapping[str, float]]] = []


def hear(run: str, round_: int, metrics: Mapping[str, float]) -> None:
    HEARD.append((run, round_, metrics))


class Moody(Tracker):
    """Fails until it is told otherwise."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.away = True

    def log(self, round_: int, metrics: Mapping[str, float]) -> None:
        if self.away:
            raise TrackerError("away")
        self.heard.append(round_)


def test_every_round_of_a_run_is_passed_on_once(tmp_path: Path) -> None:
    HEARD.clear()
    config = load_config(write_config(tmp_path, tracking={"to": f"{__name__}:hear"}))
    with Store(config.run.directory) as store:
        for _ in range(2):
            run(assemble(config, store, instant(config)))
        assert [(name, round_) for name, round_, _ in HEARD] == [("run", 1), ("run", 2), ("run", 3)]
        assert [metrics["human_labels"] for _, _, metrics in HEARD] == [20, 30, 40]
        assert all(metrics["low"] <= metrics["accuracy"] <= metrics["high"] for _, _, metrics in HEARD)
        assert HEARD[1][2]["self/weight"] >= 0
        assert 0 <= HEARD[0][2]["accepted/classifier"] <= 1

        store.set("tracked", "1")
        moody = Moody()
        assert "away" in track(store, moody, 2)
        moody.away = False
        assert track(store, moody, 2) == track(store, moody, 3) == ""
        assert moody.heard == [2, 3]


def test_a_directory_for_mlflow_lies_beside_the_configuration(tmp_path: Path) -> None:
    def tracked(to: str) -> str:
        return load_config(write_config(tmp_path, tracking={"to": to})).tracking.to

    assert tracked("mlflow:figures") == f"mlflow:{tmp_path / 'figures'}"
    assert tracked("mlflow:https://host/x") == "mlflow:https://host/x"
    assert tracked("") == ""


def test_a_tracker_that_is_none_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, tracking={"to": "mlflow"}))
    with Store(config.run.directory) as store, pytest.raises(ConfigError, match="tracking"):
        assemble(config, store, instant(config))
