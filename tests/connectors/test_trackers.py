"""A run's figures in MLflow itself, and through a function."""

from pathlib import Path
from typing import Any

import pytest

from connectors.trackers import MlflowTracker, open_tracker
from models.errors import ConfigError, TrackerError

HEARD: list[Any] = []


def hear(run: str, round_: int, metrics: Any) -> None:
    HEARD.append((run, round_, metrics))


def break_down(*_: object) -> None:
    raise OSError("no network")


def test_a_function_hears_of_run_round_and_metrics() -> None:
    HEARD.clear()
    open_tracker(f"{__name__}:hear", "Tickets", "tickets").log(2, {"accuracy": 0.5})
    assert HEARD == [("tickets", 2, {"accuracy": 0.5})]


def test_a_function_that_fails_is_a_tracker_that_fails() -> None:
    with pytest.raises(TrackerError, match="OSError: no network"):
        open_tracker(f"{__name__}:break_down", "Tickets", "tickets").log(2, {})


@pytest.mark.parametrize("to", ["mlflow", "no.such.module:f", "json:nothing", "json:__name__", "mlflow:", ":f"])
def test_what_is_no_tracker_is_refused(to: str) -> None:
    with pytest.raises(ConfigError, match=r"^tracking\.to: "):
        open_tracker(to, "Tickets", "tickets")


def test_mlflow_keeps_each_rounds_figures_and_goes_on_with_its_run(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    place = tmp_path / "it's here"
    open_tracker(f"mlflow:{place}", "Tickets 표", "tickets").log(1, {"accuracy": 0.5, "llm-text/worth": -0.01})
    again = open_tracker(f"mlflow:{place}", "Tickets 표", "tickets")
    again.log(2, {"accuracy": 0.625})
    client = MlflowClient(tracking_uri=f"sqlite:///{place}/mlflow.db")
    experiment = client.get_experiment_by_name("Tickets 표")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "tickets"
    points = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "accuracy")]
    assert points == [(1, 0.5), (2, 0.625)]
    assert run.data.metrics["llm-text/worth"] == -0.01


def test_a_server_that_is_away_is_a_tracker_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MAX_RETRIES": "0", "TIMEOUT": "1"}.items():
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    tracker = MlflowTracker("http://127.0.0.1:9", "Tickets", "tickets")
    with pytest.raises(TrackerError, match=r"MLflow at http://127\.0\.0\.1:9"):
        tracker.log(1, {"accuracy": 0.5})
