"""Where the run stands, and what more labels would bring."""

from typing import Any

import numpy as np

from loop.advice import Forecast, judge
from loop.labelled import holdout_examples
from loop.report.run import Run
from loop.stopping import settled
from models.measures import Evaluation, PoolAnswers
from models.records import Verdict

DONE_AT = "select max(done_at) from stage"


def standing(run: Run) -> dict[str, Any]:
    """The last point of the curve, and what it took; `as_of` is when the last stage was done, in UTC."""
    status = run.status
    keys = ("round", "last_stage", "human_labels", "waiting_for")
    spent = run.store.stages()
    (as_of,) = run.store.connection.execute(DONE_AT).fetchone()
    return {key: status[key] for key in keys} | {
        "last": status["rounds"][-1] if status["rounds"] else None,
        "holdout": len(holdout_examples(run.store)),
        "tokens": sum(sum(pair) for pair in run.store.tokens().values()),
        "machine_seconds": round(sum(s for (_, stage), s in spent.items() if stage != "verify")),
        "multi_label": run.task.multi_label,
        "as_of": str(as_of or "")[:16].replace("T", " "),
    }


def outlook(run: Run) -> dict[str, Any] | None:
    """The forecast with what to make of it, and how far the classifier's answers have settled; None before either can
    be said."""
    forecast, points = run.status["forecast"], run.store.all(Evaluation)
    answers = run.store.all(PoolAnswers)
    if forecast is None and not run.status["agreement"]:
        return None
    seconds = [v.seconds for v in run.store.all(Verdict)]
    return {
        "forecast": forecast,
        "judgement": judge(Forecast(**forecast), points[-1]) if forecast else None,
        "margin": (points[-1].high - points[-1].low) / 2,
        "minutes": (forecast["labels"] if forecast else 0) * float(np.median(seconds or [0.0])) / 60,
        "agreement": [
            {"round": a.round, "kappa": k, "changed": c}
            for a, k, c in zip(answers[1:], run.status["agreement"], run.status["changed"], strict=True)
        ],
        "settled": settled(answers),
    }
