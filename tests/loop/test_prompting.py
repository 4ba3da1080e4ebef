"""Prompts say all that is needed and give nothing away."""

import numpy as np
import pytest
from fakes import TASK
from hypothesis import given
from hypothesis import strategies as st

from loop.prompting import LANGUAGES, draw_attributes, labelling_prompt, writing_prompt
from models.records import ClassDefinition, TaskDescription, TrainingExample

EXAMPLES = [
    TrainingExample("1", 'It said "soon"', "late", "human"),
    TrainingExample("2", "costs $task or ${x}", "lost", "human"),
]


def written(language: str = "en", intended: str = "late", pair: tuple[str, str] = ("late", "lost")) -> str:
    task = TaskDescription(TASK.sentence, TASK.classes, language)
    (message,) = writing_prompt(task, pair, intended, EXAMPLES, "short, polite")
    return message.content


@pytest.mark.parametrize("language", [*LANGUAGES, "fr"])
def test_a_writing_prompt_says_all_that_is_needed(language: str) -> None:
    prompt = written(language)
    needed = ["late", "lost", "paid", "still on its way", TASK.sentence, "short, polite", '"text"']
    assert all(part in prompt for part in needed + [e.text for e in EXAMPLES])


def test_the_other_class_is_the_one_that_is_not_intended() -> None:
    assert 'belongs to "late" and could be mistaken for "lost"' in written(intended="late")
    assert 'belongs to "lost" and could be mistaken for "late"' in written(intended="lost")


def test_korean_prompts_are_korean_and_unknown_languages_english() -> None:
    assert "쓰세요" in written("ko")
    assert written("fr") == written("en")


def test_a_prompt_without_examples_is_whole() -> None:
    (message,) = writing_prompt(TASK, ("late", "lost"), "late", [], "short")
    assert "None" not in message.content
    assert "$" not in message.content


def test_of_many_classes_only_the_confused_pair_is_shown() -> None:
    classes = tuple(ClassDefinition(f"class-{n:02}", f"meaning {n:02}") for n in range(40))
    task = TaskDescription("Which?", classes)
    (message,) = writing_prompt(task, ("class-03", "class-17"), "class-03", [], "short")
    assert "meaning 03" in message.content
    assert "meaning 17" in message.content
    assert "meaning 05" not in message.content
    assert all(c.name in labelling_prompt(task, "x") for c in classes)


@given(st.text(max_size=200))
def test_any_text_stands_in_a_labelling_prompt_as_it_is(text: str) -> None:
    assert text in labelling_prompt(TASK, text)


def test_a_labelling_prompt_depends_on_nothing_but_task_and_text() -> None:
    one, other = labelling_prompt(TASK, "the first text"), labelling_prompt(TASK, "a second text")
    assert one.replace("the first text", "a second text") == other


def test_a_huge_text_does_not_make_a_huge_prompt() -> None:
    assert len(labelling_prompt(TASK, "x" * 100_000)) < 10_000
    huge = [TrainingExample("1", "x" * 100_000, "late", "human")]
    assert len(writing_prompt(TASK, ("late", "lost"), "late", huge, "short")[0].content) < 10_000


@pytest.mark.parametrize("language", [*LANGUAGES, "fr"])
def test_attributes_vary_and_follow_the_seed(language: str) -> None:
    draws = [draw_attributes(language, np.random.default_rng(seed)) for seed in range(40)]
    assert len(set(draws)) > 10
    assert draws[0] == draw_attributes(language, np.random.default_rng(0))
