"""The stages of a round, each a function from what the store holds to the records that it adds."""

from collections.abc import Mapping, Sequence

import numpy as np

from loop import curate as curation
from loop import evaluate as evaluation
from loop import generate as generation
from loop import label as labelling
from loop.attributes import own_attributes
from loop.completions import StoredLLM
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
    verified_candidates,
)
from loop.parts import Parts
from loop.pausing import allowance
from loop.quality import measure
from loop.query import draw, draw_start, shortlist, what_is_known
from loop.recheck import recheck_tasks
from loop.stopping import ANSWERS
from loop.store import Record
from loop.trust import choose_weights
from loop.verify import make_tasks
from models.calibration import fit_head
from models.classifier import TextClassifier
from models.llm import LLM
from models.llm_classifier import nearest_examples
from models.records import (
    Account,
    Arm,
    Evaluation,
    Example,
    HoldoutAnswers,
    LabelTask,
    PoolAnswers,
    Queried,
    Region,
    SourceTrust,
    Suggestion,
    TrainingExample,
)
from models.strategies import covers


def start(parts: Parts) -> list[Queried]:
    """What humans judge before the first round: a holdout and a first batch, where no file gives them."""
    config, pool = parts.config, unjudged_pool(parts.store)
    holdout = 0 if config.data.holdout else config.data.holdout_size
    start = 0 if parts.store.all(Example, origin="seed") else config.run.start
    vectors = parts.encoder.encode([e.text for e in pool])
    return draw_start(pool, vectors, parts.start, holdout, start, parts.rng(0, "query"))


def fit(parts: Parts, round_: int) -> TextClassifier:
    """The classifier trained on all labels so far, each source by its trust."""
    examples, share = training_set(parts.store, round_), self_share(parts.store, round_)
    learner = parts.config.learner
    seed, many = parts.config.run.seed, parts.task.multi_label
    classifier = TextClassifier(parts.encoder, learner.training, seed, learner.lora_rank, many)
    texts, labels = [e.text for e in examples], [e.label for e in examples]
    others = _unlabelled(parts, round_) if share else []
    return classifier.fit(texts, labels, np.array([e.weight for e in examples]), others, share)


def evaluate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """The round's point of the learning curve, and what its classifier answers on the holdout and on the pool."""
    return [*_point(parts, round_, classifier), _answers(parts, round_, classifier)]


def _point(parts: Parts, round_: int, classifier: TextClassifier) -> tuple[Evaluation, HoldoutAnswers]:
    holdout = holdout_examples(parts.store)
    texts, truth = [e.text for e in holdout], [e.label for e in holdout]
    aside = [e.text for e in parts.store.all(Example, origin="aside")]
    vectors, head = classifier.encode(texts), classifier.head
    sure = (head.confidence(vectors), head.confidence(classifier.encode(aside))) if aside else None
    count, rng = human_label_count(parts.store), parts.rng(round_, "evaluate")
    said = head.predict(vectors).tolist()
    point = evaluation.evaluate(said, truth, round_, count, rng, sure, parts.task.multi_label)
    return point, HoldoutAnswers(round_, tuple(e.id for e in holdout), tuple(said))


def _answers(parts: Parts, round_: int, classifier: TextClassifier) -> PoolAnswers:
    asked_first = {task.example for task in parts.store.all(LabelTask, round=0)}
    pool = [e for e in parts.store.all(Example, origin="pool") if e.id not in asked_first]
    part = [pool[i] for i in parts.rng(0, "evaluate").permutation(len(pool))[:ANSWERS]]
    answers = classifier.predict([e.text for e in part]).tolist()
    return PoolAnswers(round_, tuple(e.id for e in part), tuple(answers))


