"""A proxy before the real Label Studio that loses on the way what it is told to lose."""

import http.client
import itertools
import ssl
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from on_server import NEWS, Opened

from connectors.label_studio import LabelStudioAnnotators
from connectors.label_studio_api import LabelStudioApi
from connectors.studio import Studio


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, except for `faults`: (part of "METHOD path", what happens).

    "lose" carries the request out and drops the answer, "garble" answers 502 instead; "refuse" drops the request,
    "fail" answers 503; "late" drops the connection and carries the request out `delay` seconds later. `seen` lists what
    was asked. Paths begin with `prefix`, which the server does not see; with a `certificate` (PEM, with its key) it
    speaks TLS.
    """

    def __init__(self, target: str, prefix: str = "", certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.prefix = prefix
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_port}{prefix}"
        self.seen: list[str] = []
        self.faults: deque[tuple[str, str]] = deque()
        self.delay = 1.5
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def fault_of(self, line: str) -> str | None:
        self.seen.append(line)
        if self.faults and self.faults[0][0] in line:
            return self.faults.popleft()[1]
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


@pytest.fixture
def proxy(studio: Studio) -> Iterator[Proxy]:
    with Proxy(studio.url) as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, and its key, in one PEM file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    outputs = ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run([*command.split(), *outputs], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


_numbers = itertools.count(1)


@pytest.fixture
def opened(studio: Studio, request: pytest.FixtureRequest) -> Opened:
    """Opens the test's own project, again and again the same."""
    title = f"{next(_numbers)} {request.node.name}"[:39]

    def open_it(url: str = studio.url, **options: Any) -> LabelStudioAnnotators:
        return LabelStudioAnnotators(url, studio.token, title, NEWS, **options)

    return open_it


@pytest.fixture
def person(studio: Studio) -> Any:
    """The SDK's client, as somebody who labels through the API."""
    return LabelStudioApi(studio.url, studio.token).ask(lambda client: client)


@pytest.fixture(scope="session")
def personal_token(studio: Studio) -> str:
    """A personal access token; the server gives a user one at a time."""
    return str(LabelStudioApi(studio.url, studio.token).ask(lambda client: client.tokens.create()).token)
