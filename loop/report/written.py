"""How good the texts are that the LLM wrote and curation kept."""

from typing import Any

from loop.report.run import Run


def written(run: Run) -> dict[str, Any] | None:
    """The measures of loop/quality.py round by round, with the share of kept texts that lie nearest to the region they
    were written for; None where nothing was measured."""
    found = [row["quality"] for row in run.status["rounds"] if row["quality"] and row["quality"]["kept"]]
    return {"rounds": [quality | {"nearest": _nearest(quality)} for quality in found]} if found else None


def _nearest(quality: dict[str, Any]) -> float | None:
    near = sum(hit["nearest"] * hit["kept"] for hit in quality["hits"] if hit["kept"])
    kept = sum(hit["kept"] for hit in quality["hits"])
    return near / kept if kept else None
