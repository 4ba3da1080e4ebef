"""The command line: each command is a file of loop/commands/."""

import json
import signal
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

import models.threads  # noqa: F401 - first of all: it tells OpenMP not to spin, which only counts before torch loads
from loop.commands.demo import demo
from loop.commands.doctor import doctor
from loop.commands.export import export
from loop.commands.init import init
from loop.commands.predict import predict
from loop.commands.prompts import prompts
from loop.commands.replay import replay
from loop.commands.report import report
from loop.commands.run import run
from loop.commands.status import status
from loop.commands.studio import studio
from models.errors import LabelloopError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
STOPPED = 130


def main() -> None:
    """Runs the command; a mistake the user can act on is one message, and exit code 1."""
    # Whoever asks politely for an end gets the one of Ctrl-C: servers are stopped, files whole.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Typer catches an interrupt, and gives its exit code back as it does that of `typer.Exit`.
        code = app(args=sys.argv[1:] or ["--help"], prog_name="labelloop", standalone_mode=False)
    except LabelloopError as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}: check that it is there and what you may do with it")
    except typer.Abort:
        sys.exit(STOPPED)
    except KeyboardInterrupt:
        code = STOPPED
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        _fail(_with_usage(error, error.format_message()), getattr(error, "exit_code", 2))
    if code == STOPPED:
        print("stopped; nothing is lost: give the same command again", file=sys.stderr)
    sys.exit(code or 0)


def _with_usage(error: Exception, message: str) -> str:
    """What typer says of a wrong call, with how the command is called where it knows which one was meant."""
    context = getattr(error, "ctx", None)
    return f"{message} ({context.get_usage()}; --help says more)" if context else message


def _fail(message: str, code: int = 1) -> NoReturn:
    if "--json" in sys.argv:
        print(json.dumps({"error": message}, ensure_ascii=False))
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def _say_version(asked: bool) -> None:
    if asked:
        print(version("labelloop"))
        raise typer.Exit


@app.callback()
def labelloop(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """An active-learning labeling loop that measures how far to trust the machine."""


for command in (demo, init, doctor, prompts, studio, run, status, report, export, predict, replay):
    app.command()(command)
