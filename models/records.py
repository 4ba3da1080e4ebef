"""The records that walk through the loop. All are frozen; a stage takes records and returns records."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Literal

Origin = Literal["pool", "aside", "seed", "holdout"]
Source = Literal["human", "description", "self", "llm-label", "llm-text"]
TaskKind = Literal["holdout", "start", "query", "audit", "candidate", "recheck", "adjudication", "adopted"]
Purpose = Literal["holdout", "start", "query", "llm", "audit"]
Outcome = Literal["label", "skip", "reject", "withdrawn"]
Arm = Literal["human", "llm-label", "llm-text"]


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
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """One question to an LLM.

    `schema` (a JSON schema as text) asks for JSON of that shape. `choices` asks for exactly one of these strings,
    and for the probability of each. A request is a value: its `key` under a model's name is what a completion is
    stored by, so `seed` is the only thing that tells two draws of one prompt apart.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 128
    temperature: float = 0.0
    seed: int = 0
    schema: str | None = None
    choices: tuple[str, ...] = ()

    def key(self, model: str) -> str:
        payload = json.dumps([model, asdict(self)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(payload.encode()).hexdigest()


@dataclass(frozen=True)
class Completion:
    """What came back. `probabilities` aligns with the request's choices, sums to 1, or is None where the model
    gives no log-probabilities. `finish` is "stop", "length" where `max_tokens` cut the text, "refused" where the model
    takes others but not this request, or "unasked" where the budget had no room for it."""

    text: str
    tokens_in: int
    tokens_out: int
    seconds: float
    finish: str = "stop"
    probabilities: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Account:
    """Who pays for an LLM call: a stage of a round, and the way to spend (arm) that it serves. What is shown to
    annotators serves "human"."""

    round: int
    stage: str
    arm: Arm


@dataclass(frozen=True)
class Rest:
    """The LLM was not asked what an account wanted to ask: `cap` ("token", "money" or "time") left no room."""

    round: int
    stage: str
    arm: Arm
    cap: str


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


@dataclass(frozen=True)
class Rejection:
    """Why a machine-made example may not be learned from: `key` is a candidate's for source "llm-text", the example
    labelled for "llm-label"."""

    round: int
    source: Source
    key: str
    reason: str


@dataclass(frozen=True)
class TextQuality:
    """What a round's kept texts are like (loop/quality.py): `hits` are (region, kept, nearest to its centroid, in the
    low-confidence part); `coverage` the share of regions with a kept text; `distinct_2` that of different word pairs;
    `spread` the mean cosine distance, `vendi` the number of wholly different texts they amount to; `apart` how well
    they can be told from real ones, as an area under the ROC curve."""

    round: int
    kept: int
    hits: tuple[tuple[int, int, int, int], ...]
    coverage: float
    distinct_2: float
    spread: float
    vendi: float
    apart: float | None


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
class Doubt:
    """A human `label` that looks wrong after `round`: the classifier, not having seen it, finds `likely` with that
    probability."""

    round: int
    example: str
    label: str
    likely: str
    probability: float


@dataclass(frozen=True)
class Evaluation:
    """One point of the learning curve, on the holdout. Intervals are 95 %, in shares of 1."""

    round: int
    human_labels: int
    accuracy: float
    low: float
    high: float
    macro_f1: float
    macro_f1_low: float
    macro_f1_high: float


@dataclass(frozen=True)
class PoolAnswers:
    """The class that a round's classifier gives each of a part of the pool, row by row; the part is random and the same
    in every round."""

    round: int
    examples: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class HoldoutAnswers:
    """What a round's classifier answers on the holdout, row by row: which classes it confuses. Nothing is chosen by
    it."""

    round: int
    examples: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class SourceTrust:
    """How far the fit of `round` trusts a source: the weight of its examples, chosen by cross-validation on human
    labels, and what they were `worth` there, as a difference of accuracies (0.01 is one point) with a 95 % interval.
    At weight 0, `worth` is that of the best other weight: what was turned down. For "self", the classifier's own
    answers on unlabelled texts, `weight` is that of them all, in units of all labels together. What could not yet be
    measured is worth 0 with an interval of [-1, 1]."""

    round: int
    source: Source
    weight: float
    worth: float
    low: float
    high: float
    examples: int


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


@dataclass(frozen=True)
class Permission:
    """From the fit of `round` on, until a later round says otherwise, the LLM's labels of a class are accepted unseen
    where its confidence is `above` or more. Of such labels `audited` were judged by humans, drawn at random, of which
    `right` were right; of the `unseen` ones at least the share `low` is right, with the confidence that
    loop/people/acceptance.py states."""

    round: int
    label: str
    above: float
    audited: int
    right: int
    unseen: int
    low: float
