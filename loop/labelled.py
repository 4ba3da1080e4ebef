"""What the store knows of labels: from humans, from machines, and on the holdout."""

import math
from dataclasses import replace

from loop.chances import Judged, chances, judged_by_humans
from loop.label import CLASSIFIER
from loop.people.consensus import consensus, last_words
from loop.people.panel import Panel
from loop.reading import UNREADABLE
from loop.store import Store
from models.measures import Permission, SourceTrust
from models.records import (
    Candidate,
    Example,
    LabelTask,
    Origin,
    Queried,
    Rejection,
    Source,
    Suggestion,
    TaskDescription,
    TrainingExample,
    Verdict,
)


def latest_verdicts(store: Store) -> dict[str, Verdict]:
    """The last word on each task, by the task's uid; where several people have judged it, their consensus."""
    tasks, panel = store.all(LabelTask), Panel.read(store)
    votes = panel.machine_votes(tasks, store.all(Suggestion))
    return consensus(last_words(tasks, store.all(Verdict)), panel.adjudicator, votes)


def verdicts_by_example(store: Store) -> dict[str, Verdict]:
    """The last word on each example or candidate, by its id; a second question that is skipped leaves the first answer
    as it was."""
    latest, found = latest_verdicts(store), dict[str, Verdict]()
    for task in store.all(LabelTask):
        if task.uid in latest and (latest[task.uid].outcome != "skip" or task.example not in found):
            found[task.example] = latest[task.uid]
    return found


def human_examples(store: Store) -> list[TrainingExample]:
    """Real texts with a human's last label, the holdout left out: the seed file's, then in the order of tasks."""
    asked = [
        example for task, example in _judged(store) if task.kind in ("adopted", "start", "query", "audit", "recheck")
    ]
    return list({e.id: e for e in [*_given(store, "seed"), *asked]}.values())


def rechecked(store: Store) -> dict[str, bool]:
    """The texts that a human was asked about again, by id, and whether their label changed; one whose first label was
    withdrawn meanwhile has changed once it has a new one."""
    judged = _judged(store)
    before = {e.id: e.label for e in _given(store, "seed")}
    before |= {e.id: e.label for task, e in judged if task.kind != "recheck"}
    after = {e.id: e.label for task, e in judged if task.kind == "recheck"}
    asked = [task.example for task in store.all(LabelTask) if task.kind == "recheck"]
    return {example: after.get(example, before.get(example)) != before.get(example) for example in asked}


def answered_again(store: Store) -> set[str]:
    """The texts that a human labelled when asked again, by id: what that says is not doubted any more."""
    return {task.example for task, _ in _judged(store) if task.kind == "recheck"}


def verified_candidates(store: Store) -> list[TrainingExample]:
    """Written texts with a human's label."""
    return [example for task, example in _judged(store) if task.kind == "candidate"]


def holdout_examples(store: Store) -> list[TrainingExample]:
    """Real texts with a human's label that only measure."""
    return _given(store, "holdout") + [example for task, example in _judged(store) if task.kind == "holdout"]


def descriptions(task: TaskDescription) -> list[TrainingExample]:
    """What the user says each class is, as an example of it; none where a text may be of several classes, as it would
    speak against all the others."""
    if task.multi_label:
        return []
    return [TrainingExample(f"class {c.name}", c.words(), c.name, "description") for c in task.classes]


def machine_examples(store: Store) -> list[TrainingExample]:
    """What curation kept and no human has judged: written texts, and real texts that the LLM labelled. Each weighs as
    much as its source is likely to be right about its class."""
    judged = verdicts_by_example(store)
    written = [
        TrainingExample(c.id, c.text, c.intended, "llm-text", parents=c.parents)
        for c in kept_candidates(store)
        if c.id not in judged
    ]
    texts = {e.id: e.text for e in store.all(Example)}
    labels = {s.example: s for s in unseen_labels(store)}
    made = written + [TrainingExample(i, texts[i], s.label, "llm-label", parents=s.parents) for i, s in labels.items()]
    known = judged_sources(store)
    right = {source: chances(known[source], {e.label for e in made}) for source in known}
    return [replace(e, weight=right[e.source][e.label]) for e in made]


def judged_sources(store: Store) -> dict[Source, Judged]:
    """What each machine source called the texts that humans have judged, and whether it was right."""
    return judged_by_humans(store, {e.id: e.label for e in human_examples(store)}, verdicts_by_example(store))


def said_by_llm(store: Store) -> dict[str, str]:
    """What the LLM, asked blind, called each text, by id."""
    return {s.example: s.label for s in store.all(Suggestion) if s.model != CLASSIFIER}


