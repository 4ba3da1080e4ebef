"""Texts written for the regions: what is asked, and what is read from the answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import TASK
from hypothesis import given
from hypothesis import strategies as st

from loop.generate import Material, Style, count_words, generate
from loop.reading import read_texts
from loop.steering import Slot, slots
from models.chat import ChatRequest, Completion
from models.llm import ScriptedLLM
from models.records import Candidate, Region, Rejection, TrainingExample, text_id

EAST = Region(2, 0, ("m",), ("late", "lost"), 0.9, (1.0, 0.0))
NORTH = Region(2, 1, ("n",), ("lost", "paid"), 0.8, (0.0, 1.0))
VERIFIED = [
    TrainingExample("far", "late but far", "late", "human"),
    TrainingExample("near", "late and near", "late", "human"),
    TrainingExample("nearer", "late and nearer", "late", "human"),
    TrainingExample("lost", "lost and near", "lost", "human"),
    TrainingExample("paid", "paid near", "paid", "human"),
]
VECTORS = np.array([[-1, 0], [0.8, 0.6], [1, 0], [1, 0], [1, 0]], dtype=np.float32)


def say(text: str) -> str:
    return json.dumps({"text": text})


class Writer:
    """Writes a text of its own each time, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[ChatRequest] = []

    def __call__(self, request: ChatRequest) -> str:
        self.asked.append(request)
        return say(f"text number {len(self.asked)}")


SLOTS = slots([EAST, NORTH], {}, {}, {})
MATERIAL = Material(VERIFIED, VECTORS)
BORDER = Style(modes=("border",))


def write(
    answer: Callable[[ChatRequest], str],
    wanted: Sequence[Slot],
    seed: int = 0,
    material: Material = MATERIAL,
    style: Style = BORDER,
) -> tuple[list[Candidate], list[Rejection]]:
    return generate(ScriptedLLM(answer), TASK, wanted, material, np.random.default_rng(seed), style=style)


def test_a_text_is_written_for_each_slot() -> None:
    candidates, rejections = write(Writer(), SLOTS * 2)
    assert rejections == []
    plans = [(c.region, c.intended) for c in candidates]
    assert sorted(plans) == sorted([(0, "late"), (0, "lost"), (1, "lost"), (1, "paid")] * 2)


def test_each_text_has_its_birth_certificate() -> None:
    writer = Writer()
    candidates, _ = write(writer, SLOTS[:2])
    for candidate, request in zip(candidates, writer.asked, strict=True):
        assert candidate.id == text_id(candidate.text)
        assert candidate.request == request.key("scripted")
        assert (candidate.round, candidate.model) == (2, "scripted")
        assert candidate.parents == ("nearer", "near", "lost")


def test_the_prompt_shows_the_parents_and_no_others() -> None:
    writer = Writer()
    write(writer, SLOTS[:1])
    prompt = writer.asked[0].messages[-1].content
    assert all(text in prompt for text in ("late and nearer", "late and near", "lost and near", TASK.sentence))
    assert "late but far" not in prompt
    assert "paid near" not in prompt


def test_equal_plans_are_asked_apart() -> None:
    writer = Writer()
    write(writer, SLOTS[:1] * 12)
    assert len({request.key("m") for request in writer.asked}) == 12


def test_one_seed_one_set_of_requests() -> None:
    first, again, other = Writer(), Writer(), Writer()
    for writer, seed in ((first, 1), (again, 1), (other, 2)):
        write(writer, SLOTS, seed)
    assert first.asked == again.asked != other.asked


def test_nothing_is_asked_where_nothing_is_wanted() -> None:
    writer = Writer()
    assert write(writer, []) == ([], [])
    assert writer.asked == []


def test_what_is_no_text_comes_back_with_its_reason() -> None:
    answers = iter([say("good"), "sorry, no", say("  ")])
    candidates, rejections = write(lambda _: next(answers), SLOTS[:1] * 3)
    assert len(candidates) == 3
    assert [(r.key, r.reason) for r in rejections] == [
        (candidates[1].key, "not-json"),
        (candidates[2].key, "no-text"),
    ]


def test_texts_are_written_before_anything_is_verified() -> None:
    nothing = Material([], np.zeros((0, 2), dtype=np.float32))
    (candidate,), _ = write(Writer(), SLOTS[:1], material=nothing)
    assert candidate.parents == ()


