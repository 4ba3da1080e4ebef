"""Prompts from template files, one folder a language: the packaged ones in `prompts/`, or a user's edited copies."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from models.chat import Message
from models.errors import ConfigError
from models.records import ClassDefinition, TaskDescription, TrainingExample

LANGUAGES = ("en", "ko")
MANY_CLASSES = 20
WRITING = {"task", "classes", "first", "second", "examples", "intended", "other", "attributes"}
# What each template may say, and what it must: without that, every answer would be to another question.
PLACEHOLDERS = {
    "label.txt": ({"task", "classes", "text"}, {"classes", "text"}),
    "label_otherwise.txt": ({"task", "classes", "text"}, {"classes", "text"}),
    "reason_and_label.txt": ({"task", "classes", "text", "examples"}, {"classes", "text"}),
    "review.txt": ({"task", "classes", "text", "opinions"}, {"classes", "text"}),
    "label_with_examples.txt": ({"task", "classes", "text", "examples"}, {"classes", "text", "examples"}),
    "clear.txt": (WRITING, {"intended"}),
    "border.txt": (WRITING, {"intended"}),
    "paraphrase.txt": (WRITING, {"intended", "examples"}),
    "counterfactual.txt": (WRITING, {"intended", "examples"}),
    "length.txt": ({"words"}, {"words"}),
    "several.txt": ({"count", "intended"}, {"count"}),
    "reason.txt": ({"intended", "other"}, set()),
    "answer.txt": ({"shape"}, {"shape"}),
    "attributes.txt": ({"task", "classes"}, {"task"}),
    "narrower.txt": ({"task", "classes", "attribute", "values"}, {"attribute", "values"}),
}
PACKAGED_FILES = (*PLACEHOLDERS, "attributes.toml")
MODES = {
    "clear": "clear.txt",
    "border": "border.txt",
    "paraphrase": "paraphrase.txt",
    "counterfactual": "counterfactual.txt",
}
Values = Sequence[str] | Mapping[str, Sequence[str]]
Attributes = Mapping[str, Values]  # a tree of concepts: attribute, values, and narrower values below some of them


@dataclass(frozen=True)
class Prompts:
    """The prompts of every stage. A template that lies in `folder/<language>/` takes the place of the packaged one.

    Methods raise ConfigError for a template that cannot be read, lacks what it must say or names what nobody fills in.
    """

    folder: Path | None = None

    def writing(
        self,
        task: TaskDescription,
        pair: tuple[str, str],
        intended: str,
        examples: Sequence[TrainingExample],
        attributes: str,
        mode: str = "clear",
        texts: int = 1,
        rationale: bool = False,
        words: int | None = None,
    ) -> tuple[Message, ...]:
        """Asks for so many `texts` of class `intended`, confused with the other of `pair`, of about so many `words`,
        and with `rationale` first for what makes them so; `examples` are real ones.

        In mode "clear" the text is new and plainly of its class, in "border" new and hard to tell from the other; in
        "paraphrase" it says again what an example says, in "counterfactual" it changes as little of one as makes it of
        the intended class (Kaushik, Hovy and Lipton, ICLR 2020).
        """
        first, second = pair
        shown = task.classes if len(task.classes) <= MANY_CLASSES else [c for c in task.classes if c.name in pair]
        other = second if intended == first else first
        length = [] if words is None else [self._filled(task.language, "length.txt", words=words)]
        content = self._filled(
            task.language,
            MODES[mode],
            task=task.sentence,
            classes=_class_list(shown),
            first=first,
            second=second,
            examples="\n".join(f'- {e.label}: "{e.text[:500]}"' for e in examples) or "- …",
            intended=intended,
            other=other,
            attributes=", ".join([attributes, *length]),
        )
        shape = '"text": "..."' if texts == 1 else '"texts": ["...", "..."]'
        more = [] if texts == 1 else [self._filled(task.language, "several.txt", count=texts, intended=intended)]
        if rationale:
            shape = f'"reason": "...", {shape}'
            more.append(self._filled(task.language, "reason.txt", intended=intended, other=other))
        more.append(self._filled(task.language, "answer.txt", shape=f"{{{shape}}}"))
        return (Message("user", "\n".join([content, *more])),)

    def labelling(
        self,
        task: TaskDescription,
        text: str,
        examples: Sequence[TrainingExample] = (),
        order: Sequence[str] = (),
        wording: int = 0,
    ) -> str:
        """Asks for the class of `text`, without any hint of what it was written for, as people have labelled the
        `examples`; the classes stand in the `order` of names that is given, else in the task's. `wording` 1 says the
        same in other words, where there are no examples."""
        name = "label_with_examples.txt" if examples else ("label.txt", "label_otherwise.txt")[wording]
        return self._asked(task, name, text, order, **(_labelled(examples) if examples else {}))

    def reasoning(
        self, task: TaskDescription, text: str, examples: Sequence[TrainingExample] = (), order: Sequence[str] = ()
    ) -> str:
        """The same, for a reason before the class, in JSON."""
        return self._asked(task, "reason_and_label.txt", text, order, **_labelled(examples))

    def reviewing(self, task: TaskDescription, text: str, opinions: Sequence[tuple[str, str]]) -> str:
        """Asks for the class of a `text` of which others have said (class, reason)."""
        said = "\n".join(f"- {name}: {reason[:300]}" for name, reason in opinions)
        return self._asked(task, "review.txt", text, (), opinions=said)

    def _asked(self, task: TaskDescription, name: str, text: str, order: Sequence[str], **more: str) -> str:
        classes = sorted(task.classes, key=lambda c: order.index(c.name)) if order else task.classes
        return self._filled(
            task.language, name, task=task.sentence, classes=_class_list(classes), text=text[:4000], **more
        )

    def proposing(self, task: TaskDescription) -> tuple[Message, ...]:
        """Asks in which ways texts of the task differ, other than in their class."""
        template = self._template(task.language, "attributes.txt")
        return (Message("user", template.substitute(task=task.sentence, classes=_class_list(task.classes))),)

    def narrowing(self, task: TaskDescription, attribute: str, values: Sequence[str]) -> tuple[Message, ...]:
        """Asks for narrower values below each of the `values` of an attribute."""
        listed = "\n".join(f"- {value}" for value in values)
        content = self._filled(
            task.language,
            "narrower.txt",
            task=task.sentence,
            classes=_class_list(task.classes),
            attribute=attribute,
            values=listed,
        )
        return (Message("user", content),)

    def attributes(self, language: str) -> Attributes:
        """The packaged attributes and their values, or the user's own."""
        text, where = self._read(language, "attributes.toml")
        return parse_attributes(text, where)

    def check(self, language: str) -> None:
        """Reads every template of a language, so that a mistake in one is told before anything is spent."""
        for name in PLACEHOLDERS:
            self._template(language, name)
        self.attributes(language)

    def _filled(self, language: str, name: str, **values: object) -> str:
        return self._template(language, name).substitute(values)

    def _template(self, language: str, name: str) -> Template:
        text, where = self._read(language, name)
        return _parse(text.rstrip("\n"), where, name)

    def _read(self, language: str, name: str) -> tuple[str, str]:
        """The file's text, and where it stands."""
        own = self.folder / language / name if self.folder else None
        if own is None or not own.is_file():
            return packaged(language, name), f"the packaged {name}"
        try:
            return own.read_text(encoding="utf-8"), str(own)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the prompt {own} cannot be read as UTF-8 text: {error}") from error


