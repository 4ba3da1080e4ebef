"""One Label Studio server through its SDK: whatever fails becomes an AnnotatorError that shows no key."""

import json
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from models.errors import AnnotatorError, OutageError

T = TypeVar("T")
Condition = tuple[str, str, str, Any]

# The SDK repeats a request whose answer was lost, which doubles what the first one wrote.
ONCE: Any = {"max_retries": 0, "timeout_in_seconds": 300}
_PAGE = 500
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class LostAnswerError(OutageError):
    """The request may have been carried out, although no answer says so."""


class LabelStudioApi:
    """A server and a key for it; nothing is contacted before the first `ask`.

    The key is a personal access token or a legacy token. `key_name` is the environment variable that messages point
    at; `timeout` in seconds a request; `ca_file` holds the certificates (PEM) to trust, instead of the system's.
    Raises AnnotatorError where address, key or file cannot be one.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        key_name: str = "LABEL_STUDIO_API_KEY",
        timeout: float = 60.0,
        ca_file: Path | None = None,
    ) -> None:
        self.url = url.strip().rstrip("/")
        self.key_name = key_name
        self._key = key.strip()
        self._timeout = timeout
        self._trusted = _certificates(ca_file)
        self._client: Any = None
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).netloc:
            raise AnnotatorError(f"{self.url!r} is no address of a Label Studio. Write it as http://host:8080.")
        if not self._key:
            raise AnnotatorError(f"No key for Label Studio at {self.url}. {self._where_keys_are()}")
        if not self._key.isascii() or not self._key.isprintable() or " " in self._key:
            raise AnnotatorError(f"{key_name} holds characters that no key has. {self._where_keys_are()}")

    def ask(self, request: Callable[[Any], T]) -> T:
        """Runs one request. Raises AnnotatorError: OutageError if the server is away, LostAnswerError if it may still
        have done it."""
        import httpx
        from label_studio_sdk.core.api_error import ApiError
        from label_studio_sdk.core.parse_error import ParsingError

        try:
            return request(self._connected())
        except ApiError as error:
            raise self._refusal(error.status_code, error.body) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise AnnotatorError(_untrusted(self.url, str(error))) from None
            raise OutageError(
                f"Label Studio at {self.url} cannot be reached. Check the address and that the server runs."
            ) from None
        except httpx.RequestError as error:
            raise LostAnswerError(
                f"Label Studio at {self.url} did not answer ({type(error).__name__}). Run the command again."
            ) from None
        except (ParsingError, json.JSONDecodeError):
            raise self._stranger() from None

    def tasks(
        self,
        project: int,
        conditions: Sequence[Condition],
        *,
        include: str | None = None,
        limit: int | None = None,
    ) -> list[Any]:
        """The project's tasks that meet all conditions (column, operator, type, value), oldest first.

        `include` names the columns to fetch; without it they come with their annotations. `limit` stops after
        the page that reaches it. Raises AnnotatorError.
        """
        found: list[Any] = []
        left = 1
        # Numbered pages shift while annotators work, and the SDK's pager takes a late 404 for the end of the
        # list: each page begins after the last id instead.
        while left and len(found) < (limit or len(found) + 1):
            after = ("id", "greater", "Number", found[-1].id if found else 0)
            rows, total = self._page(project, [*conditions, after], include, min(limit or _PAGE, _PAGE))
            left = total - len(rows)
            if left and not rows:
                raise AnnotatorError(f"{self.url} counts {total} tasks but lists none. Run the command again.")
            found += rows
        return found

    def _page(
        self, project: int, conditions: Sequence[Condition], include: str | None, size: int
    ) -> tuple[list[Any], int]:
        filters = [
            {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
            for column, operator, kind, value in conditions
        ]
        query = json.dumps({"filters": {"conjunction": "and", "items": filters}, "ordering": ["tasks:id"]})
        what = {"fields": "all"} if include is None else {"include": include, "fields": "task_only"}

        def fetch(client: Any) -> tuple[list[Any], int]:
            pager = client.tasks.list(project=project, query=query, page_size=size, **what)
            return list(pager.items or []), pager.response.total

        return self.ask(fetch)

    def _connected(self) -> Any:
        if self._client is None:
            import httpx
            import label_studio_sdk

            # A proxy that the environment names cannot see this machine's loopback.
            proxied = urlsplit(self.url).hostname not in _LOOPBACK
            http = httpx.Client(
                timeout=self._timeout, follow_redirects=True, trust_env=proxied, verify=self._trusted or True
            )
            # Without the slash the SDK refreshes a token at the host's root, beside the path that the server has.
            client: Any = label_studio_sdk.LabelStudio(  # type: ignore[no-untyped-call]
                base_url=f"{self.url}/", api_key=self._key, httpx_client=http, timeout=self._timeout
            )
            if not isinstance(getattr(client.users.whoami(), "email", None), str):
                raise self._stranger()
            self._client = client
        return self._client

    def _refusal(self, status: int | None, body: object) -> AnnotatorError:
        if status in (401, 403):
            said = self._shown(body)
            short = f"{self.key_name} holds an access token, which lasts for minutes. " if "wrong type" in said else ""
            return AnnotatorError(
                f"Label Studio at {self.url} refuses the key ({status} {said}). {short}{self._where_keys_are()}"
            )
        if status is not None and (status == 408 or status >= 500):
            return LostAnswerError(
                f"Label Studio at {self.url} failed ({status} {self._shown(body)}). Try again later."
            )
        if not isinstance(body, dict) or (status == 404 and self._client is None):
            return self._stranger()
        todo = " It may have been deleted there. Run the command again: what is missing is made anew."
        return AnnotatorError(
            f"Label Studio at {self.url} answers {status}: {self._shown(body)}{todo if status == 404 else ''}"
        )

    def _stranger(self) -> AnnotatorError:
        return AnnotatorError(
            f"What answers at {self.url} is not a Label Studio. Give the address that the browser shows, "
            "without '/projects' and what follows."
        )

    def _where_keys_are(self) -> str:
        return f"Copy a personal access token from {self.url}/user/account into {self.key_name}."

    def _shown(self, body: object) -> str:
        if isinstance(body, dict):
            body = {k: body[k] for k in ("detail", "validation_errors") if body.get(k)} or body
        return json.dumps(body, ensure_ascii=False, default=str)[:300].replace(self._key, "***")


def _certificates(ca_file: Path | None) -> ssl.SSLContext | None:
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else None
    except OSError as error:
        raise AnnotatorError(
            f"annotation.ca_file: {ca_file} holds no certificates ({error}). Give the server's certificate, or that "
            "of who signed it, as a PEM file."
        ) from None


def _untrusted(url: str, reason: str) -> str:
    reason = reason.partition("CERTIFICATE_VERIFY_FAILED")[2].strip(" ]:")
    return (
        f"The certificate of {url} is not to be trusted ({reason}). Nothing was sent. Where you have signed it "
        "yourselves, name the certificate (PEM) in annotation.ca_file."
    )
