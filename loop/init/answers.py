"""What a first configuration needs beyond what the data says: given, found or asked."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.tables import read_table
from loop.init.look import ENOUGH_UNLABELLED, FirstLook, is_begun, look, text_column
from models.errors import ConfigError, DataError
from models.label_sets import class_names

MANY_CLASSES = 20
SENTENCES = {"ko": "이 글은 어느 분류에 속합니까?"}

Ask = Callable[[str, str], str]


@dataclass(frozen=True)
class Answers:
    """`classes` gives each name its meaning. `seed` takes the pool's own labelled rows to start from."""

    pool: Path
    task: str
    classes: dict[str, str]
    project: str
    holdout: Path | None = None
    seed: bool = False


def look_at(
    pool: Path,
    holdout: Path | None = None,
    text: str | None = None,
    label: str | None = None,
    classes: Sequence[str] = (),
) -> FirstLook:
    """What the pool holds; with a holdout file, the label column and the classes that stand there too. The rest as in
    `look`. Raises DataError."""
    table = read_table(pool)
    if holdout is None:
        return look(table, text, label, classes)
    text = text or text_column(table)
    held = look(read_table(holdout), text, label, classes)
    if held.label is None:
        there = ", ".join(held.columns)
        raise DataError(f"no column of {holdout} looks like labels: name it with --label; it has: {there}")
    found = look(table, text, held.label if held.label in table.frame.columns else "")
    # One of the files may have few labels, and none of them a set.
    many = held.multi_label or found.multi_label
    counts = dict.fromkeys(_classes(held, many), 0) | _classes(found, many)
    return replace(found, label=held.label, classes=counts, multi_label=many)


def _classes(found: FirstLook, many: bool) -> dict[str, int]:
    """How often each class stands in a file whose labels, with `many`, are sets."""
    counts: Counter[str] = Counter()
    for name, count in found.classes.items():
        for part in class_names(name, many):
            counts[part] += count
    return dict(counts)


def answers(
    pool: Path,
    found: FirstLook,
    ask: Ask,
    *,
    task: str | None = None,
    classes: Sequence[str] = (),
    project: str | None = None,
    holdout: Path | None = None,
) -> Answers:
    """Asks for what is neither given nor found: `ask(question, default)` returns an answer. Raises ConfigError where
    the classes stay unknown."""
    sentence = task or ask("What is to be decided of each text?", SENTENCES.get(found.language, "Which class is this?"))
    names = list(classes) or list(found.classes) or split_names(ask("The classes, with commas", ""))
    if len(names) < 2:
        raise ConfigError('the data does not say which classes there are: give them, --classes "one, another"')
    asked = names if len(names) <= MANY_CLASSES else []
    meanings = {name: ask(f"What does '{name}' mean? (Enter leaves it open)", "") for name in asked}
    return Answers(
        pool=pool,
        task=sentence,
        classes=dict.fromkeys(names, "") | meanings,
        project=project or ask("Title of the project in Label Studio", default_title(pool)),
        holdout=holdout,
        seed=can_seed(found) and ask("Start from the labels that are there?", "yes").lower().startswith("y"),
    )


def can_seed(found: FirstLook) -> bool:
    """Whether some texts have labels, of two classes or more, and enough have none."""
    return is_begun(found) and found.unlabelled >= ENOUGH_UNLABELLED


def split_names(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def default_title(data: Path) -> str:
    """A project title (Label Studio wants 3 to 50 characters) and a name for files, from the name of the data."""
    name = re.sub(r"[^\w-]+", "-", data.absolute().stem).strip("-")
    return (name if len(name) >= 3 else f"texts-{name}")[:50]
