"""The report of a running loop, on this machine alone."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from loop.store import Store
from models.errors import ConfigError, LabelloopError

REFRESH = 15  # seconds
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class LivePage:
    """A page that is made anew when the run's files have changed."""

    def __init__(self, directory: Path, render: Callable[[], str]) -> None:
        self.files = [directory / Store.FILE, directory / f"{Store.FILE}-wal"]
        self.render = render
        self._lock = threading.Lock()
        self._state: list[tuple[int, int]] | None = None
        self._html = ""

    def html(self) -> str:
        with self._lock:
            state = self._now()
            if state != self._state:
                self._html, self._state = self.render(), state
            return self._html

    def _now(self) -> list[tuple[int, int]]:
        found = [file.stat() for file in self.files if file.exists()]
        return [(stat.st_mtime_ns, stat.st_size) for stat in found]


def open_server(page: LivePage, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 for the page and nothing else; port 0 takes a free one. Raises ConfigError."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self._is_ours():
                return self.send_error(403, "ask for 127.0.0.1 or localhost")
            if self.path != "/":
                return self.send_error(404)
            try:
                self._send(200, "text/html", page.html())
            except LabelloopError as error:
                self._send(500, "text/plain", str(error))

        def _is_ours(self) -> bool:
            # A page elsewhere may point a name of its own at this address, and would then read what stands here.
            host = self.headers.get("Host", "").rsplit(":", 1)[0]
            return host in ("127.0.0.1", "localhost")

        def _send(self, code: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: a line for each refresh would bury what matters."""

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise ConfigError(f"port {port} of this machine: {error.strerror}: give another --port") from error
