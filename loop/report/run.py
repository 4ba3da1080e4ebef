"""What a report is of."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from loop.store import Store
from loop.table import status
from models.records import TaskDescription

LONGEST = 200


@dataclass(frozen=True)
class Run:
    """A run to report on: its store, what is being labelled, under what name, and the results of a replay to set beside
    it."""

    store: Store
    task: TaskDescription
    name: str
    replay: Mapping[str, Any] | None = None

    @cached_property
    def status(self) -> dict[str, Any]:
        return status(self.store)


def excerpt(text: str, most: int = LONGEST) -> str:
    """The beginning of a text on one line, without what no page can show: control characters, halves of surrogate
    pairs."""
    start = text[: 4 * most].encode("utf-8", "replace").decode()
    shown = " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in start).split())
    return shown if len(shown) <= most and len(text) <= 4 * most else f"{shown[:most].rstrip()}…"
