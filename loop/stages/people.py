"""What people are asked to judge in a round, again or for the first time, and what they need not."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from loop import label as labelling
from loop.budget.ledger import Budget
from loop.budget.people import labels_left
from loop.labelled import (
    holdout_examples,
    kept_candidates,
    rechecked,
)
from loop.parts import Parts
from loop.people.consensus import Answers, disputed, last_words, unfinished
from loop.people.overlap import adjudications, shared_out, verdicts_for
from loop.people.panel import Panel
from loop.people.recheck import recheck_tasks, standing_doubts
from loop.people.suggestions import unswayed
from loop.stages.asking import batch_size
from loop.verify import counted, make_tasks
from models.records import Candidate, Example, LabelTask, Queried, Suggestion, Verdict


def tasks(parts: Parts, round_: int) -> list[LabelTask]:
    """What humans must see of the round: no more verdicts than a batch, what is asked again, audited or written by the
    LLM included; disagreements about the holdout come on top, as the holdout does."""
    store, rng = parts.store, parts.rng(round_, "verify")
    kept = {c.id: c for c in kept_candidates(store, round=round_)}
    audited = rng.permutation(sorted(kept))[: parts.config.llm.verify]
    room = batch_size(parts)
    queried = store.all(Queried, round=round_)
    if round_ == 0:
        held, start = (_tasks_for(parts, 0, [q for q in queried if q.purpose == p]) for p in ("holdout", "start"))
        return _overlapped(parts, held, None, rng) + _overlapped(parts, start, parts.config.run.start, rng)
    disagreed = _adjudications(parts, round_)
    of_holdout = {e.id for e in holdout_examples(store)}
    # At least one new text: a round that asks only of others would teach nothing of the pool.
    paid = [t for t in disagreed if t.example not in of_holdout] + _rechecks(parts, round_)
    again = [t for t in disagreed if t.example in of_holdout] + paid[: max(0, room - 1)]
    room -= min(len(paid), max(0, room - 1))
    # In the random order that they were drawn in: what finds no room must not be the easiest of them.
    audits = [q for q in queried if q.purpose == "audit"][: max(0, room - 1)]
    written = [kept[i] for i in audited.tolist()][: max(0, room - 1 - len(audits))]
    room -= len(audits) + len(written)
    new = [q for q in queried if q.purpose == "query"]
    blind = {q.example for q in new if rng.random() < parts.config.annotation.blind_share}
    again += _tasks_for(parts, round_, audits, written)
    # In the strategy's order while some find no room, then what is doubted most comes first.
    asked = _overlapped(parts, _tasks_for(parts, round_, new, blind=blind), room, rng)
    return again + sorted(asked, key=lambda task: -task.priority)


def _tasks_for(
    parts: Parts,
    round_: int,
    queried: Sequence[Queried],
    written: Sequence[Candidate] = (),
    blind: Collection[str] = (),
) -> list[LabelTask]:
    store = parts.store
    made = [s for s in store.all(Suggestion) if s.round > 0]
    suggester = labelling.best_suggester(made, unswayed(store))
    suggested = {s.example: s for s in store.all(Suggestion, round=round_, model=suggester)}
    examples = {e.id: e for e in store.all(Example)}
    return make_tasks(parts.config.annotation.project, round_, queried, examples, suggested, written, blind)


def _overlapped(
    parts: Parts, tasks: Sequence[LabelTask], room: int | None, rng: np.random.Generator
) -> list[LabelTask]:
    """The tasks that there is room for, some of them for several people; all of them without a limit."""
    people, share = parts.config.annotation.overlap, parts.config.annotation.overlap_share
    budget = verdicts_for(len(tasks), people, share) if room is None else room
    return shared_out(tasks, budget, people, share, rng)


def _adjudications(parts: Parts, round_: int) -> list[LabelTask]:
    asked = parts.store.all(LabelTask)
    settled = {task.example for task in asked if task.kind == "adjudication"}
    words = last_words(asked, parts.store.all(Verdict))
    disputes = _disputes(parts, asked, words)
    project, language = parts.config.annotation.project, parts.task.language
    return adjudications(project, round_, asked, words, disputes, settled, language)


def _disputes(parts: Parts, asked: Sequence[LabelTask], words: Answers) -> list[str]:
    panel = Panel.of(parts.config)
    return disputed(words, panel.adjudicator, panel.machine_votes(asked, parts.store.all(Suggestion)))


def needless(parts: Parts, round_: int) -> list[LabelTask]:
    """The tasks of a round that are still open and of no more use: what others have settled meanwhile by second
    thoughts, and, once the labels are spent, all but the holdout's; in a round, once the minutes are, too."""
    asked, words = parts.store.all(LabelTask), last_words(parts.store.all(LabelTask), parts.store.all(Verdict))
    budget = Budget.of(parts.config)
    # Without the first batch there would be nothing to begin with.
    spent = not labels_left(parts.store, budget if round_ else replace(budget, minutes=0.0))
    held = {task.example for task in asked if task.kind == "holdout"}
    open_disputes = set(_disputes(parts, asked, words))
    disputes = {task.example for task in asked if task.uid in open_disputes}
    return [
        task
        for task, _ in unfinished([task for task in asked if task.round == round_], counted(parts.store))
        if (spent and task.example not in held) or (task.kind == "adjudication" and task.example not in disputes)
    ]


def _rechecks(parts: Parts, round_: int) -> list[LabelTask]:
    section = parts.config.annotation
    if not section.rechecks:
        return []
    doubted, settled = standing_doubts(parts.store), rechecked(parts.store)
    return recheck_tasks(section.project, round_, doubted, settled, section.rechecks, parts.task.language)
