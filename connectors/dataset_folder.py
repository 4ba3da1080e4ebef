"""A dataset in the layout of the Hugging Face hub: each split as Parquet and as JSON lines under `data/`.

https://huggingface.co/docs/hub/datasets-data-files-configuration
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from models.chat import ChatRequest
from models.records import ReleasedExample


def write_split(folder: Path, split: str, rows: Sequence[ReleasedExample]) -> None:
    """Writes `data/SPLIT-00000-of-00001.parquet` and `.jsonl`: the same rows in the same order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "data").mkdir(exist_ok=True)
    stem = f"data/{split}-00000-of-00001"
    table = pa.Table.from_pylist([asdict(row) for row in rows], pa.schema(_types(pa)))
    pq.write_table(table, folder / f"{stem}.parquet")
    _write_lines(folder / f"{stem}.jsonl", map(asdict, rows))


def _types(pa: Any) -> dict[str, Any]:
    """Said, not guessed: a column that is empty in one split has the type it has in the other."""
    strings = ("id", "text", "label", "source", "prompt", "model", "annotator")
    numbers = {"round": pa.int64(), "region": pa.int64(), "seed": pa.int64(), "weight": pa.float64()}
    types = dict.fromkeys(strings, pa.string()) | numbers | {"parents": pa.list_(pa.string())}
    return {field.name: types[field.name] for field in fields(ReleasedExample)}


def write_prompts(folder: Path, prompts: Mapping[str, tuple[str, ChatRequest]]) -> None:
    """Writes `prompts.jsonl`: what was asked of which model, under the key that rows give as their `prompt`."""
    lines = ({"prompt": key, "model": model} | asdict(request) for key, (model, request) in prompts.items())
    _write_lines(folder / "prompts.jsonl", lines)


def content_hash(folder: Path) -> str:
    """The SHA-256 of all JSON lines, in the order of the files' names: of what rows say, however they are packed."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.jsonl")):
        digest.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
