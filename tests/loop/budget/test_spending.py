"""What a run has spent, on which arm and class, and what that means for the next round."""

import json
from dataclasses import replace

import pytest

from loop.advice import Forecast
from loop.budget.ledger import Budget, Ledger
from loop.budget.spending import (
    ledger,
    next_round,
    outlook,
    per_point,
    sentences,
    spending,
    total,
    what_is_left,
)
from loop.labelled import human_label_count
from loop.store import Store
from models.chat import Account, Arm, ChatRequest, Completion, Message, Rest
from models.measures import SourceTrust
from models.records import Candidate, LabelTask, Verdict

BUDGET = Budget(tokens=5000, money=1.0, minutes=9, price_in=100, price_out=500, hourly_wage=60, labels=40)
AHEAD = Forecast(100, 0.05, 0.01, 0.1)


def complete(store: Store, key: str, round_: int, arm: Arm, tokens_in: int, tokens_out: int) -> None:
    request = ChatRequest((Message("user", key),))
    account = Account(round_, "label", arm)
    Ledger(store, BUDGET).keep(key, "m", account, request, Completion("x", tokens_in, tokens_out, 2.0))


@pytest.fixture
def run(store: Store) -> Store:
    """Two rounds: calls for each arm, one of them lost, and people who took a minute for each text."""
    BUDGET.write(store)
    for round_ in (1, 2):
        complete(store, f"a{round_}", round_, "llm-text", 1000, 100)
        complete(store, f"b{round_}", round_, "llm-label", 200, 2)
        complete(store, f"c{round_}", round_, "human", 50, 2)
        for name in ("fit", "evaluate", "query", "generate", "label", "verify", "learn"):
            store.finish(round_, name, [], 1.0)
    Ledger(store, BUDGET).reserve("lost", "m", Account(2, "generate", "llm-text"), 300, 50)
    kinds = (("t0", 0, "holdout"), ("t1", 0, "start"), ("t2", 1, "query"), ("t3", 2, "candidate"))
    for uid, round_, kind in kinds:
        store.add([LabelTask(uid, uid, "t", round_, kind, 0.5)])  # type: ignore[arg-type]
        store.add([Verdict(uid, "label", "late" if uid == "t1" else "lost", "ann", "1", 60.0)])
    store.add([Candidate("c", "t", 1, 0, "late", "a1", "m", ())])
    return store


def test_each_round_and_arm_has_its_line(run: Store) -> None:
    lines = {(s.round, s.arm): s for s in spending(run, BUDGET)}
    assert set(lines) == {
        *((0, arm) for arm in ("holdout", "human")),
        *((n, arm) for n in (1, 2) for arm in ("human", "llm-label", "llm-text")),
    }
    text = lines[2, "llm-text"]
    assert (text.tokens_in, text.tokens_out, text.lost, text.labels, text.minutes) == (1300, 150, 350, 1, 1.0)
    assert text.money == pytest.approx((1300 * 100 + 150 * 500) / 1e6)
    assert text.wages == pytest.approx(1.0)
    assert (lines[0, "holdout"].labels, lines[1, "human"].labels, lines[2, "human"].labels) == (1, 1, 0)
    assert lines[1, "human"].tokens == 52


def test_a_dispute_about_the_holdout_is_the_holdouts(run: Store) -> None:
    run.add([LabelTask("t4", "t0", "t", 1, "adjudication", 1.0), Verdict("t4", "label", "late", "ben", "1", 60.0)])
    lines = {(s.round, s.arm): s for s in spending(run, BUDGET)}
    assert (lines[1, "holdout"].labels, lines[1, "human"].labels) == (1, 1)
    assert sum(s.labels for s in lines.values() if s.arm != "holdout") == human_label_count(run)


def test_the_sums_are_the_lines_sums(run: Store) -> None:
    sums = total(spending(run, BUDGET))
    assert sums["tokens"] == 2 * (1100 + 202 + 52) + 350
    assert (sums["labels"], sums["minutes"], sums["lost"]) == (4, 4.0, 350)


