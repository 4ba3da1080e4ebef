"""Texts and labels from files, with errors that say what to do."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from connectors.tables import Table, read_table
from models.errors import DataError
from models.label_sets import class_names, join, split
from models.records import Example, Origin, text_id


def read_texts(path: Path, text: str, origin: Origin) -> list[Example]:
    """The distinct texts of a file, in its order, without labels; rows without a text are left out. Raises DataError.

    What can be read, here and below: see `read_table`.
    """
    found = _distinct(Example(text_id(t), t, origin) for t in column(read_table(path), text) if t)
    if not found:
        raise DataError(f"{path}: no '{text}' that is not empty: name the column that holds the texts")
    return found


def read_labelled(
    path: Path,
    text: str,
    label: str,
    origin: Origin,
    classes: Sequence[str] | None = None,
    multi_label: bool = False,
    partly: bool = False,
) -> list[Example]:
    """The distinct labelled texts of a file; where `classes` is given, every label must be one of them, or, with
    `multi_label`, a set of them as models/label_sets.py writes it.

    A text that stands there twice counts once, with its first label, or with `multi_label` with the classes of all its
    rows. `partly` leaves out rows where no text or no label stands, which otherwise are an error, or with `multi_label`
    the empty set. Raises DataError.
    """
    table = read_table(path)
    texts = column(table, text) if partly else _filled(table, text)
    labels = column(table, label) if partly or multi_label else _filled(table, label)
    pairs = [(t, name) for t, name in zip(texts, labels, strict=True) if (t and name) or not partly]
    if multi_label:
        sets = defaultdict[str, list[str]](list)
        for t, name in pairs:
            sets[text_id(t)] += split(name)
        pairs = [(t, join(sets[text_id(t)])) for t, _ in pairs]
    if classes is not None:
        _check_classes(path, [n for _, name in pairs for n in class_names(name, multi_label)], classes)
    return _distinct(Example(text_id(t), t, origin, name) for t, name in pairs)


def column(table: Table, name: str) -> list[str]:
    """The cells of a column as stripped text, "" where there is nothing. Raises DataError."""
    if name not in table.frame.columns:
        raise DataError(f"column '{name}' not in {table.source}; it has: {', '.join(map(str, table.frame.columns))}")
    return [_cell(table.source, name, record, value) for record, value in table.frame[name].items()]


def _filled(table: Table, name: str) -> list[str]:
    values = column(table, name)
    empty = [record for record, value in zip(table.frame.index, values, strict=True) if not value]
    if empty:
        shown = ", ".join(map(str, empty[:5])) + (", …" if len(empty) > 5 else "")
        raise DataError(f"{table.source}: {len(empty)} empty '{name}' (record {shown}): remove or fill them")
    return values


def _cell(path: Path, name: str, record: object, value: object) -> str:
    if value is None or value != value:
        return ""
    if not isinstance(value, str | int | float):
        raise DataError(f"{path}, record {record}: '{name}' holds a {type(value).__name__}; it must be text")
    return str(value).encode("utf-8", "replace").decode().strip()


def _check_classes(path: Path, labels: Sequence[str], classes: Sequence[str]) -> None:
    unknown = Counter(name for name in labels if name not in set(classes))
    if unknown:
        found = ", ".join(f"'{name}' ({count})" for name, count in unknown.most_common(5))
        raise DataError(
            f"{path} has labels that [classes] does not know: {found}; it knows: {', '.join(classes)}. "
            "Add them to [classes] or correct the file"
        )


def _distinct(examples: Iterable[Example]) -> list[Example]:
    first: dict[str, Example] = {}
    for example in examples:
        first.setdefault(example.id, example)
    return list(first.values())
