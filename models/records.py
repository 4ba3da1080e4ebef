"""The records that walk through the loop. All are frozen; a stage takes records and returns records."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

Origin = Literal["pool", "aside", "seed", "holdout"]
Source = Literal["human", "description", "self", "llm-label", "llm-text"]
TaskKind = Literal["holdout", "start", "query", "audit", "candidate", "recheck", "adjudication", "adopted"]
Purpose = Literal["holdout", "start", "query", "llm", "audit"]
Outcome = Literal["label", "skip", "reject", "withdrawn"]


def text_id(text: str) -> str:
    """The content key of a text: the same text has the same id in every run and on every server."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ClassDefinition:
    """One class: the name that stands in data files and on the annotators' page, and what it means."""

    name: str
    definition: str = ""

    def words(self) -> str:
        """Name and definition as running words, for an encoder: "CardArrival" reads "card arrival"."""
        name = re.sub(r"(?<=[a-z])(?=[A-Z])|_+", " ", self.name).lower()
        return f"{name}: {self.definition}" if self.definition else name


@dataclass(frozen=True)
class TaskDescription:
    """What is being labelled, as told to the LLM and to the annotators; with `multi_label` a text may be of several
    classes, or of none."""

    sentence: str
    classes: tuple[ClassDefinition, ...]
    language: str = "en"
    guideline: str = ""
    multi_label: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.classes)


@dataclass(frozen=True)
class Example:
    """A real text. `label` is what a file given by the user says of it, None where nobody has said; "aside" are pool
    texts that are never asked of, nor learned from."""

    id: str
    text: str
    origin: Origin
    label: str | None = None


@dataclass(frozen=True)
class Region:
    """A cluster of the pool's low-confidence part. `uncertainty` is the members' mean margin uncertainty in [0, 1];
    `centroid` is the mean of their embeddings, in the embedding space of that round's encoder."""

    round: int
    index: int
    members: tuple[str, ...]
    classes: tuple[str, str]
    uncertainty: float
    centroid: tuple[float, ...]


@dataclass(frozen=True)
class Queried:
    """A pool text that a round chose: for humans (holdout, start, query), for the LLM alone, or for both, to audit the
    LLM. `score` in [0, 1] is the acquisition score, highest first."""

    round: int
    example: str
    purpose: Purpose
    score: float


@dataclass(frozen=True)
class Candidate:
    """A text the LLM wrote, with its birth certificate. `request` is the key of the completion it came in; `parents`
    are the examples that its prompt showed."""

    id: str
    text: str
    round: int
    region: int
    intended: str
    request: str
    model: str
    parents: tuple[str, ...]

    @property
    def key(self) -> str:
        """What tells it apart from all others: several texts may come in one completion, and one text in several."""
        return f"{self.request} {self.id}"

    def rejected(self, reason: str) -> "Rejection":
        return Rejection(self.round, "llm-text", self.key, reason)


@dataclass(frozen=True)
class Rejection:
    """Why a machine-made example may not be learned from: `key` is a candidate's for source "llm-text", the example
    labelled for "llm-label"."""

    round: int
    source: Source
    key: str
    reason: str


@dataclass(frozen=True)
class Suggestion:
    """A label proposed by a machine; `confidence` in [0, 1] comes from token probabilities or votes, calibrated.
    `shares` are what an LLM said of each class, in the task's order, before that; `parents` the examples it was shown.
    """

    example: str
    round: int
    model: str
    label: str
    confidence: float
    shares: tuple[float, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingExample:
    """A labelled text to learn from. `parents` are the examples that its prompt showed."""

    id: str
    text: str
    label: str
    source: Source
    weight: float = 1.0
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelTask:
    """One thing to be judged by a human. `uid` names it on every server; `priority` orders the work, highest
    first; a task without `suggestion` is blind. `reason` tells a human why a text is asked about again. `people` is how
    many are to judge it, each on their own; `suggester` is the machine whose suggestion they see or, of a blind query,
    would have seen."""

    uid: str
    example: str
    text: str
    round: int
    kind: TaskKind
    priority: float
    suggestion: str | None = None
    confidence: float | None = None
    reason: str = ""
    people: int = 1
    suggester: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a human said of a task. `revision` tells second thoughts apart: (task, annotator, revision) is unique.

    `label` is None unless `outcome` is "label"; "reject" says a generated text is unusable; "withdrawn" that what the
    annotator said before no longer stands. `origin` is how the page says it came about: "prediction" accepted as it
    stood, "prediction-changed" or "manual"; empty where it says nothing.
    """

    task: str
    outcome: Outcome
    label: str | None
    annotator: str
    revision: str
    seconds: float = 0.0
    origin: str = ""


@dataclass(frozen=True)
class ReleasedExample:
    """A row of a dataset that is given away, with its birth certificate.

    `source` is "human" for a real text that a person labelled, "llm-label" for one that an LLM labelled, "llm-text" for
    a text that an LLM wrote. `round` is that in which it was asked about or written, 0 before the first, and `region`
    the region of low confidence it stood in there. `prompt` is the key of the request that wrote or labelled it,
    `model` whose answer that was, `parents` the examples it showed. `annotator` is a pseudonym, None where no person
    judged. `seed` is that of the request in `prompt`, elsewhere the run's; `weight` that in the classifier's last
    training, 0 in the holdout.
    """

    id: str
    text: str
    label: str
    source: Source
    round: int
    region: int | None
    prompt: str | None
    model: str | None
    seed: int
    parents: tuple[str, ...]
    annotator: str | None
    weight: float
