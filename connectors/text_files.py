"""CSV, TSV and JSON lines as people save them: the encoding found out, what is broken named by its line."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from connectors.separated import separated
from connectors.text_encoding import encoding_of
from models.errors import DataError

JSON_LINES = {".jsonl", ".ndjson"}
JSON = {".json"}
PLAIN = {".txt"}
_LINE_END = re.compile(r"\r\n|\n|\r")


def read_text_file(path: Path) -> tuple[pd.DataFrame, str]:
    """The file's records, blank ones included, cells as they stand, and its encoding: "utf-8", "utf-16" or "cp949".

    Raises DataError with the line at fault.
    """
    codec = encoding_of(path)
    text, encoding = path.read_bytes().decode(codec), codec.removesuffix("-sig")
    kind = path.suffix.lower()
    if kind in JSON and text.lstrip().startswith("["):
        return _json_list(path, text), encoding
    if kind in JSON_LINES | JSON:
        return _json_lines(path, text), encoding
    if kind in PLAIN and "\t" not in _first_line(text):
        return pd.DataFrame({"text": _LINE_END.split(text)}, dtype=object), encoding
    return _separated(path, text), encoding


def _separated(path: Path, text: str) -> pd.DataFrame:
    rows = list(separated(path, io.StringIO(text, newline="")))
    if not any(rows):
        raise DataError(f"{path} has no rows")
    return pd.DataFrame(rows, dtype=object)


def _first_line(text: str) -> str:
    return _LINE_END.split(text, maxsplit=1)[0]


def _json_list(path: Path, text: str) -> pd.DataFrame:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error}); it must be one list of objects, or one object a line") from None
    return pd.DataFrame([_object(path, f"item {n}", record) for n, record in enumerate(records, start=1)], dtype=object)


def _json_lines(path: Path, text: str) -> pd.DataFrame:
    lines = _LINE_END.split(text.removesuffix("\n"))
    # As objects: pandas would make 1.0 of a label 1 as soon as another is missing.
    return pd.DataFrame([_record(path, number, line) for number, line in enumerate(lines, start=1)], dtype=object)


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    if not line.strip():
        return {}
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}, line {number}: not JSON ({error}); each line must be one object") from None
    return _object(path, f"line {number}", record)


def _object(path: Path, where: str, record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise DataError(f"{path}, {where}: a {type(record).__name__}, where an object with columns must stand")
    return record