def told_by_llm(store: Store) -> set[str]:
    """The real texts, by id, that the LLM has been asked about: those it labelled, and those of which that came to
    nothing."""
    return said_by_llm(store).keys() | rejected(store, "llm-label")


def unseen_labels(store: Store) -> list[Suggestion]:
    """The LLM's labels of real texts that curation kept and no human has judged."""
    judged = verdicts_by_example(store)
    alone = {q.example for q in store.all(Queried, purpose="llm")} - rejected(store, "llm-label") - judged.keys()
    return [s for s in store.all(Suggestion) if s.example in alone and s.model != CLASSIFIER]


def accepted(store: Store, round_: int) -> set[str]:
    """The real texts whose LLM label the fit of a round takes for right, unseen, by id."""
    above = {p.label: p.above for p in store.all(Permission, round=round_)}
    made = [s for s in unseen_labels(store) if s.round < round_] if above else []
    return {s.example for s in made if s.confidence >= above.get(s.label, math.inf)}


def kept_candidates(store: Store, **where: int) -> list[Candidate]:
    """The written texts that curation let pass."""
    out = rejected(store, "llm-text")
    return [c for c in store.all(Candidate, **where) if c.key not in out]


def readable_candidates(store: Store, round_: int) -> list[Candidate]:
    """All that was written in a round and stands as a text, whatever curation said of it."""
    out = {r.key for r in store.all(Rejection, source="llm-text", round=round_) if r.reason in UNREADABLE}
    return [c for c in store.all(Candidate, round=round_) if c.key not in out]


def rejected(store: Store, source: Source) -> set[str]:
    """The keys of what curation turned down."""
    return {r.key for r in store.all(Rejection, source=source)}


def training_set(store: Store, round_: int) -> list[TrainingExample]:
    """All that the fit of a round learns from, each weighted by the trust in its source, what is accepted like a
    human's; weight 0 is left out."""
    weights: dict[Source, float] = {t.source: t.weight for t in store.all(SourceTrust, round=round_)}
    sure = accepted(store, round_)
    made = machine_examples(store)
    weighed = [replace(e, weight=1.0 if e.id in sure else e.weight * weights.get(e.source, 0.0)) for e in made]
    humans = human_examples(store) + verified_candidates(store)
    return humans + [e for e in weighed if e.weight > 0]


def learned_descriptions(task: TaskDescription, store: Store, round_: int) -> list[TrainingExample]:
    """Those that the fit of a round learns from."""
    weight = sum(t.weight for t in store.all(SourceTrust, round=round_, source="description"))
    return [replace(e, weight=weight) for e in descriptions(task)] if weight else []


def self_share(store: Store, round_: int) -> float:
    """How much the fit of a round learns from the classifier's own answers, in units of all labels."""
    return sum(t.weight for t in store.all(SourceTrust, round=round_, source="self"))


def human_label_count(store: Store) -> int:
    """Human labels paid for: the seed file's, and one for each person's verdict on a task but the holdout's, skips and
    rejections included."""
    tasks = store.all(LabelTask)
    held = {task.example for task in tasks if task.kind == "holdout"}
    paying = {task.uid for task in tasks if task.example not in held}
    paid = {(v.task, v.annotator) for v in store.all(Verdict) if v.task in paying}
    return len(store.all(Example, origin="seed")) + len(paid)


def unjudged_pool(store: Store, spared: bool = False) -> list[Example]:
    """The pool texts that no human has been asked about; where humans are `spared`, those left to the LLM are not in it
    either: what is accepted unseen must be all of what was drawn, or the audit would speak of other texts."""
    asked = {task.example for task in store.all(LabelTask)}
    if spared:
        asked |= {q.example for q in store.all(Queried) if q.purpose in ("llm", "audit")}
    return [e for e in store.all(Example, origin="pool") if e.id not in asked]


def unasked_texts(store: Store, round_: int) -> list[str]:
    """The pool texts that no human had been asked about before a round, a holdout drawn from the pool included: what
    measures teaches nothing, not even unlabelled."""
    asked = {task.example for task in store.all(LabelTask) if task.round < round_}
    return [e.text for e in store.all(Example, origin="pool") if e.id not in asked]


def _given(store: Store, origin: Origin) -> list[TrainingExample]:
    labelled = store.all(Example, origin=origin)
    return [TrainingExample(e.id, e.text, e.label, "human") for e in labelled if e.label is not None]


def _judged(store: Store) -> list[tuple[LabelTask, TrainingExample]]:
    latest = latest_verdicts(store)
    judged = []
    for task in store.all(LabelTask):
        verdict = latest.get(task.uid)
        if verdict is not None and verdict.label is not None:
            judged.append((task, TrainingExample(task.example, task.text, verdict.label, "human")))
    return judged
