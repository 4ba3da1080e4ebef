"""Label Studio in a virtual environment of its own, since its server pins old libraries."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import AnnotatorError

VERSION = "1.23.2"
_COMPLETE = "installed-by-labelloop"


def install(home: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """Makes sure that Label Studio is installed under `home`; returns its program. About 1 GB, half a minute.

    What a kill left half done is done anew. `progress` is told what happens. Raises AnnotatorError where the
    installation fails, or another process is at it.
    """
    where = home.absolute() / f"label-studio-{VERSION}"
    program = where / "bin" / "label-studio"
    if (where / _COMPLETE).exists():
        return program
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "label-studio.lock", f"Another process installs Label Studio in {home}. Wait for it.") as lock:
        if (where / _COMPLETE).exists():
            return program
        progress(f"Installing Label Studio {VERSION} into {where} (about 1 GB, once)")
        shutil.rmtree(where, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(where)], lock)
        python = str(where / "bin" / "python")
        _run([python, "-m", "pip", "install", "--disable-pip-version-check", f"label-studio=={VERSION}"], lock)
        (where / _COMPLETE).touch()
        progress("Label Studio is installed")
    return program


@contextmanager
def locked(path: Path, refusal: str) -> Iterator[int]:
    """Holds a lock on the file whose descriptor it yields. Raises AnnotatorError(refusal) where it is held.

    A child that inherits the descriptor keeps the lock until it ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnnotatorError(refusal) from None
        yield descriptor
    finally:
        os.close(descriptor)


def _run(command: list[str], lock: int) -> None:
    # Modules of this environment must not be found by the other one.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        pass_fds=[lock],
        check=False,
    )
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        how = f"was killed by signal {-done.returncode}, after" if done.returncode < 0 else "says:"
        raise AnnotatorError(
            f"Label Studio {VERSION} could not be installed; {command[2]} {how}\n{end}\nthe same command tries again"
        )
