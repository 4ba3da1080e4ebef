"""The round: its stages in order, each done once, its records and its mark written in one transaction."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from loop import stages
from loop.budget.ledger import Budget
from loop.budget.people import why_spent
from loop.budget.spending import next_round, outlook, resting, spending, total, what_is_left
from loop.evaluate import share
from loop.labelled import holdout_examples, human_examples
from loop.parts import Parts
from loop.people.consensus import unfinished
from loop.release.model_card import model_card
from loop.stopping import settled
from loop.store import Record
from loop.tracking import track
from loop.trust import SOURCES
from loop.verify import counted, gather, on_page, take_in
from models.chat import Rest
from models.classifier import TextClassifier
from models.errors import OutageError, WeightsError
from models.measures import Evaluation, PoolAnswers
from models.records import LabelTask

MODEL_ROUND = "model.round"
State = Literal["done", "waiting"]
Watch = Callable[[int, str, str], None]


def silent(round_: int, stage: str, detail: str) -> None:
    """A watcher that says nothing."""


def run(parts: Parts, *, wait: bool = True, watch: Watch = silent) -> State:
    """Goes on from the first stage that is not done, until the labels are spent, the pool is empty or the stop rule
    holds ("done"), or, with `wait` false, until humans are needed ("waiting"). `watch` hears (round, stage, detail)."""
    try:
        return _advance(parts, wait, watch)
    finally:
        parts.annotators.leave()


def _advance(parts: Parts, wait: bool, watch: Watch) -> State:
    if not _start(parts, wait, watch):
        return "waiting"
    if len(holdout_examples(parts.store)) < 2 or not human_examples(parts.store):
        # Nothing can be measured, or learned, until people answer what they skipped at first.
        take_in(parts.store, parts.annotators, on_page(parts.store.all(LabelTask, round=0)))
    round_ = 1 + max(n for n, stage in parts.store.stages() if stage == "learn")
    while True:
        classifier = _fit(parts, round_, watch)
        _stage(parts, round_, "evaluate", watch, stages.evaluate, classifier)
        _stage(parts, round_, "worth", watch, stages.worth, classifier)
        _describe(parts, round_, classifier)
        watch(round_, "evaluated", _summary(parts, round_))
        if why := _end(parts, round_):
            watch(round_, "note", why)
            _track(parts, round_, watch)
            _close(parts, round_, watch)
            return "done"
        _spend(parts, round_, classifier, watch)
        if not _verify(parts, round_, wait, watch):
            return "waiting"
        _stage(parts, round_, "learn", watch, stages.learn)
        _track(parts, round_, watch)
        round_ += 1


def _stage(
    parts: Parts,
    round_: int,
    name: str,
    watch: Watch,
    work: Callable[..., Sequence[Record]],
    *given: TextClassifier,
) -> None:
    if (round_, name) in parts.store.stages():
        return
    watch(round_, name, "")
    begun = time.monotonic()
    records = parts.instead.get(work.__name__, work)(parts, round_, *given)
    parts.store.finish(round_, name, records, time.monotonic() - begun)


def _start(parts: Parts, wait: bool, watch: Watch) -> bool:
    """Round 0: the holdout and the first batch, where no file gives them; then what the LLM makes of that, so that the
    first classifier learns from it too."""
    _stage(parts, 0, "query", watch, stages.start)
    if not _verify(parts, 0, wait, watch):
        return False
    if parts.llm is not None and (0, "learn") not in parts.store.stages():
        classifier = stages.first_look(parts)
        _stage(parts, 0, "aim", watch, stages.aim, classifier)
        _ask_llm(parts, 0, classifier, watch)
    _stage(parts, 0, "learn", watch, stages.learn)
    return True


def _end(parts: Parts, round_: int) -> str:
    """Why the run ends here, in words; empty where it goes on."""
    if (round_, "query") in parts.store.stages():
        return ""
    if spent := why_spent(parts.store, Budget.of(parts.config)):
        return f"the end: {spent}"
    if parts.config.run.stop and settled(parts.store.all(PoolAnswers)):
        return "the end: the classifier's answers on the pool have settled, and run.stop goes by that"
    return "" if stages.left_to_ask(parts) else "the end: no text of the pool is left to ask about"


def _close(parts: Parts, round_: int, watch: Watch) -> None:
    """Stores the second thoughts that came after the last round, for the dataset, and clears the page of what nobody
    needs by now. A server that is away keeps nobody from a finished run."""
    tasks = on_page(parts.store.all(LabelTask))
    try:
        take_in(parts.store, parts.annotators, tasks)
        parts.annotators.recall([t for t, _ in unfinished(tasks, counted(parts.store))])
    except OutageError as outage:
        watch(round_, "note", str(outage))


def _track(parts: Parts, round_: int, watch: Watch) -> None:
    if failure := track(parts.store, parts.tracker, round_):
        watch(round_, "note", failure)


def _model_path(parts: Parts) -> Path:
    return parts.store.directory / "model"


def _fit(parts: Parts, round_: int, watch: Watch) -> TextClassifier:
    """The round's classifier: from disk where this round has fitted it, else fitted again, with the same result."""
    path, mark = _model_path(parts), MODEL_ROUND
    if (round_, "fit") in parts.store.stages() and parts.store.setting(mark) == str(round_):
        try:
            return TextClassifier.load(path, parts.encoder)
        except WeightsError:
            watch(round_, "fit", "again: the saved model is gone")
    watch(round_, "fit", "")
    begun = time.monotonic()
    classifier = stages.fit(parts, round_)
    parts.store.set(mark, "")
    classifier.save(path)
    parts.store.set(mark, str(round_))
    if (round_, "fit") not in parts.store.stages():
        parts.store.finish(round_, "fit", [], time.monotonic() - begun)
    return classifier


