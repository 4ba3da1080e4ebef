"""A proxy before the real Label Studio that loses on the way what it is told to lose."""

import itertools
from collections.abc import Iterator
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
