"""Rows to a file whose ending names its kind, or to standard output: chunk by chunk, whole or not at all."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from connectors.row_reader import Row
from models.errors import DataError

KINDS = (".csv", ".jsonl", ".parquet")
Write = Callable[[Sequence[Row]], None]


@contextmanager
def open_rows(
    path: Path | None, columns: Sequence[str], schema: Any = None, encoding: str = "utf-8"
) -> Iterator[Write]:
    """A function that writes rows with these columns to a file (`check_target` says which), or as CSV to standard
    output. `schema` are pyarrow's types for Parquet; without it the first rows say what they are. `encoding` is that of
    a CSV file.

    The file stands under its name once all is written. Raises DataError for a row that does not fit.
    """
    if path is None:
        yield _csv(sys.stdout, columns)
        return
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix.lower() == ".parquet":
            with _parquet(part, columns, schema) as write:
                yield write
        else:
            # Half a surrogate pair, which JSON may hold, is no UTF-8: it goes out as JSON's own escape.
            written = encoding if path.suffix.lower() == ".csv" else "utf-8"
            with part.open("w", encoding=written, errors="backslashreplace", newline="") as file:
                yield _csv(file, columns) if path.suffix.lower() == ".csv" else _json_lines(file)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def check_target(path: Path) -> None:
    """Raises DataError where `open_rows` could not write, or would write over something."""
    if path.suffix.lower() not in KINDS:
        raise DataError(f"{path} is of no kind that can be written; there are: {', '.join(KINDS)}")
    if path.exists():
        raise DataError(f"{path} is there already: remove it, or name another file")
    if not path.parent.is_dir():
        raise DataError(f"no directory {path.parent} for {path.name}: make it first")


def _csv(file: TextIO, columns: Sequence[str]) -> Write:
    plain, quoted = (
        csv.DictWriter(file, columns, lineterminator="\n", quoting=quoting)
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    )
    plain.writeheader()

    def write(rows: Sequence[Row]) -> None:
        try:
            for row in rows:
                cells = {name: _cell(value) for name, value in row.items()}
                # Python's csv quotes a carriage return alone from 3.13 on; without, it would begin another row.
                (quoted if any("\r" in str(cell) for cell in cells.values()) else plain).writerow(cells)
        except ValueError as error:
            raise DataError(f"a row has columns that the first ones have not ({error}): write JSON lines") from error

    return write


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


def _json_lines(file: TextIO) -> Write:
    def write(rows: Sequence[Row]) -> None:
        file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)

    return write


@contextmanager
def _parquet(path: Path, columns: Sequence[str], schema: Any) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None

    def write(rows: Sequence[Row]) -> None:
        nonlocal writer, schema
        strange = [f"'{name}'" for row in rows for name in row if name not in columns]
        try:
            table = pa.table({name: [row.get(name) for row in rows] for name in columns}, schema)
        except (pa.ArrowException, ValueError, TypeError) as error:
            strange = [str(error)]
        if strange:
            raise DataError(f"a row has columns or types that the first ones have not ({strange[0]}): write JSON lines")
        schema = table.schema
        writer = writer or pq.ParquetWriter(path, schema)
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
