"""Prompts from the template files in `prompts/`, one folder a language."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template

import numpy as np

from models.records import ClassDefinition, Message, TaskDescription, TrainingExample

LANGUAGES = ("en", "ko")
MANY_CLASSES = 20


def writing_prompt(
    task: TaskDescription,
    pair: tuple[str, str],
    intended: str,
    examples: Sequence[TrainingExample],
    attributes: str,
) -> tuple[Message, ...]:
    """Asks for one text of class `intended` near the border of `pair`; `examples` are verified by humans."""
    first, second = pair
    shown = task.classes if len(task.classes) <= MANY_CLASSES else [c for c in task.classes if c.name in pair]
    content = _template(task.language, "write.txt").substitute(
        task=task.sentence,
        classes=_class_list(shown),
        first=first,
        second=second,
        examples="\n".join(f'- {e.label}: "{e.text[:500]}"' for e in examples) or "- …",
        intended=intended,
        other=second if intended == first else first,
        attributes=attributes,
    )
    return (Message("user", content),)


def labelling_prompt(task: TaskDescription, text: str) -> str:
    """Asks for the class of `text`, without any hint of what it was written for."""
    template = _template(task.language, "label.txt")
    return template.substitute(task=task.sentence, classes=_class_list(task.classes), text=text[:4000])


def draw_attributes(language: str, rng: np.random.Generator) -> str:
    """One value of every attribute, as a phrase."""
    return ", ".join(str(rng.choice(values)) for values in _attributes(language).values())


def _class_list(classes: Sequence[ClassDefinition]) -> str:
    return "\n".join(f"- {c.name}: {c.definition}" if c.definition else f"- {c.name}" for c in classes)


@cache
def _template(language: str, name: str) -> Template:
    return Template(_read(language, name).rstrip("\n"))


@cache
def _attributes(language: str) -> dict[str, list[str]]:
    return tomllib.loads(_read(language, "attributes.toml"))


def _read(language: str, name: str) -> str:
    folder = language if language in LANGUAGES else "en"
    return files("loop").joinpath("prompts", folder, name).read_text(encoding="utf-8")
