"""Where the next round's budget would bring most: a bandit over human labels, the LLM's labels and the LLM's texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loop.advice import Forecast
from loop.budget.spending import Spending, total
from loop.sections import LLMSection
from models.measures import SourceTrust
from models.records import Source

ARMS: tuple[Source, ...] = ("llm-label", "llm-text")
DRAWS = 2000
LEAST = 4  # examples that an arm is still asked for, so that it goes on being measured
SECONDS_PER_LABEL = 5.0  # where nobody was timed
WIDTH = 2 * 1.96
NAMES = {"human": "human labels", "llm-label": "labels of the LLM", "llm-text": "texts of the LLM"}


@dataclass(frozen=True)
class Prospect:
    """What an arm brought, as a difference of accuracies with its 95 % interval, and what that cost."""

    gain: float
    low: float
    high: float
    cost: float


def best_shares(prospects: Mapping[str, Prospect]) -> dict[str, float]:
    """How likely each arm brings the most for its cost: the shares that Thompson sampling gives it (Thompson, "On the
    likelihood that one unknown probability exceeds another", Biometrika 1933). An arm that brings nothing is no better
    than one that was not asked: draws in which no arm brings anything are shared by all."""
    if not prospects:
        return {}
    rng, names = np.random.default_rng(0), list(prospects)
    drawn = np.column_stack(
        [rng.normal(p.gain, max(p.high - p.low, 1e-9) / WIDTH, DRAWS) / max(p.cost, 1e-9) for p in prospects.values()]
    )
    none = (drawn <= 0).all(axis=1)
    wins = np.bincount(drawn[~none].argmax(axis=1), minlength=len(names)) + none.sum() / len(names)
    return dict(zip(names, (wins / DRAWS).tolist(), strict=True))


def llm_prospects(trust: Sequence[SourceTrust], costs: Mapping[str, float], round_: int) -> dict[str, Prospect]:
    """Those of the LLM's arms that were measured for the fit of `round_`, given what each has cost."""
    measured = {t.source: t for t in trust if t.round == round_ and t.source in ARMS and t.examples}
    return {s: Prospect(t.worth, t.low, t.high, costs[s]) for s, t in measured.items() if costs.get(s, 0) > 0}


def most_labels(section: LLMSection) -> int:
    """The most labels that a round may ask of the LLM, however it is shared out."""
    return section.labels + section.texts if section.split == "measured" and section.labels else section.labels


def split(
    section: LLMSection, trust: Sequence[SourceTrust], spent: Sequence[Spending], round_: int
) -> dict[Source, int]:
    """How many labels and texts `round_` asks of the LLM, out of as many as the configuration says in all: by what each
    was worth for the tokens that went before. Those it says itself until both are measured, or where one is 0."""
    given: dict[Source, int] = {"llm-label": section.labels, "llm-text": section.texts}
    tokens = {str(a): float(sum(s.tokens for s in spent if s.arm == a and s.round < round_)) for a in ARMS}
    prospects = llm_prospects(trust, tokens, round_)
    if section.split == "fixed" or len(prospects) < len(ARMS) or not all(given.values()):
        return given
    whole, shares = sum(given.values()), best_shares(prospects)
    labels = int(np.clip(round(whole * shares["llm-label"]), min(LEAST, whole // 2), whole - min(LEAST, whole // 2)))
    return {"llm-label": labels, "llm-text": whole - labels}


def proposal(trust: Sequence[SourceTrust], spent: Sequence[Spending], ahead: Forecast | None) -> dict[str, float]:
    """The share of the next round's budget that each arm should have, people included; empty until people and an arm of
    the LLM are measured. Costs are money where both people and the LLM cost some, else seconds of people
    and machine."""
    prospects = llm_prospects(trust, {str(a): _cost(spent, a) for a in ARMS}, max((t.round for t in trust), default=0))
    people, labels = _cost(spent, "human"), total([s for s in spent if s.arm == "human"])["labels"]
    if ahead is None or not labels or not prospects:
        return {}
    each = people / labels or SECONDS_PER_LABEL
    return best_shares({"human": Prospect(ahead.gain, ahead.low, ahead.high, each * ahead.labels), **prospects})


def _cost(spent: Sequence[Spending], arm: str) -> float:
    own = total([s for s in spent if s.arm == arm])
    paid = any(s.wages for s in spent) and any(s.money for s in spent)
    return own["wages"] + own["money"] if paid else 60 * own["minutes"] + own["llm_seconds"]


def proposal_sentence(shares: Mapping[str, float]) -> str:
    said = ", ".join(f"{NAMES[arm]} {100 * share:.0f} %" for arm, share in shares.items())
    return f"Where the next round's budget would bring most, by what each brought for its cost: {said}."
