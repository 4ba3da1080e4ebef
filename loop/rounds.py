"""The round: its stages in order, each done once, its records and its mark written in one transaction."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loop.completions import StoredLLM
from loop.curate import curate, curate_labels
from loop.evaluate import evaluate, share
from loop.generate import generate
from loop.label import best_suggester, label, label_by_classifier
from loop.labelled import (
    holdout_examples,
    human_examples,
    human_label_count,
    kept_candidates,
    machine_examples,
    rechecked,
    self_share,
    training_set,
    unasked_texts,
    unjudged_pool,
    verdicts_by_example,
)
from loop.parts import Parts
from loop.query import draw, draw_start, shortlist, what_is_known
from loop.recheck import recheck_tasks
from loop.stopping import ANSWERS, settled
from loop.store import Record
from loop.trust import choose_weights
from loop.verify import gather, make_tasks
from models.calibration import fit_head
from models.classifier import TextClassifier
from models.errors import WeightsError
from models.records import (
    Evaluation,
    Example,
    LabelTask,
    PoolAnswers,
    Queried,
    Region,
    SourceTrust,
    Suggestion,
    TrainingExample,
)
from models.strategies import covers

State = Literal["done", "waiting"]
Watch = Callable[[int, str, str], None]


def silent(round_: int, stage: str, detail: str) -> None:
    """A watcher that says nothing."""


def run(parts: Parts, *, wait: bool = True, watch: Watch = silent) -> State:
    """Goes on from the first stage that is not done, until the labels are spent, the pool is empty or the stop rule
    holds ("done"), or, with `wait` false, until humans are needed ("waiting"). `watch` hears (round, stage, detail)."""
    if not _start(parts, wait, watch):
        return "waiting"
    round_ = 1 + max(n for n, stage in parts.store.stages() if stage == "learn")
    while True:
        classifier = _fit(parts, round_, watch)
        _stage(parts, round_, "evaluate", watch, partial(_evaluate, parts, round_, classifier))
        watch(round_, "evaluated", _summary(parts, round_))
        if _at_its_end(parts, round_):
            return "done"
        _spend(parts, round_, classifier, watch)
        if not _verify(parts, round_, wait, watch):
            return "waiting"
        _stage(parts, round_, "learn", watch, partial(_learn, parts, round_))
        round_ += 1


def _stage(parts: Parts, round_: int, name: str, watch: Watch, work: Callable[[], Sequence[Record]]) -> None:
    if (round_, name) in parts.store.stages():
        return
    watch(round_, name, "")
    begun = time.monotonic()
    records = work()
    parts.store.finish(round_, name, records, time.monotonic() - begun)


def _start(parts: Parts, wait: bool, watch: Watch) -> bool:
    """Round 0: the holdout and the first batch, where no file gives them."""
    _stage(parts, 0, "query", watch, partial(_draw_start, parts))
    if not _verify(parts, 0, wait, watch):
        return False
    _stage(parts, 0, "learn", watch, partial(_learn, parts, 0))
    return True


def _draw_start(parts: Parts) -> list[Queried]:
    config, pool = parts.config, unjudged_pool(parts.store)
    holdout = 0 if config.data.holdout else config.data.holdout_size
    start = 0 if parts.store.all(Example, origin="seed") else config.run.start
    vectors = parts.encoder.encode([e.text for e in pool])
    return draw_start(pool, vectors, parts.start, holdout, start, parts.rng(0, "query"))


def _at_its_end(parts: Parts, round_: int) -> bool:
    if (round_, "query") in parts.store.stages():
        return False
    spent = human_label_count(parts.store) >= parts.config.run.labels
    stable = parts.config.run.stop and settled(parts.store.all(PoolAnswers))
    return spent or stable or not unjudged_pool(parts.store)


def _model_path(parts: Parts) -> Path:
    return parts.store.directory / "model"


def _fit(parts: Parts, round_: int, watch: Watch) -> TextClassifier:
    """The round's classifier: from disk where this round has fitted it, else fitted again, with the same result."""
    path, mark = _model_path(parts), "model.round"
    if (round_, "fit") in parts.store.stages() and parts.store.setting(mark) == str(round_):
        try:
            return TextClassifier.load(path, parts.encoder)
        except WeightsError:
            watch(round_, "fit", "again: the saved model is gone")
    watch(round_, "fit", "")
    begun = time.monotonic()
    examples, share = training_set(parts.store, round_), self_share(parts.store, round_)
    learner = parts.config.learner
    classifier = TextClassifier(parts.encoder, learner.training, parts.config.run.seed, learner.lora_rank)
    texts, weights = [e.text for e in examples], np.array([e.weight for e in examples])
    classifier.fit(texts, [e.label for e in examples], weights, _unlabelled(parts, round_) if share else [], share)
    parts.store.set(mark, "")
    classifier.save(path)
    parts.store.set(mark, str(round_))
    if (round_, "fit") not in parts.store.stages():
        parts.store.finish(round_, "fit", [], time.monotonic() - begun)
    return classifier