def test_modes_take_turns_and_start_from_a_text_of_the_right_class() -> None:
    writer = Writer()
    style = Style(modes=("clear", "paraphrase", "counterfactual"), temperature=0.3, max_tokens=50)
    candidates, _ = write(writer, SLOTS[:2] * 3, style=style)
    labels = {e.id: e.label for e in VERIFIED}
    assert [len(c.parents) for c in candidates] == [3, 1, 1, 3, 1, 1]
    for place, same in ((1, True), (2, False), (4, True), (5, False)):
        assert (labels[candidates[place].parents[0]] == candidates[place].intended) is same
    prompts = [request.messages[0].content for request in writer.asked]
    assert ["clearly belong to" in p for p in prompts] == [True, False, False] * 2
    assert ["other words" in p for p in prompts] == [False, True, False] * 2
    assert ["few of its words" in p for p in prompts] == [False, False, True] * 2
    assert {(r.temperature, r.max_tokens) for r in writer.asked} == {(0.3, 50)}


def test_without_a_text_to_start_from_it_writes_a_new_one() -> None:
    writer = Writer()
    only_late = Material([e for e in VERIFIED if e.label == "late"], VECTORS[:3])
    candidates, _ = write(writer, SLOTS[:2], material=only_late, style=Style(modes=("counterfactual",)))
    for candidate, request in zip(candidates, writer.asked, strict=True):
        assert ("few of its words" in request.messages[0].content) is (candidate.intended == "lost")


def test_texts_are_to_differ_in_the_attributes_that_are_given() -> None:
    writer = Writer()
    write(writer, SLOTS[:1], style=Style(attributes={"era": ["Victorian"]}))
    assert "Victorian" in writer.asked[0].messages[0].content


def test_texts_are_to_be_as_long_as_real_ones_of_their_region() -> None:
    writer = Writer()
    write(writer, SLOTS, material=replace(MATERIAL, lengths={0: [7], 1: [31, 31]}))
    asked = [request.messages[0].content for request in writer.asked]
    assert sorted("about 7 words" in prompt for prompt in asked) == [False, False, True, True]
    assert all(("about 7 words" in prompt) != ("about 31 words" in prompt) for prompt in asked)


def test_no_text_is_to_be_longer_than_it_may_be() -> None:
    writer = Writer()
    write(writer, SLOTS[:1], material=replace(MATERIAL, lengths={0: [300]}), style=Style(max_tokens=100))
    assert "about 50 words" in writer.asked[0].messages[0].content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("where is it", 3),
        ("택배가 아직 안 왔어요", 4),
        ("我的包裹三周以来一直没有送到", 0),
        ("荷物が三週間も届きませんよ", 0),
        ("", 0),
    ],
)
def test_words_are_counted_where_spaces_tell_them_apart(text: str, words: int) -> None:
    assert count_words(text) == words


def test_several_texts_come_in_one_answer_each_a_candidate_of_its_own() -> None:
    answers = iter([json.dumps({"texts": ["one", "two", "one", ""]}), json.dumps({"texts": ["three"]})])
    asked: list[ChatRequest] = []

    def script(request: ChatRequest) -> str:
        asked.append(request)
        return next(answers)

    style = Style(per_call=4, max_tokens=50)
    candidates, rejections = write(script, SLOTS[:1] * 5, style=style)
    assert [c.text for c in candidates] == ["one", "two", '""', "three"]
    assert len({c.key for c in candidates}) == 4
    assert [(r.key, r.reason) for r in rejections] == [(candidates[2].key, "no-text")]
    assert sorted(r.max_tokens for r in asked) == [50, 200]


def test_a_reason_comes_before_the_text_and_is_not_kept() -> None:
    writer = Writer()
    write(writer, SLOTS[:1], style=Style(rationale=True))
    (request,) = writer.asked
    assert '{"reason": "...", "text": "..."}' in request.messages[0].content
    assert list(json.loads(str(request.schema))["properties"]) == ["reason", "text"]
    assert request.max_tokens >= Style().max_tokens + 60


def test_a_class_that_nobody_has_labelled_is_shown_what_was_written_for_it() -> None:
    writer = Writer()
    own = Candidate("w", "an earlier one", 1, 0, "paid", "r", "m", ())
    unknown = Material(VERIFIED[:4], VECTORS[:4], written=[own])
    (candidate,), _ = write(writer, SLOTS[3:], material=unknown)
    assert candidate.parents == ("w", "lost")
    assert 'paid: "an earlier one"' in writer.asked[0].messages[0].content


