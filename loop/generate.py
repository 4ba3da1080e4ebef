"""New texts for the regions of low confidence, written by the LLM."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.llm import LLM
from models.prompting import PACKAGED, Attributes, Prompts, draw_attributes
from models.records import (
    Candidate,
    ChatRequest,
    Completion,
    Region,
    Rejection,
    TaskDescription,
    TrainingExample,
    text_id,
)

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    }
)
LONGEST = 2000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SOURCES_OF_ONE = 5  # texts near a region that paraphrases and counterfactuals start from


@dataclass(frozen=True)
class Style:
    """How texts are written: in which `modes` of `Prompts.writing`, in turn; with how many `neighbours`, the verified
    examples of each class that a prompt shows; at which `temperature`, in at most `max_tokens`; and in which
    `attributes` they are to differ, None for the packaged ones."""

    modes: tuple[str, ...] = ("border",)
    neighbours: int = 2
    temperature: float = 0.8
    max_tokens: int = 160
    attributes: Attributes | None = None


def generate(
    llm: LLM,
    task: TaskDescription,
    regions: Sequence[Region],
    verified: Sequence[TrainingExample],
    vectors: NDArray[np.float32],
    texts: int,
    rng: np.random.Generator,
    prompts: Prompts = PACKAGED,
    style: Style = Style(),
) -> tuple[list[Candidate], list[Rejection]]:
    """`texts` candidates spread over the regions, half for each of the two classes a region confuses.

    `verified` are human-labelled examples and `vectors` (n, d) their embeddings in the space of the regions' centroids:
    each prompt shows the nearest of either class. What cannot be read as a text comes back with a rejection.
    """
    plans = [_plan(i, task, regions, verified, vectors, rng, prompts, style) for i in range(texts if regions else 0)]
    completions = llm.chat([request for request, _, _, _ in plans])
    asked = [pair for pair in zip(plans, completions, strict=True) if pair[1].finish != "unasked"]
    read = [_read(llm.name, plan, completion) for plan, completion in asked]
    rejections = [Rejection(c.round, "llm-text", c.request, reason) for c, reason in read if reason is not None]
    return [candidate for candidate, _ in read], rejections


Plan = tuple[ChatRequest, Region, str, tuple[str, ...]]


def _plan(
    number: int,
    task: TaskDescription,
    regions: Sequence[Region],
    verified: Sequence[TrainingExample],
    vectors: NDArray[np.float32],
    rng: np.random.Generator,
    prompts: Prompts,
    style: Style,
) -> Plan:
    region = regions[number % len(regions)]
    turn = number // len(regions)
    intended, other = region.classes if turn % 2 == 0 else region.classes[::-1]
    mode = style.modes[turn // 2 % len(style.modes)]
    examples = nearest(region, verified, vectors, style.neighbours)
    if mode != "border":
        start = intended if mode == "paraphrase" else other
        near = [e for e in nearest(region, verified, vectors, SOURCES_OF_ONE) if e.label == start]
        # Without a text to start from there is nothing to say in other words.
        mode = mode if near else "border"
        examples = [near[int(rng.integers(len(near)))]] if near else examples
    phrase = draw_attributes(style.attributes or prompts.attributes(task.language), rng)
    request = ChatRequest(
        prompts.writing(task, region.classes, intended, examples, phrase, mode),
        max_tokens=style.max_tokens,
        temperature=style.temperature,
        seed=int(rng.integers(2**31)),
        schema=SCHEMA,
    )
    return request, region, intended, tuple(e.id for e in examples)


def nearest(
    region: Region, verified: Sequence[TrainingExample], vectors: NDArray[np.float32], count: int = 2
) -> list[TrainingExample]:
    """The verified examples nearest to the region's centroid, `count` of each of its classes."""
    if not verified:
        return []
    closeness = vectors @ np.array(region.centroid, dtype=np.float32)
    ranked = [verified[i] for i in np.argsort(-closeness, kind="stable")]
    return [e for name in region.classes for e in [r for r in ranked if r.label == name][:count]]


def _read(model: str, plan: Plan, completion: Completion) -> tuple[Candidate, str | None]:
    request, region, intended, parents = plan
    text, reason = parse_text(completion)
    candidate = Candidate(
        id=text_id(text),
        text=text,
        round=region.round,
        region=region.index,
        intended=intended,
        request=request.key(model),
        model=model,
        parents=parents,
    )
    return candidate, reason


def parse_text(completion: Completion) -> tuple[str, str | None]:
    """The text in a completion and None, or what stands there instead and the reason why it is none."""
    raw = completion.text.encode("utf-8", "replace").decode().strip()
    if completion.finish == "length":
        return raw[:LONGEST], "truncated"
    try:
        answer: Any = json.loads(_unfenced(raw))
    except (ValueError, RecursionError):
        return raw[:LONGEST], "not-json"
    text = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(text, str) or not any(c.isalnum() for c in text):
        return raw[:LONGEST], "no-text"
    text = " ".join(CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).split())
    return text[:LONGEST], "too-long" if len(text) > LONGEST else None


def _unfenced(raw: str) -> str:
    """Many servers put JSON between Markdown fences whatever the prompt says."""
    lines = raw.splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return raw
