"""The ledger: no cap is ever exceeded, whatever is asked at once, refused, lost or killed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop.budget.ledger import SPENT, Budget, Ledger
from loop.budget.spending import spending
from loop.completions import UNASKED, StoredLLM
from loop.store import Store
from models.chat import Account, ChatRequest, Completion, Message, Rest
from models.errors import BudgetSpentError
from models.llm import LLM, UNMETERED, Meter, OnArrival, ScriptedLLM, ignore

ACCOUNT = Account(1, "generate", "llm-text")
REQUEST = ChatRequest((Message("user", "hi"),), choices=("a", "b"))


def ask(number: int, words: int = 1, most: int = 10) -> ChatRequest:
    return ChatRequest((Message("user", "word " * words),), max_tokens=most, seed=number)


def spent(store: Store) -> int:
    return sum(tokens for _, *both in store.connection.execute(SPENT) for tokens in both)


def free(store: Store) -> Ledger:
    return Ledger(store, Budget())


def test_a_completion_is_kept_once(store: Store) -> None:
    first = Completion("a", 3, 1, 0.2, "stop", (0.75, 0.25))
    free(store).keep("k", "m", ACCOUNT, REQUEST, first)
    free(store).keep("k", "m", replace(ACCOUNT, round=2), REQUEST, Completion("b", 9, 9, 9.0))
    assert store.completion("k") == first
    assert store.tokens() == {1: (3, 1)}


def test_a_completion_is_there_for_the_next_process(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        free(store).keep("k", "m", ACCOUNT, REQUEST, Completion("cut", 3, 1, 0.2, "length"))
    with Store(tmp_path) as store:
        assert store.completion("k") == Completion("cut", 3, 1, 0.2, "length")
        assert store.completion("other") is None


def test_tokens_are_counted_by_round(store: Store) -> None:
    for key, round_ in (("a", 1), ("b", 1), ("c", 2)):
        free(store).keep(key, "m", replace(ACCOUNT, round=round_), REQUEST, Completion("x", 10, 2, 0.1))
    assert store.tokens() == {1: (20, 4), 2: (10, 2)}


def test_a_reservation_counts_until_its_completion_takes_its_place(store: Store) -> None:
    ledger = Ledger(store, Budget(tokens=100))
    ledger.reserve("k", "m", ACCOUNT, 60, 20)
    assert spent(store) == 80
    with pytest.raises(BudgetSpentError, match="token budget"):
        ledger.reserve("other", "m", ACCOUNT, 20, 1)
    ledger.keep("k", "m", ACCOUNT, REQUEST, Completion("x", 50, 5, 0.1))
    assert spent(store) == 55
    ledger.reserve("other", "m", ACCOUNT, 40, 5)
    ledger.refund("other")
    assert spent(store) == 55


def test_a_try_that_was_lost_counts_beside_the_one_that_arrived(store: Store) -> None:
    ledger = free(store)
    ledger.reserve("k", "m", ACCOUNT, 60, 20)
    ledger.reserve("k", "m", ACCOUNT, 60, 20)
    ledger.keep("k", "m", ACCOUNT, REQUEST, Completion("x", 50, 5, 0.1))
    assert spent(store) == 80 + 55


def test_money_is_counted_by_what_is_read_and_what_is_written(store: Store) -> None:
    ledger = Ledger(store, Budget(money=1.0, price_in=100_000, price_out=400_000))
    ledger.reserve("k", "m", ACCOUNT, 6, 1)
    with pytest.raises(BudgetSpentError, match="money budget"):
        ledger.reserve("other", "m", ACCOUNT, 1, 0)


def test_once_the_time_of_the_llm_is_used_up_nothing_more_is_sent(store: Store) -> None:
    Budget(llm_seconds=5.0).write(store)
    ledger = Ledger(store, Budget.read(store))
    for key in ("a", "b"):
        ledger.reserve(key, "m", ACCOUNT, 1, 1)
        ledger.keep(key, "m", ACCOUNT, REQUEST, Completion("x", 1, 1, 2.5))
    with pytest.raises(BudgetSpentError, match="time budget"):
        ledger.reserve("c", "m", ACCOUNT, 1, 1)
    silent = ScriptedLLM(lambda request: "one two")
    assert [c.finish for c in StoredLLM(silent, store, ACCOUNT).chat([ask(1)])] == ["unasked"]
    assert store.all(Rest) == [Rest(1, "generate", "llm-text", "time")]


def test_each_model_has_its_price(store: Store) -> None:
    dear = Budget(money=1.0, price_in=100_000, price_out=100_000, prices={"big": [500_000, 800_000]})
    ledger = Ledger(store, dear)
    ledger.reserve("k", "big@example.com", ACCOUNT, 1, 0)
    with pytest.raises(BudgetSpentError, match="money budget"):
        ledger.reserve("other", "big@example.com", ACCOUNT, 0, 1)
    ledger.reserve("other", "small@example.com", ACCOUNT, 4, 1)
    assert sum(s.money for s in spending(store, dear)) == pytest.approx(1.0)


def test_a_model_may_have_an_at_sign_in_its_name() -> None:
    prices = {"big@20240620": [500_000, 800_000]}
    for name in ("big@20240620", "big@20240620@example.com", "big@20240620@127.0.0.1:8000"):
        assert Budget(prices=prices).price(name, 1, 1) == pytest.approx(1.3)
    assert Budget(price_in=1_000_000, prices=prices).price("packaged", 1, 0) == pytest.approx(1)


def test_the_budget_a_run_was_started_with_is_read_again(store: Store) -> None:
    assert Budget.read(store) == Budget()
    Budget(tokens=7, money=0.5, price_in=1, labels=20).write(store)
    assert Budget.read(store) == Budget(tokens=7, money=0.5, price_in=1, labels=20)


def test_without_room_nothing_is_asked_and_nothing_stored(store: Store) -> None:
    Budget(tokens=30).write(store)
    answered: list[int] = []

    def answer(request: ChatRequest) -> str:
        answered.append(request.seed)
        return "one two"

    completions = StoredLLM(ScriptedLLM(answer), store, ACCOUNT).chat([ask(n) for n in range(20)])
    # Each reserves 1 + 10 and costs 1 + 2: the seventh is the last that fits beside six that have arrived.
    assert answered == list(range(7))
    assert [c.finish for c in completions] == ["stop"] * 7 + ["unasked"] * 13
    assert store.all(Rest) == [Rest(1, "generate", "llm-text", "token")]
    again = StoredLLM(ScriptedLLM(answer), store, replace(ACCOUNT, round=2)).chat([ask(3), ask(9)])
    assert [c.finish for c in again] == ["stop", "unasked"]
    assert len(answered) == 7


class PowerCutError(Exception):
    """The moment somebody pulls the plug."""


class CrowdedLLM(LLM):
    """Answers from `crowd` threads at once, each answer as long as it may be or shorter; the power goes after so many
    sendings, and some tries are lost or turned away first. `sent` is what a server would bill."""

    def __init__(self, crowd: int, lengths: list[int], mishaps: list[str], cut: int) -> None:
        self.name = "crowded"
        self.crowd, self.lengths, self.mishaps, self.cut = crowd, lengths, mishaps, cut
        self.sent = 0
        self.billed = 0
        self.lock = threading.Lock()

    def chat(
        self, requests: list[ChatRequest], on_arrival: OnArrival = ignore, meter: Meter = UNMETERED
    ) -> list[Completion]:  # type: ignore[override]
        refused: list[BudgetSpentError] = []
        with ThreadPoolExecutor(self.crowd) as pool:
            for start in range(0, len(requests), self.crowd):
                wave = requests[start : start + self.crowd]
                for request, answer in zip(wave, pool.map(lambda r: self._try(r, meter), wave), strict=True):
                    if isinstance(answer, BudgetSpentError):
                        refused.append(answer)
                    elif answer is not None:
                        on_arrival(request, answer)
                if self.sent >= self.cut:
                    raise PowerCutError
                if refused:
                    raise refused[0]
        return []

    def _try(self, request: ChatRequest, meter: Meter) -> Completion | BudgetSpentError | None:
        words = len(request.messages[0].content.split())
        while True:
            try:
                meter.send(request, words, request.max_tokens)
            except BudgetSpentError as error:
                return error
            with self.lock:
                self.sent += 1
                fate = self.mishaps[self.sent % len(self.mishaps)]
                length = min(self.lengths[self.sent % len(self.lengths)], request.max_tokens)
                self.billed += 0 if fate == "turned away" else words + length
            if fate == "turned away":
                meter.refund(request)
            if fate == "arrived":
                return None if self.sent >= self.cut else Completion("x", words, length, 0.0)


FATES = st.lists(st.sampled_from(["arrived", "arrived", "lost", "turned away"]), min_size=1, max_size=9).map(
    lambda fates: [*fates, "arrived"]
)


@settings(max_examples=60)
@given(
    sizes=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=25),
    crowd=st.integers(1, 8),
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=9),
    mishaps=FATES,
    cuts=st.lists(st.integers(1, 40), max_size=3),
    tokens=st.integers(1, 900),
    money=st.integers(0, 900),
)
def test_no_cap_is_exceeded_whatever_happens(
    sizes: list[tuple[int, int]],
    crowd: int,
    lengths: list[int],
    mishaps: list[str],
    cuts: list[int],
    tokens: int,
    money: int,
) -> None:
    requests = [ask(n, words, most) for n, (words, most) in enumerate(sizes)]
    budget = Budget(tokens=tokens, money=money, price_in=1_000_000, price_out=3_000_000)
    billed = 0
    with TemporaryDirectory() as folder:
        for cut in [*cuts, 10**9]:
            llm = CrowdedLLM(crowd, lengths, mishaps, cut)
            with Store(Path(folder)) as store:
                budget.write(store)
                for completion in _until_the_cut(StoredLLM(llm, store, ACCOUNT), requests):
                    assert completion == UNASKED or completion.text == "x"
                found = store.connection.execute(SPENT).fetchall()
            billed += llm.billed
            assert billed <= sum(sum(both) for _, *both in found) <= tokens
            assert not money or sum(budget.price(*one) for one in found) <= money


def _until_the_cut(llm: StoredLLM, requests: list[ChatRequest]) -> Iterator[Completion]:
    try:
        yield from llm.chat(requests)
    except PowerCutError:
        return
