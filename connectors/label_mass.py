"""Probabilities of label texts from the log-probabilities that a server returns for the tokens it wrote."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LIKELY = 0.01
WRAPS = b" \t\r\n\"'*`"


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
    until one label is left. Compared as `label_meant` does.
    """
    known = _Labels.of(labels)
    masses = [0.0] * len(labels)
    path, written = 1.0, b""
    for position in answer:
        for token, logprob in position.top:
            if token != position.token:
                _give(masses, known.meant(written, token), path * _probability(logprob))
        path *= _probability(position.logprob)
        left = known.meant(written, position.token)
        written = known.bare(written + position.token)
        if len(left) <= 1 and written:
            _give(masses, left, path)
            break
    else:
        _give(masses, known.meant(written, b""), path)
    total = sum(masses)
    return tuple(m / total if total >= LIKELY else 1 / len(labels) for m in masses)


def label_meant(text: str, labels: Sequence[str]) -> str | None:
    """The label a free answer stands for: the longest it begins with; None where it begins with none. "None of these"
    does not begin with "No"; a Korean particle may follow without a space.

    What wraps an answer, quotation marks say, is passed over unless a label begins so, and "Positive" stands for
    "positive" unless labels differ by that alone; of other letters the case counts: "It is unclear" is not "IT".
    """
    known = _Labels.of(labels)
    begun = known.begun(known.bare(text.encode(errors="replace")))
    return labels[begun[0]] if begun else None


@dataclass(frozen=True)
class _Labels:
    """Labels as answers are compared with them: with `either_case` the first letter, of ASCII, is small in both."""

    names: tuple[bytes, ...]
    wraps: bytes
    either_case: bool

    @classmethod
    def of(cls, labels: Sequence[str]) -> "_Labels":
        names = tuple(label.encode() for label in labels)
        begun_small = tuple(_begun_small(name) for name in names)
        either_case = len(set(begun_small)) == len(names)
        wraps = bytes(mark for mark in WRAPS if mark not in {name[0] for name in names if name})
        return cls(begun_small if either_case else names, wraps, either_case)

    def bare(self, answer: bytes) -> bytes:
        """What is compared of an answer that may go on."""
        answer = answer.lstrip(self.wraps)
        return _begun_small(answer) if self.either_case else answer

    def meant(self, written: bytes, token: bytes) -> list[int]:
        """The labels that an answer may still be, or already is, once `token` follows `written`."""
        text = self.bare(written + token)
        if not text:
            return []  # whitespace and the empty end token say nothing of any label
        open_ = [i for i, name in enumerate(self.names) if name.startswith(text)]
        return open_ if open_ and not (token == b"" and text in self.names) else self.begun(text)

    def begun(self, text: bytes) -> list[int]:
        """The longest label that a text begins with: several where labels are the same."""
        begun = [i for i, name in enumerate(self.names) if text.startswith(name)]
        closed = [i for i in begun if self._ends(self.names[i], text[len(self.names[i]) :])]
        longest = max((len(self.names[i]) for i in closed), default=0)
        return [i for i in closed if len(self.names[i]) == longest]

    @staticmethod
    def _ends(name: bytes, rest: bytes) -> bool:
        """Whether a label ends where the rest of an answer begins, and no longer word or number does."""
        last, first = name.decode()[-1:], rest.decode(errors="ignore")[:1]
        return not (last.isdigit() and first.isdigit()) and not (last.isalnum() and first.lower() != first.upper())


def _begun_small(text: bytes) -> bytes:
    return text[:1].lower() + text[1:]


def _give(masses: list[float], to: Iterable[int], mass: float) -> None:
    places = list(to)
    for place in places:
        masses[place] += mass / len(places)


def _probability(logprob: float) -> float:
    # Some servers send a sentinel far below 0 for "never", none sends more than 0 and means it.
    return math.exp(min(logprob, 0.0)) if not math.isnan(logprob) else 0.0
