"""The bandit: an arm that brings more for its cost gets more, and none is starved before it is known."""

from dataclasses import replace

import pytest

from loop.advice import Forecast
from loop.budget.spending import Spending
from loop.budget.split import LEAST, Prospect, best_shares, proposal, proposal_sentence, split
from loop.sections import LLMSection
from models.measures import SourceTrust
from models.records import Source

SPENT = [
    Spending(1, "llm-label", 900, 100),
    Spending(1, "llm-text", 900, 100),
    Spending(1, "human", minutes=10, labels=20),
]
MEASURED = LLMSection(texts=20, labels=20, split="measured")


def trust(source: Source, worth: float, width: float = 0.02, round_: int = 2) -> SourceTrust:
    return SourceTrust(round_, source, 1.0, worth, worth - width, worth + width, 20)


def test_the_arm_that_brings_more_gets_nearly_all_and_the_other_is_still_tried() -> None:
    found = split(MEASURED, [trust("llm-label", 0.08), trust("llm-text", 0.0)], SPENT, 2)
    assert found == {"llm-label": 40 - LEAST, "llm-text": LEAST}


def test_what_costs_ten_times_as_much_must_bring_ten_times_as_much() -> None:
    dear = [Spending(1, "llm-label", 9000, 1000), *SPENT[1:]]
    found = split(MEASURED, [trust("llm-label", 0.05, 0.005), trust("llm-text", 0.03, 0.005)], dear, 2)
    assert found["llm-text"] == 40 - LEAST


def test_two_alike_share() -> None:
    found = split(MEASURED, [trust("llm-label", 0.02), trust("llm-text", 0.02)], SPENT, 2)
    assert abs(found["llm-label"] - 20) <= 1


def test_two_worth_nothing_share_too() -> None:
    found = split(MEASURED, [trust("llm-label", -0.2), trust("llm-text", -0.3)], SPENT, 2)
    assert abs(found["llm-label"] - 20) <= 1


@pytest.mark.parametrize("section", [LLMSection(texts=20, labels=20), LLMSection(texts=0, labels=20, split="measured")])
def test_fixed_is_as_configured_and_so_is_an_arm_that_is_off(section: LLMSection) -> None:
    found = split(section, [trust("llm-label", 0.08), trust("llm-text", 0.0)], SPENT, 2)
    assert found == {"llm-label": 20, "llm-text": section.texts}


def test_nothing_is_split_before_both_are_measured_nor_by_what_came_later() -> None:
    assert split(MEASURED, [trust("llm-label", 0.08)], SPENT, 2) == {"llm-label": 20, "llm-text": 20}
    both = [trust("llm-label", 0.08), trust("llm-text", 0.0)]
    later = [*SPENT, Spending(2, "llm-text", 10**6, 0)]
    assert split(MEASURED, both, SPENT, 2) == split(MEASURED, both, later, 2)


def test_people_are_one_arm_of_the_proposal() -> None:
    spent = [Spending(1, "llm-label", 900, 100, llm_seconds=60), *SPENT[2:]]
    shares = proposal([trust("llm-label", 0.05)], spent, Forecast(100, 0.05, 0.01, 0.09))
    assert shares["llm-label"] > 0.9 > shares["human"]
    assert sum(shares.values()) == pytest.approx(1)
    assert "human labels" in proposal_sentence(shares)
    assert proposal([trust("llm-label", 0.05)], spent, None) == {}


def test_an_llm_that_costs_no_money_is_reckoned_in_time() -> None:
    trusted, ahead = [trust("llm-label", 0.05)], Forecast(100, 0.05, 0.01, 0.09)
    free = [Spending(1, "llm-label", 900, 100, llm_seconds=60), Spending(1, "human", minutes=10, labels=20, wages=4)]
    shares = proposal(trusted, free, ahead)
    assert shares["llm-label"] > 0.9
    dear = [replace(free[0], money=500.0), free[1]]
    assert proposal(trusted, dear, ahead)["llm-label"] < 0.1


def test_shares_are_chances_of_being_best() -> None:
    assert best_shares({}) == {}
    assert best_shares({"a": Prospect(0.1, 0.1, 0.1, 1), "b": Prospect(0.0, 0.0, 0.0, 1)})["a"] == 1
