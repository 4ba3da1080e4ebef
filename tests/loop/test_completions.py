"""Behind the store, no completion is paid for twice and none is lost."""

from collections.abc import Sequence

import numpy as np
import pytest

from loop.completions import StoredLLM
from loop.store import Store
from models.chat import Account, ChatRequest, Message
from models.errors import LLMError
from models.llm import ScriptedLLM


class Counting:
    """Answers in capitals, or with probabilities; remembers what it was asked; fails when it has had `enough`."""

    def __init__(self, enough: int = 1000) -> None:
        self.asked: list[str] = []
        self.enough = enough

    def __call__(self, request: ChatRequest) -> str | Sequence[float]:
        if len(self.asked) == self.enough:
            raise LLMError("out of money")
        self.asked.append(request.messages[0].content)
        return (1, 3) if request.choices else request.messages[0].content.upper()


def ask(*texts: str, seed: int = 0) -> list[ChatRequest]:
    return [ChatRequest((Message("user", text),), seed=seed) for text in texts]


def stored(script: Counting, store: Store, name: str = "m", round_: int = 1) -> StoredLLM:
    return StoredLLM(ScriptedLLM(script, name), store, Account(round_, "generate", "llm-text"))


def test_answers_come_in_order_whether_new_or_known(store: Store) -> None:
    script = Counting()
    stored(script, store).chat(ask("b"))
    assert [c.text for c in stored(script, store).chat(ask("a", "b", "c"))] == ["A", "B", "C"]
    assert script.asked == ["b", "a", "c"]


def test_a_request_that_stands_there_twice_is_asked_once(store: Store) -> None:
    script = Counting()
    assert [c.text for c in stored(script, store).chat(ask("a", "b", "a"))] == ["A", "B", "A"]
    assert script.asked == ["a", "b"]
    assert store.tokens() == {1: (2, 2)}


def test_another_draw_or_model_is_another_request(store: Store) -> None:
    script = Counting()
    stored(script, store).chat(ask("a"))
    stored(script, store).chat(ask("a", seed=1))
    stored(script, store, name="other").chat(ask("a"))
    assert script.asked == ["a", "a", "a"]


def test_what_came_before_a_failure_is_kept(store: Store) -> None:
    with pytest.raises(LLMError):
        stored(Counting(enough=2), store).chat(ask("a", "b", "c"))
    later = Counting()
    assert [c.text for c in stored(later, store).chat(ask("a", "b", "c"))] == ["A", "B", "C"]
    assert later.asked == ["c"]


def test_what_is_known_needs_no_model(store: Store) -> None:
    stored(Counting(), store).chat(ask("a"))
    assert stored(Counting(enough=0), store).chat(ask("a"))[0].text == "A"
    assert stored(Counting(enough=0), store).chat([]) == []


def test_arrivals_are_heard_once_they_are_stored(store: Store) -> None:
    heard: list[tuple[str, bool]] = []
    llm = stored(Counting(), store)
    stored(Counting(), store).chat(ask("a"))
    llm.chat(ask("a", "b"), lambda r, c: heard.append((c.text, store.completion(r.key("m")) == c)))
    assert heard == [("B", True)]


def test_probabilities_come_back_from_the_store(store: Store) -> None:
    script = Counting()
    first = stored(script, store).label_probabilities(["x", "y"], ["late", "lost"])
    again = stored(script, store).label_probabilities(["x", "y"], ["late", "lost"])
    assert np.array_equal(first, again)
    assert np.allclose(first, [[0.25, 0.75]] * 2)
    assert script.asked == ["x", "y"]


def test_the_round_that_asked_pays(store: Store) -> None:
    stored(Counting(), store, round_=1).chat(ask("one two"))
    stored(Counting(), store, round_=2).chat(ask("one two", "three"))
    assert store.tokens() == {1: (2, 2), 2: (1, 1)}
