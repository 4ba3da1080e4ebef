"""Prompts say all that is needed and give nothing away."""

from pathlib import Path

import numpy as np
import pytest
from fakes import TASK
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ConfigError
from models.prompting import LANGUAGES, PACKAGED, Prompts, draw_attributes, parse_attributes
from models.records import ClassDefinition, TaskDescription, TrainingExample

EXAMPLES = [
    TrainingExample("1", 'It said "soon"', "late", "human"),
    TrainingExample("2", "costs $task or ${x}", "lost", "human"),
]


def written(language: str = "en", intended: str = "late", mode: str = "border") -> str:
    task = TaskDescription(TASK.sentence, TASK.classes, language)
    (message,) = PACKAGED.writing(task, ("late", "lost"), intended, EXAMPLES, "short, polite", mode)
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
    (message,) = PACKAGED.writing(TASK, ("late", "lost"), "late", [], "short")
    assert "None" not in message.content
    assert "$" not in message.content


def test_of_many_classes_only_the_confused_pair_is_shown() -> None:
    classes = tuple(ClassDefinition(f"class-{n:02}", f"meaning {n:02}") for n in range(40))
    task = TaskDescription("Which?", classes)
    (message,) = PACKAGED.writing(task, ("class-03", "class-17"), "class-03", [], "short")
    assert "meaning 03" in message.content
    assert "meaning 17" in message.content
    assert "meaning 05" not in message.content
    assert all(c.name in PACKAGED.labelling(task, "x") for c in classes)


@given(st.text(max_size=200))
def test_any_text_stands_in_a_labelling_prompt_as_it_is(text: str) -> None:
    assert text in PACKAGED.labelling(TASK, text)


def test_a_labelling_prompt_depends_on_nothing_but_task_and_text() -> None:
    one, other = PACKAGED.labelling(TASK, "the first text"), PACKAGED.labelling(TASK, "a second text")
    assert one.replace("the first text", "a second text") == other


def test_a_huge_text_does_not_make_a_huge_prompt() -> None:
    assert len(PACKAGED.labelling(TASK, "x" * 100_000)) < 10_000
    huge = [TrainingExample("1", "x" * 100_000, "late", "human")]
    assert len(PACKAGED.writing(TASK, ("late", "lost"), "late", huge, "short")[0].content) < 10_000


@pytest.mark.parametrize("language", [*LANGUAGES, "fr"])
def test_attributes_vary_and_follow_the_seed(language: str) -> None:
    attributes = PACKAGED.attributes(language)
    draws = [draw_attributes(attributes, np.random.default_rng(seed)) for seed in range(40)]
    assert len(set(draws)) > 10
    assert draws[0] == draw_attributes(attributes, np.random.default_rng(0))


@pytest.mark.parametrize("language", [*LANGUAGES, "fr"])
@pytest.mark.parametrize("mode", ["paraphrase", "counterfactual"])
def test_a_prompt_that_starts_from_a_text_shows_it_and_the_intended_class(language: str, mode: str) -> None:
    prompt = written(language, "late", mode)
    assert all(part in prompt for part in ['"late"', EXAMPLES[0].text, '"text"', TASK.sentence])
    assert ('"lost"' in prompt.replace(EXAMPLES[1].text, "")) == (mode == "counterfactual")
    assert prompt != written(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_labelling_prompt_shows_the_examples_it_is_given_in_their_order(language: str) -> None:
    task = TaskDescription(TASK.sentence, TASK.classes, language)
    prompt = PACKAGED.labelling(task, "the text", EXAMPLES)
    places = [
        prompt.index(part) for part in ('"It said "soon"" → late', '"costs $task or ${x}" → lost', "\nthe text\n")
    ]
    assert places == sorted(places)
    assert "→" not in PACKAGED.labelling(task, "the text")


def test_classes_stand_in_the_order_that_is_asked_for() -> None:
    prompt = PACKAGED.labelling(TASK, "x", order=("paid", "late", "lost"))
    places = [prompt.index(f"- {name}") for name in ("paid", "late", "lost")]
    assert places == sorted(places)
    assert sorted(prompt.splitlines()) == sorted(PACKAGED.labelling(TASK, "x").splitlines())


def edited(folder: Path, name: str, text: str) -> Prompts:
    (folder / "en").mkdir()
    (folder / "en" / name).write_text(text, encoding="utf-8")
    return Prompts(folder)


def test_an_edited_prompt_takes_the_place_of_the_packaged_one(tmp_path: Path) -> None:
    prompts = edited(tmp_path, "label.txt", "Pick one of\n$classes\nfor: $text costs $$5")
    prompts.check("en")
    assert prompts.labelling(TASK, "abc").endswith("for: abc costs $5")
    korean = TaskDescription(TASK.sentence, TASK.classes, "ko")
    assert prompts.labelling(korean, "abc") == PACKAGED.labelling(korean, "abc")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("label.txt", "$classes", r"label\.txt does not say \$text"),
        ("label.txt", "$classes $text $intended", r"names \$intended, which is not filled in; there are: \$classes"),
        ("border.txt", "$intended costs $ 5", r"written \$\$"),
        ("attributes.toml", "length = 3", "no list of values"),
        ("attributes.toml", "length = ", "not valid TOML"),
        ("attributes.toml", "", "has no attribute"),
    ],
)
def test_a_mistake_in_an_edited_prompt_is_told_at_once(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        edited(tmp_path, name, text).check("en")


def test_attributes_keep_their_values() -> None:
    assert parse_attributes('tone = ["dry"]\nlength = ["short", "long"]', "x") == {
        "tone": ["dry"],
        "length": ["short", "long"],
    }
