"""Embeddings remembered on disk, keyed by the encoder's weights and the text. The file can be deleted any time."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.vectors import Vectors

LOOKUP = 500
WRITE = 2048


class EmbeddingCache:
    """A SQLite file of float32 rows; several processes may share it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        with self._open() as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute(
                "create table if not exists embedding (key blob primary key, vector blob not null) without rowid"
            )

    def encode(self, encoder: str, texts: Sequence[str], compute: Callable[[Sequence[str]], Vectors]) -> Vectors:
        """The vectors of `texts`, (n, d), computing only those that are not remembered under `encoder`."""
        keys = [hashlib.sha256(f"{encoder}\0{text}".encode()).digest()[:16] for text in texts]
        known = self._read(sorted(set(keys)))
        missing = list({k: t for k, t in zip(keys, texts, strict=True) if k not in known}.items())
        for start in range(0, len(missing), WRITE):
            part = missing[start : start + WRITE]
            vectors = compute([text for _, text in part])
            fresh = {key: vector for (key, _), vector in zip(part, vectors, strict=True)}
            self._write(fresh)
            known |= fresh
        return np.stack([known[key] for key in keys]) if keys else compute([])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=60)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        with self._open() as connection:
            for start in range(0, len(keys), LOOKUP):
                part = keys[start : start + LOOKUP]
                marks = ",".join("?" * len(part))
                rows = connection.execute(f"select key, vector from embedding where key in ({marks})", part)
                found.update({key: np.frombuffer(vector, dtype=np.float32) for key, vector in rows})
        return found

    def _write(self, vectors: dict[bytes, Vectors]) -> None:
        rows = [(key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items()]
        with self._open() as connection:
            connection.executemany("insert or ignore into embedding values (?, ?)", rows)
