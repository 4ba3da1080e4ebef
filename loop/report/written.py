"""How good the texts are that the LLM wrote."""

from typing import Any

from loop.report.run import Run
from loop.table import text_qualities


def written(run: Run) -> dict[str, Any] | None:
    """The measures of loop/quality.py round by round, those before the first round too, with the share of the written
    texts that lie nearest to the region they were written for; None where nothing was measured."""
    measured = text_qualities(run.store).values()
    found = [quality for quality in measured if any(hit["written"] for hit in quality["hits"])]
    return {"rounds": [quality | {"nearest": _nearest(quality)} for quality in found]} if found else None


def _nearest(quality: dict[str, Any]) -> float:
    hits = [(hit["nearest"] * hit["written"], hit["written"]) for hit in quality["hits"] if hit["written"]]
    return float(sum(near for near, _ in hits) / sum(made for _, made in hits))
