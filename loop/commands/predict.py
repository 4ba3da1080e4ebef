"""labelloop predict"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from loop.commands.output import JsonFlag, console_of, print_value


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model's directory, a run's directory, or a run's TOML file.")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON lines or Parquet, of any size.")],
    to: Annotated[
        Path | None, typer.Option(help="A new .csv, .jsonl or .parquet file; by default CSV on standard output.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help='Column that holds the text; by default the run\'s, or "text".')
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="No label is given where its calibrated probability is under this; of no class, where a text may be, "
            "is an empty label, too, with a probability over it.",
        ),
    ] = 0.0,
    as_json: JsonFlag = False,
) -> None:
    """Labels new texts: each row of the file with two more columns, predicted_label and predicted_probability."""
    from connectors.row_writer import check_target
    from loop.predict import check_source, find_model
    from loop.predict import predict as label
    from models.classifier import TextClassifier
    from models.errors import ConfigError

    if to is None and as_json:
        raise ConfigError("--json prints the summary on standard output: name a file for the labels with --to")
    if to is not None:
        check_target(to)
    folder, usual = find_model(model)
    column = text or usual
    check_source(file, column)
    with _progress(quiet=as_json) as progress:
        task = progress.add_task("", texts="loading the model", total=1.0)

        def watch(texts: int, done: float) -> None:
            rate = texts / max(progress.tasks[0].elapsed or 0, 1e-9)
            progress.update(task, completed=done, texts=f"{texts:,} texts, {rate:,.0f}/s")

        try:
            summary = label(TextClassifier.load(folder), file, column, threshold, to, watch)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read has seen enough, as 'head' does; what is left in the buffer has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
    facts = {
        "model": str(folder),
        "file": str(file),
        "to": str(to),
        "texts": summary.texts,
        "abstained": summary.abstained,
        "empty": summary.empty,
        "labels": dict(summary.labels.most_common()),
    }
    if as_json:
        print_value(facts, as_json)
    else:
        console_of().print(
            f"{summary.texts:,} texts: {summary.labels.total():,} labelled, {summary.abstained:,} abstained from, "
            f"{summary.empty:,} empty" + (f"; written to {to}" if to else ""),
        )


def _progress(quiet: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.fields[texts]}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )
