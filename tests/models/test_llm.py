"""The scripted LLM, and label probabilities by log-probability and by vote."""

from collections.abc import Sequence

import numpy as np
import pytest

from models.chat import ChatRequest, Completion, Message
from models.errors import LLMError
from models.llm import VOTES, ScriptedLLM


def _ask(text: str, *choices: str) -> ChatRequest:
    return ChatRequest((Message("user", text),), choices=choices)


def test_answers_come_in_order_and_each_is_seen() -> None:
    llm = ScriptedLLM(lambda request: request.messages[-1].content.upper())
    seen: list[tuple[ChatRequest, Completion]] = []
    requests = [_ask("a b"), _ask("c")]
    completions = llm.chat(requests, lambda *pair: seen.append(pair))
    assert [c.text for c in completions] == ["A B", "C"]
    assert [c.tokens_in for c in completions] == [2, 1]
    assert seen == list(zip(requests, completions, strict=True))


def test_scripted_shares_are_normalised() -> None:
    (completion,) = ScriptedLLM(lambda _: (1, 3)).chat([_ask("x", "a", "b")])
    assert completion.text == "b"
    assert completion.probabilities == (0.25, 0.75)


def test_a_script_with_too_few_shares_is_told() -> None:
    with pytest.raises(LLMError, match="1 probabilities for 2 choices"):
        ScriptedLLM(lambda _: (1.0,)).chat([_ask("x", "a", "b")])


def test_label_probabilities_take_the_log_probabilities() -> None:
    llm = ScriptedLLM(lambda request: (3, 1) if "left" in request.messages[0].content else (1, 3))
    assert np.allclose(llm.label_probabilities(["left", "right"], ["l", "r"]), [[0.75, 0.25], [0.25, 0.75]])


def test_label_probabilities_of_nothing_are_an_empty_table() -> None:
    assert ScriptedLLM(lambda _: "a").label_probabilities([], ["a", "b"]).shape == (0, 2)


def test_without_log_probabilities_the_sampled_answers_vote() -> None:
    def answer(request: ChatRequest) -> str:
        if request.temperature == 0:
            return "a"
        return " a\n" if request.seed <= 3 else "neither"

    shares = ScriptedLLM(answer).label_probabilities(["one", "two"], ["a", "b"])
    assert np.allclose(shares, [[3.5 / 4, 0.5 / 4]] * 2)


def test_only_prompts_without_log_probabilities_are_voted_on() -> None:
    llm = ScriptedLLM(lambda request: "a" if request.messages[0].content == "silent" else (1, 3))
    shares = llm.label_probabilities(["plain", "silent"], ["a", "b"])
    assert np.allclose(shares, [[0.25, 0.75], [5.5 / 6, 0.5 / 6]])


def test_votes_differ_only_in_their_seed() -> None:
    asked: list[ChatRequest] = []

    def answer(request: ChatRequest) -> str:
        asked.append(request)
        return "b"

    shares = ScriptedLLM(answer).label_probabilities(["one"], ["a", "b"])
    draws = [r for r in asked if r.temperature > 0]
    assert len({r.key("m") for r in draws}) == len(draws) == VOTES
    assert np.allclose(shares, [[0.5 / 6, 5.5 / 6]])


def test_each_vote_is_cast_on_an_order_of_its_own_and_counted_for_its_prompt() -> None:
    asked: list[ChatRequest] = []

    def answer(request: ChatRequest) -> str:
        asked.append(request)
        prompt = request.messages[0].content
        return "c" if prompt.startswith("sure") else prompt.split()[1]

    def ordered(order: Sequence[str], vote: int = 0) -> list[str]:
        return [f"{text} {' '.join(order)}" for text in ("sure", "whatever")]

    shares = ScriptedLLM(answer).label_probabilities(ordered("abcd"), list("abcd"), ordered)
    orders = {r.messages[0].content for r in asked if r.temperature > 0 and r.messages[0].content.startswith("sure")}
    assert len(orders) == VOTES
    assert all(r.choices == tuple("abcd") for r in asked)
    assert shares[0].argmax() == 2
    assert shares[0][2] > 0.8
    again = ScriptedLLM(answer).label_probabilities(ordered("abcd"), list("abcd"), ordered)
    assert np.array_equal(shares, again)
