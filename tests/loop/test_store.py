"""The store: what goes in comes out, all or nothing, for one writer at a time."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.budget.ledger import Budget, Ledger
from loop.store import Record, Store
from models.chat import Account, ChatRequest, Completion, Message, Rest
from models.errors import StoreError
from models.measures import Evaluation, HoldoutWorth, SourceTrust
from models.records import Candidate, Example, LabelTask, Queried, Region, Rejection, Suggestion, Verdict

EXAMPLE = Example("1", "a text", "pool")
ACCOUNT = Account(1, "label", "llm-label")
RECORDS: list[Record] = [
    EXAMPLE,
    Example("2", "another", "seed", "late"),
    Region(1, 0, ("1", "2"), ("late", "lost"), 0.5, (0.1, -0.25)),
    Queried(1, "1", "query", 0.75),
    Candidate("c", "written", 1, 0, "late", "key", "model", ("1", "2")),
    Rejection(1, "llm-text", "key", "duplicate"),
    Suggestion("1", 1, "model", "late", 0.9),
    LabelTask("u", "1", "a text", 1, "query", 0.5, "late", 0.9),
    LabelTask("v", "2", "another", 1, "candidate", 1.0),
    Verdict("u", "label", "late", "ann", "1", 2.5),
    Verdict("v", "reject", None, "ann", "1"),
    Evaluation(1, 20, 0.5, 0.4, 0.6, 0.5, 0.4, 0.6),
    HoldoutWorth(1, "self", 0.01, -0.02, 0.04),
    SourceTrust(1, "llm-text", 0.3, 0.02, -0.01, 0.05, 20),
    Rest(1, "generate", "llm-text", "token"),
]
TEXTS = st.text(st.characters(codec="utf-8"))


def test_every_kind_of_record_comes_back_as_it_was(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add(RECORDS)
    with Store(tmp_path) as store:
        for kind in {type(record) for record in RECORDS}:
            assert store.all(kind) == [record for record in RECORDS if type(record) is kind]


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_any_unicode_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str, parents: list[str]) -> None:
    candidate = Candidate("c", text, 1, 0, text, "key", text, tuple(parents))
    request = ChatRequest((Message("user", text),))
    with Store(tmp_path_factory.mktemp("run")) as store:
        store.add([Example("1", text, "seed", text), candidate])
        Ledger(store, Budget()).keep("k", text, ACCOUNT, request, Completion(text, 1, 1, 0.5))
        assert store.all(Example, text=text) == [Example("1", text, "seed", text)]
        assert store.all(Candidate) == [candidate]
        assert store.completion("k") == Completion(text, 1, 1, 0.5)


def test_records_are_found_by_their_columns(store: Store) -> None:
    store.add([Example("1", "a", "pool"), Example("2", "b", "seed", "late"), Example("3", "c", "pool")])
    assert [e.id for e in store.all(Example, origin="pool")] == ["1", "3"]
    assert [e.id for e in store.all(Example, label=None)] == ["1", "3"]
    assert store.all(Example, origin="pool", label="late") == []


def test_a_record_that_is_there_stays_as_it_is(store: Store) -> None:
    store.add([EXAMPLE])
    store.add([Example("1", "changed", "pool"), Example("2", "new", "pool")])
    assert [e.text for e in store.all(Example)] == ["a text", "new"]


def test_a_record_that_says_too_little_is_not_dropped_in_silence(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"evaluation\.macro_f1"):
        store.add([Evaluation(1, 20, 0.5, 0.4, 0.6, float("nan"), 0.4, 0.6)])


def records_until_a_kill() -> Iterator[Record]:
    yield EXAMPLE
    raise KeyboardInterrupt


def test_a_transaction_that_breaks_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        store.add(records_until_a_kill())
    assert store.all(Example) == []
    store.add([EXAMPLE])
    assert store.all(Example) == [EXAMPLE]


def test_a_stage_that_breaks_is_neither_done_nor_half_there(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        store.finish(1, "query", records_until_a_kill(), 0.1)
    assert store.stages() == {}
    assert store.all(Example) == []


def test_a_stage_is_done_once(store: Store) -> None:
    store.finish(1, "query", [EXAMPLE], 0.5)
    with pytest.raises(sqlite3.IntegrityError):
        store.finish(1, "query", [Example("2", "b", "pool")], 0.5)
    assert store.stages() == {(1, "query"): 0.5}
    assert store.all(Example) == [EXAMPLE]


def test_stages_stand_in_the_order_they_were_done(store: Store) -> None:
    for place in [(0, "verify"), (0, "learn"), (1, "fit")]:
        store.finish(*place, [], 1.0)
    assert list(store.stages()) == [(0, "verify"), (0, "learn"), (1, "fit")]


def test_a_killed_process_loses_nothing_that_was_added(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from loop.store import Store; from models.records import Example\n"
        "store = Store(Path(sys.argv[1])); store.add([Example('1', 'kept', 'pool')])\n"
        "store.connection.execute('begin immediate')\n"
        "store._insert([Example('2', 'lost', 'pool')]); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    assert killed.returncode == -9
    with Store(tmp_path) as store:
        assert [e.text for e in store.all(Example)] == ["kept"]


def test_a_second_writer_is_refused_with_the_first_one_named(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from loop.store import Store\n"
        "with Store(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=rf"process {holder.pid}\)"):
            Store(tmp_path)
        with Store(tmp_path, read_only=True) as reader:
            assert reader.all(Example) == []
        holder.communicate("")
    with Store(tmp_path) as store:
        store.add([EXAMPLE])


def test_a_run_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run in"):
        Store(tmp_path / "gone", read_only=True)
    assert not (tmp_path / "gone").exists()


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.connection.execute("pragma user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        Store(tmp_path)


def test_a_refused_store_can_be_opened_once_it_is_right(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        (version,) = store.connection.execute("pragma user_version").fetchone()
        store.connection.execute("pragma user_version = 99")
    with pytest.raises(StoreError, match="version 99") as refused:
        Store(tmp_path)
    connection = sqlite3.connect(tmp_path / Store.FILE)
    connection.execute(f"pragma user_version = {version}")
    connection.close()
    assert refused.value is not None
    with Store(tmp_path) as store:
        assert store.all(Example) == []


def test_settings_are_replaced(store: Store) -> None:
    assert store.setting("seed") is None
    store.set("seed", "1")
    store.set("seed", "2")
    assert store.setting("seed") == "2"


def test_verdicts_with_another_revision_stand_beside_the_first(store: Store) -> None:
    verdicts = [Verdict("u", "label", "late", "ann", "1"), Verdict("u", "label", "lost", "ann", "2")]
    store.add(verdicts)
    store.add(verdicts)
    assert store.all(Verdict) == verdicts
