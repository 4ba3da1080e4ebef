"""CSV, TSV and JSON lines as people save them: the encoding found out, what is broken named by its line."""

import io
import json
import re
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from connectors.text_encoding import encoding_of, said_separator, separator
from models.errors import DataError

JSON_LINES = {".jsonl", ".ndjson"}
JSON = {".json"}
PLAIN = {".txt"}
_LINE_END = re.compile(r"\r\n|\n|\r")
_BLANK_TOP = re.compile(r"(?:[ \t,;]*(?:\r\n|\n|\r))*")


def read_text_file(path: Path) -> tuple[pd.DataFrame, str]:
    """The file's records, blank ones included, cells as they stand, and its encoding: "utf-8", "utf-16" or "cp949".

    Raises DataError with the line at fault.
    """
    codec = encoding_of(path)
    text, encoding = path.read_bytes().decode(codec), codec.removesuffix("-sig")
    if path.suffix in JSON and text.lstrip().startswith("["):
        return _json_list(path, text), encoding
    if path.suffix in JSON_LINES | JSON:
        return _json_lines(path, text), encoding
    if path.suffix in PLAIN and "\t" not in _first_line(text):
        return pd.DataFrame({"text": _LINE_END.split(text)}, dtype=object), encoding
    return _separated(path, text), encoding


def _separated(path: Path, text: str) -> pd.DataFrame:
    text = text[_end_of_blank_top(text) :]
    said = said_separator(_first_line(text))
    text = _LINE_END.split(text, maxsplit=1)[-1] if said else text
    try:
        with warnings.catch_warnings():
            # More fields than columns: pandas would drop the rest of the text with a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text, newline=""),
                sep=said or separator(path, _first_line(text)),
                dtype=object,
                na_filter=False,
                index_col=False,
                skip_blank_lines=False,
            )
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} has no rows") from None
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataError(
            f"{path} cannot be read as a table: {str(error).strip()}. "
            "A text that holds the separator must stand in quotes"
        ) from error
    return frame.rename(columns=lambda name: str(name).strip())


def _end_of_blank_top(text: str) -> int:
    found = _BLANK_TOP.match(text)
    return found.end() if found else 0


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
