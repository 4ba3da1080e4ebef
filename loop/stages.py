"""The stages of a round, each a function from what the store holds to the records that it adds."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loop import curate as curation
from loop import evaluate as evaluation
from loop import generate as generation
from loop import label as labelling
from loop import steering
from loop.attributes import own_attributes
from loop.budget.pausing import Allowance, allowance
from loop.completions import StoredLLM
from loop.copies import find_faults
from loop.labelled import (
    descriptions,
    holdout_examples,
    human_examples,
    human_label_count,
    kept_candidates,
    learned_descriptions,
    machine_examples,
    rechecked,
    said_by_llm,
    self_share,
    training_set,
    unasked_texts,
    unjudged_pool,
    verified_candidates,
)
from loop.parts import Parts
from loop.people import acceptance
from loop.people.consensus import Answers, disputed, last_words, unfinished
from loop.people.overlap import adjudications, shared_out, verdicts_for
from loop.people.panel import Panel
from loop.people.recheck import recheck_tasks
from loop.people.suggestions import unswayed
from loop.quality import measure
from loop.query import (
    UNCERTAIN_PER_LABEL,
    Opinion,
    draw,
    draw_start,
    find_regions,
    shortlist,
    what_is_known,
)
from loop.stopping import ANSWERS
from loop.store import Record
from loop.trust import choose_weights
from loop.verify import counted, make_tasks
from models.calibration import fit_head
from models.classifier import TextClassifier
from models.llm import LLM
from models.llm_classifier import LLMClassifier, nearest_examples
from models.records import (
    Account,
    Arm,
    Candidate,
    Evaluation,
    Example,
    HoldoutAnswers,
    LabelTask,
    PoolAnswers,
    Queried,
    Region,
    Source,
    Suggestion,
    TrainingExample,
    Verdict,
)
from models.strategies import choose, covers, margin_uncertainty


def start(parts: Parts, round_: int = 0) -> list[Queried]:
    """What humans judge before the first round: a holdout and a first batch, where no file gives them."""
    config, pool = parts.config, unjudged_pool(parts.store)
    holdout = 0 if config.data.holdout else config.data.holdout_size
    start = 0 if len({e.label for e in human_examples(parts.store)}) > 1 else config.run.start
    vectors = parts.encoder.encode([e.text for e in pool])
    return draw_start(pool, vectors, parts.start, holdout, start, parts.rng(0, "query"))


def first_look(parts: Parts) -> TextClassifier:
    """The classifier of the first labels, on the frozen encoder: it only tells the LLM where to begin."""
    humans = human_examples(parts.store)
    classifier = TextClassifier(parts.encoder, "frozen", parts.config.run.seed)
    return classifier.fit([e.text for e in humans], [e.label for e in humans])


def aim(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """What the LLM begins with, once the first labels are there: texts for it to label, drawn from all of the pool as
    those of the first batch were, and the regions of low confidence. Labels that may be accepted unseen wait for the
    first round, which audits them."""
    pool, rng = unjudged_pool(parts.store), parts.rng(round_, "label")
    vectors = classifier.encode([e.text for e in pool])
    count = 0 if _accepts(parts) else min(parts.config.llm.start, len(pool))
    chosen = choose(parts.start, None, vectors, count, rng) if count else ()
    uncertainty = margin_uncertainty(classifier.head.for_strategies(), vectors)
    unsure = np.argsort(-uncertainty, kind="stable")[: UNCERTAIN_PER_LABEL * parts.config.run.batch]
    regions = find_regions(pool, vectors, uncertainty, classifier.head, unsure, round_)
    return [*(Queried(round_, pool[i].id, "llm", float(uncertainty[i])) for i in chosen), *regions]


def fit(parts: Parts, round_: int) -> TextClassifier:
    """The classifier trained on all labels so far, each source by its trust."""
    examples, share = training_set(parts.store, round_), self_share(parts.store, round_)
    examples += learned_descriptions(parts.task, parts.store, round_)
    learner = parts.config.learner
    seed, many = parts.config.run.seed, parts.task.multi_label
    classifier = TextClassifier(parts.encoder, learner.training, seed, learner.lora_rank, many)
    texts, labels = [e.text for e in examples], [e.label for e in examples]
    others = unlabelled(parts, round_) if share else []
    weights, judged = np.array([e.weight for e in examples]), np.array([e.source == "human" for e in examples])
    return classifier.fit(texts, labels, weights, others, share, judged)


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
    accepts, share = _accepts(parts), config.annotation.blind_share
    if accepts:
        for_llm = min(for_llm, acceptance.most_for_llm(batch, share))
    known = what_is_known(classifier, humans, parts.task)
    opinion = _second_opinion(parts, round_, humans)
    queried, regions = draw(pool, classifier, known, parts.strategy, batch, for_llm, round_, rng, opinion)
    alone = [q for q in queried if q.purpose == "llm"]
    allowed = asked_of(parts, "llm-label", round_, regions).examples
    queried = [*(q for q in queried if q.purpose != "llm"), *alone[:allowed]]
    return [*(acceptance.drawn_for_audit(queried, share, rng) if accepts else queried), *regions]


def _second_opinion(parts: Parts, round_: int, humans: Sequence[TrainingExample]) -> Opinion | None:
    """What the LLM thinks of texts, calibrated on human labels; it is asked only where a strategy wants to know."""
    if parts.llm is None:
        return None
    llm = StoredLLM(parts.llm, parts.store, Account(round_, "query", "human"))
    member = LLMClassifier(llm, parts.task, prompts=parts.prompts)

    def think(texts: Sequence[str]) -> NDArray[np.float64]:
        member.fit([e.text for e in humans], [e.label for e in humans])
        return member.predict_proba(texts)[:, np.searchsorted(member.classes_, parts.task.class_names)]

    return think


def _accepts(parts: Parts) -> bool:
    """Whether labels of the LLM may be accepted unseen."""
    return parts.config.annotation.accept_above > 0


def asked_of(parts: Parts, source: Source, round_: int, regions: Sequence[Region] = ()) -> Allowance:
    """What a round may ask of a source. Labels that may be accepted do not pause: the audit says what they are worth,
    and without them it would stand still."""
    if source == "llm-label" and _accepts(parts):
        return Allowance(parts.config.llm.labels)
    return allowance(parts.store, parts.config.llm, source, round_, regions)


def left_to_ask(parts: Parts) -> list[Example]:
    """The pool texts that a round may still ask humans about."""
    return unjudged_pool(parts.store, spared=_accepts(parts))


def _batch_size(parts: Parts) -> int:
    """What a round may ask of humans: a batch, or the labels that are left."""
    return max(0, min(parts.config.run.batch, parts.config.run.labels - human_label_count(parts.store)))


def _shortlisted(
    parts: Parts, classifier: TextClassifier, humans: Sequence[TrainingExample], rng: np.random.Generator
) -> list[Example]:
    """The pool, or, where a trained encoder has made its embeddings stale, the part worth embedding anew."""
    pool, size = left_to_ask(parts), parts.config.learner.shortlist
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
    store, regions = parts.store, parts.store.all(Region, round=round_)
    texts = {e.id: e.text for e in store.all(Example)}
    verified = human_examples(store)
    material = generation.Material(
        verified,
        classifier.encode([e.text for e in verified]),
        kept_candidates(store),
        {r.index: [len(texts[example].split()) for example in r.members] for r in regions},
    )
    rng = parts.rng(round_, "generate")
    allowed = asked_of(parts, "llm-text", round_, regions).examples
    holdout, known = _known_texts(parts)
    candidates, rejections = generation.generate(
        StoredLLM(parts.llm, store, Account(round_, "generate", "llm-text")),
        parts.task,
        steering.share_out(_slots(parts, regions, classifier), allowed, rng),
        material,
        rng,
        parts.prompts,
        _style(parts, round_),
        lambda written: find_faults(written, parts.encoder, holdout, known),
    )
    return [*candidates, *rejections]


def _slots(parts: Parts, regions: Sequence[Region], classifier: TextClassifier) -> list[steering.Slot]:
    """Where texts are wanted, and how much."""
    store, task = parts.store, parts.task
    weakness = steering.weak_classes(human_examples(store), task, parts.encoder, parts.config.run.seed)
    yields = steering.kept_shares(store.all(Candidate), kept_candidates(store))
    unknown = [c for c in task.classes if c.name not in classifier.classes_]
    vectors = classifier.encode([c.words() for c in unknown])
    return steering.slots(regions, weakness, yields, {c.name: v for c, v in zip(unknown, vectors, strict=True)})


def _known_texts(parts: Parts) -> tuple[list[str], list[str]]:
    """The holdout's texts, and all others that are known: real ones, and written ones that were kept."""
    holdout = {e.id: e.text for e in holdout_examples(parts.store)}
    real = [e.text for e in parts.store.all(Example) if e.id not in holdout]
    return list(holdout.values()), real + [c.text for c in kept_candidates(parts.store)]


