"""Label Studio in a virtual environment of its own, since its server pins old libraries.

Nothing here needs a library: `python -m connectors.studio_install` works while ours are on their way.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.studio_environment import program_environment
from models.errors import AnnotatorError

VERSION = "1.23.2"
_COMPLETE = "installed-with-database"
_DATABASE = "label_studio.sqlite3"


def home() -> Path:
    """Where what is installed once for all runs lies."""
    return Path(os.environ.get("LABELLOOP_HOME") or Path.home() / ".cache" / "labelloop")


def install(home: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """Makes sure that Label Studio is installed under `home`; returns its program. About 1 GB, one to three minutes.

    What a kill left half done is done anew. `progress` is told what happens. Raises AnnotatorError where the
    installation fails, or another process is at it.
    """
    where = _folder(home)
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
        # Not compiled: the server does that with the few modules that it imports.
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
        _run([*pip, f"label-studio=={VERSION}"], lock)
        progress("Making its database, which every data directory begins with a copy of")
        _make_database(program, where / "empty", lock)
        (where / _COMPLETE).touch()
        progress("Label Studio is installed")
    return program


def lay_database(home: Path, data: Path) -> None:
    """Gives a data directory that has no database an empty one: to make it would take the server a minute.

    The server adds its owner, and a secret of its own, when it starts.
    """
    place = data / _DATABASE
    if not place.exists():
        # It appears whole: a start that is killed here leaves none, and the next one lays it.
        draft = place.with_suffix(".new")
        shutil.copyfile(_folder(home) / "empty" / _DATABASE, draft)
        draft.replace(place)


def _folder(home: Path) -> Path:
    return home.absolute() / f"label-studio-{VERSION}"


def _make_database(program: Path, data: Path, lock: int) -> None:
    data.mkdir()
    # Of the program's commands this does the least, and every one brings the database up to date before.
    _run([str(program), "version"], lock, program_environment(data))


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


def _run(command: list[str], lock: int, environment: dict[str, str] | None = None) -> None:
    # Modules of this environment must not be found by the other one.
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment or inherited,
        pass_fds=[lock],
        check=False,
    )
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        how = f"was killed by signal {-done.returncode}, after" if done.returncode < 0 else "says:"
        what = f"{Path(command[0]).name} {' '.join(command[1:3])}"
        raise AnnotatorError(
            f"Label Studio {VERSION} could not be installed; {what} {how}\n{end}\nthe same command tries again"
        )


if __name__ == "__main__":
    try:
        install(home(), print)
    except AnnotatorError as error:
        sys.exit(str(error))
