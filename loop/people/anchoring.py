"""What annotators make of suggestions: how often they accept them, and how far seeing one sways them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

from loop.evaluate import rate
from loop.labelled import latest_verdicts
from loop.store import Store
from models.records import LabelTask, Suggestion

BANDS = (0.0, 0.5, 0.7, 0.9, 1.0)


@dataclass(frozen=True)
class JudgedSuggestion:
    """A suggestion for a text that humans have labelled, `shown` to them or kept from them, and whether their label is
    the suggested one."""

    round: int
    suggester: str
    label: str
    confidence: float
    shown: bool
    same: bool


def judged_suggestions(store: Store) -> list[JudgedSuggestion]:
    """Those of the queried texts; which of these were blind was left to chance."""
    verdicts = latest_verdicts(store)
    made = {(s.example, s.round, s.model): s for s in store.all(Suggestion)}
    judged = []
    for task in store.all(LabelTask):
        verdict, suggestion = verdicts.get(task.uid), made.get((task.example, task.round, task.suggester))
        if suggestion is not None and verdict is not None and verdict.label is not None:
            same, shown = verdict.label == suggestion.label, task.suggestion is not None
            judged.append(
                JudgedSuggestion(task.round, task.suggester, suggestion.label, suggestion.confidence, shown, same)
            )
    return judged


def acceptance(judged: Sequence[JudgedSuggestion]) -> dict[str, Any]:
    """How often the suggestions shown were accepted, JSON-ready: of each machine in all, by class and by confidence."""
    shown = [j for j in judged if j.shown]
    return {
        suggester: {
            **_rate(own),
            "classes": {name: _rate(found) for name, found in _grouped(own, lambda j: j.label).items()},
            "confidence": {name: _rate(found) for name, found in _grouped(own, _band).items()},
        }
        for suggester, own in _grouped(shown, lambda j: j.suggester).items()
    }


def anchoring(judged: Sequence[JudgedSuggestion]) -> dict[str, Any]:
    """For each machine, how often humans gave the label it suggested, where they saw it and where they did not, in all
    and by class, JSON-ready. The difference is how far seeing it sways them."""
    return {
        suggester: {
            **_swayed(own),
            "classes": {name: _swayed(found) for name, found in _grouped(own, lambda j: j.label).items()},
        }
        for suggester, own in _grouped(judged, lambda j: j.suggester).items()
    }


def anchoring_sentences(facts: Mapping[str, Any]) -> list[str]:
    """One for each machine that has been seen both ways."""
    return [_sentence(suggester, found) for suggester, found in facts.items() if found["sway"]]


def _sentence(suggester: str, found: Mapping[str, Any]) -> str:
    shown, blind = found["shown"], found["blind"]
    points = "{share:+.1f} points [{low:+.1f}, {high:+.1f}]".format(**{k: 100 * v for k, v in found["sway"].items()})
    return (
        f"Humans gave the label that '{suggester}' suggests to {shown['share']:.0%} of {shown['of']} texts where they "
        f"saw it and to {blind['share']:.0%} of {blind['of']} where they did not: seeing it adds {points}."
    )


def _swayed(judged: Sequence[JudgedSuggestion]) -> dict[str, Any]:
    shown, blind = (_rate([j for j in judged if j.shown is seen]) for seen in (True, False))
    return {"shown": shown, "blind": blind, "sway": difference(shown, blind) if shown and blind else None}


def difference(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """The difference of two shares with its 95 % interval, from Wilson's interval of each (Newcombe, "Interval
    estimation for the difference between independent proportions", Statistics in Medicine 1998, method 10)."""
    value = first["share"] - second["share"]
    below = sqrt((first["share"] - first["low"]) ** 2 + (second["high"] - second["share"]) ** 2)
    above = sqrt((first["high"] - first["share"]) ** 2 + (second["share"] - second["low"]) ** 2)
    return {"share": value, "low": value - below, "high": value + above}


def _rate(judged: Sequence[JudgedSuggestion]) -> dict[str, float]:
    return rate(sum(j.same for j in judged), len(judged)) if judged else {}


def _grouped(
    judged: Iterable[JudgedSuggestion], key: Callable[[JudgedSuggestion], str]
) -> dict[str, list[JudgedSuggestion]]:
    groups: dict[str, list[JudgedSuggestion]] = defaultdict(list)
    for one in judged:
        groups[key(one)].append(one)
    return dict(sorted(groups.items()))


def _band(judged: JudgedSuggestion) -> str:
    low, high = next((a, b) for a, b in reversed([*pairwise(BANDS)]) if judged.confidence >= a)
    return f"{low:.1f}–{high:.1f}"