def _style(parts: Parts, round_: int) -> generation.Style:
    section = parts.config.llm
    assert parts.llm is not None
    attributes = None
    if section.attributes == "proposed":
        llm = StoredLLM(parts.llm, parts.store, Account(round_, "generate", "llm-text"))
        attributes = own_attributes(parts.store.directory, llm, parts.task, parts.prompts)
    return generation.Style(
        section.modes,
        section.neighbours,
        section.shown,
        section.temperature,
        section.max_tokens,
        section.per_call,
        section.rationale,
        attributes,
    )


def label(parts: Parts, round_: int, classifier: TextClassifier) -> list[Suggestion]:
    """What the classifier and the LLM suggest for queried and written texts."""
    store = parts.store
    queried = store.all(Queried, round=round_)
    texts = {e.id: e.text for e in store.all(Example)}
    # Before the first round humans have judged already: what the LLM says of the same texts tells how far to trust it.
    for_humans = [(e.id, e.text) for e in human_examples(store)] if round_ == 0 else []
    for_humans += [(q.example, texts[q.example]) for q in queried if q.purpose == "query"]
    suggestions = labelling.label_by_classifier(classifier, for_humans, round_) if round_ else []
    if parts.llm is not None:
        # What has been written first: without a label its cost would be lost.
        work: dict[Arm, list[tuple[str, str]]] = {
            "llm-text": [(c.id, c.text) for c in kept_candidates(store, round=round_)],
            "llm-label": [(q.example, texts[q.example]) for q in queried if q.purpose in ("llm", "audit")],
            "human": for_humans,
        }
        suggestions += _label_by_llm(parts, parts.llm, round_, work, classifier)
    return suggestions


