"""What was spent, on what, and how much of it the run may spend."""

from typing import Any

from loop.budget.classes import ClassSpending, by_class
from loop.budget.spending import Spending, total
from loop.report.run import Run

ARMS = ("human", "holdout", "llm-label", "llm-text")


def ledger(run: Run) -> dict[str, Any] | None:
    """The sums of each arm and of all, and of each class, the caps, what the next round will likely cost, and what an
    accuracy point did; None before anything is spent."""
    facts = run.status["ledger"]
    spent = [Spending(**row) for row in facts["rounds"]]
    arms = {arm: total([s for s in spent if s.arm == arm]) for arm in ARMS if any(s.arm == arm for s in spent)}
    if not arms:
        return None
    keys = ("caps", "resting", "next_round", "per_point")
    classes = by_class([ClassSpending(**row) for row in facts["classes"]])
    return {"arms": arms | {"all": facts["spent"]}, "classes": classes} | {key: facts[key] for key in keys}
