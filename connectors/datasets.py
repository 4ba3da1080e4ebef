"""Texts and labels from files, with errors that say what to do."""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from models.errors import DataError
from models.label_sets import join, split
from models.records import Example, Origin, text_id


def read_texts(path: Path, text: str, origin: Origin) -> list[Example]:
    """The distinct texts of a file, in its order, without labels. Raises DataError."""
    return _distinct(Example(text_id(t), t, origin) for t in _column(path, _read(path), text))


def read_labelled(
    path: Path,
    text: str,
    label: str,
    origin: Origin,
    classes: Sequence[str] | None = None,
    multi_label: bool = False,
) -> list[Example]:
    """The distinct labelled texts of a file; where `classes` is given, every label must be one of them, or, with
    `multi_label`, a set of them as models/label_sets.py writes it.

    A text that stands there twice counts once, with its first label. Raises DataError.
    """
    frame = _read(path)
    texts, labels = _column(path, frame, text), _column(path, frame, label, may_be_empty=multi_label)
    if multi_label:
        labels = [join(split(name)) for name in labels]
    if classes is not None:
        _check_classes(path, [n for name in labels for n in split(name)] if multi_label else labels, classes)
    return _distinct(Example(text_id(t), t, origin, name) for t, name in zip(texts, labels, strict=True))


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"no file {path}: check the path in the configuration")
    try:
        frame = _parse(path)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from error
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise DataError(
            f"{path} cannot be read as a table: {error}. A text that holds the separator must stand in quotes"
        ) from error
    if frame.empty:
        raise DataError(f"{path} has no rows")
    return frame


def _parse(path: Path) -> pd.DataFrame:
    if path.suffix in {".jsonl", ".ndjson"}:
        return pd.read_json(path, lines=True, dtype=False, convert_axes=False, encoding="utf-8-sig")
    separator = "\t" if path.suffix == ".tsv" else ","
    with warnings.catch_warnings():
        # More fields than columns: pandas would drop the rest of the text with a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig")


def _column(path: Path, frame: pd.DataFrame, name: str, may_be_empty: bool = False) -> list[str]:
    if name not in frame.columns:
        raise DataError(f"column '{name}' not in {path}; it has: {', '.join(map(str, frame.columns))}")
    values = [_cell(path, name, row, value) for row, value in enumerate(frame[name].tolist(), start=1)]
    empty = [row for row, value in enumerate(values, start=1) if not value]
    if empty and not may_be_empty:
        shown = ", ".join(map(str, empty[:5])) + (", …" if len(empty) > 5 else "")
        raise DataError(f"{path}: {len(empty)} empty '{name}' (record {shown}): remove or fill them")
    return values


def _cell(path: Path, name: str, row: int, value: object) -> str:
    if value is None or value != value:
        return ""
    if not isinstance(value, str | int | float):
        raise DataError(f"{path}, record {row}: '{name}' holds a {type(value).__name__}; it must be text")
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
