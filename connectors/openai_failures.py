"""What went wrong between us and an OpenAI-compatible server, in words that never hold a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from models.errors import LLMError, RefusedError

# What a server says of one request: malformed to it, too large, or against its rules.
REFUSALS = (400, 413, 422)


@dataclass(frozen=True)
class Server:
    """The server as messages name it. `timeout` in seconds; `retries` after the first try."""

    url: str = field(repr=False)
    key: str = field(repr=False)
    timeout: float
    retries: int

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https") or not self.host:
            raise LLMError(
                f"{self._clean(self.url)!r} is no address of an LLM server. Write it like http://localhost:8000/v1."
            )

    @property
    def host(self) -> str:
        """host[:port], without the user and password that an address may carry."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def address(self) -> str:
        """The address without password and query, either of which may be a key."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{self.host}{parts.path}"

    def explain(self, error: Exception, model: str) -> LLMError:
        """The LLMError that says what `error` of the openai client (or of reading its answer) means."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            return LLMError(
                f"The LLM server at {self.address} did not answer within {self.timeout:g} s, "
                f"{self.retries + 1} times in a row. Raise the timeout or lower the concurrency."
            )
        if isinstance(error, openai.APIConnectionError):
            return LLMError(
                f"The LLM server at {self.address} cannot be reached "
                f"({self._clean(error.__cause__ or error)}). Check that it runs, its address, the network."
            )
        if isinstance(error, openai.APIStatusError):
            return self._failed(error.status_code, error, model)
        return self.other_protocol()

    def without_answer(self, reply: object, model: str) -> LLMError:
        """What a reply means that came with status 200 and holds no text: that a filter has taken it out, an error that
        a router passes on, or no chat protocol."""
        error, choices = getattr(reply, "error", None), getattr(reply, "choices", None)
        if isinstance(error, Mapping):
            code, said = error.get("code"), error.get("message") or error
            if isinstance(code, int):
                return self._failed(code, said, model)
            return RefusedError(f"The LLM server at {self.address} refuses the request: {self._clean(said)}.")
        if isinstance(choices, list) and all(getattr(choice, "message", choice) is None for choice in choices):
            return RefusedError(f"The LLM server at {self.address} answers without a text, as its filter may make it.")
        return self.other_protocol()

    def other_protocol(self) -> LLMError:
        return LLMError(
            f"What answers at {self.address} does not speak OpenAI's chat protocol. "
            "Check the address; it usually ends in /v1."
        )

    def _failed(self, status: int, said: object, model: str) -> LLMError:
        kind = RefusedError if status in REFUSALS else LLMError
        return kind(f"The LLM server at {self.address} {self._status(status, said, model)}")

    def _status(self, status: int, error: object, model: str) -> str:
        said = self._clean(error)
        known = {
            401: "does not accept the key (401). Check the environment variable that the configuration names for it.",
            403: f"forbids this key the model {model!r} (403). Check what the key may use.",
            404: f"knows no model {model!r} or has another path (404): {said}. "
            "Compare the model with what its /models lists; the address usually ends in /v1.",
            429: f"limits the rate or the quota is used up (429, after {self.retries} retries): {said}. "
            "Lower the concurrency, wait, or raise the quota.",
        }
        if status >= 500:
            return f"fails ({status}, after {self.retries} retries): {said}. Look at its log, then run again."
        return known.get(status, f"refuses the request ({status}): {said}.")

    def _clean(self, what: object) -> str:
        text = " ".join(str(what).split())[:300].rstrip(".")
        secrets = [self.key, urlsplit(self.url).password or "", urlsplit(self.url).query]
        for secret in filter(None, secrets):
            text = text.replace(secret, "…")
        return text
