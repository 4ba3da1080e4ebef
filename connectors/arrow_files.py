"""Parquet and Arrow files, read whole."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from connectors.separated import check_names
from models.errors import DataError

ARROW = {".parquet", ".arrow"}


def read_arrow_file(path: Path) -> pd.DataFrame:
    """The file's records. Raises DataError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".parquet":
            return _frame_of(pq.ParquetFile(path).read(), path)
        with pa.memory_map(str(path)) as source:
            return _frame_of(pa.ipc.open_stream(source).read_all(), path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from error


def _frame_of(table: Any, path: Path) -> pd.DataFrame:
    check_names(path, table.column_names)
    return frame_of(table)


def frame_of(table: Any) -> pd.DataFrame:
    """The records of a pyarrow table; classes that the `datasets` library stores as numbers come out by name."""
    names = _class_names(table.schema.metadata or {})
    columns = {n: _named(table[n].to_pylist(), names.get(n, [])) for n in table.column_names}
    return pd.DataFrame(columns, dtype=object)


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """By column: https://huggingface.co/docs/datasets/about_dataset_features keeps them in the schema's metadata."""
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    return {n: f["names"] for n, f in features.items() if isinstance(f, dict) and f.get("_type") == "ClassLabel"}


def _named(cells: list[Any], names: list[str]) -> list[Any]:
    """-1 is how that library writes a label that is not known."""
    return [names[c] if c is not None and 0 <= c < len(names) else None for c in cells] if names else cells