def test_a_region_whose_texts_are_turned_down_gets_no_more() -> None:
    seen: list[str] = []

    def script(request: ChatRequest) -> str:
        seen.append(request.messages[0].content)
        return say(f"text number {len(seen)}")

    def north(written: Sequence[Candidate]) -> dict[int, str]:
        return {i: "duplicate" for i, c in enumerate(written) if c.region == NORTH.index}

    rng = np.random.default_rng(0)
    candidates, rejections = generate(ScriptedLLM(script), TASK, SLOTS * 12, MATERIAL, rng, turned_down=north)
    assert rejections == [c.rejected("duplicate") for c in candidates if c.region == NORTH.index]
    places = [c.region for c in candidates]
    assert places.count(EAST.index) == 24
    assert 4 <= places.count(NORTH.index) <= 16
    assert set(places[16:]) == {EAST.index}


def test_a_server_that_takes_more_at_once_is_asked_for_more_at_once() -> None:
    class Counting(ScriptedLLM):
        def chat(self, requests: Sequence[ChatRequest], *rest: Any) -> list[Completion]:
            at_once.append(len(requests))
            return super().chat(requests, *rest)

    at_once: list[int] = []
    llm, rng = Counting(Writer()), np.random.default_rng(0)
    generate(llm, TASK, SLOTS * 12, MATERIAL, rng, style=Style(wave=32))
    assert at_once == [32, 16]


def completion(text: str, finish: str = "stop") -> Completion:
    return Completion(text, 1, 1, 0.0, finish)


@pytest.mark.parametrize(
    "raw",
    [
        '{"text": "a b"}',
        '```json\n{"text": "a b"}\n```',
        '\n {"text": " a\\n\\tb ", "why": "x"}\n',
        '```\n{"text":"a b"}\n``` ',
    ],
)
def test_a_text_is_read_from_json(raw: str) -> None:
    assert read_texts(completion(raw)) == [("a b", None)]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("My parcel is late.", "not-json"),
        ("", "not-json"),
        ('{"text": "open', "not-json"),
        ("[" * 100_000, "not-json"),
        ('["a"]', "no-text"),
        ("null", "no-text"),
        ('{"txt": "a"}', "no-text"),
        ('{"text": 3}', "no-text"),
        ('{"text": ["a"]}', "no-text"),
        ('{"text": "\\n "}', "no-text"),
        (say("word " * 1000), "too-long"),
    ],
)
def test_what_is_no_text_is_told_apart(raw: str, reason: str) -> None:
    ((text, found),) = read_texts(completion(raw))
    assert found == reason
    assert len(text) <= 2000


def test_of_several_texts_each_is_read_or_has_its_reason() -> None:
    answer = completion(json.dumps({"texts": ["one", None, 3, "two", "three"]}))
    assert read_texts(answer, 4) == [("one", None), ("null", "no-text"), ("3", "no-text"), ("two", None)]


def test_a_cut_text_is_not_kept() -> None:
    assert read_texts(completion("", "refused")) == [("", "refused")]
    assert read_texts(completion(say("looks whole"), "length"))[0][1] == "truncated"


@given(
    st.one_of(
        st.text(),
        st.text().map(say),
        st.recursive(
            st.one_of(st.none(), st.integers(), st.text()),
            lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.just("text"), inner)),
        ).map(json.dumps),
        st.text().map(lambda text: f"```json\n{text}\n```"),
    ),
    st.sampled_from(["stop", "length"]),
)
def test_any_completion_is_read_and_nothing_empty_kept(raw: str, finish: str) -> None:
    ((text, reason),) = read_texts(completion(raw, finish))
    text_id(text)
    assert len(text) <= 2000
    if reason is None:
        assert text
        assert text == " ".join(text.split())


def test_a_long_text_that_is_not_unicode_can_be_stored() -> None:
    ((text, _),) = read_texts(completion('{"text": "' + "\\ud800" * 2001 + '"}'))
    text_id(text)


@pytest.mark.parametrize("nothing", ["\u200b", "\u2060\ufeff", "\x00", "..."])
def test_a_text_that_nobody_can_read_is_not_kept(nothing: str) -> None:
    assert read_texts(completion(json.dumps({"text": nothing})))[0][1] == "no-text"
