"""A Label Studio of one's own on this machine: installed once, started on the loopback, stopped again."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.studio_credentials import Credentials, credentials
from connectors.studio_environment import server_environment
from connectors.studio_install import home, install, lay_database, locked
from models.errors import AnnotatorError

__all__ = ["Studio", "home", "install", "start", "stop_orphan"]

_HOST = "127.0.0.1"
_EVERYWHERE = "0.0.0.0"
# It takes ten, and minutes on a busy machine.
_READY_SECONDS = 300
_STOP_SECONDS = 20
_LISTENS = re.compile(rb"Starting development server at http://[^\s:]+:(\d+)/")
_IN_USE = b"port is already in use"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Studio:
    """A running server. Leaving it as a context manager stops it."""

    url: str
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends the server and waits until it is gone; harmless to repeat."""
        _end(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(home: Path, data: Path, port: int | None = None, *, public: bool = False) -> Studio:
    """Starts the server that is installed under `home` on a data directory, and waits until it answers.

    A free port is taken unless one is given. Only this machine reaches it, unless it is `public`: then whoever reaches
    this machine does, at every address that it has. Login and key are made once and kept in data/credentials.json;
    the server's log is data/server.log. Raises AnnotatorError where the port is busy, the data directory is
    in use, or the server does not come up.
    """
    program = install(home)
    data = data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    # The child holds the lock on, so that it lasts as long as the server, whatever becomes of this process.
    with locked(data / "server.lock", _in_use(data)) as lock:
        host = _EVERYWHERE if public else _HOST
        number = _claimed(host, port)
        url = f"http://{_HOST}:{number}"
        command = [str(program), "start", "--no-browser", "--internal-host", host, "--port", str(number)]
        login = credentials(data / "credentials.json")
        lay_database(home, data)
        with (data / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=data,
                # Under another name than the page was asked for by, the server would send people to this machine's own.
                env=server_environment(data, "" if public else url, login),
                pass_fds=[lock],
                start_new_session=True,
            )
    try:
        (data / "server.pid").write_text(str(process.pid), encoding="utf-8")
        (data / "server.url").write_text(url, encoding="utf-8")
        _wait(process, data / "server.log", url, number)
        _check_login(url, login, data)
    except BaseException:
        _end(process)
        raise
    return Studio(url, login.email, login.password, login.token, process)


def stop_orphan(data: Path) -> None:
    """Ends the server that a killed process left working on a data directory; nothing where there is none.

    For a caller who knows that no other process of his is using it. Raises AnnotatorError where it does not end.
    """
    pid = data / "server.pid"
    if not pid.exists() or _free(data):
        return
    with suppress(ProcessLookupError):
        os.kill(int(pid.read_text(encoding="utf-8")), signal.SIGTERM)
    end = time.monotonic() + _STOP_SECONDS
    while not _free(data):
        if time.monotonic() > end:
            raise AnnotatorError(_in_use(data))
        time.sleep(0.2)


def _free(data: Path) -> bool:
    try:
        with locked(data / "server.lock", ""):
            return True
    except AnnotatorError:
        return False


def _claimed(host: str, port: int | None) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port or 0))
        except (OSError, OverflowError) as error:
            raise AnnotatorError(
                f"Port {port} of this machine cannot be used ({error}). Stop what uses it, or name another with --port."
            ) from None
        return int(probe.getsockname()[1])


def _in_use(data: Path) -> str:
    pid, url = (data / name for name in ("server.pid", "server.url"))
    stop = f" (kill {pid.read_text(encoding='utf-8')})" if pid.exists() else ""
    place = f", at {url.read_text(encoding='utf-8')}" if url.exists() else ""
    return f"Another Label Studio works in {data}{place}. Use that one, stop it{stop}, or take another data directory."


def _wait(process: subprocess.Popen[bytes], log: Path, url: str, port: int) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        ended, written = process.poll() is not None, log.read_bytes()
        # Its own log tells where it listens: on a busy port it takes the next one without a word to us, or, where the
        # port was taken a moment later, ends.
        listens = _LISTENS.search(written)
        if (listens and int(listens[1]) != port) or (ended and _IN_USE in written):
            raise AnnotatorError(
                f"Port {port} was taken while Label Studio started. Start it again, or choose another with --port."
            )
        if ended:
            raise AnnotatorError(f"Label Studio ended while it started. The end of {log}:\n{_tail(written)}")
        if listens and _status(f"{url}/health") == 200:
            return
        time.sleep(0.2)
    raise AnnotatorError(
        f"Label Studio did not come up in {_READY_SECONDS} s. The end of {log}:\n{_tail(written)}\n"
        "Start it again: it goes on where it was. On a busy machine it takes minutes."
    )


def _check_login(url: str, login: Credentials, data: Path) -> None:
    if _status(f"{url}/api/current-user/whoami", login.token) != 200:
        raise AnnotatorError(
            f"The key in {data / 'credentials.json'} does not open the Label Studio in {data}. "
            "Put back the file that was made with this directory, or use another data directory."
        )


def _status(url: str, token: str | None = None) -> int | None:
    headers = {"Authorization": f"Token {token}"} if token else {}
    try:
        with _direct.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tail(log: bytes) -> str:
    return "\n".join(log.decode(errors="replace").splitlines()[-15:])
