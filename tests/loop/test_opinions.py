"""What LLMs think: by probabilities, by votes after a reason, after a second look, and several together."""

import json

import numpy as np
import pytest
from fakes import TASK

from loop.opinions import class_shares
from models.chat import ChatRequest
from models.llm import VOTES, ScriptedLLM

TEXTS, SHOWN = ["a lost parcel", "a strange parcel"], ((), ())
OTHERS = ("late", "paid")


def reasoned(request: ChatRequest) -> str | list[float]:
    """Sure of the first text; of the second it says another class each time, and "paid" once it has read why."""
    prompt = request.messages[0].content
    if request.choices:
        return [1.0, 1.0, 8.0] if "never seen one" in prompt else [1.0, 1.0, 1.0]
    lost = "a lost parcel" in prompt
    name = "lost" if lost else OTHERS[request.seed % 2]
    return json.dumps({"reason": "it says so" if lost else "never seen one", "class": name})


def test_votes_after_a_reason() -> None:
    asked: list[ChatRequest] = []

    def script(request: ChatRequest) -> str | list[float]:
        asked.append(request)
        return reasoned(request)

    shares = class_shares([ScriptedLLM(script)], TASK, TEXTS, SHOWN, method="reasoned")
    assert shares.argmax(axis=1).tolist() == [1, 2]
    assert shares[0, 1] > 0.85
    assert 0.3 < shares[1].max() < 0.6
    assert len(asked) == VOTES * len(TEXTS)
    orders = {tuple(r.messages[0].content.split("- ")[1:4]) for r in asked}
    assert len(orders) > 1


def test_only_divided_votes_are_looked_at_again_with_their_reasons() -> None:
    asked: list[str] = []

    def script(request: ChatRequest) -> str | list[float]:
        if request.choices:
            asked.append(request.messages[0].content)
        return reasoned(request)

    shares = class_shares([ScriptedLLM(script)], TASK, TEXTS, SHOWN, method="reviewed")
    (again,) = asked
    assert all(f"- {name}: never seen one" in again for name in OTHERS)
    assert shares[1] == pytest.approx([0.1, 0.1, 0.8])
    assert shares[0, 1] > 0.85


def test_where_a_second_look_says_nothing_the_votes_stand() -> None:
    def script(request: ChatRequest) -> str | list[float]:
        return [1.0, 1.0, 1.0] if request.choices else reasoned(request)

    reviewed, voted = (
        class_shares([ScriptedLLM(script)], TASK, TEXTS, SHOWN, method=method) for method in ("reviewed", "reasoned")
    )
    assert reviewed.tolist() == voted.tolist()


def test_an_answer_between_fences_is_a_vote() -> None:
    fenced = '```json\n{"reason": "it says so", "class": "lost"}\n```\n'
    shares = class_shares([ScriptedLLM(lambda _: fenced)], TASK, TEXTS, SHOWN, method="reasoned")
    assert shares.argmax(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("rubbish", ["", "lost", "[" * 50_000, '{"class": "root", "reason": "x"}', "null", "3"])
def test_what_names_no_class_is_no_vote(rubbish: str) -> None:
    shares = class_shares([ScriptedLLM(lambda _: rubbish)], TASK, TEXTS, SHOWN, method="reasoned")
    assert shares == pytest.approx(1 / 3)


def test_llms_that_agree_are_sure_and_those_that_do_not_are_not() -> None:
    one = ScriptedLLM(lambda _: (8, 1, 1), "one")
    same, other = ScriptedLLM(lambda _: (8, 1, 1), "same"), ScriptedLLM(lambda _: (1, 8, 1), "other")
    assert class_shares([one, same], TASK, TEXTS[:1], SHOWN[:1])[0] == pytest.approx([0.8, 0.1, 0.1])
    (apart,) = class_shares([one, other], TASK, TEXTS[:1], SHOWN[:1])
    assert apart[0] == pytest.approx(apart[1])
    assert apart.max() < 0.5
    assert np.isclose(apart.sum(), 1)


def test_of_what_a_further_llm_was_not_asked_nothing_is_said() -> None:
    sure, silent = ScriptedLLM(lambda _: (8, 1, 1), "sure"), ScriptedLLM(lambda _: (1, 1, 1), "silent")
    assert class_shares([sure, silent], TASK, TEXTS[:1], SHOWN[:1])[0] == pytest.approx([1 / 3] * 3)


def test_votes_without_probabilities_are_cast_on_two_wordings() -> None:
    asked: list[str] = []

    def script(request: ChatRequest) -> str:
        asked.append(request.messages[0].content)
        return "lost"

    shares = class_shares([ScriptedLLM(script)], TASK, TEXTS[:1], SHOWN[:1])
    assert shares.argmax() == 1
    assert {prompt.splitlines()[-1] for prompt in asked} == {
        "The class is:",
        "Answer with the name of the class alone:",
    }
