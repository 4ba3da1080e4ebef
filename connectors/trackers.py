"""Where a run's figures go besides its own store: MLflow, or a function of the user's."""

import importlib
import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from models.errors import ConfigError, TrackerError

MLFLOW = "mlflow:"


class Tracker(Protocol):
    """Hears of each round once it is over; after a kill, perhaps twice."""

    def log(self, round_: int, metrics: Mapping[str, float]) -> None:
        """Raises TrackerError where the metrics cannot be passed on now."""
        ...


def open_tracker(to: str, project: str, run: str) -> Tracker:
    """What `to` names: "mlflow:" with a directory or an address as MLflow writes them, whose experiment is the project;
    or "package.module:function", which is called with (run, round, metrics). Raises ConfigError."""
    if to.startswith(MLFLOW):
        return MlflowTracker(_address(to.removeprefix(MLFLOW)), project, run)
    module, _, function = to.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f'tracking.to: {to}: {error}; write "mlflow:DIRECTORY", "mlflow:http://…" or package.module:function'
        ) from None
    if not callable(found):
        raise ConfigError(f"tracking.to: {to} is not a function")
    return FunctionTracker(found, run)


def _address(where: str) -> str:
    """A directory gets a database: MLflow writes into plain files no more."""
    if "://" in where:
        return where
    if not where:
        raise ConfigError(f"tracking.to: name a directory or an address after {MLFLOW}")
    return f"sqlite:///{Path(where).absolute().as_posix()}/mlflow.db"


class FunctionTracker(Tracker):
    """Calls a function with (run, round, metrics)."""

    def __init__(self, function: Callable[[str, int, Mapping[str, float]], object], run: str) -> None:
        self.function = function
        self.run = run

    def log(self, round_: int, metrics: Mapping[str, float]) -> None:
        """See Tracker."""
        try:
            self.function(self.run, round_, metrics)
        except Exception as error:
            raise TrackerError(f"the tracker's function fails: {type(error).__name__}: {error}") from error


class MlflowTracker(Tracker):
    """A run of an MLflow experiment, by their names; the round is the step. What is there already is gone on with.
    Raises ConfigError where MLflow is missing."""

    def __init__(self, address: str, experiment: str, run: str) -> None:
        # It would tell its makers that it is used, and how.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            import mlflow
        except ImportError:
            raise ConfigError(f"tracking.to: {MLFLOW}{address} needs MLflow: pip install 'labelloop[mlflow]'") from None
        if address.startswith("sqlite:///"):
            Path(address.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self.address = address
        self.experiment = experiment
        self.run = run
        self._mlflow: Any = mlflow

    def log(self, round_: int, metrics: Mapping[str, float]) -> None:
        """See Tracker."""
        now = int(time.time() * 1000)
        found = [self._mlflow.entities.Metric(name, value, now, round_) for name, value in metrics.items()]
        try:
            self._client.log_batch(self._run_id, found)
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            raise TrackerError(f"MLflow at {self.address}: {type(error).__name__}: {first}") from error

    @cached_property
    def _client(self) -> Any:
        return self._mlflow.MlflowClient(tracking_uri=self.address)

    @cached_property
    def _run_id(self) -> str:
        found = self._client.get_experiment_by_name(self.experiment)
        experiment = found.experiment_id if found else self._client.create_experiment(self.experiment)
        quoted = self.run.replace("'", "\\'")
        runs = self._client.search_runs([experiment], f"attributes.run_name = '{quoted}'", max_results=1)
        run = runs[0] if runs else self._client.create_run(experiment, run_name=self.run)
        return str(run.info.run_id)
