"""Any server that speaks OpenAI's chat protocol: OpenAI itself, vLLM, llama.cpp, Ollama and the like."""

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any

import numpy as np

from connectors.label_mass import TokenChoice, label_meant, label_probabilities
from connectors.openai_failures import Server
from models.chat import ChatRequest, Completion, Message
from models.errors import LLMError, RefusedError
from models.llm import LLM, REFUSED, UNMETERED, Meter, OnArrival, ignore

TOP_LOGPROBS = 20  # the most that OpenAI and vLLM give
TEMPLATE = 256  # tokens that a server's chat template may add to a prompt
MESSAGE = 16  # … and to each message
PATIENCE = 20  # refusals, with nothing taken, after which it is not the single request that is refused
PLAIN = ChatRequest((Message("user", "Say yes."),), max_tokens=1)


class OpenAILLM(LLM):
    """Sends at most `concurrency` requests at a time; `timeout` in seconds a try; `retries` of the openai
    client, which waits as the server's Retry-After says. An empty `model` is the first that the server lists,
    an empty `key` is for servers that want none.

    Raises LLMError where the address cannot be one. Only an empty `model` contacts the server at once, and
    raises LLMError where it does not answer.
    """

    def __init__(
        self,
        base_url: str,
        model: str = "",
        *,
        key: str = "",
        concurrency: int = 8,
        timeout: float = 60.0,
        retries: int = 4,
    ) -> None:
        import openai

        from connectors.openai_metered import MeteredClient

        self._server = Server(base_url, key, timeout, retries)
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=key or "none",
            timeout=timeout,
            max_retries=retries,
            http_client=MeteredClient(timeout=timeout),
        )
        self._refused: set[str] = set()
        self._taken = False
        self.concurrency = concurrency
        self.model = model or self._first_model()
        self.name = f"{self.model}@{self._server.host}"

    def chat(
        self, requests: Sequence[ChatRequest], on_arrival: OnArrival = ignore, meter: Meter = UNMETERED
    ) -> list[Completion]:
        """See LLM; `on_arrival` is called from the caller's thread, in order of arrival; `meter` from others, for
        each try.

        A request that the server refuses, by a filter of its contents for one, is answered by `REFUSED` once the server
        has taken another, be it `PLAIN`. After the first other failure, or `PATIENCE` refusals with nothing taken,
        nothing more is sent; what is under way is waited for and delivered, then LLMError or BudgetSpentError is
        raised.
        """
        completions: dict[int, Completion] = {}
        refusals: dict[int, RefusedError] = {}
        failure: BaseException | None = None
        waiting = deque(range(len(requests)))

        def deliver(place: int, completion: Completion) -> None:
            completions[place] = completion
            on_arrival(requests[place], completion)

        for place, future in self._arriving(requests, waiting, meter):
            error = future.exception()
            if error is None:
                self._taken = True
                deliver(place, future.result())
            elif isinstance(error, RefusedError) and (self._taken or len(refusals) < PATIENCE):
                refusals[place] = error
            else:
                failure = failure or error
                waiting.clear()
            while self._taken and refusals:
                deliver(refusals.popitem()[0], REFUSED)
        if failure is not None:
            raise failure
        if refusals and not self._takes(PLAIN, meter):
            raise next(iter(refusals.values()))
        for place in refusals:
            deliver(place, REFUSED)
        return [completions[i] for i in range(len(requests))]

    def _takes(self, request: ChatRequest, meter: Meter) -> bool:
        try:
            self._answer(request, meter)
        except RefusedError:
            return False
        self._taken = True
        return True

    def _arriving(
        self, requests: Sequence[ChatRequest], waiting: deque[int], meter: Meter
    ) -> Iterator[tuple[int, Future[Completion]]]:
        """The answers to the requests at the `waiting` places, which are taken from there as they are sent.

        The next is sent only once the caller comes back for it, having stored the one before: what a kill loses is
        then `concurrency` answers at most, however slow the disk is.
        """
        pool = ThreadPoolExecutor(max(1, self.concurrency), thread_name_prefix="llm")
        sent: dict[Future[Completion], int] = {}
        try:
            while waiting or sent:
                while waiting and len(sent) < max(1, self.concurrency):
                    place = waiting.popleft()
                    sent[pool.submit(self._answer, requests[place], meter)] = place
                future = next(as_completed(sent))
                yield sent.pop(future), future
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def served_models(self) -> list[str]:
        """The names that the server lists. Raises LLMError."""
        import openai

        try:
            return [model.id for model in self._client.models.list().data]
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            raise self._server.explain(error, "") from None

    def _first_model(self) -> str:
        listed = self.served_models()
        if not listed:
            raise LLMError(f"The LLM server at {self._server.address} lists no model. Name one.")
        return listed[0]

    def _answer(self, request: ChatRequest, meter: Meter) -> Completion:
        import openai

        from connectors.openai_metered import Sending, under_way

        start = time.perf_counter()
        try:
            with under_way(Sending(request, meter, _most_tokens_in(request), _most_tokens_out(request))):
                reply = self._ask(request)
        except (openai.OpenAIError, ValueError) as error:
            # Without its cause: the client's own message may quote what it sent, the key included.
            raise self._server.explain(error, self.model) from None
        return self._read(request, reply, time.perf_counter() - start)

    def _ask(self, request: ChatRequest) -> Any:
        import openai

        feature, options = _wish(request)
        if not feature or feature in self._refused:
            return self._send(request, {})
        try:
            return self._send(request, options)
        except (openai.BadRequestError, openai.UnprocessableEntityError):
            # Only if it goes through without the feature was it the feature that was refused.
            reply = self._send(request, {})
            self._refused.add(feature)
            return reply

    def _send(self, request: ChatRequest, options: Mapping[str, Any]) -> Any:
        messages: Any = [{"role": m.role, "content": m.content} for m in request.messages]
        return self._client.chat.completions.create(
            model=self.model,
            messages=messages,
            max_tokens=_most_tokens_out(request),
            temperature=request.temperature,
            seed=request.seed,
            **options,
        )

    def _read(self, request: ChatRequest, reply: Any, seconds: float) -> Completion:
        try:
            choice = reply.choices[0]
            text = choice.message.content or ""
        except (AttributeError, TypeError, LookupError):
            raise self._server.without_answer(reply, self.model) from None
        if not isinstance(text, str):
            raise self._server.other_protocol()
        shares = _shares(request, choice)
        if request.choices:
            text = label_meant(text, request.choices) or text.strip()
            if shares is not None and request.temperature == 0:
                text = request.choices[int(np.argmax(shares))]
        finish = "length" if getattr(choice, "finish_reason", None) == "length" else "stop"
        tokens_in = _count(reply, "prompt_tokens", _most_tokens_in(request))
        tokens_out = _count(reply, "completion_tokens", _most_tokens_out(request))
        return Completion(text, tokens_in, tokens_out, seconds, finish, shares)


