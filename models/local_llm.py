"""An LLM that runs in this process, through transformers: a GGUF file, a safetensors folder or a hub id."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.chat import ChatRequest, Completion
from models.errors import BudgetSpentError, LLMError
from models.llm import LLM, REFUSED, UNMETERED, Meter, OnArrival, ignore
from models.local_weights import find_weights, load_weights

if TYPE_CHECKING:
    from models.decoding import Decoder


@dataclass(frozen=True)
class Job:
    """A request with its place in the caller's list and its prompt's tokens."""

    place: int
    request: ChatRequest
    prompt: tuple[int, ...]


class LocalLLM(LLM):
    """Answers in static batches of `batch_size` prompts, sorted by length; loads weights at the first chat.

    Raises WeightsError at once when the weights are missing. At temperature 0 decoding is greedy; else each
    request draws from its own seed (a hash of the whole request). The same list of requests gives the same
    answers on the same machine; in other company a request may differ, as batches round differently.
    """

    def __init__(self, path: Path | str, *, batch_size: int = 16, cache: Path | None = None) -> None:
        self._weights = find_weights(path, cache)
        self.name = self._weights.name
        self.batch_size = batch_size
        self._loaded: Decoder | None = None

    def chat(
        self, requests: Sequence[ChatRequest], on_arrival: OnArrival = ignore, meter: Meter = UNMETERED
    ) -> list[Completion]:
        """See LLM. A prompt longer than the model's context is refused; LLMError where all of them are."""
        jobs = [Job(i, request, self._tokens(request)) for i, request in enumerate(requests)]
        completions: dict[int, Completion] = {}
        for group in self._fitting(jobs):
            batches = self._chosen(group, meter) if group[0].request.choices else self._written(group, meter)
            for job, completion in batches:
                completions[job.place] = completion
                on_arrival(job.request, completion)
        for job in jobs:
            if job.place not in completions:
                completions[job.place] = REFUSED
                on_arrival(job.request, REFUSED)
        return [completions[i] for i in range(len(jobs))]

    @property
    def _decoder(self) -> "Decoder":
        if self._loaded is None:
            from models.decoding import Decoder

            self._loaded = Decoder(*load_weights(self._weights))
        return self._loaded

    def _tokens(self, request: ChatRequest) -> tuple[int, ...]:
        tokenizer: Any = self._decoder.tokenizer
        if tokenizer.chat_template is None:
            return tuple(tokenizer("\n\n".join(m.content for m in request.messages) + "\n\n").input_ids)
        from jinja2 import TemplateError

        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        try:
            text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        except TemplateError as error:
            raise LLMError(f"The chat template of {self.name} refuses the messages: {error}") from error
        return tuple(tokenizer(text, add_special_tokens=False).input_ids)

    def _fitting(self, jobs: Sequence[Job]) -> list[list[Job]]:
        """The groups of jobs that the model can read and has room to answer. Raises LLMError where there are none."""
        fitting = []
        for group in _groups(jobs):
            longest = self._context - self._room(group)
            fitting.append([job for job in group if len(job.prompt) <= longest])
        if jobs and not any(fitting):
            shortest = min(jobs, key=lambda job: len(job.prompt))
            raise LLMError(
                f"A prompt has {len(shortest.prompt)} tokens; {self.name} reads at most {self._context}, "
                "the answer included. Shorten the texts or show fewer examples. It begins: "
                f"{shortest.request.messages[0].content[:80]!r}"
            )
        return [group for group in fitting if group]

    def _room(self, group: Sequence[Job]) -> int:
        """The tokens that an answer takes at least."""
        return max((len(label) for label in self._labels(group[0].request.choices)), default=1)

    def _labels(self, choices: Sequence[str]) -> list[tuple[int, ...]]:
        from models.label_scores import disjoint

        words = [tuple(self._decoder.tokenizer(c, add_special_tokens=False).input_ids) for c in choices]
        return disjoint(words, self._decoder.ends[0])

    @property
    def _context(self) -> float:
        size: float = getattr(self._decoder.model.config.get_text_config(), "max_position_embeddings", math.inf)
        return size

    def _written(self, group: Sequence[Job], meter: Meter) -> Iterator[tuple[Job, Completion]]:
        like = group[0].request
        for batch in _metered(_batches(group, self.batch_size), meter, like.max_tokens):
            start = time.perf_counter()
            prompts, seeds = [job.prompt for job in batch], [self._seed(job) for job in batch]
            limit = int(min(like.max_tokens, self._context - len(batch[-1].prompt)))
            drafts = self._decoder.decode(prompts, limit, like.schema, like.temperature, seeds)
            seconds = (time.perf_counter() - start) / len(batch)
            for job, draft in zip(batch, drafts, strict=True):
                text = self._decoder.tokenizer.decode(draft.tokens, skip_special_tokens=True)
                finish = "stop" if draft.ended else "length"
                yield job, Completion(text, len(job.prompt), len(draft.tokens), seconds, finish)

    def _chosen(self, group: Sequence[Job], meter: Meter) -> Iterator[tuple[Job, Completion]]:
        from scipy.special import softmax

        from models.label_scores import LabelScorer
        from models.prefix import common_prefix

        choices = group[0].request.choices
        labels = self._labels(choices)
        longest = max(len(label) for label in labels)
        start = time.perf_counter()
        scorer = LabelScorer(self._decoder.model, labels, common_prefix([job.prompt for job in group]))
        for batch in _metered(_batches(group, min(self.batch_size, scorer.batch)), meter, longest):
            shares = softmax(scorer.scores([job.prompt for job in batch]), axis=1)
            seconds = (time.perf_counter() - start) / len(batch)
            for job, row in zip(batch, shares, strict=True):
                best = self._pick(job, row)
                cost = len(job.prompt), len(labels[best]), seconds
                yield job, Completion(choices[best], *cost, probabilities=tuple(row.tolist()))
            start = time.perf_counter()

    def _pick(self, job: Job, shares: NDArray[np.float64]) -> int:
        if job.request.temperature == 0:
            return int(np.argmax(shares))
        return int(np.random.default_rng(self._seed(job)).choice(len(shares), p=shares))

    def _seed(self, job: Job) -> int:
        return int(job.request.key(self.name)[:15], 16)


def _groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs that may share a batch: same choices, or same schema, temperature and length."""
    groups: dict[tuple[object, ...], list[Job]] = {}
    for job in jobs:
        r = job.request
        kind = (r.choices,) if r.choices else (r.schema, r.temperature, r.max_tokens)
        groups.setdefault(kind, []).append(job)
    return list(groups.values())


def _batches(group: Sequence[Job], size: int) -> Iterator[list[Job]]:
    ordered = sorted(group, key=lambda job: (len(job.prompt), job.place))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def _metered(batches: Iterator[list[Job]], meter: Meter, tokens_out: int) -> Iterator[list[Job]]:
    """The batches as far as the meter lets them be sent. Raises BudgetSpentError once what it did let is done."""
    for batch in batches:
        allowed: list[Job] = []
        try:
            for job in batch:
                meter.send(job.request, len(job.prompt), tokens_out)
                allowed.append(job)
        except BudgetSpentError:
            if allowed:
                yield allowed
            raise
        yield batch
