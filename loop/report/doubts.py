"""The human labels that look wrong."""

from typing import Any

from loop.labelled import human_examples
from loop.report.run import Run, excerpt

MOST = 50


def doubts(run: Run) -> dict[str, Any] | None:
    """The `MOST` least believable of the labels that look wrong, each with the class that is likelier; None where none
    does."""
    found = run.status["doubts"]
    if not found:
        return None
    said = ("label", "likely", "probability")
    rows = [{key: doubt[key] for key in said} | {"text": excerpt(doubt["text"])} for doubt in found[:MOST]]
    return {"rows": rows, "doubted": len(found), "labels": len(human_examples(run.store))}
