"""A proxy before the real Label Studio that loses on the way what it is told to lose."""

import http.client
import threading
import time
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.studio import Studio


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, except for `faults`: (part of "METHOD path", what happens).

    "lose" carries the request out and drops the answer; "refuse" drops the request; "late" drops the
    connection and carries the request out `delay` seconds later. `seen` lists what was asked.
    """

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen: list[str] = []
        self.faults: deque[tuple[str, str]] = deque()
        self.delay = 1.5

    def fault_of(self, line: str) -> str | None:
        self.seen.append(line)
        if self.faults and self.faults[0][0] in line:
            return self.faults.popleft()[1]
        return None

    def forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.target, timeout=60)
        connection.request(method, path, body, headers)
        return connection.getresponse()


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = (self.command, self.path, body, dict(self.headers))
        fault = self.server.fault_of(f"{self.command} {self.path}")
        self.close_connection = True
        if fault == "late":
            threading.Thread(target=self._later, args=request).start()
        if fault in ("refuse", "late"):
            return
        answer = self.server.forward(*request)
        content = answer.read()
        if fault == "lose":
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _later(self, *request: Any) -> None:
        time.sleep(self.server.delay)
        self.server.forward(*request).read()

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def proxy(studio: Studio) -> Iterator[Proxy]:
    server = Proxy(studio.url)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
