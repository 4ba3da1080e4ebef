"""Stand-ins at the seams: encoders whose geometry a test can see, and a task to talk about."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.head import Head
from models.records import ClassDefinition, TaskDescription
from models.vectors import Vectors, unit_rows

TASK = TaskDescription(
    "Which desk is this for?",
    (ClassDefinition("late", "still on its way"), ClassDefinition("lost", "never came"), ClassDefinition("paid")),
)


class TableEncoder:
    """Gives each text the vector that stands in its table, scaled to unit length."""

    def __init__(self, table: Mapping[str, Sequence[float] | Vectors]) -> None:
        self.table = table
        self.name = "table"

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, len(next(iter(self.table.values())))), dtype=np.float32)
        return unit_rows(np.array([self.table[text] for text in texts], dtype=float))

    def save(self, path: Path) -> None:
        raise NotImplementedError


class WordEncoder:
    """Sums one fixed random direction per word: texts are as near as the words they share."""

    DIMENSIONS = 256

    def __init__(self) -> None:
        self.name = "words"

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.DIMENSIONS))
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row += _direction(word, self.DIMENSIONS)
        return unit_rows(rows)

    def save(self, path: Path) -> None:
        raise NotImplementedError


def _direction(word: str, dimensions: int) -> NDArray[np.float64]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
    return np.random.default_rng(seed).normal(size=dimensions)


def plane_head() -> Head:
    """Over points (x, y): sure of "left" or "right" far from x = 0, of neither at it."""
    return Head(np.array(["left", "right"]), np.array([[-1.0, 0.0], [1.0, 0.0]]), np.zeros(2))
