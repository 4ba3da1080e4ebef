"""How often a source is right, class by class: what humans said of it, shrunk to its mean."""

import pytest

from loop.chances import chance_facts, chance_sentences, chances


def test_a_class_that_nobody_judged_is_as_good_as_its_source() -> None:
    found = chances([("late", True)] * 9 + [("late", False)], ["late", "lost"])
    assert found["lost"] == pytest.approx(10 / 12)
    assert found["late"] == pytest.approx((9 + 5 * 10 / 12) / 15)


def test_one_bad_class_is_told_from_the_others_and_a_single_verdict_is_not_believed() -> None:
    found = chances([("late", True)] * 30 + [("lost", False)] * 20 + [("paid", False)], ["late", "lost", "paid"])
    assert found["lost"] < 0.15 < found["paid"] < 0.6 < found["late"]


def test_nothing_speaks_against_what_nobody_has_judged() -> None:
    assert chances([], ["late"]) == {"late": 1.0}
    assert chance_facts({"llm-text": []}) == {}


def test_it_is_said_with_its_interval() -> None:
    facts = chance_facts({"llm-label": [("late", True)] * 3 + [("lost", False)]})
    assert facts["llm-label"]["classes"]["lost"]["hits"] == 0
    (line,) = chance_sentences(facts)
    assert "right on 3 of 4" in line
    assert "75 % [30, 95]" in line