def test_a_page_left_open_is_no_work(run: Store) -> None:
    run.add([LabelTask("lunch", "lunch", "t", 2, "query", 0.5)])
    run.add([Verdict("lunch", "label", "late", "ann", "2", 3600.0)])
    assert total(spending(run, BUDGET))["minutes"] == 4.0 + 10.0


def test_the_next_round_costs_what_the_last_ones_did(run: Store) -> None:
    spent = spending(run, BUDGET)
    assert next_round(spent, [0]) is None
    costs = next_round(spent, [0, 1, 2])
    assert costs is not None
    assert costs["tokens"] == (1354 + 1704) / 2
    assert costs["labels"] == 1.0
    said = "1 human labels, 1 minutes of people's time, 1,529 tokens, 0.20 for the LLM, 6 seconds of the LLM's"
    assert said in outlook(costs, {})
    assert said in outlook(costs, {"tokens": 1529.0, "money": 5.0})


def test_where_a_cap_leaves_less_than_a_round_costs_that_is_said(run: Store) -> None:
    spent = spending(run, BUDGET)
    costs = next_round(spent, [0, 1, 2])
    assert costs is not None
    left = what_is_left(total(spent), replace(BUDGET, tokens=4000, minutes=4.5))
    said = outlook(costs, left)
    assert "1 minutes of people's time (left: 0.5), 1,529 tokens (left: 942), 0.20 for the LLM, 6 seconds" in said


def test_an_accuracy_point_has_a_price_only_where_one_was_surely_gained(run: Store) -> None:
    spent = spending(run, BUDGET)
    trust = [
        SourceTrust(2, "llm-text", 1.0, 0.5, 0.4, 0.6, 9),
        SourceTrust(3, "llm-text", 1.0, 0.04, 0.02, 0.06, 9),
        SourceTrust(3, "llm-label", 0.3, 0.02, -0.01, 0.05, 9),
    ]
    found = per_point(spent, trust, AHEAD)
    text, human = found["llm-text"], found["human"]
    assert text is not None
    assert human is not None
    assert (text["points"], text["tokens_per_point"], text["labels_per_point"]) == (4.0, (1100 + 1450) / 4, 0.25)
    assert found["llm-label"] is None
    assert human["labels_per_point"] == pytest.approx(100 / 5)
    assert human["minutes_per_point"] == pytest.approx(100 / 5)
    assert per_point(spent, [], Forecast(100, 0.05, -0.01, 0.1))["human"] is None
    assert per_point([], [], None) == {"human": None, "llm-label": None, "llm-text": None}


def test_the_ledger_is_json_and_says_it_in_a_sentence(run: Store) -> None:
    facts = json.loads(json.dumps(ledger(run, AHEAD)))
    assert facts["caps"] == {"tokens": 5000, "money": 1.0, "llm_seconds": None, "labels": 40, "minutes": 9}
    assert facts["resting"] is None
    assert len(facts["rounds"]) == 8
    (line,) = sentences(facts)
    assert line.startswith(
        "Spent: 3,058 tokens of 5,000, 350 of them on answers that were lost, 0.41 for the LLM of 1.00"
    )
    assert "12 seconds of the LLM's, 4 human labels and 4 minutes of 9, the holdout's included" in line
    assert "a round costs about 1 human labels" in line


def test_the_llm_rests_until_a_round_in_which_it_was_asked_again(run: Store) -> None:
    run.add([Rest(2, "label", "human", "token")])
    facts = ledger(run, None)
    assert facts["resting"] == "token"
    assert sentences(facts)[1] == "token budget spent: the LLM rests"
    run.finish(3, "label", [], 1.0)
    assert ledger(run, None)["resting"] is None


def test_a_run_that_has_not_begun_has_a_ledger(store: Store) -> None:
    facts = ledger(store, None)
    assert facts["spent"]["tokens"] == 0
    assert facts["next_round"] is None
    assert sentences(facts)
