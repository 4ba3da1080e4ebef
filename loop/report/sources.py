"""What each machine source was worth, and what it cost."""

from dataclasses import asdict
from typing import Any

from loop.report.run import Run
from models.measures import SourceTrust


def sources(run: Run) -> dict[str, Any] | None:
    """For each source that ever made an example: its trust, and the tokens and seconds of the LLM, round by round; None
    where there is none."""
    spent = {(s["round"], s["arm"]): s for s in run.status["ledger"]["rounds"]}
    rounds: dict[str, list[dict[str, Any]]] = {}
    for trust in run.store.all(SourceTrust):
        on_it = spent.get((trust.round, trust.source), {"tokens_in": 0, "tokens_out": 0, "llm_seconds": 0.0})
        cost = {"tokens": on_it["tokens_in"] + on_it["tokens_out"], "seconds": on_it["llm_seconds"]}
        rounds.setdefault(trust.source, []).append(asdict(trust) | cost)
    made = {source: rows for source, rows in rounds.items() if any(row["examples"] for row in rows)}
    return {"sources": [{"source": source, "rounds": rows} for source, rows in made.items()]} if made else None
