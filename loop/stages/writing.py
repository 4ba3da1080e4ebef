"""What the LLM writes in a round."""

from collections.abc import Sequence
from functools import partial

from loop import generate as generation
from loop import steering
from loop.attributes import own_attributes
from loop.completions import StoredLLM
from loop.copies import find_faults
from loop.labelled import (
    holdout_examples,
    human_examples,
    kept_candidates,
)
from loop.parts import Parts
from loop.stages.asking import asked_of
from loop.store import Record
from models.chat import Account
from models.classifier import TextClassifier
from models.records import Candidate, Example, Region


def generate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """What the LLM writes for each region, and what of it cannot be read, is a copy, or is unlike real texts: nobody is
    asked about that."""
    assert parts.llm is not None
    store, regions = parts.store, parts.store.all(Region, round=round_)
    allowed = asked_of(parts, "llm-text", round_, regions).examples
    if not allowed:
        return []
    texts = {e.id: e.text for e in store.all(Example)}
    verified = human_examples(store)
    material = generation.Material(
        verified,
        classifier.encode([e.text for e in verified]),
        kept_candidates(store),
        {r.index: [n for example in r.members if (n := generation.count_words(texts[example]))] for r in regions},
    )
    rng = parts.rng(round_, "generate")
    holdout, known = _known_texts(parts)
    faults = partial(find_faults, encoder=parts.encoder, holdout=holdout, known=known, verified=verified)
    candidates, rejections = generation.generate(
        StoredLLM(parts.llm, store, Account(round_, "generate", "llm-text")),
        parts.task,
        steering.share_out(_slots(parts, regions, classifier), allowed, rng),
        material,
        rng,
        parts.prompts,
        _style(parts, round_),
        faults,
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
        # All that a server takes at once is kept busy.
        max(generation.WAVE, section.concurrency),
    )
