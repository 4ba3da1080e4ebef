"""How far the annotators agree."""

from typing import Any

from loop.report.run import Run


def people(run: Run) -> dict[str, Any] | None:
    """Their agreement in all and pair by pair, and how often each gave the consensus, without their names; None where
    no task has the answers of two."""
    facts: dict[str, Any] | None = run.status["people"]
    return facts
