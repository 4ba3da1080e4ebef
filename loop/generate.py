"""New texts for the regions of low confidence, written by the LLM."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from loop.demonstrations import demonstrations
from loop.reading import answer_schema, read_texts
from loop.sections import Shown
from loop.steering import Slot
from models.chat import ChatRequest, Completion
from models.llm import LLM
from models.prompting import PACKAGED, Attributes, Prompts, draw_attributes
from models.records import Candidate, Rejection, TaskDescription, TrainingExample, text_id

SOURCES_OF_ONE = 5  # texts near a region that paraphrases and counterfactuals start from
WAVE = 16  # requests at least, after which it is looked at what came
FEWEST_REJECTS, MOST_REJECTED = 4, 0.75  # of a region's texts, from which on it is written for no more

RATIONALE_TOKENS = 80  # room for the sentence before the text
TOKENS_PER_WORD = 2  # so that a text of as many words as it is to have is not cut off
# Written without spaces, so that words cannot be counted by them: kana and Han.
UNSPACED = re.compile(r"[ぁ-ヿ一-鿿]{8,}")

TurnedDown = Callable[[Sequence[Candidate]], Mapping[int, str]]


@dataclass(frozen=True)
class Style:
    """How texts are written: in which `modes` of `Prompts.writing`, in turn; with how many `neighbours`, the verified
    examples of each class that a prompt shows, chosen by `shown`; at which `temperature`, in at most `max_tokens` each;
    `per_call` of them in one answer, with `rationale` after a sentence on what makes them so; in which `attributes`
    they are to differ, None for the packaged ones; and how many requests are sent before it is looked at what came."""

    modes: tuple[str, ...] = ("clear", "border")
    neighbours: int = 2
    shown: Shown = "nearest"
    temperature: float = 0.8
    max_tokens: int = 160
    per_call: int = 1
    rationale: bool = False
    attributes: Attributes | None = None
    wave: int = WAVE


@dataclass(frozen=True)
class Material:
    """What prompts go by: `verified` human-labelled examples and their embeddings `vectors` (n, d) in the space of the
    regions' centroids; `written`, texts that the LLM wrote before and curation kept; `lengths` in words of real texts
    of each region, by its index."""

    verified: Sequence[TrainingExample]
    vectors: NDArray[np.float32]
    written: Sequence[Candidate] = ()
    lengths: Mapping[int, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """One request, and what its texts are written for."""

    request: ChatRequest
    slot: Slot
    texts: int
    parents: tuple[str, ...]


def generate(
    llm: LLM,
    task: TaskDescription,
    wanted: Sequence[Slot],
    material: Material,
    rng: np.random.Generator,
    prompts: Prompts = PACKAGED,
    style: Style = Style(),
    turned_down: TurnedDown = lambda written: {},
) -> tuple[list[Candidate], list[Rejection]]:
    """A candidate for each of the `wanted` slots; what cannot be read as a text, or is `turned_down` (position in a
    list of candidates → reason), comes back with a rejection.

    Texts are asked for in waves. A region most of whose texts are rejected gets no more. A class without a verified
    example is shown what was written for it before (Wang et al., "Self-Instruct", ACL 2023).
    """
    made: list[Candidate] = []
    rejections: list[Rejection] = []
    calls = _calls(wanted, style.per_call, rng)
    for start in range(0, len(calls), style.wave):
        hopeless = _hopeless(made, {r.key for r in rejections}, turned_down)
        wave = [(n, *calls[n]) for n in range(start, min(start + style.wave, len(calls)))]
        plans = [
            _plan(number, slot, texts, task, material, rng, prompts, style)
            for number, slot, texts in wave
            if slot.region.index not in hopeless
        ]
        for plan, completion in zip(plans, llm.chat([plan.request for plan in plans]), strict=True):
            for candidate, reason in _read(llm.name, plan, completion):
                made.append(candidate)
                if reason is not None:
                    rejections.append(candidate.rejected(reason))
    readable = _without(made, {r.key for r in rejections})
    return made, [*rejections, *(readable[n].rejected(why) for n, why in sorted(turned_down(readable).items()))]


def count_words(text: str) -> int:
    """How many words a text has, 0 where its script does not tell them apart."""
    return 0 if UNSPACED.search(text) else len(text.split())


def _calls(wanted: Sequence[Slot], per_call: int, rng: np.random.Generator) -> list[tuple[Slot, int]]:
    """Slots with how many texts to ask for at once, in random order, so that every wave goes everywhere."""
    calls = [
        (slot, min(per_call, count - done))
        for slot, count in Counter(wanted).items()
        for done in range(0, count, per_call)
    ]
    return [calls[i] for i in rng.permutation(len(calls))]


def _hopeless(made: Sequence[Candidate], unreadable: Collection[str], turned_down: TurnedDown) -> set[int]:
    """The regions, by index, of whose texts too many are rejected."""
    if not made:
        return set()
    readable = _without(made, unreadable)
    bad = [readable[i].region for i in turned_down(readable)] + [c.region for c in made if c.key in unreadable]
    rejects, asked = Counter(bad), Counter(c.region for c in made)
    return {r for r, n in rejects.items() if n >= FEWEST_REJECTS and n > MOST_REJECTED * asked[r]}


def _without(made: Sequence[Candidate], unreadable: Collection[str]) -> list[Candidate]:
    return [c for c in made if c.key not in unreadable]


def _plan(
    number: int,
    slot: Slot,
    texts: int,
    task: TaskDescription,
    material: Material,
    rng: np.random.Generator,
    prompts: Prompts,
    style: Style,
) -> Plan:
    mode = style.modes[number % len(style.modes)]
    examples = _examples(slot, material, rng, style)
    if mode in ("paraphrase", "counterfactual"):
        start = slot.intended if mode == "paraphrase" else slot.other
        near = demonstrations(slot.region, [start], material.verified, material.vectors, SOURCES_OF_ONE, "nearest")
        # Without a text to start from there is nothing to say in other words.
        mode = mode if near else "clear"
        examples = [near[int(rng.integers(len(near)))]] if near else examples
    phrase = draw_attributes(style.attributes or prompts.attributes(task.language), rng)
    lengths = material.lengths.get(slot.region.index, ())
    drawn = int(lengths[int(rng.integers(len(lengths)))]) if lengths else None
    words = min(drawn, max(1, style.max_tokens // TOKENS_PER_WORD)) if drawn else None
    request = ChatRequest(
        prompts.writing(task, slot.pair, slot.intended, examples, phrase, mode, texts, style.rationale, words),
        max_tokens=style.max_tokens * texts + RATIONALE_TOKENS * style.rationale,
        temperature=style.temperature,
        seed=int(rng.integers(2**31)),
        schema=answer_schema(texts, style.rationale),
    )
    return Plan(request, slot, texts, tuple(e.id for e in examples))


def _examples(slot: Slot, material: Material, rng: np.random.Generator, style: Style) -> list[TrainingExample]:
    shown = demonstrations(slot.region, slot.pair, material.verified, material.vectors, style.neighbours, style.shown)
    if any(e.label == slot.intended for e in shown):
        return shown
    own = [c for c in material.written if c.intended == slot.intended]
    drawn = [own[i] for i in rng.permutation(len(own))[: style.neighbours]]
    return [TrainingExample(c.id, c.text, c.intended, "llm-text") for c in drawn] + shown


def _read(model: str, plan: Plan, completion: Completion) -> list[tuple[Candidate, str | None]]:
    if completion.finish == "unasked":
        return []
    region = plan.slot.region
    return [
        (
            Candidate(
                id=text_id(text),
                text=text,
                round=region.round,
                region=region.index,
                intended=plan.slot.intended,
                request=plan.request.key(model),
                model=model,
                parents=plan.parents,
            ),
            reason,
        )
        for text, reason in read_texts(completion, plan.texts)
    ]
