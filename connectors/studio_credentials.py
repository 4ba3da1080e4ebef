"""Login and key of the local Label Studio: made once, readable by their owner only."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from models.errors import AnnotatorError


@dataclass(frozen=True)
class Credentials:
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


def credentials(path: Path) -> Credentials:
    """Reads the file, or makes it with mode 0600 and new secrets. Raises AnnotatorError for a broken file."""
    if not path.exists():
        _write(path, Credentials("labelloop@localhost", secrets.token_urlsafe(18), secrets.token_hex(20)))
    try:
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise AnnotatorError(
            f"{path} is broken, and it alone opens the Label Studio beside it. Put back a copy, or use "
            "another data directory."
        ) from None


def _write(path: Path, made: Credentials) -> None:
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(made), file)
    # The file appears whole, so that no kill leaves half of a secret that the server already knows.
    draft.replace(path)
