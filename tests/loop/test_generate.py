"""Texts written for the regions: what is asked, and what is read from the answers."""

import json

import numpy as np
import pytest
from fakes import TASK
from hypothesis import given
from hypothesis import strategies as st

from loop.generate import Style, generate, nearest, parse_text
from models.llm import ScriptedLLM
from models.records import Candidate, ChatRequest, Completion, Region, Rejection, TrainingExample, text_id

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


def write(answer: Writer, texts: int, regions: list[Region], seed: int = 0) -> tuple[list[Candidate], list[Rejection]]:
    return generate(ScriptedLLM(answer), TASK, regions, VERIFIED, VECTORS, texts, np.random.default_rng(seed))


def test_texts_are_spread_over_regions_and_their_two_classes() -> None:
    candidates, rejections = write(Writer(), 8, [EAST, NORTH])
    assert rejections == []
    plans = [(c.region, c.intended) for c in candidates]
    assert sorted(plans) == sorted([(0, "late"), (0, "lost"), (1, "lost"), (1, "paid")] * 2)


def test_each_text_has_its_birth_certificate() -> None:
    writer = Writer()
    candidates, _ = write(writer, 2, [EAST])
    for candidate, request in zip(candidates, writer.asked, strict=True):
        assert candidate.id == text_id(candidate.text)
        assert candidate.request == request.key("scripted")
        assert (candidate.round, candidate.model) == (2, "scripted")
        assert candidate.parents == ("nearer", "near", "lost")


def test_the_prompt_shows_the_parents_and_no_others() -> None:
    writer = Writer()
    write(writer, 1, [EAST])
    prompt = writer.asked[0].messages[-1].content
    assert all(text in prompt for text in ("late and nearer", "late and near", "lost and near", TASK.sentence))
    assert "late but far" not in prompt
    assert "paid near" not in prompt


def test_equal_plans_are_asked_apart() -> None:
    writer = Writer()
    write(writer, 12, [EAST])
    assert len({request.key("m") for request in writer.asked}) == 12


def test_one_seed_one_set_of_requests() -> None:
    first, again, other = Writer(), Writer(), Writer()
    for writer, seed in ((first, 1), (again, 1), (other, 2)):
        write(writer, 4, [EAST, NORTH], seed)
    assert first.asked == again.asked != other.asked


@pytest.mark.parametrize(("texts", "regions"), [(5, []), (0, [EAST])])
def test_nothing_is_asked_without_regions_or_texts(texts: int, regions: list[Region]) -> None:
    writer = Writer()
    assert write(writer, texts, regions) == ([], [])
    assert writer.asked == []


def test_what_is_no_text_comes_back_with_its_reason() -> None:
    answers = iter([say("good"), "sorry, no", say("  ")])
    llm = ScriptedLLM(lambda _: next(answers))
    candidates, rejections = generate(llm, TASK, [EAST], VERIFIED, VECTORS, 3, np.random.default_rng(0))
    assert len(candidates) == 3
    assert [(r.key, r.reason) for r in rejections] == [
        (candidates[1].request, "not-json"),
        (candidates[2].request, "no-text"),
    ]


def test_texts_are_written_before_anything_is_verified() -> None:
    llm = ScriptedLLM(Writer())
    vectors = np.zeros((0, 2), dtype=np.float32)
    (candidate,), _ = generate(llm, TASK, [EAST], [], vectors, 1, np.random.default_rng(0))
    assert candidate.parents == ()


def test_modes_take_turns_and_start_from_a_text_of_the_right_class() -> None:
    writer = Writer()
    style = Style(modes=("border", "paraphrase", "counterfactual"), temperature=0.3, max_tokens=50)
    rng = np.random.default_rng(0)
    candidates, _ = generate(ScriptedLLM(writer), TASK, [EAST], VERIFIED, VECTORS, 6, rng, style=style)
    labels = {e.id: e.label for e in VERIFIED}
    assert [c.intended for c in candidates] == ["late", "lost"] * 3
    assert [len(c.parents) for c in candidates] == [3, 3, 1, 1, 1, 1]
    assert [labels[c.parents[0]] for c in candidates[2:]] == ["late", "lost", "lost", "late"]
    prompts = [request.messages[0].content for request in writer.asked]
    assert ["other words" in p for p in prompts] == [False, False, True, True, False, False]
    assert ["few of its words" in p for p in prompts] == [False] * 4 + [True, True]
    assert {(r.temperature, r.max_tokens) for r in writer.asked} == {(0.3, 50)}


def test_without_a_text_to_start_from_it_writes_a_new_one() -> None:
    writer = Writer()
    only_late = [e for e in VERIFIED if e.label == "late"]
    style, rng = Style(modes=("counterfactual",)), np.random.default_rng(0)
    candidates, _ = generate(ScriptedLLM(writer), TASK, [EAST], only_late, VECTORS[:3], 2, rng, style=style)
    assert "few of its words" not in writer.asked[0].messages[0].content
    assert "few of its words" in writer.asked[1].messages[0].content
    assert [c.intended for c in candidates] == ["late", "lost"]


def test_texts_are_to_differ_in_the_attributes_that_are_given() -> None:
    writer = Writer()
    style, rng = Style(attributes={"era": ["Victorian"]}), np.random.default_rng(0)
    generate(ScriptedLLM(writer), TASK, [EAST], VERIFIED, VECTORS, 1, rng, style=style)
    assert "Victorian" in writer.asked[0].messages[0].content


def test_the_nearest_of_either_class_come_first() -> None:
    assert [e.id for e in nearest(EAST, VERIFIED, VECTORS)] == ["nearer", "near", "lost"]
    assert [e.id for e in nearest(NORTH, VERIFIED, VECTORS)] == ["lost", "paid"]


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
    assert parse_text(completion(raw)) == ("a b", None)


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
    text, found = parse_text(completion(raw))
    assert found == reason
    assert len(text) <= 2000


def test_a_cut_text_is_not_kept() -> None:
    assert parse_text(completion(say("looks whole"), "length"))[1] == "truncated"


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
    text, reason = parse_text(completion(raw, finish))
    text_id(text)
    assert len(text) <= 2000
    if reason is None:
        assert text
        assert text == " ".join(text.split())


def test_a_long_text_that_is_not_unicode_can_be_stored() -> None:
    text, _ = parse_text(completion('{"text": "' + "\\ud800" * 2001 + '"}'))
    text_id(text)


@pytest.mark.parametrize("nothing", ["\u200b", "\u2060\ufeff", "\x00", "..."])
def test_a_text_that_nobody_can_read_is_not_kept(nothing: str) -> None:
    assert parse_text(completion(json.dumps({"text": nothing})))[1] == "no-text"