def _evaluate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    holdout, pool = holdout_examples(parts.store), parts.store.all(Example, origin="pool")
    predicted = classifier.predict([e.text for e in holdout]).tolist()
    aside = [e.text for e in parts.store.all(Example, origin="aside")]
    sure = (_sure(classifier, [e.text for e in holdout]), _sure(classifier, aside)) if aside else None
    count, rng = human_label_count(parts.store), parts.rng(round_, "evaluate")
    point = evaluate(predicted, [e.label for e in holdout], round_, count, rng, sure)
    asked_first = {task.example for task in parts.store.all(LabelTask, round=0)}
    part = [pool[i] for i in parts.rng(0, "evaluate").permutation(len(pool)) if pool[i].id not in asked_first][:ANSWERS]
    answers = classifier.predict([e.text for e in part]).tolist()
    return [point, PoolAnswers(round_, tuple(e.id for e in part), tuple(answers))]


def _sure(classifier: TextClassifier, texts: Sequence[str]) -> NDArray[np.float64]:
    top: NDArray[np.float64] = classifier.predict_proba(texts).max(axis=1)
    return top


def _summary(parts: Parts, round_: int) -> str:
    (point,) = parts.store.all(Evaluation, round=round_)
    return f"accuracy {share(point.accuracy, point.low, point.high)} with {point.human_labels} human labels"


def _spend(parts: Parts, round_: int, classifier: TextClassifier, watch: Watch) -> None:
    """The stages that find out what to ask, write, and suggest."""
    _stage(parts, round_, "query", watch, partial(_query, parts, round_, classifier))
    if parts.llm is not None:
        _stage(parts, round_, "generate", watch, partial(_generate, parts, round_, classifier))
    _stage(parts, round_, "label", watch, partial(_label, parts, round_, classifier))
    if parts.llm is not None:
        _stage(parts, round_, "curate", watch, partial(_curate, parts, round_, classifier))


