"""Texts and labels from files, with errors that say what to do."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from models.errors import DataError
from models.records import Example, Origin, text_id


def read_texts(path: Path, text: str, origin: Origin) -> list[Example]:
    """The distinct texts of a file, in its order, without labels. Raises DataError."""
    return _distinct(Example(text_id(t), t, origin) for t in _column(path, _read(path), text))


def read_labelled(
    path: Path, text: str, label: str, origin: Origin, classes: Sequence[str] | None = None
) -> list[Example]:
    """The distinct labelled texts of a file; where `classes` is given, every label must be one of them.

    A text that stands there twice counts once, with its first label. Raises DataError.
    """
    frame = _read(path)
    texts, labels = _column(path, frame, text), _column(path, frame, label)
    if classes is not None:
        _check_classes(path, labels, classes)
    return _distinct(Example(text_id(t), t, origin, name) for t, name in zip(texts, labels, strict=True))


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"no file {path}: check the path in the configuration")
    try:
        if path.suffix in {".jsonl", ".ndjson"}:
            frame = pd.read_json(path, lines=True, dtype=False, encoding="utf-8-sig")
        else:
            separator = "\t" if path.suffix == ".tsv" else ","
            frame = pd.read_csv(
                path,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
                skip_blank_lines=True,
            )
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from error
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    if frame.empty:
        raise DataError(f"{path} has no rows")
    return frame


def _column(path: Path, frame: pd.DataFrame, name: str) -> list[str]:
    if name not in frame.columns:
        raise DataError(f"column '{name}' not in {path}; it has: {', '.join(map(str, frame.columns))}")
    values = ["" if pd.isna(v) else str(v).strip() for v in frame[name].tolist()]
    empty = [row for row, value in enumerate(values, start=1) if not value]
    if empty:
        shown = ", ".join(map(str, empty[:5])) + (", …" if len(empty) > 5 else "")
        raise DataError(f"{path}: {len(empty)} empty '{name}' (record {shown}): remove or fill them")
    return values


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
