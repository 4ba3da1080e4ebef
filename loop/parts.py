"""What a run is made of: its configuration, its store, and the real parts behind the protocols."""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from connectors.adjudicated import AdjudicatedAnnotators
from connectors.annotators import Annotators
from connectors.datasets import read_labelled, read_texts
from connectors.label_studio import LONGEST_TITLE, LabelStudioAnnotators
from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_source import Judged, read_project
from connectors.openai_llm import OpenAILLM
from connectors.trackers import Tracker, open_tracker
from loop.adopt import adopted
from loop.budget.ledger import Budget
from loop.config import Config
from loop.copies import plain_text
from loop.people.panel import Panel
from loop.sections import LLMSection
from loop.store import Record, Store
from models.embedding_cache import EmbeddingCache
from models.encoder import Encoder, open_encoder
from models.errors import ConfigError, DataError, StoreError
from models.llm import LLM
from models.local_llm import LocalLLM
from models.packaged import llm_file
from models.prompting import Prompts
from models.records import Example, TaskDescription
from models.strategies import Strategy, find_start, find_strategy

DISPUTES = " (disputes)"
RUN = "run.id"
STAGES = ("fit", "evaluate", "query", "generate", "label", "curate", "verify", "learn")


@dataclass(frozen=True)
class Parts:
    """Handed to every round; nothing in it changes while the run runs. `instead` puts functions in the place of stages'
    functions, by name: what a replay takes away to see what it is worth."""

    config: Config
    task: TaskDescription
    store: Store
    encoder: Encoder
    strategy: Strategy
    start: Strategy
    annotators: Annotators
    llm: LLM | None
    prompts: Prompts
    tracker: Tracker | None
    crosscheck: Sequence[LLM] = ()
    instead: Mapping[str, Callable[..., Sequence[Record]]] = field(default_factory=dict)

    def rng(self, round_: int, stage: str) -> np.random.Generator:
        """The randomness of one stage: from seed, round and stage alone."""
        return np.random.default_rng([self.config.run.seed, round_, STAGES.index(stage)])


def assemble(
    config: Config,
    store: Store,
    annotators: Annotators | None = None,
    llm: LLM | None = None,
    cache: Path | None = None,
) -> Parts:
    """Opens what the config names; `annotators` and `llm` take the place of those it names. Raises LabelloopError."""
    strategy, start = find_strategy(config.learner.strategy), find_start(config.learner.start)
    task, prompts = config.description(), Prompts(config.llm.prompts)
    prompts.check(task.language)
    tracker = open_run_tracker(config)
    # Before the data is written down: a key that is missing must not bind the run to today's files.
    annotators, llm = annotators or open_annotators(config, task, run_id(store)), llm or open_llm(config.llm)
    load_examples(config, store)
    Budget.of(config).write(store)
    Panel.of(config).write(store)
    # The holdout teaches nothing, not even which character n-grams occur.
    texts = [e.text for e in store.all(Example) if e.origin != "holdout"]
    embeddings = EmbeddingCache(cache or store.directory / "cache" / "embeddings.sqlite")
    return Parts(
        config=config,
        task=task,
        store=store,
        encoder=open_encoder(config.learner.encoder, texts, embeddings),
        strategy=strategy,
        start=start,
        annotators=annotators,
        llm=llm,
        prompts=prompts,
        tracker=tracker,
        crosscheck=[other for other in _others(config.llm) if other],
    )


def open_run_tracker(config: Config) -> Tracker | None:
    """What the config names; None for nothing. Raises ConfigError."""
    to = config.tracking.to
    return open_tracker(to, config.annotation.project, config.run.directory.name) if to else None


def _others(section: LLMSection) -> Iterator[LLM | None]:
    """The LLMs that only check another's labels."""
    for model in section.crosscheck:
        yield open_llm(section.model_copy(update={"model": model, "served_model": ""}))


