"""New texts for the regions of low confidence, written by the LLM."""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loop.prompting import draw_attributes, writing_prompt
from models.llm import LLM
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
NEIGHBOURS = 2
MAX_TOKENS = 160
TEMPERATURE = 0.8
LONGEST = 2000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def generate(
    llm: LLM,
    task: TaskDescription,
    regions: Sequence[Region],
    verified: Sequence[TrainingExample],
    vectors: NDArray[np.float32],
    texts: int,
    rng: np.random.Generator,
) -> tuple[list[Candidate], list[Rejection]]:
    """`texts` candidates spread over the regions, half for each of the two classes a region confuses.

    `verified` are human-labelled examples and `vectors` (n, d) their embeddings in the space of the regions' centroids:
    each prompt shows the nearest of either class. What cannot be read as a text comes back with a rejection.
    """
    plans = [_plan(i, task, regions, verified, vectors, rng) for i in range(texts if regions else 0)]
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
) -> Plan:
    region = regions[number % len(regions)]
    intended = region.classes[(number // len(regions)) % 2]
    examples = nearest(region, verified, vectors)
    messages = writing_prompt(task, region.classes, intended, examples, draw_attributes(task.language, rng))
    seed = int(rng.integers(2**31))
    request = ChatRequest(messages, max_tokens=MAX_TOKENS, temperature=TEMPERATURE, seed=seed, schema=SCHEMA)
    return request, region, intended, tuple(e.id for e in examples)


def nearest(region: Region, verified: Sequence[TrainingExample], vectors: NDArray[np.float32]) -> list[TrainingExample]:
    """The verified examples nearest to the region's centroid, `NEIGHBOURS` of each of its classes."""
    if not verified:
        return []
    closeness = vectors @ np.array(region.centroid, dtype=np.float32)
    ranked = [verified[i] for i in np.argsort(-closeness, kind="stable")]
    return [e for name in region.classes for e in [r for r in ranked if r.label == name][:NEIGHBOURS]]


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
