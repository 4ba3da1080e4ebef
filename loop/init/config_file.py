"""A first configuration, as a short TOML file that runs."""

import json
import os
import re
from pathlib import Path
from string import Template

from connectors.label_studio import LabelStudioAnnotators
from connectors.named_datasets import is_named
from loop.config import Config, load_config
from loop.data import read_examples
from loop.init.answers import Answers
from loop.init.look import FirstLook
from models.errors import ConfigError, DataError, LabelloopError

HOLDOUT, BATCH, LABELS = 200, 20, 200
LEAST_HOLDOUT, LEAST_BATCH = 20, 2

_TEMPLATE = Template("""\
# Written by 'labelloop init'; configs/quickstart-en.toml shows what else there is. Paths are relative to this file.

[task]
description = $task   # one sentence, for the LLM and the annotators
language = $language
$several
[classes]   # the names that annotators see, and what they mean: the better said, the better an LLM labels and writes
$classes

[data]
pool = $pool
text = $text
$labelled

[llm]
model = $llm   # "none", "bundled", a GGUF file, a directory, a hub id, or "http://127.0.0.1:8000/v1"

[annotation]
project = $project   # the title of the project in Label Studio

[run]
directory = $directory
${start}batch = $batch     # human labels of each round
labels = $labels   # … in all$including
""")


def new_file(path: Path) -> Path:
    """`path` itself. Raises ConfigError where something is there."""
    if path.exists():
        raise ConfigError(f"{path} exists and is never overwritten: name another file with --to")
    return path


def write_config(path: Path, answers: Answers, found: FirstLook) -> Config:
    """Writes a configuration that `labelloop run` takes; returns it.

    Raises LabelloopError, and leaves no file, where the data cannot be used so; and where the file exists.
    """
    content = render(path, answers, found)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; name another file with --to") from None
    try:
        return _checked(path)
    except LabelloopError:
        path.unlink()
        raise


def _checked(path: Path) -> Config:
    """All that a run would refuse before it meets a server."""
    config = load_config(path)
    read_examples(config)
    LabelStudioAnnotators(config.annotation.url, "unknown", config.annotation.project, config.description())
    return config


def render(path: Path, answers: Answers, found: FirstLook) -> str:
    """The configuration as TOML, with paths relative to `path`. Raises DataError where the texts are too few."""
    free = found.unlabelled if answers.seed else found.texts
    seeded = found.texts - free
    holdout, batch = _sizes(free, answers.holdout is not None)
    return _TEMPLATE.substitute(
        task=_toml(answers.task),
        language=_toml(found.language),
        several="multi_label = true   # a text may be of several classes, or of none\n" if found.multi_label else "",
        classes="\n".join(f"{_key(name)} = {_toml(meaning)}" for name, meaning in answers.classes.items()),
        pool=_toml(_relative(answers.pool, path)),
        text=_toml(found.text),
        labelled="\n".join(_labelled(path, answers, found, holdout)),
        # The bundled one was trained on English, and none labels sets.
        llm=_toml("bundled" if found.language == "en" and not found.multi_label else "none"),
        project=_toml(answers.project),
        directory=_toml(f"runs/{path.stem}"),
        start="" if answers.seed else f"start = {batch}     # human labels of the first batch\n",
        batch=batch,
        labels=seeded + min(LABELS, free - holdout),
        including=f", the {seeded} that are there included" if seeded else "",
    )


def _labelled(path: Path, answers: Answers, found: FirstLook, holdout: int) -> list[str]:
    """The lines that say where labels are."""
    lines = [f"label = {_toml(found.label)}"] if found.label and (answers.seed or answers.holdout) else []
    if answers.seed:
        lines.append(f"seed = {_toml(_relative(answers.pool, path))}   # its rows that have a label")
    if answers.holdout:
        return [*lines, f"holdout = {_toml(_relative(answers.holdout, path))}   # only measures"]
    return [*lines, f"holdout_size = {holdout}   # drawn at random from the pool and labelled first; only measures"]


def _sizes(free: int, given: bool) -> tuple[int, int]:
    """The size of a holdout drawn from so many texts, 0 where one is given, and of a batch."""
    holdout = 0 if given else min(HOLDOUT, max(LEAST_HOLDOUT, free // 5))
    batch = min(BATCH, (free - holdout) // 4)
    if batch < LEAST_BATCH:
        raise DataError(f"{free} distinct texts are too few to learn from and to measure on: give some hundreds")
    return holdout, batch


def _relative(data: Path, config: Path) -> str:
    # The file is read as from where its folder really is, which ".." of a link's name would miss.
    real = data.parent.resolve() / data.name
    return str(data) if is_named(data) else Path(os.path.relpath(real, config.parent.resolve())).as_posix()


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for one character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
