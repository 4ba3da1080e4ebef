"""Whatever holds a table of texts, read by one reader: a file, a directory, a pattern, a dataset by name."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from connectors.arrow_files import ARROW, read_arrow_file
from connectors.named_datasets import is_named, read_named
from connectors.text_files import JSON, JSON_LINES, PLAIN, read_text_file
from models.errors import DataError

_READABLE = {".csv", ".tsv", *JSON_LINES, *JSON, *PLAIN, *ARROW}
_SPLIT = re.compile(r"(?<![a-z])(train|validation|valid|val|dev|test|holdout)(?![a-z])")


@dataclass(frozen=True)
class Table:
    """A table in memory. `frame` has the cells as they stand, each row under its number in the source, from 1; blank
    rows are left out of it, and `blank` counts them. `encoding` is "utf-8", "utf-16" or "cp949", "" where it is no text
    file."""

    source: Path
    frame: pd.DataFrame
    blank: int
    encoding: str


def read_table(source: Path) -> Table:
    """Reads CSV, TSV, JSON lines or a JSON list, Parquet or Arrow, by the file's ending, and `.txt` as a text a line
    unless its first line holds a tab (any other ending is taken for CSV); a directory of one kind of them or one that
    `save_to_disk` of the `datasets` library wrote; a pattern with `*` as its last part; "hf:owner/name:split";
    "sklearn:loader:subset". Raises DataError."""
    frame, encoding = _records(source)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    filled = [not all(map(_is_blank, row)) for row in frame.itertuples(index=False, name=None)]
    if not any(filled):
        raise DataError(f"{source} has no rows")
    return Table(source, frame[filled], filled.count(False), encoding)


def _records(source: Path) -> tuple[pd.DataFrame, str]:
    if is_named(source):
        return read_named(source), ""
    if source.is_file():
        return (read_arrow_file(source), "") if source.suffix.lower() in ARROW else read_text_file(source)
    files = _files(source)
    parts = [_records(file) for file in files]
    for file, (frame, _) in zip(files, parts, strict=True):
        if set(frame.columns) != set(parts[0][0].columns):
            raise DataError(
                f"{files[0]} has the columns {_names(parts[0][0])}, and {file} has {_names(frame)}: "
                "make them the same, or give one file"
            )
    return pd.concat([frame for frame, _ in parts], ignore_index=True), parts[0][1]


def _files(source: Path) -> list[Path]:
    """The files of a directory or a pattern, in the order of their names."""
    if (source / "dataset_dict.json").is_file():
        splits = json.loads((source / "dataset_dict.json").read_text(encoding="utf-8"))["splits"]
        raise DataError(f"{source} holds the splits {', '.join(splits)}: give one of them, {source / splits[0]}")
    if (source / "state.json").is_file() and (source / "dataset_info.json").is_file():
        state = json.loads((source / "state.json").read_text(encoding="utf-8"))
        return [source / Path(file["filename"]).name for file in state["_data_files"]]
    root, pattern = (source.parent, source.name) if "*" in source.name else (source, "**/*")
    files = sorted(file for file in root.glob(pattern) if file.is_file() and file.suffix.lower() in _READABLE)
    if not files:
        raise DataError(f"no file {source}: check the path" + (", or put data files there" if source.is_dir() else ""))
    _check_one_table(source, root, files)
    return files


def _check_one_table(source: Path, root: Path, files: Sequence[Path]) -> None:
    """Files of several splits or kinds are not one table: a holdout would end up in the pool, a text in it twice."""
    splits = {_split(file.relative_to(root)): file for file in reversed(files)}
    kinds = {file.suffix.lower(): file for file in reversed(files)}
    for found, word in ((splits, "splits"), (kinds, "kinds")):
        if len(found) > 1:
            there = ", ".join(sorted(found))
            raise DataError(f"{source} holds files of the {word} {there}: give those of one, {_pattern(files[0])}")


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns))


def _split(file: Path) -> str:
    found = _SPLIT.search(file.as_posix().lower())
    return found[1] if found else "(none)"


def _pattern(file: Path) -> Path:
    split = _SPLIT.search(file.stem.lower())
    return file.with_name(f"{file.stem[: split.end()] if split else ''}*{file.suffix}")


def _is_blank(cell: object) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())
