"""Personal data in texts that are about to be given away: found, and masked where asked.

Only what has a form: e-mail addresses, telephone, payment card and Korean resident registration numbers. Names and
addresses take a language model of each language; Presidio brings spaCy (18 packages) and loads its models from the
network, so libphonenumber and python-stdnum, small and offline, decide what is a number of which kind.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.errors import ConfigError

EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
RESIDENT = re.compile(r"(?<!\d)\d{6} ?[-–]? ?[0-9]\d{6}(?!\d)")
DIGITS = re.compile(r"\d+(?:[ -]\d+)*")
CARD_DIGITS = range(13, 20)
CARD_GROUPS = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), *((n,) for n in CARD_DIGITS)}
COUNTRIES = {"ko": "KR"}


@dataclass(frozen=True)
class Finding:
    """The characters from `start` to before `end` of a text are an "e-mail", a "resident-number", a "card-number" or a
    "phone-number"."""

    kind: str
    start: int
    end: int


def country_of(language: str) -> str:
    """Where telephone numbers without a country code are taken to be, for texts of a language."""
    return COUNTRIES.get(re.split("[-_]", language.lower())[0], "US")


def known_country(country: str) -> str:
    """A country's code as it is looked for. Raises ConfigError where no numbers of it are known."""
    from phonenumbers import SUPPORTED_REGIONS

    if country.upper() not in SUPPORTED_REGIONS:
        raise ConfigError(f"--country '{country}' is no country whose telephone numbers are known: give KR, US, DE, …")
    return country.upper()


def find(text: str, country: str) -> list[Finding]:
    """What is personal in a text, in its order; numbers without a country code are read as those of `country` (ISO
    3166-1 alpha-2)."""
    found: list[Finding] = []
    for finding in _candidates(text, country):
        if all(finding.end <= other.start or finding.start >= other.end for other in found):
            found.append(finding)
    return sorted(found, key=lambda finding: finding.start)


def mask(text: str, country: str) -> str:
    """The text with its kind in brackets in place of each finding: "[e-mail]"."""
    for finding in reversed(find(text, country)):
        text = f"{text[: finding.start]}[{finding.kind}]{text[finding.end :]}"
    return text


def count(texts: Iterable[str], country: str) -> dict[str, int]:
    """How many of the texts hold each kind."""
    kinds = [kind for text in texts for kind in {finding.kind for finding in find(text, country)}]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _candidates(text: str, country: str) -> Iterator[Finding]:
    """The surest first: where two overlap, that one holds."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    yield from (Finding("e-mail", *match.span()) for match in EMAIL.finditer(text))
    yield from (Finding("resident-number", *m.span()) for m in RESIDENT.finditer(text) if _is_resident_number(m[0]))
    yield from (Finding("card-number", *span) for run in DIGITS.finditer(text) for span in _cards(run))
    phones = PhoneNumberMatcher(text, country, leniency=Leniency.VALID)
    yield from (Finding("phone-number", match.start, match.end) for match in phones)


def _cards(run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Where in digits with single spaces or hyphens between a card's number may stand: groups as they are usually
    written, whatever stands beside them, then all of it, if the check digit is right."""
    from stdnum import luhn

    groups = list(re.finditer(r"\d+", run[0]))
    parts = [groups[first:last] for first in range(len(groups)) for last in range(first + 1, len(groups) + 1)]
    usual = [part for part in parts if tuple(len(group[0]) for group in part) in CARD_GROUPS]
    for part in [*usual, groups]:
        digits = "".join(group[0] for group in part)
        if len(digits) in CARD_DIGITS and digits[0] in "23456" and luhn.is_valid(digits):
            yield run.start() + part[0].start(), run.start() + part[-1].end()


def _is_resident_number(number: str) -> bool:
    """By birth date and check digit; written with its hyphen by the date alone, since the digits after the first of the
    second part are drawn at random from October 2020 on."""
    from stdnum.exceptions import ValidationError
    from stdnum.kr import rrn

    compact = re.sub(r"[ –-]", "", number)
    try:
        rrn.get_birth_date(compact)
    except ValidationError:
        return False
    return rrn.is_valid(compact) or len(compact) < len(number)
