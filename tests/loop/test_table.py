"""The round's table and the run's status, for people and for scripts."""

import io
import json

import pytest
from rich.console import Console

from loop.budget.ledger import Budget, Ledger
from loop.store import Store
from loop.table import render, round_rows, status, text_qualities
from models.chat import Account, ChatRequest, Completion, Message
from models.measures import Evaluation, PoolAnswers, SourceTrust, TextQuality
from models.records import Candidate, LabelTask, Rejection, Verdict


@pytest.fixture
def run(store: Store) -> Store:
    """One full round, and the evaluation of the next."""
    for name, seconds in (("fit", 2.0), ("query", 0.5)):
        store.finish(1, name, [], seconds)
    store.add([Evaluation(n, 20 * n, 0.612, 0.55, 0.67, 0.5, 0.45, 0.56) for n in (1, 2)])
    store.add([Candidate(f"c{n}", f"text {n}", 1, 0, "late", f"key{n}", "m", ()) for n in range(4)])
    store.add([Rejection(1, "llm-text", f"key{n} c{n}", "duplicate") for n in range(2)])
    store.add([Rejection(1, "llm-label", "p1", "unlikely")])
    store.add([SourceTrust(1, "llm-label", 0.0, -0.031, -0.06, 0.01, 12), SourceTrust(1, "llm-text", 0, 0, 0, 0, 0)])
    store.add([LabelTask(f"u{n}", f"e{n}", "t", 1, "query", 0.5) for n in range(3)])
    store.add([Verdict("u0", "label", "late", "ann", "1"), Verdict("u1", "skip", None, "ann", "1")])
    request = ChatRequest((Message("user", "x"),))
    account = Account(1, "generate", "llm-text")
    Ledger(store, Budget()).keep("k", "m", account, request, Completion("x", 1200, 34, 1.0))
    return store


def printed(store: Store) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(render(round_rows(store)))
    return out.getvalue()


def test_a_row_for_each_evaluated_round(run: Store) -> None:
    run.finish(1, "verify", [], 86_400.0)
    first, second = round_rows(run)
    assert (first["round"], second["round"]) == (1, 2)
    assert (first["texts_made"], first["texts_kept"]) == (4, 2)
    assert first["rejected"] == {"duplicate": 2, "unlikely": 1}
    assert (first["tokens_in"], first["tokens_out"], first["seconds"]) == (1200, 34, 2.5)
    assert (second["texts_made"], second["tokens_in"], second["seconds"], second["trust"]) == (0, 0, 0, {})


def test_a_skipped_text_says_nothing_of_how_faithful_texts_are(run: Store) -> None:
    run.add([TextQuality(1, 2, ((0, 2, 2, 2),), 1.0, 1.0, 0.5, 2.0, None)])
    run.add([LabelTask(f"w{n}", f"c{n}", "t", 1, "candidate", 0.5) for n in (2, 3)])
    run.add([Verdict("w2", "label", "late", "ann", "1"), Verdict("w3", "skip", None, "ann", "1")])
    found = text_qualities(run)[1]["faithfulness"]
    assert (found["share"], found["judged"]) == (1.0, 1)


def test_status_says_where_the_run_stands(run: Store) -> None:
    found = status(run)
    assert (found["round"], found["last_stage"]) == (1, "query")
    assert (found["human_labels"], found["tasks"], found["waiting_for"]) == (2, 3, 1)


def test_a_run_that_has_not_begun_has_a_status(store: Store) -> None:
    found = status(store)
    assert (found["round"], found["last_stage"], found["rounds"]) == (0, None, [])
    assert printed(store)


def test_all_of_it_is_json(run: Store) -> None:
    assert json.loads(json.dumps(status(run)))["rounds"][0]["accuracy"] == 0.612


def test_the_table_shows_shares_as_points_with_their_intervals(run: Store) -> None:
    text = printed(run)
    assert "61.2 [55.0, 67.0]" in text
    assert "0 of 12: -3.1 [-6.0, +1.0]" in text
    assert "2/4" in text
    assert "1,234" in text


def test_a_weight_has_three_digits(run: Store) -> None:
    run.add([SourceTrust(2, "self", 2.86486, 0.101, 0.041, 0.162, 848)])
    assert "2.86 of 848: +10.1 [+4.1, +16.2]" in printed(run)


def test_status_says_whether_the_answers_still_change(run: Store) -> None:
    run.add([PoolAnswers(n, ("a", "b", "c", "d"), ("late", "refund", "late", "refund")) for n in (1, 2)])
    found = status(run)
    assert (found["agreement"], found["changed"]) == ([1.0], [0.0])
    assert "kappa of 1.00" in found["says"][-1]
