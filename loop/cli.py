"""The command line: each command is a file of loop/commands/."""

import json
import signal
import sys
from typing import NoReturn

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

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
STOPPED = 130


def main() -> None:
    """Runs the command; a mistake the user can act on is one message, and exit code 1."""
    # Whoever asks politely for an end gets the one of Ctrl-C: servers are stopped, files whole.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Typer catches an interrupt, and gives its exit code back as it does that of `typer.Exit`.
        code = app(standalone_mode=False)
    except LabelloopError as error:
        _fail(str(error))
    except typer.Abort:
        sys.exit(STOPPED)
    except KeyboardInterrupt:
        code = STOPPED
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        _fail(error.format_message(), getattr(error, "exit_code", 2))
    if code == STOPPED:
        print("stopped; nothing is lost: give the same command again", file=sys.stderr)
    sys.exit(code or 0)


def _fail(message: str, code: int = 1) -> NoReturn:
    if "--json" in sys.argv:
        print(json.dumps({"error": message}, ensure_ascii=False))
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


@app.callback()
def labelloop() -> None:
    """An active-learning labeling loop that measures how far to trust the machine."""


for command in (demo, init, doctor, prompts, studio, run, status, report, export, predict, replay):
    app.command()(command)
