"""One arm of a replay: a run as a user would configure it, with annotators who know the labels."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from connectors.annotators import InstantAnnotators, SimulatedAnnotator, simulated_crowd
from loop.ablation import ARMS, Arm, needs_llm, skipped
from loop.config import Config
from loop.data import without_copies
from loop.parts import assemble
from loop.rounds import run
from loop.sections import AnnotationSection, DataSection, LearnerSection, LLMSection, RunSection, TaskSection
from loop.store import Store
from models.classifier import TextClassifier
from models.embedding_cache import EmbeddingCache
from models.encoder import Encoder, hangul_share, open_encoder
from models.label_sets import split
from models.llm import LLM
from models.measures import Evaluation
from models.records import Example

RANDOM_START = ("random", "margin", "entropy", "least-confidence")
EMBEDDINGS = "embeddings.sqlite"
RESULT = "result.json"


@dataclass(frozen=True)
class Plan:
    """What to replay. `arms` are query strategies by name, or those of loop/ablation.py: the default strategy with an
    LLM, or without a part. random, margin, entropy and least-confidence start from a random batch, the others from a
    k-means batch. `settings` are what a configuration would say, other than by default, under classes, learner and llm.
    `completions` is a file of the LLM's answers, of this and other replays: what stands there is not asked again, and
    counts as if it had been. `error_rate` is the share of verdicts that the simulated annotator gets wrong; `crowd` are
    the accuracies of several in that one's place, of whom `overlap` judge the share `overlap_share` of the texts."""

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
    error_rate: float = 0.0
    rechecks: int = 0
    unlabelled: int = 2000
    multi_label: bool = False
    crowd: tuple[float, ...] = ()
    overlap: int = 1
    overlap_share: float = 0.1
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    completions: Path | None = None

    @property
    def of_a_run(self) -> str:
        """What makes the run of an arm with a seed what it is: all but which arms and how many seeds there are, and
        what the files hold."""
        held = [sha256(file.read_bytes()).hexdigest() for file in (self.train, self.test) if file.is_file()]
        return repr((replace(self, arms=(), seeds=0), held))


def replay_arm(
    plan: Plan,
    arm: str,
    seed: int,
    train: Sequence[Example],
    work: Path,
    writer: LLM | None,
    watch: Callable[[str, int, str], None],
) -> dict[str, Any]:
    """The learning curve of one arm with one seed; goes on from what a killed replay left in `work`, where it may be
    finished."""
    directory = work / f"{arm.replace(':', '.')}-{seed}"
    if found := _finished(directory, plan):
        return found
    truth = {e.text: str(e.label) for e in train}
    own = writer if needs_llm(arm) else None
    config = arm_config(plan, arm, seed, truth, directory)
    people = _people(plan, truth, list(config.classes), seed)
    with Store(config.run.directory) as store:
        parts = assemble(config, store, InstantAnnotators(*people), own, work / EMBEDDINGS)
        # An arm's curve beside another's says what a source is worth: no need to fit each round without it.
        parts = replace(parts, instead={"worth": skipped, **(ARMS[arm].instead if arm in ARMS else {})})

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
    result = {"arm": arm, "seed": seed, "curve": curve, "tokens": tokens, "seconds": round(seconds, 1)}
    part = directory / f"{RESULT}.part"
    part.write_text(json.dumps({"plan": plan.of_a_run, "result": result}), encoding="utf-8")
    part.replace(directory / RESULT)
    return result


def _finished(directory: Path, plan: Plan) -> dict[str, Any] | None:
    """What a plan of such runs has found before, None where it was cut off."""
    if not (directory / RESULT).is_file():
        return None
    found = json.loads((directory / RESULT).read_text(encoding="utf-8"))
    return dict(found["result"]) if found["plan"] == plan.of_a_run else None


def arm_config(plan: Plan, arm: str, seed: int, truth: Mapping[str, str], directory: Path) -> Config:
    """The configuration that a user would write for this arm."""
    own = ARMS.get(arm, Arm(f"the query strategy {arm}"))
    learner = dict(plan.settings.get("learner", {})) | {
        "encoder": plan.encoder,
        "training": plan.training,
        "strategy": "auto" if arm in ARMS else arm,
        "start": "random" if arm in RANDOM_START else "k-means",
        "unlabelled": plan.unlabelled,
    }
    shared = {"model": plan.llm, "verify": 0} | dict(plan.settings.get("llm", {}))
    llm = {} if own.llm is None else shared | dict(own.llm)
    meanings = plan.settings.get("classes", {})
    language = "ko" if hangul_share(list(truth)) > 0.5 else "en"
    return Config(
        task=TaskSection(description=plan.task, language=language, multi_label=plan.multi_label),
        classes={name: meanings.get(name, "") for name in _classes(plan, truth.values())},
        data=DataSection(pool=plan.train, holdout=plan.test, text=plan.text, label=plan.label),
        learner=LearnerSection(**(learner | dict(own.learner))),
        llm=LLMSection(**llm),
        annotation=AnnotationSection(
            project="replay", rechecks=plan.rechecks, overlap=plan.overlap, overlap_share=plan.overlap_share
        ),
        run=RunSection(directory=directory, seed=seed, start=plan.start, batch=plan.batch, labels=plan.labels),
    )


def _people(plan: Plan, truth: Mapping[str, str], classes: Sequence[str], seed: int) -> list[SimulatedAnnotator]:
    if plan.crowd:
        return simulated_crowd(truth, classes, plan.crowd, seed)
    return [SimulatedAnnotator(truth, classes, error_rate=plan.error_rate, seed=seed)]


def _classes(plan: Plan, labels: Iterable[str]) -> list[str]:
    seen = set(labels)
    return sorted({name for label in seen for name in split(label)} if plan.multi_label else seen)


def open_pool(
    plan: Plan, train: Sequence[Example], test: Sequence[Example], work: Path
) -> tuple[list[Example], Encoder]:
    """The pool as a run sees it, and the encoder that all runs of the plan share."""
    pool, _ = without_copies(train, [], test)
    return pool, open_encoder(plan.encoder, [e.text for e in pool], EmbeddingCache(work / EMBEDDINGS))


def full_supervision(plan: Plan, train: Sequence[Example], test: Sequence[Example], work: Path) -> dict[str, Any]:
    """The accuracy of the same training on every label there is, and how long it took."""
    begun = time.monotonic()
    pool, encoder = open_pool(plan, train, test, work)
    classifier = TextClassifier(encoder, plan.training, multi_label=plan.multi_label)
    classifier.fit([e.text for e in pool], [str(e.label) for e in pool])
    hits = classifier.predict([e.text for e in test]) == np.array([e.label for e in test])
    return {"accuracy": float(hits.mean()), "labels": len(pool), "seconds": round(time.monotonic() - begun, 1)}