def _query(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    config, rng = parts.config, parts.rng(round_, "query")
    humans = human_examples(parts.store)
    pool = _shortlisted(parts, classifier, humans, rng)
    batch = _batch_size(parts)
    for_llm = config.llm.labels if parts.llm is not None else 0
    known = what_is_known(classifier, humans, parts.task.classes)
    queried, regions = draw(pool, classifier, known, parts.strategy, batch, for_llm, round_, rng)
    return [*queried, *regions]


def _batch_size(parts: Parts) -> int:
    """What a round may ask of humans: a batch, or the labels that are left."""
    return min(parts.config.run.batch, parts.config.run.labels - human_label_count(parts.store))


def _shortlisted(
    parts: Parts, classifier: TextClassifier, humans: Sequence[TrainingExample], rng: np.random.Generator
) -> list[Example]:
    """The pool, or, where a trained encoder has made its embeddings stale, the part worth embedding anew."""
    pool, size = unjudged_pool(parts.store), parts.config.learner.shortlist
    if classifier.trained_ is parts.encoder or len(pool) <= size:
        return pool
    if covers(parts.strategy, np.array([e.label for e in humans])):
        return [pool[i] for i in rng.permutation(len(pool))[:size]]
    frozen = fit_head(parts.encoder.encode([e.text for e in humans]), [e.label for e in humans])
    vectors = parts.encoder.encode([e.text for e in pool])
    return [pool[i] for i in shortlist(frozen, vectors, size, rng)]


def _generate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    assert parts.llm is not None
    verified = human_examples(parts.store)
    candidates, rejections = generate(
        StoredLLM(parts.llm, parts.store, (round_, "generate")),
        parts.task,
        parts.store.all(Region, round=round_),
        verified,
        classifier.encode([e.text for e in verified]),
        parts.config.llm.texts,
        parts.rng(round_, "generate"),
    )
    return [*candidates, *rejections]


def _label(parts: Parts, round_: int, classifier: TextClassifier) -> list[Suggestion]:
    queried = parts.store.all(Queried, round=round_)
    texts = {e.id: e.text for e in parts.store.all(Example)}
    real = [(q.example, texts[q.example]) for q in queried]
    for_humans = [(q.example, texts[q.example]) for q in queried if q.purpose == "query"]
    suggestions = label_by_classifier(classifier, for_humans, round_)
    if parts.llm is not None:
        written = {c.id: c.text for c in kept_candidates(parts.store, round=round_)}
        llm = StoredLLM(parts.llm, parts.store, (round_, "label"))
        suggestions += label(llm, parts.task, [*real, *written.items()], round_)
    return suggestions


def _curate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    assert parts.llm is not None
    store = parts.store
    texts = {e.id: e.text for e in store.all(Example)}
    suggested = {s.example: s for s in store.all(Suggestion, round=round_, model=parts.llm.name)}
    holdout = {e.id: e.text for e in holdout_examples(store)}
    earlier = [c.text for n in range(1, round_) for c in kept_candidates(store, round=n)]
    known = [text for example, text in texts.items() if example not in holdout] + earlier
    rejections = curate(
        kept_candidates(store, round=round_),
        suggested,
        classifier,
        parts.encoder,
        list(holdout.values()),
        known,
    )
    alone = [suggested[q.example] for q in store.all(Queried, round=round_, purpose="llm") if q.example in suggested]
    return [*rejections, *curate_labels(alone, texts, classifier)]


def _verify(parts: Parts, round_: int, wait: bool, watch: Watch) -> bool:
    if (round_, "verify") in parts.store.stages():
        return True
    begun = time.monotonic()
    if not parts.store.all(LabelTask, round=round_):
        parts.store.add(_tasks(parts, round_))
    tasks = parts.store.all(LabelTask, round=round_)

    def waiting(done: int, total: int) -> None:
        watch(round_, "verify", f"{done}/{total} verdicts {parts.annotators.address}".rstrip())

    if tasks and not gather(parts.store, parts.annotators, tasks, parts.config.annotation.poll_seconds, wait, waiting):
        return False
    parts.store.finish(round_, "verify", [], time.monotonic() - begun)
    return True


def _tasks(parts: Parts, round_: int) -> list[LabelTask]:
    store, config = parts.store, parts.config
    suggester = best_suggester(store.all(Suggestion), verdicts_by_example(store))
    suggested = {s.example: s for s in store.all(Suggestion, round=round_, model=suggester)}
    kept = {c.id: c for c in kept_candidates(store, round=round_)}
    audited = parts.rng(round_, "verify").permutation(sorted(kept))[: config.llm.verify]
    batch = _batch_size(parts)
    queried = sorted(store.all(Queried, round=round_), key=lambda q: -q.score)
    again: list[LabelTask] = []
    if round_ > 0:
        # At least one new text: a round that asks only of others would teach nothing of the pool.
        again = _rechecks(parts, round_)[: max(0, batch - 1)]
        audited = audited[: max(0, batch - 1 - len(again))]
        queried = [q for q in queried if q.purpose == "query"][: batch - len(audited) - len(again)]
    examples = {e.id: e for e in store.all(Example)}
    written = [kept[i] for i in audited.tolist()]
    return again + make_tasks(config.annotation.project, round_, queried, examples, suggested, written)


def _rechecks(parts: Parts, round_: int) -> list[LabelTask]:
    store, section = parts.store, parts.config.annotation
    humans, settled = human_examples(store), rechecked(store)
    return recheck_tasks(
        section.project, round_, humans, parts.encoder, settled, section.rechecks, parts.config.run.seed
    )


def _learn(parts: Parts, round_: int) -> list[SourceTrust]:
    """The trust in each machine source for the next round's fit."""
    humans, machine = human_examples(parts.store), machine_examples(parts.store)
    unlabelled = _unlabelled(parts, round_ + 1)
    return choose_weights(humans, machine, unlabelled, parts.encoder, round_ + 1, parts.config.run.seed)


def _unlabelled(parts: Parts, round_: int) -> list[str]:
    """The texts that a round's classifier is self-trained on."""
    texts = unasked_texts(parts.store, round_)
    return [texts[i] for i in parts.rng(round_, "fit").permutation(len(texts))[: parts.config.learner.unlabelled]]
