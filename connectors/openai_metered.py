"""The openai client's way to the network, where each sending of a request can be counted, its own retries included."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from models.chat import ChatRequest
from models.llm import Meter

# What a server turns away before it writes anything. 408, 409 and 5xx may come after it has written, and be billed.
TURNED_AWAY = (400, 401, 402, 403, 404, 405, 413, 415, 422, 429)


@dataclass(frozen=True)
class Sending:
    """A request under way in this thread, and the most that one sending of it may cost."""

    request: ChatRequest
    meter: Meter
    tokens_in: int
    tokens_out: int


_under_way: ContextVar[Sending | None] = ContextVar("under_way", default=None)


@contextmanager
def under_way(sending: Sending) -> Iterator[None]:
    """What this thread sends within is counted as `sending`."""
    token = _under_way.set(sending)
    try:
        yield
    finally:
        _under_way.reset(token)


class MeteredClient(openai.DefaultHttpxClient):
    """Asks the meter before each sending, and gives back what is known to have cost nothing."""

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        sending = _under_way.get()
        if sending is None:
            return super().send(request, **options)
        sending.meter.send(sending.request, sending.tokens_in, sending.tokens_out)
        try:
            response = super().send(request, **options)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            sending.meter.refund(sending.request)
            raise
        if response.status_code in TURNED_AWAY:
            sending.meter.refund(sending.request)
        return response
