"""Time and tokens, round by round."""

from collections import defaultdict
from typing import Any

from loop.display import WHAT
from loop.report.run import Run


def effort(run: Run) -> dict[str, Any] | None:
    """Seconds of each stage and tokens of each round; None before the first stage is done."""
    tokens, seconds = run.store.tokens(), defaultdict[int, dict[str, float]](dict)
    for (number, stage), spent in run.store.stages().items():
        seconds[number][stage] = round(spent, 1)
    rows = [
        {"round": number, "seconds": spent, "tokens_in": sent, "tokens_out": received}
        for number, spent in seconds.items()
        for sent, received in [tokens.get(number, (0, 0))]
    ]
    done = {stage for spent in seconds.values() for stage in spent}
    return {"stages": [stage for stage in WHAT if stage in done], "rounds": rows} if rows else None
