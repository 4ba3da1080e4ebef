"""The learning curve, and beside it the arms of a replay."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from loop.report.run import Run, excerpt
from models.errors import DataError

MOST_ARMS = 5


def curve(run: Run) -> dict[str, Any] | None:
    """The run's points, and the median over seeds of each arm of the replay; None before the first evaluation."""
    points = run.status["rounds"]
    if not points:
        return None
    return {"points": points, "replay": _replayed(run.replay) if run.replay else None}


def read_replay(path: Path) -> dict[str, Any]:
    """The results that `labelloop replay --json` wrote. Raises DataError."""
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _replayed(results)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}: give the file that 'labelloop replay --json' wrote") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} holds no results of a replay: give what 'labelloop replay --json' wrote") from error
    return results


def _replayed(results: Mapping[str, Any]) -> dict[str, Any]:
    arms: dict[str, list[list[dict[str, float]]]] = defaultdict(list)
    for played in results["arms"]:
        arms[str(played["arm"])].append(played["curve"])
    full, drawn = results["full_supervision"], list(arms.items())[:MOST_ARMS]
    return {
        "arms": [{"arm": excerpt(arm, 60), "points": _median(curves)} for arm, curves in drawn],
        "left_out": max(0, len(arms) - MOST_ARMS),
        "seeds": max((len(curves) for curves in arms.values()), default=0),
        "train": excerpt(Path(str(results["plan"]["train"])).name, 60),
        "full_supervision": float(full["accuracy"]) if full else None,
    }


def _median(curves: list[list[dict[str, float]]]) -> list[dict[str, float]]:
    """The point in the middle of the seeds, wherever one was measured."""
    at: dict[int, list[dict[str, float]]] = defaultdict(list)
    for point in (point for points in curves for point in points):
        at[int(point["human_labels"])].append(point)
    return [
        {"human_labels": labels, **{key: float(median(p[key] for p in at[labels])) for key in ("accuracy", "macro_f1")}}
        for labels in sorted(at)
    ]
