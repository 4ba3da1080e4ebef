"""What a run is made of: its configuration, its store, and the real parts behind the protocols."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from connectors.adjudicated import AdjudicatedAnnotators
from connectors.annotators import Annotators
from connectors.label_studio import LONGEST_TITLE, LabelStudioAnnotators
from connectors.openai_llm import OpenAILLM
from connectors.trackers import Tracker, open_tracker
from loop import randomness
from loop.budget.ledger import Budget
from loop.config import Config
from loop.data import load_examples
from loop.keys import llm_key, server_key
from loop.labelled import unjudged_pool
from loop.people.panel import Panel
from loop.query import draw_holdout
from loop.sections import LLMSection, is_server
from loop.store import Record, Store
from models.embedding_cache import EmbeddingCache
from models.encoder import Encoder, open_encoder
from models.llm import LLM
from models.local_llm import LocalLLM
from models.lora import check_peft
from models.packaged import llm_file
from models.prompting import Prompts
from models.records import Example, Queried, TaskDescription
from models.strategies import Strategy, find_start, find_strategy

DISPUTES = " (disputes)"
RUN = "run.id"


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
        return randomness.of_stage(self.config.run.seed, round_, stage)


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
    if config.learner.lora_rank:
        check_peft()
    # Before the data is written down: a key that is missing must not bind the run to today's files.
    annotators, llm = annotators or open_annotators(config, task, run_id(store)), llm or open_llm(config.llm)
    load_examples(config, store, llm.model if isinstance(llm, OpenAILLM) else "")
    Budget.of(config).write(store)
    Panel.of(config).write(store)
    embeddings = EmbeddingCache(cache or store.directory / "cache" / "embeddings.sqlite")
    return Parts(
        config=config,
        task=task,
        store=store,
        encoder=open_encoder(config.learner.encoder, texts_that_teach(config, store), embeddings),
        strategy=strategy,
        start=start,
        annotators=annotators,
        llm=llm,
        prompts=prompts,
        tracker=tracker,
        crosscheck=open_checkers(config.llm),
    )


def texts_that_teach(config: Config, store: Store) -> list[str]:
    """What an encoder that is made of the run's texts is made of. What measures teaches nothing, not even which
    character n-grams occur: neither the holdout, be it drawn yet or not, nor the texts set aside."""
    held = {q.example for q in store.all(Queried, purpose="holdout")}
    if not held and not config.data.holdout:
        pool, rng = unjudged_pool(store), randomness.of_stage(config.run.seed, 0, "query")
        held = {q.example for q in draw_holdout(pool, config.data.holdout_size, rng)[0]}
    return [e.text for e in store.all(Example) if e.origin in ("seed", "pool") and e.id not in held]


def open_run_tracker(config: Config) -> Tracker | None:
    """What the config names; None for nothing. Raises ConfigError."""
    to = config.tracking.to
    return open_tracker(to, config.annotation.project, config.run.directory.name) if to else None


def open_checkers(section: LLMSection) -> list[LLM]:
    """The LLMs that only check another's labels, each with its own server's key."""
    opened = (open_llm(section.model_copy(update=checker.model_dump())) for checker in section.crosscheck)
    return [llm for llm in opened if llm]


def open_annotators(config: Config, task: TaskDescription, run: str) -> Annotators:
    """The Label Studio project that the config names; nothing is asked of the server yet."""
    section = config.annotation
    key = server_key(section.key_env)

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
    if is_server(section.model):
        return OpenAILLM(
            section.model,
            section.served_model,
            key=llm_key(section.key_env),
            concurrency=section.concurrency,
            timeout=section.timeout,
        )
    return LocalLLM(llm_file() if section.model == "bundled" else section.model)
