"""What annotators make of suggestions: how often they accept them, how far seeing one sways them, and how right
machines are where nobody saw one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

from loop.evaluate import rate
from loop.people.suggestions import JudgedSuggestion

BANDS = (0.0, 0.5, 0.7, 0.9, 1.0)


def blind_accuracy(judged: Sequence[JudgedSuggestion]) -> dict[str, Any]:
    """How often each machine gave the label that humans gave who saw no suggestion, in all, by the class that it
    names and by confidence, JSON-ready."""
    blind = _grouped((j for j in judged if not j.shown), lambda j: j.suggester)
    return {
        machine: {**_rate(own), "classes": _rates(own, lambda j: j.label), "confidence": _rates(own, _band)}
        for machine, own in blind.items()
    }


def blind_sentences(facts: Mapping[str, Any]) -> list[str]:
    """One for each machine."""
    return [
        f"Where people saw no suggestion, '{machine}' was right on {found['hits']} of {found['of']} texts "
        f"({found['share']:.0%} [{found['low']:.0%}, {found['high']:.0%}])."
        for machine, found in facts.items()
    ]


def acceptance(judged: Sequence[JudgedSuggestion]) -> dict[str, Any]:
    """How often the suggestions shown were accepted, JSON-ready: of each machine in all, by class and by confidence.
    What was accepted is told by the label; `origins` are the page's words for it."""
    shown = [j for j in judged if j.shown]
    return {
        suggester: {
            **_rate(own),
            "origins": dict(Counter(j.origin for j in own if j.origin)),
            "classes": _rates(own, lambda j: j.label),
            "confidence": _rates(own, _band),
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
        for suggester, own in _grouped((j for j in judged if j.chosen), lambda j: j.suggester).items()
    }


def acceptance_sentence(round_: int, facts: Mapping[str, Any]) -> list[str]:
    """How many of the suggestions shown in a round were accepted, of each machine."""
    return [
        f"Of {found['of']} suggestions by '{machine}' shown in round {round_}, people accepted {found['hits']} "
        f"({found['share']:.0%} [{found['low']:.0%}, {found['high']:.0%}])."
        for machine, found in facts.items()
    ]


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


def _rates(judged: Iterable[JudgedSuggestion], key: Callable[[JudgedSuggestion], str]) -> dict[str, dict[str, float]]:
    return {name: _rate(found) for name, found in _grouped(judged, key).items()}


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
