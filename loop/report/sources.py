"""What each machine source was worth, and what it cost."""

from dataclasses import asdict
from typing import Any

from loop.report.run import Run
from models.records import SourceTrust

STAGE_OF = {"llm-text": "generate", "llm-label": "label"}
TOKENS = "select round, stage, sum(tokens_in + tokens_out) from completion group by round, stage"


def sources(run: Run) -> dict[str, Any] | None:
    """For each source that ever made an example: its trust, and the tokens and seconds of the stage it works in, round
    by round; None where there is none."""
    tokens = {(round_, stage): spent for round_, stage, spent in run.store.connection.execute(TOKENS)}
    seconds = run.store.stages()
    rounds: dict[str, list[dict[str, Any]]] = {}
    for trust in run.store.all(SourceTrust):
        place = (trust.round, STAGE_OF.get(trust.source, ""))
        cost = {"tokens": tokens.get(place, 0), "seconds": round(seconds.get(place, 0.0), 1)}
        rounds.setdefault(trust.source, []).append(asdict(trust) | cost)
    made = {source: rows for source, rows in rounds.items() if any(row["examples"] for row in rows)}
    return {"sources": [{"source": source, "rounds": rows} for source, rows in made.items()]} if made else None
