"""What the commands share: their common options, and how they print."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, and nothing else on standard output.")]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The run's TOML file.")]
LOG_WIDTH = 140


def display_of(quiet: bool) -> Any:
    from loop.display import Display

    return Display(quiet)


def console_of(quiet: bool = False) -> Console:
    from loop.display import console

    return console(quiet)


def print_rounds(store: Any, as_json: bool, state: str = "done", names: bool = False) -> None:
    from loop.table import CAPTION
    from loop.table import status as facts_of

    facts = facts_of(store, names)
    if as_json:
        return print_value(facts | {"state": state}, as_json)
    print_table(facts, CAPTION)
    if state == "waiting":
        print(f"waiting for {facts['waiting_for']} verdicts; run again when they are there")


def print_table(facts: dict[str, Any], caption: str = "") -> None:
    if facts["rounds"]:
        _print_rows(facts["rounds"], caption)
    for line in facts["says"]:
        print(line)


def _print_rows(rows: list[dict[str, Any]], caption: str) -> None:
    from loop.table import render

    # A log has no width of its own; the usual 80 columns would break each cell.
    Console(width=None if sys.stdout.isatty() else LOG_WIDTH).print(render(rows))
    if caption:
        print(caption)


def print_value(value: Any, as_json: bool) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1) if as_json else value, flush=True)
