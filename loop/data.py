"""The data that a run begins from: pool, seed set and holdout, read once and held against what was read before."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from connectors.datasets import read_labelled, read_texts
from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_source import Judged, read_project
from loop import randomness
from loop.adopt import adopted
from loop.config import Config
from loop.copies import plain_text
from loop.keys import server_key
from loop.store import Store
from models.errors import DataError, StoreError
from models.records import Example


def load_examples(config: Config, store: Store, served: str = "") -> None:
    """Reads the data into a new store; holds an old one against the config and the model that an LLM server has
    `served`. Raises DataError, StoreError."""
    if config.data.project() and store.all(Example):
        # People may work on in the project that the run began from.
        _check_same(store, config, [], served)
        return
    judged = read_judged(config)
    examples = read_examples(config, judged)
    _check_same(store, config, examples, served)
    tasks, verdicts = adopted(config.annotation.project, judged, [e for e in examples if e.origin == "pool"])
    store.add([*examples, *tasks, *verdicts])


def read_judged(config: Config) -> Judged:
    """The project that is the pool, where it is one. Raises ConfigError, DataError, AnnotatorError."""
    title, section = config.data.project(), config.annotation
    if title is None:
        return []
    key = server_key(section.key_env)
    api = LabelStudioApi(section.url, key, key_name=section.key_env, ca_file=section.ca_file)
    return read_project(api, title, config.data.label, list(config.classes), config.task.multi_label)


def read_examples(config: Config, judged: Judged = ()) -> list[Example]:
    """Holdout, seed, pool and the texts set aside, none of them twice; `judged` is the pool that is a project. Raises
    DataError."""
    data, classes, many = config.data, list(config.classes), config.task.multi_label
    pool = [example for example, _ in judged] or read_texts(data.pool, data.text, "pool")
    read = partial(read_labelled, text=data.text, label=data.label, classes=classes, multi_label=many)
    seed = read(data.seed, origin="seed", partly=data.seed == data.pool) if data.seed else []
    holdout = read(data.holdout, origin="holdout") if data.holdout else []
    if data.holdout:
        _check_holdout(data.holdout, holdout)
    pool, seed = without_copies(pool, seed, holdout)
    labelled = {example.id for example, said in judged if said}
    aside, pool = _set_aside(pool, labelled, config)
    known = {e.label for e in seed} | {v.label for _, said in judged for v in said} - {None}
    _check_sizes(config, sum(e.id not in labelled for e in pool), len(known) > 1)
    return [*holdout, *seed, *pool, *aside]


def _set_aside(
    pool: Sequence[Example], labelled: Collection[str], config: Config
) -> tuple[list[Example], list[Example]]:
    """A random part of the pool that only measures, and the rest in its order. Of what nobody has `labelled`, as the
    holdout is: both must be draws of one pool."""
    unlabelled = [e for e in pool if e.id not in labelled]
    drawn = randomness.of_split(config.run.seed).permutation(len(unlabelled))[: config.data.set_aside]
    aside = {unlabelled[i].id for i in drawn}
    chosen = [replace(e, origin="aside") for e in pool if e.id in aside]
    return chosen, [e for e in pool if e.id not in aside]


def without_copies(
    pool: Sequence[Example], seed: Sequence[Example], holdout: Sequence[Example]
) -> tuple[list[Example], list[Example]]:
    """Pool and seed without what stands in the holdout, in the seed, or in themselves before. Raises DataError for a
    pool of nothing but the holdout's texts."""
    taken = {plain_text(e.text) for e in holdout}
    if pool and taken.issuperset(plain_text(e.text) for e in pool):
        raise DataError(
            f"every text of the pool ({len(pool)}) stands in the holdout, too, and is left out for that: "
            "give two files with different texts"
        )
    kept: dict[str, Example] = {}
    for example in (*seed, *pool):
        plain = plain_text(example.text)
        if plain not in taken:
            kept.setdefault(plain, example)
    return [e for e in kept.values() if e.origin == "pool"], [e for e in kept.values() if e.origin == "seed"]


def _check_holdout(path: Path, holdout: Sequence[Example]) -> None:
    classes = {e.label for e in holdout}
    if len(classes) < 2:
        raise DataError(
            f"{path} holds one class only ('{next(iter(classes))}'), so it cannot measure accuracy: "
            "give a holdout with every class"
        )


def _check_sizes(config: Config, pool: int, seeded: bool) -> None:
    first = (0 if config.data.holdout else config.data.holdout_size) + (0 if seeded else config.run.start)
    needed = first + config.run.batch
    if pool < needed:
        taken = f"beside the {config.data.set_aside} of data.set_aside " if config.data.set_aside else ""
        raise DataError(
            f"the pool has {pool} distinct texts without a label {taken}and holdout, start and one batch need "
            f"{needed}: give more texts, or lower data.holdout_size, run.start or run.batch"
        )


def _check_same(store: Store, config: Config, examples: Sequence[Example], served: str) -> None:
    ids = "\n".join(sorted(f"{e.origin} {e.id} {e.label}" for e in examples))
    facts = {
        "data": str(config.data.pool) if config.data.project() else hashlib.sha256(ids.encode()).hexdigest()[:16],
        "classes": json.dumps(list(config.classes), ensure_ascii=False),
        "task.multi_label": str(config.task.multi_label),
        "run.seed": str(config.run.seed),
        "annotation.project": config.annotation.project,
        # What an audit shows holds for the share that it was drawn with, and for what was demanded beforehand.
        "annotation.blind_share": str(config.annotation.blind_share),
        "annotation.accept_above": str(config.annotation.accept_above),
        "annotation.llm_votes": str(config.annotation.llm_votes),
        "learner.encoder": config.learner.encoder,
        "llm.model": config.llm.model,
        # What is known of the labels of one model says nothing of another's.
        "llm.served_model": served,
    }
    for name, value in facts.items():
        known = store.setting(name)
        if known is not None and known != value:
            carried = "; docs/recipes.md says how labels come along to other classes" if name == "classes" else ""
            raise StoreError(
                f"the run in {store.directory} was started with other '{name}': "
                f"put it back, or give this one another run.directory{carried}"
            )
    for name, value in facts.items():
        store.set(name, value)
