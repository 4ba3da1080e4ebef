"""A proxy before the real Label Studio that loses on the way what it is told to lose."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import Proxy
from on_server import NEWS, Opened

from connectors.label_studio import LabelStudioAnnotators
from connectors.label_studio_api import LabelStudioApi
from connectors.studio import Studio


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
