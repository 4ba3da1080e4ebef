"""What each machine source was worth, and what it cost."""

from dataclasses import asdict
from typing import Any

from loop.report.run import Run
from models.measures import HoldoutWorth, SourceTrust


def sources(run: Run) -> dict[str, Any] | None:
    """For each source that ever made an example: its trust, what it added on the holdout, and the tokens and seconds of
    the LLM, round by round; None where there is none."""
    spent = {(s["round"], s["arm"]): s for s in run.status["ledger"]["rounds"]}
    measured = {(w.round, w.source): asdict(w) for w in run.store.all(HoldoutWorth)}
    rounds: dict[str, list[dict[str, Any]]] = {}
    for trust in run.store.all(SourceTrust):
        on_it = spent.get((trust.round, trust.source), {"tokens_in": 0, "tokens_out": 0, "llm_seconds": 0.0})
        cost = {"tokens": on_it["tokens_in"] + on_it["tokens_out"], "seconds": on_it["llm_seconds"]}
        found = {"on_holdout": measured.get((trust.round, trust.source))}
        rounds.setdefault(trust.source, []).append(asdict(trust) | cost | found)
    made = {source: rows for source, rows in rounds.items() if any(row["examples"] for row in rows)}
    # A source's latest trust is often that of a round which is not measured yet.
    last: dict[str, Any] = {w.source: asdict(w) for w in run.store.all(HoldoutWorth)}
    told = [{"source": source, "rounds": rows, "measured": last.get(source)} for source, rows in made.items()]
    return {"sources": told} if made else None
