"""Arms of a replay that tell what each part is worth: the default without one, all that an LLM does, or part of it, or
an LLM that only says what it thinks of the texts to choose from."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from loop import stages
from loop.attributes import FILE
from loop.parts import Parts
from loop.store import Record
from loop.trust import SOURCES
from models.classifier import TextClassifier
from models.measures import SourceTrust
from models.records import Queried, Region, Source

DESCRIPTIONS: tuple[Source, ...] = ("description",)
PLAIN = 'style = ["natural"]\n'


@dataclass(frozen=True)
class Arm:
    """The default learner, with an LLM where `llm` is given: that and `learner` say what is other than by default in
    the sections of the configuration, `instead` which stages are, where no user would want it so."""

    llm: Mapping[str, Any] | None = None
    learner: Mapping[str, Any] = field(default_factory=dict)
    instead: Mapping[str, Callable[..., Sequence[Record]]] = field(default_factory=dict)


def learned_with(sources: Collection[Source], weight: float, parts: Parts, round_: int) -> list[Record]:
    """What is learned, with the trust in `sources` put in the place of what was found; the chance that a class of them
    is right still weighs what an LLM made."""
    learned = stages.learn(parts, round_)
    return [replace(r, weight=weight) if isinstance(r, SourceTrust) and r.source in sources else r for r in learned]


def unfiltered(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """Curation that keeps all that can be read."""
    return []


def untargeted(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """A query whose regions are random texts between two random classes, and whose texts for the LLM are random."""
    found = (stages.query if round_ else stages.aim)(parts, round_, classifier)
    rng = np.random.default_rng([parts.config.run.seed, round_])
    humans = [r for r in found if isinstance(r, Queried) and r.purpose != "llm"]
    wanted = sum(isinstance(r, Queried) and r.purpose == "llm" for r in found)
    chosen = {q.example for q in humans}
    pool = [e for e in stages.left_to_ask(parts) if e.id not in chosen]
    drawn = [pool[i].id for i in rng.permutation(len(pool))[:wanted]]
    return [
        *humans,
        *(Queried(round_, example, "llm", 0.0) for example in drawn),
        *(_anywhere(parts, r, classifier, rng) for r in found if isinstance(r, Region)),
    ]


def unattributed(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """Writes texts that are to differ in nothing: so says the file in which a run keeps the user's own attributes."""
    (parts.store.directory / FILE).write_text(PLAIN, encoding="utf-8")
    own = parts.config.llm.model_copy(update={"attributes": "proposed"})
    return stages.generate(replace(parts, config=parts.config.model_copy(update={"llm": own})), round_, classifier)


def _anywhere(parts: Parts, region: Region, classifier: TextClassifier, rng: np.random.Generator) -> Region:
    pool = stages.left_to_ask(parts)
    members = [pool[i] for i in rng.permutation(len(pool))[: len(region.members)]]
    first, second = rng.permutation(np.array(parts.task.class_names))[:2]
    centre = classifier.encode([e.text for e in members]).mean(axis=0)
    return replace(
        region,
        members=tuple(e.id for e in members),
        classes=(str(first), str(second)),
        centroid=tuple(float(x) for x in centre),
    )


ARMS: dict[str, Arm] = {
    "no-descriptions": Arm(instead={"learn": partial(learned_with, DESCRIPTIONS, 0.0)}),
    "no-self-training": Arm(learner={"unlabelled": 0}),
    "random-start": Arm(learner={"start": "random"}),
    "macro-f1": Arm(learner={"goal": "macro-f1"}),
    "llm-committee": Arm({"texts": 0, "labels": 0, "start": 0}, {"strategy": "llm-committee"}),
    "llm": Arm({}),
    "llm-macro-f1": Arm({}, {"goal": "macro-f1"}),
    "llm-label": Arm({"texts": 0}),
    "llm-text": Arm({"labels": 0, "start": 0}),
    "llm-no-filter": Arm({}, instead={"curate": unfiltered}),
    "llm-no-trust": Arm({}, instead={"learn": partial(learned_with, SOURCES, 1.0)}),
    "llm-no-regions": Arm({}, instead={"query": untargeted, "aim": untargeted}),
    "llm-no-attributes": Arm({}, instead={"generate": unattributed}),
}


def needs_llm(arm: str) -> bool:
    return arm in ARMS and ARMS[arm].llm is not None
