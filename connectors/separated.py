"""CSV and TSV as people save them, record by record: the same for a run's texts and for texts to predict."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOBase
from itertools import chain
from pathlib import Path

from connectors.text_encoding import said_separator, separator
from models.errors import DataError

LONGEST_FIELD = 2**24


def separated(path: Path, file: TextIOBase) -> Iterator[dict[str, str]]:
    """The records of an open CSV or TSV file by column, short ones filled with "", an empty line as {}.

    The header is the first line that is not blank, or the one after "sep=;"; names are stripped, and nameless columns
    called as pandas calls them. Raises DataError with the line at fault: for a quotation mark that nothing closes,
    which would swallow records, too.
    """
    csv.field_size_limit(LONGEST_FIELD)
    above, header = _header(file)
    said = said_separator(header)
    above, header = (above + 1, file.readline()) if said else (above, header)
    parted, taken = said or separator(path, header), list[str]()
    reader = csv.reader(_noting(taken, chain([header], file)), delimiter=parted)
    names = list[str]()
    try:
        for cells in reader:
            if len(taken) > 1:
                _check_quotes(path, above + reader.line_num - len(taken) + 1, taken, parted)
            elif '"' in taken[0]:
                cells = _quoted(taken[0].rstrip("\r\n"), parted, cells)
            taken.clear()
            if not names:
                names = _names(path, cells)
                continue
            if len(cells) > len(names) and any(cells):
                raise DataError(
                    f"{path}, line {above + reader.line_num}: more fields than the {len(names)} columns. "
                    "A text that holds the separator must stand in quotes"
                )
            yield dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=False)) if cells else {}
    except csv.Error as error:
        raise DataError(_unclosed(path, above + reader.line_num, error)) from error


def _header(file: TextIOBase) -> tuple[int, str]:
    """How many blank lines stand above the first that is not, and that line; "" where all are blank."""
    above, line = 0, file.readline()
    while line and not line.strip(" \t,;\r\n"):
        above, line = above + 1, file.readline()
    return above, line


def _noting(taken: list[str], lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _names(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() or f"Unnamed: {place}" for place, cell in enumerate(cells)]
    check_names(path, names)
    return names


def check_names(path: Path, names: Sequence[str]) -> None:
    """Raises DataError where a column stands twice."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{path}: column '{twice[0]}' stands twice: rename one")


def _check_quotes(path: Path, line: int, lines: list[str], parted: str) -> None:
    """A record of several lines is one by its quotes, so these must be in order: where something follows a closing one,
    or none closes it, the mark that opened it was part of a text, and what it took are records."""
    if fault := _fault(lines, parted):
        raise DataError(_unclosed(path, line, fault)) from fault


def _quoted(line: str, parted: str, cells: list[str]) -> list[str]:
    """The cells of a record of one line, which are those given where its quotation marks are in order. Where they are
    not, they belong to the texts, and a lenient reading drops them."""
    if not _fault([line], parted):
        return cells
    literal = next(csv.reader([line], delimiter=parted, quoting=csv.QUOTE_NONE))
    if len(literal) != len(cells):
        return cells
    return [cell if _fault([cell], parted) else read for cell, read in zip(literal, cells, strict=True)]


def _fault(lines: list[str], parted: str) -> csv.Error | None:
    """What is wrong with the quotation marks of a record; None where they are in order."""
    try:
        list(csv.reader(lines, delimiter=parted, strict=True))
    except csv.Error as error:
        return error
    return None


def _unclosed(path: Path, line: int, error: csv.Error) -> str:
    return (
        f"{path}, line {line}: {error}. A quotation mark that opens a text must close it, "
        "and one within such a text is written twice"
    )
