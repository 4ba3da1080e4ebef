"""A proxy before the real Label Studio that loses on the way what it is told to lose."""

import http.client
import random
import ssl
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

FAULTS = ("lose", "garble", "refuse", "fail", "late")


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, except for `faults`: (part of "METHOD path", what happens).

    "lose" carries the request out and drops the answer, "garble" answers 502 instead; "refuse" drops the request,
    "fail" answers 503; "late" drops the connection and carries the request out `delay` seconds later. `seen` lists what
    was asked. With `dice` a share `rate` of all requests meets some fault, which `struck` counts. Paths begin with
    `prefix`, which the server does not see; with a `certificate` (PEM, with its key) it speaks TLS.
    """

    def __init__(self, target: str, prefix: str = "", certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.prefix = prefix
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_port}{prefix}"
        self.seen: list[str] = []
        self.struck: Counter[str] = Counter()
        self.faults: deque[tuple[str, str]] = deque()
        self.delay = 1.5
        self.dice: random.Random | None = None
        self.rate = 0.0
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def fault_of(self, line: str) -> str | None:
        self.seen.append(line)
        if self.faults and self.faults[0][0] in line:
            return self.faults.popleft()[1]
        if self.dice and self.dice.random() < self.rate:
            fault = self.dice.choice(FAULTS)
            self.struck[fault] += 1
            return fault
        return None

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.target, timeout=60)
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def handle_error(self, *_: Any) -> None:
        """A server that is away, or a client that was killed, is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = (self.command, self.path.removeprefix(self.server.prefix), body, dict(self.headers))
        fault = self.server.fault_of(f"{self.command} {self.path}")
        self.close_connection = True
        if fault == "late":
            threading.Thread(target=self._later, args=request).start()
        if fault in ("refuse", "late"):
            return
        if fault == "fail" or not self.path.startswith(self.server.prefix):
            self.send_error(503 if fault else 404)
            return
        answer = self.server.forward(*request)
        content = answer.read()
        if fault == "lose":
            return
        if fault == "garble":
            self.send_error(502)
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
