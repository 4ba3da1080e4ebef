"""Probabilities of label texts from the log-probabilities that a server returns for the tokens it wrote."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LIKELY = 0.01


@dataclass(frozen=True)
class TokenChoice:
    """One position of an answer: the token written, its log probability, and the likeliest tokens there.

    Tokens are bytes: half a Korean syllable is a token, but no text.
    """

    token: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...]


def label_probabilities(answer: Sequence[TokenChoice], labels: Sequence[str]) -> tuple[float, ...]:
    """The share of each label, summing to 1; all equal where what begins any of them was less likely than `LIKELY`: the
    answer was to be another, a refusal say, and what is left would be told from noise.

    Method: walk along the written tokens. A token that was not written gives its mass to the labels that
    begin with what it would have made (in equal parts where several do), the written one carries the walk on
    until one label is left. Comparison is exact after leading whitespace.
    """
    names = [label.encode() for label in labels]
    masses = [0.0] * len(names)
    path, written = 1.0, b""
    for position in answer:
        for token, logprob in position.top:
            if token != position.token:
                _give(masses, _meant(written, token, names), path * _probability(logprob))
        path *= _probability(position.logprob)
        left = _meant(written, position.token, names)
        written = (written + position.token).lstrip()
        if len(left) <= 1 and written:
            _give(masses, left, path)
            break
    else:
        _give(masses, _meant(written, b"", names), path)
    total = sum(masses)
    return tuple(m / total if total >= LIKELY else 1 / len(names) for m in masses)


def label_meant(text: str, labels: Sequence[str]) -> str | None:
    """The label a free answer stands for: the longest it begins with; None where it begins with none. "None of these"
    does not begin with "No"; a Korean particle may follow without a space."""
    stripped = text.strip()
    begun = [label for label in labels if stripped.startswith(label) and _ends(label, stripped[len(label) :])]
    return max(begun, key=len, default=None)


def _ends(label: str, after: str) -> bool:
    """Whether a label ends where what comes `after` it begins, and no longer word or number does."""
    last, first = label[-1:], after[:1]
    return not (last.isdigit() and first.isdigit()) and not (last.isalnum() and first.lower() != first.upper())


def _meant(written: bytes, token: bytes, names: Sequence[bytes]) -> list[int]:
    """The labels that an answer may still be, or already is, once `token` follows `written`."""
    text = (written + token).lstrip()
    if not text:
        return []  # whitespace and the empty end token say nothing of any label
    open_ = [i for i, name in enumerate(names) if name.startswith(text)]
    if open_ and not (token == b"" and text in names):
        return open_
    begun = [i for i, name in enumerate(names) if text.startswith(name)]
    closed = [i for i in begun if _ends(names[i].decode(), text[len(names[i]) :].decode(errors="ignore"))]
    longest = max((len(names[i]) for i in closed), default=0)
    return [i for i in closed if len(names[i]) == longest]


def _give(masses: list[float], to: Iterable[int], mass: float) -> None:
    places = list(to)
    for place in places:
        masses[place] += mass / len(places)


def _probability(logprob: float) -> float:
    # Some servers send a sentinel far below 0 for "never", none sends more than 0 and means it.
    return math.exp(min(logprob, 0.0)) if not math.isnan(logprob) else 0.0