def open_annotators(config: Config, task: TaskDescription, run: str) -> Annotators:
    """The Label Studio project that the config names; nothing is asked of the server yet."""
    section = config.annotation
    key = _key(section.key_env, required=True)

    def project(title: str) -> LabelStudioAnnotators:
        return LabelStudioAnnotators(
            section.url,
            key,
            title,
            task,
            key_name=section.key_env,
            ca_file=section.ca_file,
            run=run,
            provenance=section.show_provenance,
            confidence=section.show_confidence,
        )

    annotators = project(section.project)
    return (
        AdjudicatedAnnotators(annotators, project(disputes_of(section.project))) if section.adjudicator else annotators
    )


def disputes_of(project: str) -> str:
    """The title of the adjudicator's project."""
    return f"{project[: LONGEST_TITLE - len(DISPUTES)]}{DISPUTES}"


def run_id(store: Store) -> str:
    """What tells a run from every other; no result depends on it."""
    if store.setting(RUN) is None:
        store.set(RUN, uuid.uuid4().hex[:12])
    return str(store.setting(RUN))


def open_llm(section: LLMSection) -> LLM | None:
    """The LLM that the config names, None for "none". Local weights are loaded when first asked."""
    if section.model == "none":
        return None
    if section.model.startswith(("http://", "https://")):
        return OpenAILLM(
            section.model,
            section.served_model,
            key=_key(section.key_env),
            concurrency=section.concurrency,
            timeout=section.timeout,
        )
    return LocalLLM(llm_file() if section.model == "bundled" else section.model)


def load_examples(config: Config, store: Store) -> None:
    """Reads the data into a new store; holds an old one against the config. Raises DataError, StoreError."""
    if config.data.project() and store.all(Example):
        # People may work on in the project that the run began from.
        _check_same(store, config, [])
        return
    judged = read_judged(config)
    examples = read_examples(config, judged)
    _check_same(store, config, examples)
    tasks, verdicts = adopted(config.annotation.project, judged, [e for e in examples if e.origin == "pool"])
    store.add([*examples, *tasks, *verdicts])


def read_judged(config: Config) -> Judged:
    """The project that is the pool, where it is one. Raises ConfigError, DataError, AnnotatorError."""
    title, section = config.data.project(), config.annotation
    if title is None:
        return []
    key = _key(section.key_env, required=True)
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
    aside, pool = _set_aside(pool, config)
    labelled = {example.id for example, said in judged if said}
    _check_sizes(config, sum(e.id not in labelled for e in pool), bool(seed or labelled))
    return [*holdout, *seed, *pool, *aside]


def _set_aside(pool: Sequence[Example], config: Config) -> tuple[list[Example], list[Example]]:
    """A random part of the pool that only measures, and the rest in its order."""
    drawn = np.random.default_rng([config.run.seed, len(STAGES)]).permutation(len(pool))[: config.data.set_aside]
    aside = set(drawn.tolist())
    rest = [e for i, e in enumerate(pool) if i not in aside]
    return [replace(pool[i], origin="aside") for i in sorted(aside)], rest


def without_copies(
    pool: Sequence[Example], seed: Sequence[Example], holdout: Sequence[Example]
) -> tuple[list[Example], list[Example]]:
    """Pool and seed without what stands in the holdout, in the seed, or in themselves before."""
    taken = {plain_text(e.text) for e in holdout}
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
        raise DataError(
            f"the pool has {pool} distinct texts; holdout, start and one batch need {needed}: "
            "give more texts, or lower data.holdout_size, run.start or run.batch"
        )


def _check_same(store: Store, config: Config, examples: Sequence[Example]) -> None:
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
    }
    for name, value in facts.items():
        known = store.setting(name)
        if known is not None and known != value:
            raise StoreError(
                f"the run in {store.directory} was started with other '{name}': "
                "put it back, or give this one another run.directory"
            )
    for name, value in facts.items():
        store.set(name, value)


def _key(variable: str, required: bool = False) -> str:
    value = os.environ.get(variable, "").strip()
    if required and not value:
        raise ConfigError(f"environment variable {variable} is not set: put the key of your Label Studio account there")
    return value
