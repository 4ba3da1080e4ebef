"""A run's state: one SQLite file that survives a kill at any instant."""

import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from models.chat import ChatRequest, Completion, Message, Rest
from models.errors import StoreError
from models.measures import (
    Doubt,
    Evaluation,
    HoldoutAnswers,
    HoldoutWorth,
    Permission,
    PoolAnswers,
    SourceTrust,
    TextQuality,
)
from models.records import Candidate, Example, LabelTask, Queried, Region, Rejection, Suggestion, Verdict

VERSION = 10
TABLES: dict[type, str] = {
    Example: "example",
    Region: "region",
    Queried: "queried",
    Candidate: "candidate",
    Rejection: "rejection",
    TextQuality: "quality",
    Suggestion: "suggestion",
    LabelTask: "task",
    Verdict: "verdict",
    Doubt: "doubt",
    Evaluation: "evaluation",
    PoolAnswers: "answers",
    HoldoutAnswers: "holdout_answers",
    HoldoutWorth: "worth",
    SourceTrust: "trust",
    Rest: "rest",
    Permission: "permission",
}
Record = (
    Example
    | Region
    | Queried
    | Candidate
    | Rejection
    | TextQuality
    | Suggestion
    | LabelTask
    | Verdict
    | Doubt
    | Evaluation
    | PoolAnswers
    | HoldoutAnswers
    | HoldoutWorth
    | SourceTrust
    | Rest
    | Permission
)
R = TypeVar("R", bound=Record)


class Store:
    """The records of one run. A stage's records and its mark of being done are one transaction.

    Open for writing by one process at a time; raises StoreError where another has it, or the file is of
    another version.
    """

    FILE = "run.sqlite"

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self.directory = directory
        path = directory / self.FILE
        if read_only and not path.exists():
            raise StoreError(f"no run in {directory}: start one with 'labelloop run'")
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{directory} cannot be the run's directory: {error.strerror}") from error
        self._lock = None if read_only else _lock(directory / "lock")
        self._turn = threading.Lock()
        try:
            self.connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
            self.connection.execute("pragma journal_mode = wal")
            self.connection.execute("pragma synchronous = full")
        except sqlite3.OperationalError as error:
            if self._lock is not None:
                os.close(self._lock)
            raise StoreError(
                f"{path} cannot be opened: {error}. To read a run, too, takes the right to write"
            ) from error
        try:
            self._migrate(path)
        except BaseException:
            self.close()
            raise

    def _migrate(self, path: Path) -> None:
        (version,) = self.connection.execute("pragma user_version").fetchone()
        if version == 0:
            schema = files("loop").joinpath("schema.sql").read_text(encoding="utf-8")
            self.connection.executescript(f"begin; {schema} pragma user_version = {VERSION}; commit;")
        elif version != VERSION:
            raise StoreError(
                f"{path} is of version {version}; this labelloop reads version {VERSION}: "
                "use the labelloop that wrote it, or another [run] directory"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()
        if self._lock is not None:
            os.close(self._lock)

    def add(self, records: Iterable[Record]) -> None:
        """Adds records in one transaction; one that is there already stays as it is."""
        with self.transaction():
            self._insert(records)

    def finish(self, round_: int, stage: str, records: Iterable[Record], seconds: float) -> None:
        """Adds a stage's records and marks it done, in one transaction."""
        with self.transaction():
            self._insert(records)
            self.connection.execute(
                "insert into stage values (?, ?, ?, ?)",
                (round_, stage, seconds, datetime.now(UTC).isoformat()),
            )

    def all(self, kind: type[R], **where: Any) -> list[R]:
        """The records of a kind whose columns equal `where`, in the order they were added."""
        names = [f.name for f in fields(kind)]
        columns = ", ".join(f'"{n}"' for n in names)
        condition = " and ".join(f'"{name}" is ?' for name in where) or "1"
        rows = self.connection.execute(
            f"select {columns} from {TABLES[kind]} where {condition} order by rowid", tuple(where.values())
        )
        return [kind(**_decode(kind, names, row)) for row in rows]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what is done within, or nothing; one thread at a time."""
        with self._turn:
            self.connection.execute("begin immediate")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("rollback")
                raise
            self.connection.execute("commit")

    def stages(self) -> dict[tuple[int, str], float]:
        """The seconds each finished (round, stage) took."""
        rows = self.connection.execute("select round, name, seconds from stage order by rowid")
        return {(round_, name): seconds for round_, name, seconds in rows}

    def setting(self, name: str) -> str | None:
        row = self.connection.execute("select value from setting where name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set(self, name: str, value: str) -> None:
        self.connection.execute("insert or replace into setting values (?, ?)", (name, value))

    def completion(self, key: str) -> Completion | None:
        row = self.connection.execute("select reply from completion where key = ?", (key,)).fetchone()
        if row is None:
            return None
        reply = json.loads(row[0])
        if reply["probabilities"] is not None:
            reply["probabilities"] = tuple(reply["probabilities"])
        return Completion(**reply)

    def requests(self, stage: str) -> dict[str, tuple[str, ChatRequest]]:
        """The model and the request of every completion that a stage asked for, by its key, in the order of arrival."""
        rows = self.connection.execute(
            "select key, model, request from completion where stage = ? order by rowid", (stage,)
        )
        return {key: (model, _request(json.loads(request))) for key, model, request in rows}

    def tokens(self) -> dict[int, tuple[int, int]]:
        """Tokens in and out per round."""
        rows = self.connection.execute("select round, sum(tokens_in), sum(tokens_out) from completion group by round")
        return {round_: (tokens_in, tokens_out) for round_, tokens_in, tokens_out in rows}

    def _insert(self, records: Iterable[Record]) -> None:
        for record in records:
            values = [_encode(getattr(record, f.name)) for f in fields(record)]
            columns = ", ".join(f'"{f.name}"' for f in fields(record))
            marks = ", ".join("?" * len(values))
            self.connection.execute(
                f"insert into {TABLES[type(record)]} ({columns}) values ({marks}) on conflict do nothing", values
            )


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(handle, 20).decode(errors="replace").strip()
        os.close(handle)
        raise StoreError(f"{path.parent} is in use by another labelloop (process {holder}): stop it first") from error
    with suppress(OSError):
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
    return handle


def _encode(value: Any) -> Any:
    return _json(value) if isinstance(value, tuple) else value


def _decode(kind: type, names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    tuples = {f.name for f in fields(kind) if str(f.type).startswith("tuple")}
    return {n: tuple(json.loads(v)) if n in tuples else v for n, v in zip(names, row, strict=True)}


def _request(stored: dict[str, Any]) -> ChatRequest:
    messages = tuple(Message(**message) for message in stored["messages"])
    return ChatRequest(**stored | {"messages": messages, "choices": tuple(stored["choices"])})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
