"""Which encoding a text file of any size is in, and what parts its columns."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from models.errors import DataError

UTF8, UTF16, KOREAN = "utf-8-sig", "utf-16", "cp949"
BLOCK = 2**20
_PACKED = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\x1f\x8b": "compressed",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
}
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f\W\d_]")


def encoding_of(path: Path) -> str:
    """UTF-8, with or without a mark, where the file is that strictly, or UTF-16 with its mark; else CP949 (EUC-KR is a
    part of it) where that gives Korean. Read once through: what begins as ASCII tells nothing of the end. Raises
    DataError with the line."""
    start = next(_blocks(path))
    packed = next((what for mark, what in _PACKED.items() if start.startswith(mark)), None)
    if packed:
        raise DataError(f"{path} is {packed}: save the table as CSV and give that")
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked and _fault(path, UTF16) is None:
        return UTF16
    fault = _fault(path, UTF8)
    if fault is None:
        return UTF8
    other = _fault(path, KOREAN)
    if other is None and _is_korean(path):
        return KOREAN
    line = max(fault, other or fault)
    raise DataError(f"{path}, line {line}: the file is not UTF-8, nor Korean in CP949: save it as UTF-8")


def for_spreadsheets(path: Path) -> str:
    """The encoding for a file made of this one: UTF-8, with a mark where this one is as spreadsheets write it, since
    they take UTF-8 without a mark for something else."""
    if path.suffix.lower() == ".parquet":
        return "utf-8"
    plain = encoding_of(path) == UTF8 and not next(_blocks(path)).startswith(codecs.BOM_UTF8)
    return "utf-8" if plain else UTF8


def separator(path: Path, header: str) -> str:
    """What parts the names of the columns in a file's first line; some spreadsheets write semicolons into CSV."""
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=header.count)


def said_separator(line: str) -> str | None:
    """The separator that a spreadsheet has told itself in a line of its own, "sep=;"; None where it is no such line."""
    found = re.fullmatch(r"sep=(.)\s*", line)
    return found[1] if found else None


def _fault(path: Path, encoding: str) -> int | None:
    """The first line that is not in this encoding; None where all are."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    for block in _blocks(path):
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return line + error.object[: error.start].count(b"\n")
        line += block.count(b"\n")
    return None


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in blocks, an empty one last."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
    yield b""


def _is_korean(path: Path) -> bool:
    """Whether the first block with letters beyond ASCII is Korean, taken for CP949.

    Almost any bytes decode as CP949. Korean keeps to the 2,350 syllables of KS X 1001, two bytes each in EUC-KR; the
    quotes of Windows-1252 turn into rarer syllables, its letters into Chinese characters.
    """
    decoder = codecs.getincrementaldecoder(KOREAN)()
    texts = (decoder.decode(block) for block in _blocks(path))
    letters = Counter(_BEYOND_ASCII.findall(next((text for text in texts if not text.isascii()), "")))
    korean = sum(n for c, n in letters.items() if "가" <= c <= "힣" and len(c.encode("euc_kr", "ignore")) == 2)
    return korean >= 0.8 * letters.total()
