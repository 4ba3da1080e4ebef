"""The same loop over an already labelled set: what would this have cost, with which arm?"""

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from connectors.annotators import InstantAnnotators, SimulatedAnnotator
from connectors.datasets import read_labelled
from loop.config import (
    AnnotationSection,
    Config,
    DataSection,
    LearnerSection,
    LLMSection,
    RunSection,
    TaskSection,
    Training,
)
from loop.parts import assemble, open_llm, without_copies
from loop.rounds import run
from loop.store import Store
from models.classifier import TextClassifier
from models.embedding_cache import EmbeddingCache
from models.encoder import hangul_share, open_encoder
from models.errors import ConfigError, DataError
from models.llm import LLM
from models.records import Evaluation, Example
from models.strategies import find_strategy

LLM_ARM = "llm"
RANDOM_START = ("random", "margin", "entropy", "least-confidence")


@dataclass(frozen=True)
class Plan:
    """What to replay. `arms` are query strategies by name, or "llm": cluster-margin with generation and LLM labelling
    on. random, margin, entropy and least-confidence start from a random batch, the others from a k-means batch."""

    train: Path
    test: Path
    arms: tuple[str, ...]
    labels: int
    batch: int
    start: int
    seeds: int
    training: str
    encoder: str
    llm: str
    task: str
    text: str = "text"
    label: str = "label"


def replay(
    plan: Plan, work: Path, out: Path | None, watch: Callable[[str, int, str], None], llm: LLM | None = None
) -> dict[str, Any]:
    """Runs every arm with every seed, and full supervision once; returns and, given `out`, writes the results, anew
    after each arm. What a killed replay had finished under `work` is not done again. Raises LabelloopError."""
    train = read_labelled(plan.train, plan.text, plan.label, "pool")
    test = read_labelled(plan.test, plan.text, plan.label, "holdout")
    _check(plan, out, train, test)
    writer = llm or (open_llm(LLMSection(model=plan.llm)) if LLM_ARM in plan.arms else None)
    results: dict[str, Any] = {"plan": _facts(plan), "arms": [], "full_supervision": None}
    for seed in range(plan.seeds):
        for arm in plan.arms:
            results["arms"].append(_replay_arm(plan, arm, seed, train, work, writer, watch))
            _write(out, results)
    results["full_supervision"] = _full_supervision(plan, train, test, work)
    _write(out, results)
    return results


def _replay_arm(
    plan: Plan,
    arm: str,
    seed: int,
    train: Sequence[Example],
    work: Path,
    writer: LLM | None,
    watch: Callable[[str, int, str], None],
) -> dict[str, Any]:
    truth = {e.text: str(e.label) for e in train}
    config = arm_config(plan, arm, seed, truth, work / f"{arm.replace(':', '.')}-{seed}")
    annotators = InstantAnnotators(SimulatedAnnotator(truth, list(config.classes), seed=seed))
    with Store(config.run.directory) as store:
        parts = assemble(config, store, annotators, writer if arm == LLM_ARM else None, work / "embeddings.sqlite")

        def seen(round_: int, stage: str, detail: str) -> None:
            if stage == "evaluated":
                watch(arm, seed, detail)

        run(parts, watch=seen)
        evaluations = store.all(Evaluation)
        tokens = sum(sum(pair) for pair in store.tokens().values())
        seconds = sum(store.stages().values())
    shutil.rmtree(config.run.directory / "model", ignore_errors=True)
    curve = [
        {key: getattr(e, key) for key in ("human_labels", "accuracy", "macro_f1", "low", "high")} for e in evaluations
    ]
    return {"arm": arm, "seed": seed, "curve": curve, "tokens": tokens, "seconds": round(seconds, 1)}


def arm_config(plan: Plan, arm: str, seed: int, truth: Mapping[str, str], directory: Path) -> Config:
    """The configuration that a user would write for this arm."""
    start = "random" if arm in RANDOM_START else "k-means"
    strategy = "cluster-margin" if arm == LLM_ARM else arm
    language = "ko" if hangul_share(list(truth)) > 0.5 else "en"
    return Config(
        task=TaskSection(description=plan.task, language=language),
        classes=dict.fromkeys(sorted(set(truth.values())), ""),
        data=DataSection(pool=plan.train, holdout=plan.test, text=plan.text, label=plan.label),
        learner=LearnerSection(
            encoder=plan.encoder, training=cast(Training, plan.training), strategy=strategy, start=start
        ),
        llm=LLMSection(model=plan.llm if arm == LLM_ARM else "none", verify=0),
        annotation=AnnotationSection(project="replay"),
        run=RunSection(directory=directory, seed=seed, start=plan.start, batch=plan.batch, labels=plan.labels),
    )


def _full_supervision(plan: Plan, train: Sequence[Example], test: Sequence[Example], work: Path) -> dict[str, Any]:
    """The accuracy of the same training on every label there is, and how long it took."""
    begun = time.monotonic()
    pool, _ = without_copies(train, [], test)
    texts = [e.text for e in pool]
    encoder = open_encoder(plan.encoder, texts, EmbeddingCache(work / "embeddings.sqlite"))
    classifier = TextClassifier(encoder, plan.training).fit(texts, [str(e.label) for e in pool])
    hits = classifier.predict([e.text for e in test]) == np.array([e.label for e in test])
    return {"accuracy": float(hits.mean()), "labels": len(pool), "seconds": round(time.monotonic() - begun, 1)}


def _check(plan: Plan, out: Path | None, train: Sequence[Example], test: Sequence[Example]) -> None:
    if plan.training not in get_args(Training):
        raise ConfigError(f"no training '{plan.training}'; there are: {', '.join(get_args(Training))}")
    if not plan.arms:
        raise ConfigError("no arm to replay: give --arms, such as random,cluster-margin")
    if plan.labels < plan.start:
        raise ConfigError(f"--labels ({plan.labels}) is under --start ({plan.start}): raise it")
    if out is not None and not out.absolute().parent.is_dir():
        raise ConfigError(f"no directory {out.absolute().parent} to write {out.name} to: make it first")
    for arm in plan.arms:
        if arm != LLM_ARM:
            find_strategy(arm)
    if LLM_ARM in plan.arms and plan.llm == "none":
        raise ConfigError("the arm 'llm' needs an LLM: give --llm bundled, a GGUF file, or the address of a server")
    unknown = sorted({str(e.label) for e in test} - {str(e.label) for e in train})
    if unknown:
        raise DataError(f"{plan.test} has labels that {plan.train} does not: {', '.join(unknown[:5])}")


def _facts(plan: Plan) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in vars(plan).items()}


def _write(out: Path | None, results: Mapping[str, Any]) -> None:
    if out is None:
        return
    part = out.with_name(out.name + ".part")
    part.write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(out)