def query(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """The round's batch for the humans, the texts for the LLM, and the regions of low confidence."""
    config, rng = parts.config, parts.rng(round_, "query")
    humans = human_examples(parts.store)
    pool = _shortlisted(parts, classifier, humans, rng)
    batch = _batch_size(parts)
    for_llm = config.llm.labels if parts.llm is not None else 0
    known = what_is_known(classifier, humans, parts.task)
    queried, regions = draw(pool, classifier, known, parts.strategy, batch, for_llm, round_, rng)
    alone = [q for q in queried if q.purpose == "llm"]
    allowed = allowance(parts.store, config.llm, "llm-label", round_, regions).examples
    return [*(q for q in queried if q.purpose != "llm"), *alone[:allowed], *regions]


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


def generate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """What the LLM writes for each region, and what of it cannot be read."""
    assert parts.llm is not None
    verified, regions = human_examples(parts.store), parts.store.all(Region, round=round_)
    candidates, rejections = generation.generate(
        StoredLLM(parts.llm, parts.store, Account(round_, "generate", "llm-text")),
        parts.task,
        regions,
        verified,
        classifier.encode([e.text for e in verified]),
        allowance(parts.store, parts.config.llm, "llm-text", round_, regions).examples,
        parts.rng(round_, "generate"),
        parts.prompts,
        _style(parts, round_),
    )
    return [*candidates, *rejections]


def _style(parts: Parts, round_: int) -> generation.Style:
    section = parts.config.llm
    assert parts.llm is not None
    attributes = None
    if section.attributes == "proposed":
        llm = StoredLLM(parts.llm, parts.store, Account(round_, "generate", "llm-text"))
        attributes = own_attributes(parts.store.directory, llm, parts.task, parts.prompts)
    return generation.Style(section.modes, section.neighbours, section.temperature, section.max_tokens, attributes)


def label(parts: Parts, round_: int, classifier: TextClassifier) -> list[Suggestion]:
    """What the classifier and the LLM suggest for queried and written texts."""
    store = parts.store
    queried = store.all(Queried, round=round_)
    texts = {e.id: e.text for e in store.all(Example)}
    for_humans = [(q.example, texts[q.example]) for q in queried if q.purpose == "query"]
    suggestions = labelling.label_by_classifier(classifier, for_humans, round_)
    if parts.llm is not None:
        # What has been written first: without a label its cost would be lost.
        work: dict[Arm, list[tuple[str, str]]] = {
            "llm-text": [(c.id, c.text) for c in kept_candidates(store, round=round_)],
            "llm-label": [(q.example, texts[q.example]) for q in queried if q.purpose == "llm"],
            "human": for_humans,
        }
        suggestions += _label_by_llm(parts, parts.llm, round_, work, classifier)
    return suggestions


def _label_by_llm(
    parts: Parts, llm: LLM, round_: int, work: Mapping[Arm, Sequence[tuple[str, str]]], classifier: TextClassifier
) -> list[Suggestion]:
    """Each arm pays for its own texts; they are calibrated together."""
    store, verified = parts.store, human_examples(parts.store)
    said: list[labelling.Said] = []
    for arm, texts in work.items():
        shown = nearest_examples([t for _, t in texts], verified, classifier.encode, parts.config.llm.examples)
        stored = StoredLLM(llm, store, Account(round_, "label", arm))
        said += labelling.ask(stored, parts.task, texts, parts.prompts, shown)
    truth = {e.id: e.label for e in [*verified, *verified_candidates(store)]}
    return labelling.suggest(llm.name, parts.task, said, round_, truth, store.all(Suggestion, model=llm.name))


def curate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """The reasons against what the LLM has written and labelled, and what the texts that are left are like."""
    assert parts.llm is not None
    store = parts.store
    texts = {e.id: e.text for e in store.all(Example)}
    suggested = {s.example: s for s in store.all(Suggestion, round=round_, model=parts.llm.name)}
    holdout = {e.id: e.text for e in holdout_examples(store)}
    earlier = [c.text for n in range(1, round_) for c in kept_candidates(store, round=n)]
    known = [text for example, text in texts.items() if example not in holdout] + earlier
    rejections = curation.curate(
        kept_candidates(store, round=round_),
        suggested,
        classifier,
        parts.encoder,
        list(holdout.values()),
        known,
    )
    alone = [suggested[q.example] for q in store.all(Queried, round=round_, purpose="llm") if q.example in suggested]
    out = {r.key for r in rejections}
    kept = [c for c in kept_candidates(store, round=round_) if c.request not in out]
    quality = measure(kept, store.all(Region, round=round_), texts, classifier, round_)
    return [*rejections, *curation.curate_labels(alone, texts, classifier), quality]


def tasks(parts: Parts, round_: int) -> list[LabelTask]:
    """What humans must see of the round: no more than a batch, labels asked about again and written texts included."""
    store, config = parts.store, parts.config
    suggester = labelling.best_suggester(store.all(Suggestion), verdicts_by_example(store))
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


def learn(parts: Parts, round_: int) -> list[SourceTrust]:
    """The trust in each machine source for the next round's fit."""
    humans, machine = human_examples(parts.store), machine_examples(parts.store)
    texts = _unlabelled(parts, round_ + 1)
    seed, many = parts.config.run.seed, parts.task.multi_label
    return choose_weights(humans, machine, texts, parts.encoder, round_ + 1, seed, many)


def _unlabelled(parts: Parts, round_: int) -> list[str]:
    """The texts that a round's classifier is self-trained on; none in full fine-tuning, which has no head to do it."""
    learner = parts.config.learner
    most = 0 if learner.training == "full" else learner.unlabelled
    texts = unasked_texts(parts.store, round_)
    return [texts[i] for i in parts.rng(round_, "fit").permutation(len(texts))[:most]]