def _most_tokens_in(request: ChatRequest) -> int:
    """A bound on the prompt's tokens: no tokenizer makes more of a text than it has bytes."""
    texts = [m.content for m in request.messages] + [request.schema or ""]
    return TEMPLATE + sum(MESSAGE + len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _most_tokens_out(request: ChatRequest) -> int:
    # A label is never more tokens than bytes; anything past that is chatter to be paid for.
    longest = max((len(choice.encode()) for choice in request.choices), default=request.max_tokens)
    return min(request.max_tokens, longest + 4) if request.choices else request.max_tokens


def _wish(request: ChatRequest) -> tuple[str, dict[str, Any]]:
    """The feature beyond plain chat that a request needs, and how to ask for it."""
    if request.choices:
        return "logprobs", {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    if request.schema is None:
        return "", {}
    wrapped = {"name": "answer", "schema": json.loads(request.schema), "strict": True}
    return "response_format", {"response_format": {"type": "json_schema", "json_schema": wrapped}}


def _shares(request: ChatRequest, choice: Any) -> tuple[float, ...] | None:
    """One probability a choice; None where the server gives no log-probabilities in OpenAI's form, or only those of the
    tokens written, which say nothing of the other choices."""
    if not request.choices:
        return None
    try:
        walked = [
            TokenChoice(_bytes(p), float(p.logprob), tuple((_bytes(t), float(t.logprob)) for t in p.top_logprobs))
            for p in choice.logprobs.content
        ]
    except (AttributeError, TypeError, ValueError):
        return None
    told = walked and all(position.top for position in walked)
    return label_probabilities(walked, request.choices) if told else None


def _bytes(token: Any) -> bytes:
    return bytes(token.bytes) if token.bytes else str(token.token).encode()


def _count(reply: Any, field: str, most: int) -> int:
    """The tokens that the server counted; where it gives no number, the most there can have been."""
    counted = getattr(getattr(reply, "usage", None), field, None)
    return counted if isinstance(counted, int) and 0 < counted < 2**31 else most
