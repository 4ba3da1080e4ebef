"""What a run gives away: its labelled texts, each with its birth certificate, and the prompts behind them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from loop.label import CLASSIFIER
from loop.labelled import holdout_examples, kept_candidates, latest_verdicts, training_set
from loop.store import Store
from models.chat import ChatRequest
from models.label_sets import class_names
from models.records import (
    Candidate,
    Example,
    LabelTask,
    Queried,
    Region,
    ReleasedExample,
    Suggestion,
    TrainingExample,
    Verdict,
    text_id,
)

Clean = Callable[[str], str]
BEGINNING = 1000


@dataclass(frozen=True)
class Release:
    """Rows in the order of their ids, and the (model, request) of each prompt that they name, by its key."""

    train: list[ReleasedExample]
    holdout: list[ReleasedExample]
    prompts: dict[str, tuple[str, ChatRequest]]


def release(store: Store, round_: int, seed: int, clean: Clean = str) -> Release:
    """What the classifier of a round was trained on and measured by. `clean` goes over every text, prompts included;
    ids and keys, which are hashes of texts, are those of what it leaves."""
    births = _Births(store, seed, clean)
    train = [births.row(example) for example in training_set(store, round_)]
    holdout = [replace(births.row(example), weight=0.0) for example in holdout_examples(store)]
    return Release(sorted(train, key=_place), sorted(holdout, key=_place), dict(sorted(births.prompts.items())))


def counts(store: Store, round_: int, multi_label: bool) -> Counter[tuple[str, str]]:
    """How many texts of each (class, source) the classifier of a round was trained on; sources as in a release."""
    written = {c.id for c in kept_candidates(store)}
    found: Counter[tuple[str, str]] = Counter()
    for example in training_set(store, round_):
        source = "llm-text" if example.id in written else example.source
        found.update((name, source) for name in class_names(example.label, multi_label))
    return found


def _place(row: ReleasedExample) -> tuple[str, str]:
    return row.id, row.label


class _Births:
    """Knows of each text of a run where it came from; `prompts` are those it has been asked for."""

    def __init__(self, store: Store, seed: int, clean: Clean) -> None:
        self.seed = seed
        self.clean = clean
        self.prompts: dict[str, tuple[str, ChatRequest]] = {}
        self.written = {c.id: c for c in kept_candidates(store)}
        self.texts = {e.id: e.text for e in store.all(Example)} | {c.id: c.text for c in self.written.values()}
        self.regions = {(r.round, member): r.index for r in store.all(Region) for member in r.members}
        self.alone = {q.example: q.round for q in store.all(Queried, purpose="llm")}
        self.labellers = {s.example: s.model for s in store.all(Suggestion) if s.model != CLASSIFIER}
        self.requests = {stage: store.requests(stage) for stage in ("generate", "label")}
        self.verdicts = _verdicts(store)
        people = dict.fromkeys(verdict.annotator for verdict in store.all(Verdict))
        # Numbered: a hash of a name can be found again by trying names.
        self.people = {name: f"annotator-{number}" for number, name in enumerate(people, start=1)}

    def row(self, example: TrainingExample) -> ReleasedExample:
        task, verdict = self.verdicts.get(example.id, (None, None))
        row = ReleasedExample(
            id=self._id(example.id),
            text=self.clean(example.text),
            label=example.label,
            source=example.source,
            round=task.round if task else 0,
            region=None,
            prompt=None,
            model=None,
            seed=self.seed,
            parents=self._ids(example.parents),
            annotator=self.people[verdict.annotator] if verdict else None,
            weight=example.weight,
        )
        if example.id in self.written:
            return self._written(row, self.written[example.id])
        if example.source == "llm-label":
            row = self._labelled(row, example)
        return replace(row, region=self.regions.get((row.round, example.id)))

    def _written(self, row: ReleasedExample, candidate: Candidate) -> ReleasedExample:
        return replace(
            row,
            source="llm-text",
            round=candidate.round,
            region=candidate.region,
            model=candidate.model,
            parents=self._ids(candidate.parents),
            **self._asked("generate", candidate.request),
        )

    def _labelled(self, row: ReleasedExample, example: TrainingExample) -> ReleasedExample:
        model = self.labellers[example.id]
        prompts = {key: _words(request) for key, (m, request) in self.requests["label"].items() if m == model}
        holding = [key for key, words in prompts.items() if example.text[:BEGINNING] in words]
        # The shortest that holds the text, which may also stand inside a longer one.
        key = min(holding, key=lambda k: len(prompts[k]), default="")
        return replace(row, round=self.alone[example.id], model=model, **self._asked("label", key))

    def _asked(self, stage: str, key: str) -> dict[str, Any]:
        """A row's prompt, the key of a request as cleaned, which is kept, and its seed."""
        if key not in self.requests[stage]:
            return {}
        model, request = self.requests[stage][key]
        messages = tuple(replace(message, content=self.clean(message.content)) for message in request.messages)
        cleaned = replace(request, messages=messages)
        key = cleaned.key(model)
        self.prompts[key] = (model, cleaned)
        return {"prompt": key, "seed": request.seed}

    def _ids(self, examples: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._id(example) for example in examples)

    def _id(self, example: str) -> str:
        return text_id(self.clean(self.texts[example]))


def _verdicts(store: Store) -> dict[str, tuple[LabelTask, Verdict]]:
    """The last label that a person gave each text, and the task it answered."""
    latest = latest_verdicts(store)
    asked = [(task, latest[task.uid]) for task in store.all(LabelTask) if task.uid in latest]
    return {task.example: (task, verdict) for task, verdict in asked if verdict.label is not None}


def _words(request: ChatRequest) -> str:
    return "\n".join(message.content for message in request.messages)
