"""What humans must see goes to the annotators once, and their verdicts come back."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from connectors.annotators import Annotators
from loop.people.consensus import outstanding
from loop.people.panel import Panel
from loop.store import Store
from models.errors import OutageError
from models.records import Candidate, Example, LabelTask, Queried, Suggestion, Verdict, text_id

CANDIDATE_PRIORITY = 1.0
LONGEST_PAUSE = 60.0


def make_tasks(
    project: str,
    round_: int,
    queried: Sequence[Queried],
    examples: Mapping[str, Example],
    suggestions: Mapping[str, Suggestion],
    candidates: Sequence[Candidate],
    blind: Collection[str] = (),
) -> list[LabelTask]:
    """One task for each queried text that is for humans, and for each of the candidates.

    Holdout, start and audit are blind, and the queried texts in `blind`, by id; so are candidates, whose intended label
    would give the answer away. A task's uid comes from project and text alone: posted again, it is known again.
    """
    tasks = []
    for item in queried:
        if item.purpose == "llm":
            continue
        suggestion = suggestions.get(item.example) if item.purpose == "query" else None
        task = LabelTask(
            uid=task_uid(project, item.example),
            example=item.example,
            text=examples[item.example].text,
            round=round_,
            kind=item.purpose,
            priority=item.score,
            suggestion=suggestion.label if suggestion else None,
            confidence=suggestion.confidence if suggestion else None,
            suggester=suggestion.model if suggestion else "",
        )
        tasks.append(replace(task, suggestion=None, confidence=None) if item.example in blind else task)
    return tasks + [
        LabelTask(task_uid(project, c.id), c.id, c.text, round_, "candidate", CANDIDATE_PRIORITY) for c in candidates
    ]


def task_uid(project: str, example: str) -> str:
    return text_id(f"{project}\n{example}")


def counted(store: Store) -> list[Verdict]:
    """The verdicts that bring a task nearer to being done."""
    return Panel.read(store).counted(store.all(LabelTask), store.all(Verdict))


def gather(
    store: Store,
    annotators: Annotators,
    tasks: Sequence[LabelTask],
    poll_seconds: float,
    wait: bool,
    waiting: Callable[[str], None],
) -> bool:
    """Posts the tasks, then stores each verdict as it is seen, until every task has as many as it needs; True when that
    is so. Second thoughts about tasks of earlier rounds are stored with the last of them.

    `waiting` hears how far people are, or that the server is away, at each poll. With `wait` false it looks once. Safe
    to kill and repeat. Raises AnnotatorError; an outage, once the tasks are posted, is waited out.
    """
    annotators.post(tasks)
    wanted, pause = sum(task.people for task in tasks), poll_seconds
    while True:
        try:
            store.add(annotators.collect(tasks))
            missing, pause = outstanding(tasks, counted(store)), poll_seconds
            waiting(f"{wanted - missing}/{wanted} verdicts {annotators.address}".rstrip())
            if not missing:
                store.add(annotators.collect(store.all(LabelTask)))
            if not missing or not wait:
                return not missing
        except OutageError as outage:
            if not wait:
                raise
            pause = min(2 * pause, max(poll_seconds, LONGEST_PAUSE))
            waiting(f"{outage} Waiting for it.")
        time.sleep(pause)