def _label_by_llm(
    parts: Parts, llm: LLM, round_: int, work: Mapping[Arm, Sequence[tuple[str, str]]], classifier: TextClassifier
) -> list[Suggestion]:
    """Each arm pays for its own texts; they are calibrated together."""
    store, section, verified = parts.store, parts.config.llm, human_examples(parts.store)
    said: list[labelling.Said] = []
    for arm, texts in work.items():
        shown = nearest_examples([t for _, t in texts], verified, classifier.encode, section.examples)
        account = Account(round_, "label", arm)
        asked = [StoredLLM(one, store, account) for one in (llm, *parts.crosscheck)]
        said += labelling.ask(asked, parts.task, texts, parts.prompts, shown, section.labelling)
    truth = {e.id: e.label for e in [*verified, *verified_candidates(store)]}
    earlier = store.all(Suggestion, model=llm.name)
    return labelling.suggest(llm.name, parts.task, said, round_, truth, earlier, section.abstain_below)


def curate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """The reasons against what the LLM has written and labelled, and what the texts that are left are like."""
    assert parts.llm is not None
    store = parts.store
    texts = {e.id: e.text for e in store.all(Example)}
    suggested = {s.example: s for s in store.all(Suggestion, round=round_, model=parts.llm.name)}
    holdout = {e.id: e.text for e in holdout_examples(store)}
    earlier = [c.text for n in range(1, round_) for c in kept_candidates(store, round=n)]
    known = [text for example, text in texts.items() if example not in holdout] + earlier
    regions = store.all(Region, round=round_)
    rejections = curation.curate(
        kept_candidates(store, round=round_),
        suggested,
        classifier,
        parts.encoder,
        list(holdout.values()),
        known,
        regions if parts.config.llm.off_region else (),
    )
    drawn = [q.example for q in store.all(Queried, round=round_) if q.purpose in ("llm", "audit")]
    out = {r.key for r in rejections}
    kept = [c for c in kept_candidates(store, round=round_) if c.key not in out]
    quality = measure(kept, regions, texts, classifier, round_)
    return [*rejections, *curation.curate_labels(drawn, suggested, texts, classifier, round_), quality]