PACKAGED = Prompts()


def draw_attributes(attributes: Attributes, rng: np.random.Generator) -> str:
    """One value of every attribute, as a phrase; with a narrower one below it where there is any."""
    return ", ".join(_draw(values, rng) for values in attributes.values())


def _draw(values: Values, rng: np.random.Generator) -> str:
    value = str(rng.choice(list(values)))
    below = values[value] if isinstance(values, Mapping) else ()
    return f"{value}: {rng.choice(list(below))}" if below else value


def parse_attributes(text: str, where: str) -> Attributes:
    """Attributes from TOML: each a list of values, or a table of values with lists of narrower ones. Raises
    ConfigError."""
    try:
        found: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}") from error
    for name, values in found.items():
        lists = list(values.values()) if isinstance(values, dict) else [values]
        if not values or not all(_are_texts(one) for one in lists) or not all(str(v).strip() for v in values):
            raise ConfigError(
                f'{where}: \'{name}\' is no list of values; write it as {name} = ["one", "another"], '
                f'or as a table [{name}] with lines such as one = ["narrower", "or so"]'
            )
    if not found:
        raise ConfigError(f'{where} has no attribute; write at least one, such as length = ["short", "long"]')
    return found


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(v, str) and v.strip() for v in values)


@cache
def packaged(language: str, name: str) -> str:
    """A packaged prompt file; English where there is none in the language."""
    folder = language if language in LANGUAGES else "en"
    return files("models").joinpath("prompts", folder, name).read_text(encoding="utf-8")


@cache
def _parse(text: str, where: str, name: str) -> Template:
    template = Template(text)
    may, must = PLACEHOLDERS[name]
    try:
        named = set(template.get_identifiers())
        template.substitute(dict.fromkeys(named, ""))
    except ValueError as error:
        raise ConfigError(f"{where}: {error}; a dollar sign that stands for itself is written $$") from error
    if unknown := sorted(named - may):
        raise ConfigError(f"{where} names ${unknown[0]}, which is not filled in; there are: {_dollars(may)}")
    if missing := sorted(must - named):
        raise ConfigError(f"{where} does not say ${missing[0]}: put it where it belongs")
    return template


def _dollars(names: set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))


def _labelled(examples: Sequence[TrainingExample]) -> dict[str, str]:
    return {"examples": "\n".join(f'"{e.text[:500]}" → {e.label}' for e in examples) or "…"}


def _class_list(classes: Sequence[ClassDefinition]) -> str:
    return "\n".join(f"- {c.name}: {c.definition}" if c.definition else f"- {c.name}" for c in classes)
