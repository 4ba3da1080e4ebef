"""A file of any size as rows, a chunk at a time: CSV, TSV, JSON lines or Parquet."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import Any

from connectors.separated import check_names, separated
from connectors.text_encoding import encoding_of
from models.errors import DataError

Row = dict[str, Any]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


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
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} is of no kind that can be read; there are: {', '.join(SUFFIXES)}")
    chunks = _parquet(path, size) if path.suffix.lower() == ".parquet" else _text(path, size)
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
    if path.suffix.lower() != ".parquet":
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
            check_names(path, file.schema_arrow.names)
            total, read = file.metadata.num_rows, 0
            for batch in file.iter_batches(batch_size=size):
                read += batch.num_rows
                yield Chunk(batch.to_pylist(), read / total)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error


def _text(path: Path, size: int) -> Iterator[Chunk]:
    encoding, total = encoding_of(path), path.stat().st_size
    with path.open("rb") as raw, TextIOWrapper(raw, encoding, newline="") as file:
        json_lines = path.suffix.lower() in {".jsonl", ".ndjson"}
        rows = _json_lines(path, file) if json_lines else filter(None, separated(path, file))
        while part := list(islice(rows, size)):
            yield Chunk(part, min(1.0, raw.tell() / total))


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
