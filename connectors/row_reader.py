"""A file of any size as rows, a chunk at a time: CSV, TSV, JSON lines or Parquet."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import Any

from connectors.text_encoding import encoding_of, said_separator, separator
from models.errors import DataError

Row = dict[str, Any]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
LONGEST_FIELD = 2**24
SURPLUS = "\0surplus"


@dataclass(frozen=True)
class Chunk:
    """Rows as they stand in the file, by column, and the share of the file read so far, in (0, 1]."""

    rows: list[Row]
    done: float


def read_chunks(path: Path, column: str, size: int) -> Iterator[Chunk]:
    """The rows of a file in its order, `size` at a time and at least one chunk; each row has `column`.

    Text files are in UTF-8, UTF-16 or CP949, as `encoding_of` finds. Raises DataError at the first row that cannot be
    read.
    """
    if not path.is_file():
        raise DataError(f"no file {path}: check the path")
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path} is of no kind that can be read; there are: {', '.join(SUFFIXES)}")
    chunks = _parquet(path, size) if path.suffix == ".parquet" else _text(path, size)
    first = next(chunks, None)
    if first is None:
        raise DataError(f"{path} has no rows")
    for chunk in chain([first], chunks):
        for row in chunk.rows:
            if column not in row:
                raise DataError(f"column '{column}' not in {path}; it has: {', '.join(row)}")
        yield chunk


def text_of(row: Row, column: str) -> str:
    """The text of a row, "" where nothing stands. Raises DataError for what is no text."""
    value = row[column]
    if value is None or value != value:
        return ""
    if not isinstance(value, str | int | float):
        raise DataError(f"column '{column}' holds a {type(value).__name__}; it must hold text")
    # Half a surrogate pair, which JSON may hold, is no text to a tokenizer.
    return str(value).encode("utf-8", "replace").decode().strip()


def parquet_schema(path: Path, added: Mapping[str, str]) -> Any:
    """The columns of a Parquet file with pyarrow's types, and those `added` by name and type; None for a file of
    another kind."""
    if path.suffix != ".parquet":
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    more = [pa.field(name, pa.type_for_alias(kind)) for name, kind in added.items()]
    # Without the metadata, which may tell of an index that is not passed on.
    return pa.schema([*pq.read_schema(path), *more])


def _parquet(path: Path, size: int) -> Iterator[Chunk]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            total, read = file.metadata.num_rows, 0
            for batch in file.iter_batches(batch_size=size):
                read += batch.num_rows
                yield Chunk(batch.to_pylist(), read / total)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error


def _text(path: Path, size: int) -> Iterator[Chunk]:
    encoding, total = encoding_of(path), path.stat().st_size
    with path.open("rb") as raw, TextIOWrapper(raw, encoding, newline="") as file:
        rows = _json_lines(path, file) if path.suffix in {".jsonl", ".ndjson"} else _separated(path, file)
        while part := list(islice(rows, size)):
            yield Chunk(part, min(1.0, raw.tell() / total))


def _separated(path: Path, file: TextIOWrapper) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_FIELD)
    above, header = _header(file)
    said = said_separator(header)
    above, header = (above + 1, file.readline()) if said else (above, header)
    parted = said or separator(path, header)
    reader = csv.DictReader(chain([header], file), delimiter=parted, restkey=SURPLUS, restval="")
    try:
        names = list(reader.fieldnames or [])
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"{path}: column '{twice[0]}' stands twice: rename one")
        for row in reader:
            if SURPLUS in row:
                raise DataError(
                    f"{path}, line {above + reader.line_num}: more fields than the {len(names)} columns. "
                    "A text that holds the separator must stand in quotes"
                )
            yield dict(row)
    except csv.Error as error:
        raise DataError(
            f"{path}, line {above + reader.line_num}: {error}. A quotation mark that opens a text must close it"
        ) from error


def _header(file: TextIOWrapper) -> tuple[int, str]:
    """How many blank lines stand above the first that is not, and that line; "" where all are blank."""
    above, line = 0, file.readline()
    while line and not line.strip(" \t,;\r\n"):
        above, line = above + 1, file.readline()
    return above, line


def _json_lines(path: Path, file: TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: not JSON ({error}); each line must be one object") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: a {type(row).__name__}, where an object with columns must stand")
        yield row
