"""The classifier of a round, its point of the learning curve, and the trust in what it learns from."""

import numpy as np

from loop import evaluate as evaluation
from loop.labelled import (
    answered_again,
    descriptions,
    holdout_examples,
    human_examples,
    human_label_count,
    learned_descriptions,
    machine_examples,
    said_by_llm,
    self_share,
    training_set,
    unasked_texts,
)
from loop.parts import Parts
from loop.people import acceptance
from loop.people.recheck import doubts
from loop.stages.asking import may_accept
from loop.stopping import ANSWERS
from loop.store import Record
from loop.trust import choose_weights
from loop.worth import on_holdout
from models.classifier import TextClassifier
from models.measures import Evaluation, HoldoutAnswers, Permission, PoolAnswers
from models.records import Example, LabelTask, Source, TrainingExample


def fit(parts: Parts, round_: int, without: Source | None = None) -> TextClassifier:
    """The classifier trained on all labels so far, each source by its trust, one left out where it is named."""
    examples = [e for e in _learned_from(parts, round_) if e.source != without]
    share = 0.0 if without == "self" else self_share(parts.store, round_)
    learner = parts.config.learner
    seed, many = parts.config.run.seed, parts.task.multi_label
    classifier = TextClassifier(parts.encoder, learner.training, seed, learner.lora_rank, many, learner.cleansing)
    texts, labels = [e.text for e in examples], [e.label for e in examples]
    others = unlabelled(parts, round_) if share else []
    weights, judged = np.array([e.weight for e in examples]), np.array([e.source == "human" for e in examples])
    answered = answered_again(parts.store)
    settled = np.array([e.id in answered for e in examples], dtype=bool)
    return classifier.fit(texts, labels, weights, others, share, judged, settled)


def _learned_from(parts: Parts, round_: int) -> list[TrainingExample]:
    return [*training_set(parts.store, round_), *learned_descriptions(parts.task, parts.store, round_)]


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


def worth(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """What each source adds on the holdout: the classifier beside the same without it. Where the encoder is trained
    nothing is told, as each of them would be another training."""
    if classifier.trained_.name != parts.encoder.name:
        return []
    known = dict.fromkeys(e.source for e in _learned_from(parts, round_))
    sources: list[Source] = [s for s in known if s != "human" and len(known) > 1]
    sources += ["self"] if self_share(parts.store, round_) else []
    holdout = holdout_examples(parts.store)
    texts, truth = [e.text for e in holdout], np.array([e.label for e in holdout])
    right = classifier.predict(texts) == truth
    return [on_holdout(round_, s, right, fit(parts, round_, s).predict(texts) == truth) for s in sources]


def learn(parts: Parts, round_: int) -> list[Record]:
    """The trust in each machine source for the next round's fit, what of the LLM's labels it may take unseen, and the
    human labels that look wrong."""
    humans, machine = human_examples(parts.store), [*descriptions(parts.task), *machine_examples(parts.store)]
    texts = unlabelled(parts, round_ + 1)
    seed, many = parts.config.run.seed, parts.task.multi_label
    said, alike = said_by_llm(parts.store), parts.config.learner.goal == "macro-f1"
    trust = choose_weights(humans, machine, texts, parts.encoder, round_ + 1, seed, many, said, alike)
    itself = any(t.weight for t in trust if t.source == "self")
    doubted = [] if many else doubts(round_, humans, parts.encoder, seed, texts if itself else [])
    return [*trust, *doubted, *_permissions(parts, round_ + 1)]


def _permissions(parts: Parts, round_: int) -> list[Permission]:
    if not may_accept(parts) or round_ < acceptance.FIRST_ROUND:
        return []
    labels = acceptance.machine_labels(parts.store)
    return acceptance.permissions(labels, parts.config.annotation.accept_above, round_)


def unlabelled(parts: Parts, round_: int) -> list[str]:
    """The texts that a round's classifier is self-trained on; none in full fine-tuning, which has no head to do it."""
    learner = parts.config.learner
    most = 0 if learner.training == "full" else learner.unlabelled
    texts = unasked_texts(parts.store, round_)
    return [texts[i] for i in parts.rng(round_, "fit").permutation(len(texts))[:most]]
