"""Machines' suggestions beside what humans said: which they saw, which they did not, and whether the page agrees."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from loop.labelled import latest_verdicts
from loop.people.consensus import last_words
from loop.store import Store
from models.records import LabelTask, Suggestion, Verdict

ENOUGH_BLIND = 10


@dataclass(frozen=True)
class JudgedSuggestion:
    """A machine's label for a text that humans have labelled: `shown` to them, or, where they saw none at all, kept
    from them. `chosen` is what they would have seen but for chance; `same` is whether their label is the suggested one;
    `origin` is the page's word for it, as in Verdict."""

    round: int
    suggester: str
    label: str
    confidence: float
    shown: bool
    chosen: bool
    same: bool
    origin: str


def judged_suggestions(store: Store) -> list[JudgedSuggestion]:
    """Those of the queried and the audited texts; which of the queried were blind was left to chance. A task that was
    to be blind and where the page knows of a suggestion, somebody else's, was not, and counts for nothing."""
    verdicts, made = latest_verdicts(store), defaultdict[tuple[str, int], list[Suggestion]](list)
    for suggestion in store.all(Suggestion):
        made[suggestion.example, suggestion.round].append(suggestion)
    judged = []
    for task in store.all(LabelTask):
        verdict = verdicts.get(task.uid)
        if verdict is not None and verdict.label is not None and _is_telling(task, verdict):
            judged += [_judged(s, task, verdict) for s in made[task.example, task.round] if _counts(s, task)]
    return judged


def _is_telling(task: LabelTask, verdict: Verdict) -> bool:
    by_chance = task.kind == "audit" or (task.kind == "query" and task.suggester != "")
    return by_chance and not (task.suggestion is None and _from_suggestion(verdict))


def _from_suggestion(verdict: Verdict) -> bool:
    return verdict.origin.startswith("prediction")


def _counts(suggestion: Suggestion, task: LabelTask) -> bool:
    """Where one machine's label is shown, it sways what is said of the other's as well."""
    return task.suggestion is None or suggestion.model == task.suggester


def _judged(made: Suggestion, task: LabelTask, verdict: Verdict) -> JudgedSuggestion:
    return JudgedSuggestion(
        round=task.round,
        suggester=made.model,
        label=made.label,
        confidence=made.confidence,
        shown=task.suggestion is not None,
        chosen=made.model == task.suggester,
        same=verdict.label == made.label,
        origin=verdict.origin,
    )


def unswayed(store: Store) -> dict[str, Verdict]:
    """The verdicts to compare machines by, by example: of the queried texts, on which all of them have said something,
    those that were judged blind; all of them while fewer than `ENOUGH_BLIND` were."""
    verdicts = latest_verdicts(store)
    queried = [task for task in store.all(LabelTask) if task.kind == "query" and task.uid in verdicts]
    blind = [t for t in queried if t.suggestion is None and not _from_suggestion(verdicts[t.uid])]
    return {t.example: verdicts[t.uid] for t in (blind if len(blind) >= ENOUGH_BLIND else queried)}


def odd_origins(store: Store) -> dict[str, int]:
    """Answers whose origin, as the page tells it, does not fit what was shown: `blind` ones that come from a
    suggestion, and suggestions `accepted` as they stood that are not the one shown. What a project showed that the run
    began from is not known."""
    tasks = {task.uid: task for task in store.all(LabelTask) if task.kind != "adopted"}
    found = Counter[str]()
    for uid, said in last_words([], store.all(Verdict)).items():
        for verdict in said.values():
            if verdict.label is not None and uid in tasks and _from_suggestion(verdict):
                shown = tasks[uid].suggestion
                found["blind"] += shown is None
                found["accepted"] += shown not in (None, verdict.label) and verdict.origin == "prediction"
    return {name: found[name] for name in ("blind", "accepted")}


def odd_sentences(odd: Mapping[str, int]) -> list[str]:
    """Nothing where all is as it should be."""
    said = []
    if odd["blind"]:
        said.append(
            f"{odd['blind']} answers to tasks that were to be blind come from a suggestion: somebody has imported "
            "predictions into the project; delete them there, or the holdout flatters."
        )
    if odd["accepted"]:
        said.append(
            f"{odd['accepted']} answers accept a suggestion that is not the loop's: predictions in the project were "
            "changed by hand."
        )
    return said
