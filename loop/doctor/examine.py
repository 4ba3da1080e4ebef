"""What would keep a run from starting, found out before anything is spent."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.datasets import column
from connectors.label_studio_source import Judged
from connectors.named_datasets import is_named
from connectors.tables import Table, read_table
from loop.config import Config
from loop.copies import plain_text
from loop.data import read_examples, read_judged
from loop.doctor.checks import Check, Level
from loop.doctor.forecast import check_outlook
from loop.doctor.outside import check_keys, check_servers, check_tracker, check_weights
from models.errors import AnnotatorError, ConfigError, DataError
from models.label_sets import split
from models.records import Example, Origin
from models.threads import device, real_cores, use_real_cores

PACKAGES = ("modAL-python", "scikit-learn", "transformers", "torch", "sentence-transformers", "label-studio-sdk")
FEW_IN_HOLDOUT = 100
ENOUGH_GB, LEAST_GB = 2.0, 0.5


def examine(config: Config) -> Iterator[Check]:
    """Every check, as soon as it is made; the slow ones last."""
    try:
        judged = read_judged(config)
        examples = read_examples(config, judged)
        yield from check_data(config, examples, judged)
    except (ConfigError, DataError, AnnotatorError) as error:
        examples = []
        yield Check("data", "error", str(error))
    yield from check_keys(config)
    yield from check_disk(config.run.directory)
    yield from check_versions()
    yield from check_servers(config)
    yield from check_tracker(config)
    weights = list(check_weights(config, [e.text for e in examples]))
    yield from weights
    if examples and not any(check.level == "error" for check in weights):
        yield from check_outlook(config, examples)


def check_data(config: Config, examples: Sequence[Example], judged: Judged = ()) -> Iterator[Check]:
    data = config.data
    if data.project():
        labelled = sum(bool(said) for _, said in judged)
        yield Check("data", "ok", f"pool: {len(judged):,} texts of project '{data.project()}', {labelled:,} judged")
    sources: dict[Origin, Path | None] = {"pool": data.pool, "seed": data.seed, "holdout": data.holdout}
    for origin, source in sources.items():
        texts = sum(e.origin == origin for e in examples)
        if source is not None and not (origin == "pool" and data.project()):
            yield Check("data", "ok", f"{origin}: {texts:,} texts from {_found(read_table(source), data.text)}")
    yield from _check_labels(config, examples)
    yield from _check_meanings(config)


def _found(table: Table, text: str) -> str:
    cells = column(table, text)
    texts = [plain_text(cell) for cell in cells if cell]
    blank = table.blank + len(cells) - len(texts)
    facts = [f"{len(texts):,} rows", f"{blank:,} blank", f"{len(texts) - len(set(texts)):,} repeated"]
    encoding = [f"in {table.encoding.upper()}"] if table.encoding not in ("", "utf-8") else []
    name = str(table.source) if is_named(table.source) else table.source.name
    return f"{name} ({', '.join(facts + encoding)})"


def _check_labels(config: Config, examples: Sequence[Example]) -> Iterator[Check]:
    todos = {"seed": "nothing, if names and definitions say enough to look for them", "holdout": "add texts of them"}
    for origin, todo in todos.items():
        labels = [str(e.label) for e in examples if e.origin == origin]
        known = {name for label in labels for name in (split(label) if config.task.multi_label else [label])}
        missing = [name for name in config.classes if name not in known]
        if labels and missing:
            yield Check("data", "warning", f"{origin}: no text of {', '.join(missing)}", todo)
    holdout = sum(e.origin == "holdout" for e in examples) or config.data.holdout_size
    if holdout < FEW_IN_HOLDOUT:
        half = 196 * (0.25 / holdout) ** 0.5
        todo = "give a larger one: nothing else tells more"
        yield Check("data", "warning", f"a holdout of {holdout} tells accuracy to ±{half:.0f} points", todo)


def _check_meanings(config: Config) -> Iterator[Check]:
    unexplained = sum(not meaning for meaning in config.classes.values())
    if unexplained and config.llm.model != "none":
        todo = "say under [classes] what they mean: the LLM knows nothing else of them"
        yield Check("data", "warning", f"classes without a meaning: {unexplained}", todo)


def check_disk(directory: Path) -> Iterator[Check]:
    """The place where the run lives, or will."""
    place = next(p for p in (directory, *directory.parents) if p.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        yield Check("disk", "error", f"{place} cannot be written to", "change run.directory")
        return
    free = shutil.disk_usage(place).free / 2**30
    level: Level = "ok" if free >= ENOUGH_GB else "warning" if free >= LEAST_GB else "error"
    todo = "" if level == "ok" else f"make room: {ENOUGH_GB:g} GB serve most runs"
    yield Check("disk", level, f"{free:,.1f} GB free at {place}", todo)


def check_versions() -> Iterator[Check]:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    yield Check("versions", "ok", f"python {platform.python_version()}, {', '.join(versions)}")
    import torch

    use_real_cores()
    yield Check("versions", "ok", f"torch on {device()}, {torch.get_num_threads()} threads, {real_cores()} cores")