def _describe(parts: Parts, round_: int, classifier: TextClassifier) -> None:
    """The card beside the model, once it is measured."""
    (point,) = parts.store.all(Evaluation, round=round_)
    card = model_card(parts.config, parts.store, classifier, point)
    (_model_path(parts) / "README.md").write_text(card, encoding="utf-8")


def _summary(parts: Parts, round_: int) -> str:
    (point,) = parts.store.all(Evaluation, round=round_)
    said = f"accuracy {share(point.accuracy, point.low, point.high)} with {point.human_labels} human labels"
    if len(held := {e.label for e in holdout_examples(parts.store)}) == 1:
        said += f" (all of the holdout is '{next(iter(held))}': how the other classes do, it does not say)"
    budget, done = Budget.read(parts.store), [n for n, stage in parts.store.stages() if stage == "learn"]
    spent = spending(parts.store, budget)
    costs = next_round(spent, done)
    return f"{said}; {outlook(costs, what_is_left(total(spent), budget))}" if costs else said


def _notes(parts: Parts, round_: int) -> list[str]:
    """What the round does not ask of the LLM, and why, in sentences."""
    store = parts.store
    said = [stages.asked_of(parts, source, round_).why for source in SOURCES]
    return [*filter(None, said), *(resting(rest.cap) for rest in store.all(Rest, round=round_)[:1])]


def _spend(parts: Parts, round_: int, classifier: TextClassifier, watch: Watch) -> None:
    """The stages that find out what to ask, write, and suggest."""
    _stage(parts, round_, "query", watch, stages.query, classifier)
    if parts.llm is None:
        _stage(parts, round_, "label", watch, stages.label, classifier)
    else:
        _ask_llm(parts, round_, classifier, watch)


def _ask_llm(parts: Parts, round_: int, classifier: TextClassifier, watch: Watch) -> None:
    for name, work in (("generate", stages.generate), ("label", stages.label), ("curate", stages.curate)):
        _stage(parts, round_, name, watch, work, classifier)
    for note in _notes(parts, round_):
        watch(round_, "note", note)


def _verify(parts: Parts, round_: int, wait: bool, watch: Watch) -> bool:
    if (round_, "verify") in parts.store.stages():
        return True
    begun = time.monotonic()
    if not on_page(parts.store.all(LabelTask, round=round_)):
        parts.store.add(stages.tasks(parts, round_))
    tasks = on_page(parts.store.all(LabelTask, round=round_))

    poll, waiting = parts.config.annotation.poll_seconds, partial(watch, round_, "verify")
    needless = partial(stages.needless, parts, round_)
    if tasks and not gather(parts.store, parts.annotators, tasks, poll, wait, waiting, needless):
        return False
    parts.store.finish(round_, "verify", [], time.monotonic() - begun)
    return True
