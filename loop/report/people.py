"""How far the annotators agree, with each other and with what machines suggest."""

from typing import Any

from loop.report.run import Run
from models.records import Verdict


def people(run: Run) -> dict[str, Any] | None:
    """Their agreement in all and pair by pair, and how often each gave the consensus, without their names, where a task
    has the answers of two; how often they gave what each machine suggests, seen and unseen. None before any verdict."""
    if not run.store.all(Verdict):
        return None
    sway = [{"suggester": name} | found for name, found in run.status["anchoring"].items()]
    return {"agreement": run.status["people"], "sway": [row for row in sway if row["shown"] or row["blind"]]}
