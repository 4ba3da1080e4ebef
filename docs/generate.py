"""Writes docs/configuration.md and docs/commands.md from the code: python docs/generate.py [FOLDER]. A test holds what
lies in docs/ against it."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from loop.ablation import ARMS
from loop.cli import app
from loop.config import Config
from models.prompting import PLACEHOLDERS

HEAD = "<!-- written by docs/generate.py: change the code, then run it -->\n\n"


def configuration() -> str:
    """Every key of a configuration, section by section."""
    lines = ["# Configuration\n", "A TOML file; its relative paths are relative to it. Unknown keys are refused.\n"]
    for section, field in Config.model_fields.items():
        kind = field.annotation
        lines.append(f"## [{section}]\n")
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            lines.append(f'{field.description} One `name = "meaning"` a line, two or more.\n')
            continue
        lines += [f"{' '.join((kind.__doc__ or '').split())}\n", "| key | default | what it is |", "|---|---|---|"]
        lines += [
            _row(key, of.get_default(call_default_factory=True), of.description or "")
            for key, of in kind.model_fields.items()
        ]
        lines.append("")
    return HEAD + "\n".join([*lines, *_prompt_files()])


def _prompt_files() -> list[str]:
    lines = [
        "## Prompt files\n",
        "What `labelloop prompts DIR` writes for `llm.prompts`, and which words a file may and must hold.\n",
    ]
    lines += ["| file | words that are filled in | of these it must hold |", "|---|---|---|"]
    for name, (words, needed) in PLACEHOLDERS.items():
        lines.append(f"| `{name}` | {_words(words)} | {_words(needed)} |")
    return lines


def _words(names: Collection[str]) -> str:
    return ", ".join(f"`${name}`" for name in sorted(names)) or "–"


def _row(key: str, default: Any, description: str) -> str:
    shown = "needed" if default is PydanticUndefined else "–" if default is None else f"`{_toml(default)}`"
    return f"| `{key}` | {shown} | {description} |"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_toml(each)}' for key, each in value.items())}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def commands() -> str:
    """Every command with its options."""
    lines = ["# Commands\n"]
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        lines += [f"## labelloop {name}\n", f"{' '.join((command.help or '').split())}\n"]
        lines += ["| option | default | what it is |", "|---|---|---|"]
        lines += [_option(p) for p in command.params if p.name != "help"]
        lines.append("")
    return HEAD + "\n".join([*lines, *_arms()])


def _option(parameter: Any) -> str:
    names = [*parameter.opts[:1], *parameter.secondary_opts]
    name = (
        " / ".join(f"`{n}`" for n in names) if parameter.param_type_name == "option" else f"`{parameter.name.upper()}`"
    )
    unset = parameter.default is None or parameter.default is False or parameter.default in ("", [], ())
    default = "needed" if parameter.required else "–" if unset else f"`{parameter.default}`"
    return f"| {name} | {default} | {parameter.help or ''} |"


def _arms() -> list[str]:
    lines = ["## Arms of a replay\n", "Beside the query strategies of `learner.strategy`: the default learner, but\n"]
    return [
        *lines,
        "| arm | in what it differs |",
        "|---|---|",
        *(f"| `{name}` | {arm.says} |" for name, arm in ARMS.items()),
    ]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, text in (("configuration.md", configuration()), ("commands.md", commands())):
        (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
