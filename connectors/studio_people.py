"""Accounts for the people who annotate on the local Label Studio."""

import secrets
import subprocess
from pathlib import Path

from connectors.label_studio_api import ONCE, LabelStudioApi
from connectors.studio import Studio
from connectors.studio_environment import program_environment
from connectors.studio_install import install
from models.errors import AnnotatorError

# On a busy machine the server's program takes minutes to begin.
_SECONDS = 300


def add_annotator(home: Path, data: Path, studio: Studio, email: str) -> str | None:
    """Makes an account that can log in and returns its password; None where the address has an account, which keeps its
    own. Raises AnnotatorError.

    A password given to the server's API is not one that logs in: the server's own program sets it.
    """
    api = LabelStudioApi(studio.url, studio.token)
    if email in {user.email for user in api.ask(lambda c: list(c.users.list()))}:
        return None
    if "@" not in email.strip("@"):
        raise AnnotatorError(f"{email!r} is no e-mail address: give one, such as kim@example.com; it need not exist")
    # Typed by hand from a message: no letters that look alike.
    password = secrets.token_hex(6)
    made = api.ask(lambda c: c.users.create(email=email, username=email, request_options=ONCE))
    try:
        _set_password(home, data, email, password)
    except AnnotatorError:
        # An account that nobody can open would pass for one that has its password already.
        api.ask(lambda c: c.users.delete(made.id))
        raise
    return password


def _set_password(home: Path, data: Path, email: str, password: str) -> None:
    # One word each: what begins with a dash would be read as another option.
    command = [str(install(home)), "reset_password", f"--username={email}", f"--password={password}"]
    try:
        done = subprocess.run(
            command,
            env=program_environment(data),
            cwd=data,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AnnotatorError(f"The password of {email} could not be set within {_SECONDS} s. Try again.") from None
    if done.returncode:
        raise AnnotatorError(f"The password of {email} could not be set, so no account was made: {done.stderr[-300:]}")
