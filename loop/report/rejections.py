"""What the machines made and curation turned down, and why."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from loop.label import CLASSIFIER
from loop.report.run import Run, excerpt
from models.records import Candidate, Example, Rejection, Suggestion

SAMPLES = 3


def rejections(run: Run) -> dict[str, Any] | None:
    """Counts by reason and round, and the last `SAMPLES` of each reason, but for copies of the holdout, which would
    show it; None where nothing was turned down."""
    rejected = run.store.all(Rejection)
    if not rejected:
        return None
    why = Counter((r.source, r.reason) for r in rejected).most_common()
    count = Counter((r.round, r.source, r.reason) for r in rejected)
    made = Counter(c.round for c in run.store.all(Candidate))
    numbers = sorted({*made, *(r.round for r in rejected)})
    return {
        "reasons": [
            {"source": source, "reason": reason, "count": n, "samples": _samples(run, rejected, source, reason)}
            for (source, reason), n in why
        ],
        "rounds": [{"round": n, "made": made[n], "counts": [count[n, *of] for of, _ in why]} for n in numbers],
    }


def _samples(run: Run, rejected: Sequence[Rejection], source: str, reason: str) -> list[dict[str, str]]:
    if reason == "holdout-copy":
        return []
    last = [r for r in rejected if (r.source, r.reason) == (source, reason)][-SAMPLES:]
    read = _written if source == "llm-text" else _labelled
    return [{"text": excerpt(text), "label": label} for r in last for text, label in read(run, r)[:1]]


def _written(run: Run, rejection: Rejection) -> list[tuple[str, str]]:
    request, _, example = rejection.key.partition(" ")
    return [(c.text, c.intended) for c in run.store.all(Candidate, request=request, id=example)]


def _labelled(run: Run, rejection: Rejection) -> list[tuple[str, str]]:
    said = run.store.all(Suggestion, example=rejection.key, round=rejection.round)
    texts = run.store.all(Example, id=rejection.key)
    return [(e.text, s.label) for e in texts for s in said if s.model != CLASSIFIER]
