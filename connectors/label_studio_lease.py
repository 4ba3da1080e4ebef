"""One run at a time writes to a project: who it is stands in the project's description, where every run can see it."""

import os
import platform
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.label_studio_api import LabelStudioApi
from models.errors import AnnotatorError

LASTS = timedelta(minutes=5)
RENEWED_EVERY = timedelta(minutes=1)
# Two that claim a free project at once see each other's claim after this long.
_SETTLE_SECONDS = 0.5
_UNKEPT = "{} does not keep the project's description, where labelloop notes who writes: who else changes it?"
_LINE = re.compile(
    r"\n*Tasks come from labelloop run (?P<run>\S+) on (?P<host>\S+), process (?P<process>\d+), "
    r"at (?P<seen>[\d-]+T[\d:]+\+00:00)\. This line keeps a second run away\.\n*"
)


@dataclass(frozen=True)
class Writer:
    """A process that writes to a project for a run."""

    run: str
    host: str
    process: int

    @classmethod
    def here(cls, run: str) -> "Writer":
        """This process."""
        return cls(run, re.sub(r"\s", "-", platform.node()) or "unknown", os.getpid())

    def line(self, seen: datetime) -> str:
        return (
            f"Tasks come from labelloop run {self.run} on {self.host}, process {self.process}, "
            f"at {seen.isoformat(timespec='seconds')}. This line keeps a second run away."
        )

    def is_gone(self) -> bool:
        """Whether it is known to have ended; of another machine nothing is known."""
        if self.host != Writer.here("").host:
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False


class Lease:
    """The right to write to a project, renewed in a thread of its own until `give_up` or the end of the process.

    A writer that has ended loses it: at once where that can be seen, on another machine after `LASTS`.
    """

    def __init__(self, api: LabelStudioApi, project: int, writer: Writer) -> None:
        self._api = api
        self._project = project
        self._writer = writer
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._renewing: threading.Thread | None = None

    def hold(self) -> None:
        """Takes the lease or makes sure of it. Raises AnnotatorError where another run has it."""
        with self._turn:
            text = self._description()
            holder, seen = _holder(text)
            if holder != self._writer:
                self._take(text, holder, seen)
            elif datetime.now(UTC) - seen > RENEWED_EVERY:
                self._write(text)
            if self._renewing is None:
                self._renewing = threading.Thread(target=self._renew, name="label-studio-lease", daemon=True)
                self._renewing.start()

    def give_up(self) -> None:
        """Lets go of the project, if it is held; an outage of the server is left to time."""
        self._over.set()
        with self._turn, suppress(AnnotatorError):
            text = self._description() if self._renewing else ""
            if _holder(text)[0] == self._writer:
                self._describe(_LINE.sub("", text))

    def _take(self, text: str, holder: Writer | None, seen: datetime) -> None:
        if holder and not holder.is_gone() and datetime.now(UTC) - seen < LASTS:
            raise self._refusal(holder, seen)
        self._write(text)
        time.sleep(_SETTLE_SECONDS)
        holder, seen = _holder(self._description())
        if holder != self._writer:
            raise self._refusal(holder, seen) if holder else AnnotatorError(_UNKEPT.format(self._api.url))

    def _write(self, text: str) -> None:
        self._describe(f"{_LINE.sub('', text)}\n\n{self._writer.line(datetime.now(UTC))}")

    def _renew(self) -> None:
        while not self._over.wait(RENEWED_EVERY.total_seconds()):
            # Whoever writes next meets the same trouble, and is told.
            with suppress(AnnotatorError):
                self.hold()

    def _description(self) -> str:
        return str(self._api.ask(lambda client: client.projects.get(self._project)).description or "")

    def _describe(self, text: str) -> None:
        self._api.ask(lambda client: client.projects.update(self._project, description=text))

    def _refusal(self, holder: Writer, seen: datetime) -> AnnotatorError:
        return AnnotatorError(
            f"Another run writes to project {self._project} at {self._api.url}: labelloop run {holder.run} on "
            f"{holder.host}, process {holder.process}, last seen at {seen:%H:%M:%S} UTC. Stop that one, or give this "
            f"one another annotation.project. One that has died lets go after {LASTS.seconds // 60} minutes."
        )


def _holder(text: str) -> tuple[Writer | None, datetime]:
    found = _LINE.search(text)
    if found is None:
        return None, datetime.min.replace(tzinfo=UTC)
    writer = Writer(found["run"], found["host"], int(found["process"]))
    return writer, datetime.fromisoformat(found["seen"])
