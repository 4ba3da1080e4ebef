"""labelloop init"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from loop.commands.output import JsonFlag, print_value


def init(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A file of texts, a directory of such, hf:owner/name:split or sklearn:fetch_20newsgroups.",
        ),
    ],
    to: Annotated[Path | None, typer.Option(help="The TOML file to write; by default named after the data.")] = None,
    text: Annotated[str | None, typer.Option(help="Column that holds the text.")] = None,
    label: Annotated[str | None, typer.Option(help='Column that holds the label; "" for none.')] = None,
    task: Annotated[str | None, typer.Option(help="One sentence for the LLM and the annotators.")] = None,
    classes: Annotated[str, typer.Option(help="Class names, with commas.")] = "",
    project: Annotated[str | None, typer.Option(help="Title of the project in Label Studio.")] = None,
    holdout_file: Annotated[Path | None, typer.Option(help="Labelled texts that only measure.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take what was found.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Looks at data that nobody prepared and writes a configuration that runs. Overwrites nothing."""
    from dataclasses import asdict

    from loop.init.answers import answers, default_title, look_at, split_names
    from loop.init.config_file import new_file, write_config
    from loop.init.look import describe

    path = new_file(to or Path(f"{default_title(data)}.toml"))
    names = split_names(classes)
    found = look_at(data, holdout_file, text, label, names)
    if not as_json:
        print("\n".join([str(data), *describe(found)]), flush=True)
    ask = _prompt if sys.stdin.isatty() and not (yes or as_json) else _take
    answered = answers(data, found, ask, task=task, classes=names, project=project, holdout=holdout_file)
    write_config(path, answered, found)
    print_value({"found": asdict(found), "config": str(path)} if as_json else _next(path), as_json)


def _prompt(question: str, default: str) -> str:
    answer: str = typer.prompt(question, default=default, show_default=bool(default))
    return answer


def _take(_: str, default: str) -> str:
    return default


def _next(path: Path) -> str:
    return (
        f"wrote {path}: look at it, then\n"
        "  labelloop studio                # in a terminal of its own; prints a key\n"
        "  export LABEL_STUDIO_API_KEY=…   # that key\n"
        f"  labelloop doctor {path}\n"
        f"  labelloop run {path}"
    )
