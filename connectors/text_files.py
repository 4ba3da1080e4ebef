"""CSV, TSV and JSON lines as people save them: the encoding found out, what is broken named by its line."""

import codecs
import io
import json
import re
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from models.errors import DataError

JSON_LINES = {".jsonl", ".ndjson"}
JSON = {".json"}
PLAIN = {".txt"}
_LINE_END = re.compile(r"\r\n|\n|\r")
_BLANK_TOP = re.compile(r"(?:[ \t,;]*(?:\r\n|\n|\r))*")
_SEPARATOR_LINE = re.compile(r"sep=(.)(?:\r\n|\n|\r)")
_PACKED = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\x1f\x8b": "compressed",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
}
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f\W\d_]")


def read_text_file(path: Path) -> tuple[pd.DataFrame, str]:
    """The file's records, blank ones included, cells as they stand, and its encoding: "utf-8", "utf-16" or "cp949".

    Raises DataError with the line at fault.
    """
    text, encoding = decode(path, path.read_bytes())
    if path.suffix in JSON and text.lstrip().startswith("["):
        return _json_list(path, text), encoding
    if path.suffix in JSON_LINES | JSON:
        return _json_lines(path, text), encoding
    if path.suffix in PLAIN and "\t" not in _first_line(text):
        return pd.DataFrame({"text": _LINE_END.split(text)}, dtype=object), encoding
    return _separated(path, text), encoding


def decode(path: Path, raw: bytes) -> tuple[str, str]:
    """UTF-8 where it is that, strictly, or UTF-16 with its mark; else CP949 (EUC-KR is a part of it) where that gives
    Korean."""
    packed = next((what for mark, what in _PACKED.items() if raw.startswith(mark)), None)
    if packed:
        raise DataError(f"{path} is {packed}: save the table as CSV and give that")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with suppress(UnicodeDecodeError):
            return raw.decode("utf-16"), "utf-16"
    try:
        return raw.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        fault = error.start
    try:
        text = raw.decode("cp949")
    except UnicodeDecodeError as error:
        fault = max(fault, error.start)
    else:
        if is_korean(text):
            return text, "cp949"
    line = len(_LINE_END.findall(raw[:fault].decode("latin-1"))) + 1
    raise DataError(f"{path}, line {line}: the file is not UTF-8, nor Korean in CP949: save it as UTF-8")


def is_korean(text: str) -> bool:
    """Almost any bytes decode as CP949. Korean keeps to the 2,350 syllables of KS X 1001, two bytes each in EUC-KR; the
    quotes of Windows-1252 turn into rarer syllables, its letters into Chinese characters."""
    letters = Counter(_BEYOND_ASCII.findall(text))
    korean = sum(n for c, n in letters.items() if "가" <= c <= "힣" and len(c.encode("euc_kr", "ignore")) == 2)
    return korean >= 0.8 * letters.total()


def _separated(path: Path, text: str) -> pd.DataFrame:
    text = text[_end_of_blank_top(text) :]
    said = _SEPARATOR_LINE.match(text)
    text = text[said.end() :] if said else text
    try:
        with warnings.catch_warnings():
            # More fields than columns: pandas would drop the rest of the text with a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text, newline=""),
                sep=said[1] if said else _separator(path, text),
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


def _separator(path: Path, text: str) -> str:
    """What parts the names of the columns; some spreadsheets write semicolons into a CSV file."""
    return "\t" if path.suffix == ".tsv" else max(",;\t|", key=_first_line(text).count)


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