def tasks(parts: Parts, round_: int) -> list[LabelTask]:
    """What humans must see of the round: no more verdicts than a batch, what is asked again, audited or written by the
    LLM included; disagreements about the holdout come on top, as the holdout does."""
    store, rng = parts.store, parts.rng(round_, "verify")
    kept = {c.id: c for c in kept_candidates(store, round=round_)}
    audited = rng.permutation(sorted(kept))[: parts.config.llm.verify]
    room = _batch_size(parts)
    queried = sorted(store.all(Queried, round=round_), key=lambda q: -q.score)
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
    audits = [q for q in store.all(Queried, round=round_) if q.purpose == "audit"][: max(0, room - 1)]
    written = [kept[i] for i in audited.tolist()][: max(0, room - 1 - len(audits))]
    room -= len(audits) + len(written)
    new = [q for q in queried if q.purpose == "query"]
    blind = {q.example for q in new if rng.random() < parts.config.annotation.blind_share}
    again += _tasks_for(parts, round_, audits, written)
    return again + _overlapped(parts, _tasks_for(parts, round_, new, blind=blind), room, rng)


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
    thoughts, and, once the labels are spent, all but the holdout's."""
    asked, words = parts.store.all(LabelTask), last_words(parts.store.all(LabelTask), parts.store.all(Verdict))
    spent = human_label_count(parts.store) >= parts.config.run.labels
    held = {task.example for task in asked if task.kind == "holdout"}
    open_disputes = set(_disputes(parts, asked, words))
    disputes = {task.example for task in asked if task.uid in open_disputes}
    return [
        task
        for task, _ in unfinished([task for task in asked if task.round == round_], counted(parts.store))
        if (spent and task.example not in held) or (task.kind == "adjudication" and task.example not in disputes)
    ]


def _rechecks(parts: Parts, round_: int) -> list[LabelTask]:
    store, section = parts.store, parts.config.annotation
    humans, settled = human_examples(store), rechecked(store)
    others = unlabelled(parts, round_) if section.rechecks and self_share(store, round_) else []
    return recheck_tasks(
        section.project,
        round_,
        humans,
        parts.encoder,
        settled,
        section.rechecks,
        parts.config.run.seed,
        parts.task.language,
        others,
    )


def learn(parts: Parts, round_: int) -> list[Record]:
    """The trust in each machine source for the next round's fit, and what of the LLM's labels it may take unseen."""
    humans, machine = human_examples(parts.store), [*descriptions(parts.task), *machine_examples(parts.store)]
    texts = unlabelled(parts, round_ + 1)
    seed, many = parts.config.run.seed, parts.task.multi_label
    said = said_by_llm(parts.store)
    trust = choose_weights(humans, machine, texts, parts.encoder, round_ + 1, seed, many, said)
    if not _accepts(parts) or round_ + 1 < acceptance.FIRST_ROUND:
        return [*trust]
    labels = acceptance.machine_labels(parts.store)
    return [*trust, *acceptance.permissions(labels, parts.config.annotation.accept_above, round_ + 1)]


def unlabelled(parts: Parts, round_: int) -> list[str]:
    """The texts that a round's classifier is self-trained on; none in full fine-tuning, which has no head to do it."""
    learner = parts.config.learner
    most = 0 if learner.training == "full" else learner.unlabelled
    texts = unasked_texts(parts.store, round_)
    return [texts[i] for i in parts.rng(round_, "fit").permutation(len(texts))[:most]]
