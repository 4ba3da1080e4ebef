"""What humans must see goes to the annotators once, and their verdicts come back."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from connectors.annotators import Annotators
from loop.people.consensus import judges, outstanding
from loop.people.panel import Panel
from loop.store import Store
from models.errors import OutageError
from models.records import Candidate, Example, LabelTask, Queried, Suggestion, Verdict, text_id

CANDIDATE_PRIORITY = 1.0
LONGEST_PAUSE = 60.0
RECONCILE_SECONDS = 600.0


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


def idle(store: Store) -> Counter[str]:
    """On how many people's verdicts on a task, by its uid, nothing hangs: of a dispute, those of who began it."""
    verdicts = store.all(Verdict)
    return judges(verdicts) - judges(Panel.read(store).counted(store.all(LabelTask), verdicts))


def on_page(tasks: Sequence[LabelTask]) -> list[LabelTask]:
    """The tasks that this run has asked about itself."""
    return [task for task in tasks if task.kind != "adopted"]


def gather(
    store: Store,
    annotators: Annotators,
    tasks: Sequence[LabelTask],
    poll_seconds: float,
    wait: bool,
    waiting: Callable[[str], None],
    needless: Callable[[], Sequence[LabelTask]] = tuple,
) -> bool:
    """Posts the tasks, then stores each verdict as it is seen, until every task has as many as it needs; True when that
    is so. Second thoughts about tasks of earlier rounds are stored with the last of them.

    Of the tasks that become `needless` meanwhile none is waited for or left on the page, and a task on which somebody
    has said what does not count stays there for one more. What somebody deletes is posted anew, at the latest after
    `RECONCILE_SECONDS`. `waiting` hears how far people are, or that the server is away, at each poll. With `wait` false
    it looks once. Safe to kill and repeat. Raises AnnotatorError; an outage, once the tasks are posted, is waited out.
    """
    page, pause = _Page(annotators, tasks, needless, partial(idle, store)), poll_seconds
    page.lay_out()
    while True:
        try:
            take_in(store, annotators, page.tasks)
            wanted, missing = sum(t.people for t in page.tasks), outstanding(page.tasks, counted(store))
            pause = poll_seconds
            if page.is_outdated() or not (missing or page.fresh):
                page.lay_out()
                continue
            page.fresh = False
            waiting(f"{wanted - missing}/{wanted} verdicts, {annotators.address}".removesuffix(", "))
            if not missing:
                take_in(store, annotators, on_page(store.all(LabelTask)))
            if not missing or not wait:
                return not missing
        except OutageError as outage:
            if not wait:
                raise
            pause = min(2 * pause, max(poll_seconds, LONGEST_PAUSE))
            waiting(f"{outage} Waiting for it.")
        time.sleep(pause)


class _Page:
    """What of a round is before the annotators: `tasks`; `fresh` where all of it has just been compared."""

    def __init__(
        self,
        annotators: Annotators,
        tasks: Sequence[LabelTask],
        needless: Callable[[], Sequence[LabelTask]],
        idle: Callable[[], Mapping[str, int]],
    ) -> None:
        self._annotators = annotators
        self._all = tasks
        self._needless = needless
        self._idle = idle
        self._more: Mapping[str, int] = {}
        self._recalled: list[LabelTask] = []
        self._due = 0.0
        self.fresh = False

    @property
    def tasks(self) -> list[LabelTask]:
        return [task for task in self._all if task not in self._recalled]

    def is_outdated(self) -> bool:
        changed = self._recalled != list(self._needless()) or self._more != self._idle()
        return changed or time.monotonic() > self._due

    def lay_out(self) -> None:
        self._recalled = list(self._needless())
        self._annotators.recall(self._recalled)
        self._more = self._idle()
        self._annotators.post([replace(t, people=t.people + self._more.get(t.uid, 0)) for t in self.tasks])
        self._due = time.monotonic() + RECONCILE_SECONDS
        self.fresh = True


def take_in(store: Store, annotators: Annotators, tasks: Sequence[LabelTask]) -> None:
    """Stores what annotators have said of the tasks, and taken back, since the last time: each as a new row, what they
    have come back to as well. Raises AnnotatorError."""
    uids = {task.uid for task in tasks}
    known = [verdict for verdict in store.all(Verdict) if verdict.task in uids]
    last = {(v.task, v.annotator): v for v in known}
    standing = {who: v for who, v in last.items() if v.outcome != "withdrawn"}
    found = {(v.task, v.annotator): v for v in annotators.collect(tasks)}
    new = [v for who, v in found.items() if who not in standing or _read_from(standing[who]) != v.revision]
    silent = [v for who, v in standing.items() if who not in found]
    new += [replace(v, outcome="withdrawn", label=None) for v in annotators.withdrawn(silent)]
    store.add(_revised(new, known))


def _read_from(verdict: Verdict) -> str:
    return verdict.revision.partition(" ")[0]


def _revised(new: Sequence[Verdict], known: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, those read from what was read before under a revision of their own."""
    times = Counter((v.task, v.annotator, _read_from(v)) for v in known)
    again = [times[v.task, v.annotator, _read_from(v)] for v in new]
    return [replace(v, revision=f"{_read_from(v)} {n + 1}") if n else v for v, n in zip(new, again, strict=True)]
