"""What data that nobody prepared holds: which columns matter, the language, the lengths, the labels."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from connectors.datasets import column
from connectors.tables import Table
from loop.copies import plain_text
from loop.init.language import language_of
from models.errors import DataError
from models.label_sets import SEPARATOR, class_names, split

SAMPLE = 1000
MOST_CLASSES = 200
LONGEST_NAME = 80
SHOWN = 12
SENTENCE = 4
ENOUGH_UNLABELLED = 100
_NAMES_OF_LABELS = re.compile(
    r"label|class|categor|intent|target|topic|sentiment|라벨|레이블|분류|유형|카테고리|의도|감정"
)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(r"[가-힣ぁ-ヿ一-鿿]{2,}")


@dataclass(frozen=True)
class FirstLook:
    """`rows` are those that have a text. `texts` counts distinct ones, `unlabelled` those of them that no row gives a
    label. Lengths are in characters. `classes` counts labelled rows, the largest first; with `multi_label` a row counts
    for each class it names. `other_labels` are columns that could hold the label as well."""

    rows: int
    blank: int
    encoding: str
    columns: tuple[str, ...]
    text: str
    label: str | None
    other_labels: tuple[str, ...]
    language: str
    texts: int
    unlabelled: int
    median_length: int
    longest: int
    classes: dict[str, int]
    multi_label: bool


def look(table: Table, text: str | None = None, label: str | None = None, classes: Sequence[str] = ()) -> FirstLook:
    """Reads off a table what its texts and labels are; `text` and `label` name the columns where they are known, an
    empty `label` says that there is none; where `classes` are known, labels are of these. Raises DataError where no
    column looks like text, or a name is wrong."""
    text = text or text_column(table)
    candidates = [label] if label else [] if label == "" else label_columns(table, text, classes)
    cells = column(table, text)
    named = column(table, candidates[0]) if candidates else [""] * len(cells)
    texts, labels = [t for t in cells if t], [name for name, t in zip(named, cells, strict=True) if t]
    if not texts:
        raise DataError(f"no text in column '{text}' of {table.source}: name another with --text")
    plain = [plain_text(t) for t in texts]
    known = {t for t, name in zip(plain, labels, strict=True) if name}
    lengths = [len(t) for t in texts]
    many = _are_sets(labels)
    return FirstLook(
        rows=len(texts),
        blank=table.blank + len(cells) - len(texts),
        encoding=table.encoding,
        columns=tuple(map(str, table.frame.columns)),
        text=text,
        label=candidates[0] if candidates else None,
        other_labels=tuple(candidates[1:]),
        language=language_of(texts),
        texts=len(set(plain)),
        unlabelled=len(set(plain) - known),
        median_length=int(np.median(lengths)),
        longest=max(lengths),
        classes=dict(Counter(n for name in labels for n in class_names(name, many) if n).most_common()),
        multi_label=many,
    )


def _are_sets(labels: Sequence[str]) -> bool:
    """Whether labels are sets, as models/label_sets.py writes them: taken apart, each name also stands alone or in
    another set."""
    whole = {label for label in labels if label}
    return any(SEPARATOR in label for label in whole) and len({n for label in whole for n in split(label)}) < len(whole)


def text_column(table: Table) -> str:
    """The column with the most language in it: letters per cell, a cell that says what another says counted once."""
    scores = {str(name): _language(_sample(table, name)) for name in table.frame.columns}
    best = max(scores, key=lambda name: scores[name])
    if len(scores) > 1 and not scores[best]:
        raise DataError(
            f"no column of {table.source} looks like text: name it with --text; it has: {', '.join(scores)}"
        )
    return best


def _language(cells: Sequence[Any]) -> float:
    said = [cell for cell in cells if _is_said(cell)]
    if not said or 2 * len(said) < len(cells):
        return 0.0
    return sum(len("".join(_WORDS.findall(cell))) for cell in set(said)) / len(cells)


def _is_said(cell: Any) -> bool:
    """Two words with a space between, which an address or a code has not, or a script that needs none."""
    if not isinstance(cell, str):
        return False
    return sum(bool(_WORDS.search(part)) for part in cell.split()) > 1 or bool(_UNSPACED.search(cell))


def label_columns(table: Table, text: str, classes: Sequence[str] = ()) -> list[str]:
    """The columns with few and short distinct values, of `classes` alone where these are known, the likeliest first:
    those whose name says so, then the others in the order of the file, unless they hold numbers."""
    filled = {str(name): _filled(table.frame[name].tolist()) for name in table.frame.columns if name != text}
    fit = [name for name, cells in filled.items() if _is_label(cells) and _are_of(classes, cells)]
    named = [name for name in fit if _NAMES_OF_LABELS.search(name.lower())]
    others = [name for name in fit if name not in named and not _numbers(filled[name])]
    return named + others


def _is_label(cells: Sequence[str]) -> bool:
    values = set(cells)
    return 2 <= len(values) <= min(MOST_CLASSES, len(cells) / 2) and max(map(len, values)) <= LONGEST_NAME


def _are_of(classes: Sequence[str], cells: Sequence[str]) -> bool:
    return not classes or all(cell in classes or set(split(cell)) <= set(classes) for cell in set(cells))


def _numbers(cells: Sequence[str]) -> bool:
    return all(re.fullmatch(r"[-+\d.,:/ ]+|true|false", c.lower()) for c in set(cells))


def _filled(cells: Sequence[Any]) -> list[str]:
    return [str(c).strip() for c in cells if isinstance(c, str | int | float) and c == c and str(c).strip()]


def _sample(table: Table, name: Any) -> list[Any]:
    cells = _filled(table.frame[name].tolist())
    return cells[:: max(1, len(cells) // SAMPLE)]


def describe(look: FirstLook) -> list[str]:
    """What was found, a line each, and what of it deserves a thought."""
    encoding = f" in {look.encoding.upper()}" if look.encoding not in ("", "utf-8") else ""
    repeats = look.rows - look.texts
    lines = [
        f"rows:     {look.rows:,}{encoding}; {look.blank:,} blank ones left out; {repeats:,} repeat an earlier text",
        f"text:     column '{look.text}': {look.texts:,} distinct; {look.median_length:,} characters (median), "
        f"{look.longest:,} (longest)",
        f"language: {look.language}",
    ]
    if look.label in look.classes or (look.label is None and len(look.text.split()) >= SENTENCE):
        lines.append("note:     the first row reads like data: put a row above it that names the columns")
    if look.label is None:
        return [*lines, "label:    no column of few and short values"]
    others = f" (or is it {', '.join(look.other_labels)}? then --label)" if look.other_labels else ""
    lines.append(f"label:    column '{look.label}'{others}; {look.unlabelled:,} texts have none")
    several = " (several a text)" if look.multi_label else ""
    lines.append(f"classes:  {len(look.classes)}{several}: {_balance(look.classes)}")
    if not look.unlabelled:
        lines.append("note:     every text has a label: a run takes the names of the classes and asks humans anew;")
        lines.append("          'labelloop replay' says what labelling would have cost")
    elif is_begun(look) and look.unlabelled < ENOUGH_UNLABELLED:
        lines.append(
            "note:     so few texts have no label that a run asks humans anew about all of them; to start from the"
        )
        lines.append(
            f"          labels that are there, give the file as 'seed' under [data], with label = \"{look.label}\""
        )
    if _numbers(list(look.classes)):
        lines.append("note:     numbers tell an LLM nothing: say under [classes] what they mean")
    return lines


def is_begun(look: FirstLook) -> bool:
    """Whether some texts have labels, of two classes or more."""
    return sum(1 for count in look.classes.values() if count) >= 2


def _balance(classes: dict[str, int]) -> str:
    counts = [f"{name} {count:,}" if count else name for name, count in classes.items()]
    return ", ".join(counts if len(counts) <= SHOWN else [*counts[: SHOWN - 1], "…", counts[-1]])
