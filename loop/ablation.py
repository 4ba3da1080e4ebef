"""Arms of a replay that tell what each part is worth: the default without one, all that an LLM does, or part of it, or
an LLM that only says what it thinks of the texts to choose from."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from loop import stages
from loop.attributes import FILE
from loop.labelled import told_by_llm
from loop.parts import Parts
from loop.reading import UNREADABLE
from loop.store import Record
from loop.trust import SOURCES
from models.classifier import TextClassifier
from models.measures import SourceTrust
from models.records import Queried, Region, Rejection, Source

DESCRIPTIONS: tuple[Source, ...] = ("description",)
PLAIN = 'style = ["natural"]\n'


@dataclass(frozen=True)
class Arm:
    """The default learner, `says` in what it differs, with an LLM where `llm` is given: that and `learner` say what is
    other than by default in the sections of the configuration, `instead` which stages are, where no user would want it
    so. `one_class` is of a part that there is only where a text has one class."""

    says: str
    llm: Mapping[str, Any] | None = None
    learner: Mapping[str, Any] = field(default_factory=dict)
    instead: Mapping[str, Callable[..., Sequence[Record]]] = field(default_factory=dict)
    one_class: bool = False


def learned_with(sources: Collection[Source], weight: float, parts: Parts, round_: int) -> list[Record]:
    """What is learned, with the trust in `sources` put in the place of what was found; the chance that a class of them
    is right still weighs what an LLM made."""
    learned = stages.learn(parts, round_)
    return [replace(r, weight=weight) if isinstance(r, SourceTrust) and r.source in sources else r for r in learned]


def skipped(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """A stage that is left out: without curation all is kept that can be read."""
    return []


def all_readable(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """What is written, copies and misfits too."""
    made = stages.generate(parts, round_, classifier)
    return [r for r in made if not isinstance(r, Rejection) or r.reason in UNREADABLE]


def untargeted(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """A query whose regions are random texts between two random classes, all as uncertain."""
    rng = np.random.default_rng([parts.config.run.seed, round_])
    return [
        _anywhere(parts, r, classifier, rng) if isinstance(r, Region) else r
        for r in _queried(parts, round_, classifier)
    ]


def undirected(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """A query whose texts for the LLM to label are random ones."""
    found = _queried(parts, round_, classifier)
    others = [r for r in found if not (isinstance(r, Queried) and r.purpose == "llm")]
    out = {q.example for q in others if isinstance(q, Queried)} | told_by_llm(parts.store)
    pool = [e for e in stages.left_to_ask(parts) if e.id not in out]
    order = np.random.default_rng([parts.config.run.seed, round_]).permutation(len(pool))
    return [*others, *(Queried(round_, pool[i].id, "llm", 0.0) for i in order[: len(found) - len(others)])]


def _queried(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    return list((stages.query if round_ else stages.aim)(parts, round_, classifier))


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
        uncertainty=1.0,
        centroid=tuple(float(x) for x in centre),
    )


NAMELESS = {"learn": partial(learned_with, DESCRIPTIONS, 0.0)}

ARMS: dict[str, Arm] = {
    "no-descriptions": Arm("what classes are called and mean is not learned from", instead=NAMELESS, one_class=True),
    "no-self-training": Arm("the classifier's own answers are not learned from", learner={"unlabelled": 0}),
    "no-cleansing": Arm("labels that look wrong weigh as much as others", learner={"cleansing": False}, one_class=True),
    "margin-no-descriptions": Arm(
        "margin sampling as textbooks have it: from a random batch, without what classes are called",
        learner={"strategy": "margin", "start": "random"},
        instead=NAMELESS,
        one_class=True,
    ),
    "random-start": Arm("the first batch is drawn at random", learner={"start": "random"}),
    "macro-f1": Arm("`learner.goal` is macro-F1", learner={"goal": "macro-f1"}, one_class=True),
    "llm-committee": Arm(
        "texts are asked where the LLM and the classifier disagree; the LLM does nothing else",
        {"texts": 0, "labels": 0, "start": 0},
        {"strategy": "llm-committee"},
    ),
    "llm": Arm("the LLM labels and writes", {}),
    "llm-macro-f1": Arm("the LLM labels and writes, and `learner.goal` is macro-F1", {}, {"goal": "macro-f1"}),
    "llm-label": Arm("the LLM labels only", {"texts": 0}),
    "llm-text": Arm("the LLM writes only", {"labels": 0, "start": 0}),
    "llm-no-filter": Arm(
        "all that it writes and can be read is kept", {}, instead={"generate": all_readable, "curate": skipped}
    ),
    "llm-no-trust": Arm(
        "its texts and labels weigh like a human's", {}, instead={"learn": partial(learned_with, SOURCES, 1.0)}
    ),
    "llm-no-regions": Arm(
        "it writes for random texts and pairs of classes", {}, instead={"query": untargeted, "aim": untargeted}
    ),
    "llm-random-texts": Arm(
        "the texts that it labels are drawn at random", {}, instead={"query": undirected, "aim": undirected}
    ),
    "llm-no-attributes": Arm(
        "the texts that it writes are to differ in nothing", {}, instead={"generate": unattributed}
    ),
}


def needs_llm(arm: str) -> bool:
    return arm in ARMS and ARMS[arm].llm is not None
