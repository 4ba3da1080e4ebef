"""Writing text with a local LLM: one static batch, greedy or seeded, free or bound to a JSON schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import torch

from models.errors import LLMError
from models.prefix import Tokens, common_prefix, read_prefix


@dataclass(frozen=True)
class Draft:
    """The new tokens of one row, the end-of-turn token included; `ended` is False where the limit cut it."""

    tokens: tuple[int, ...]
    ended: bool


class SeededNoise:
    """Turns greedy decoding into sampling with one seed a row, so that a row's draw does not depend on its
    neighbours. Gumbel-max: the argmax of log p / T + Gumbel noise is a draw from softmax(log p / T)."""

    def __init__(self, temperature: float, seeds: Sequence[int], device: torch.device) -> None:
        self.temperature = temperature
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        noise = torch.empty_like(scores, dtype=torch.float32)
        for row, generator in zip(noise, self.generators, strict=True):
            row.uniform_(generator=generator)  # three times faster here than exponential_
        return scores.float() / self.temperature - noise.log_().neg_().log_()


class Decoder:
    """A model, its tokenizer, and the grammars compiled so far."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._grammars: dict[str, Any] = {}

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The tokens that end a turn, the tokenizer's own first."""
        configured = self.model.generation_config.eos_token_id
        several = configured if isinstance(configured, list) else [configured]
        return tuple(dict.fromkeys(t for t in (self.tokenizer.eos_token_id, *several) if t is not None))

    def decode(
        self,
        prompts: Sequence[Tokens],
        limit: int,
        schema: str | None = None,
        temperature: float = 0.0,
        seeds: Sequence[int] = (),
    ) -> list[Draft]:
        """At most `limit` new tokens for each prompt; one seed for each when the temperature is not 0. What the prompts
        begin with is read once.

        Raises LLMError when the schema cannot be compiled.
        """
        transformers: Any = import_module("transformers")
        steps: list[Any] = [] if schema is None else [self._bound(schema)]
        if temperature > 0:
            steps.append(SeededNoise(temperature, seeds, self.model.device))
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.ends[0]
        prefix, longest = common_prefix(prompts), max(len(p) for p in prompts)
        cache = read_prefix(self.model, prefix)
        shared, gaps = 0 if cache is None else len(prefix), [longest - len(p) for p in prompts]
        rows = torch.tensor([[*p[:shared], *[pad] * g, *p[shared:]] for g, p in zip(gaps, prompts, strict=True)])
        mask = torch.tensor([[1] * shared + [0] * g + [1] * (longest - g - shared) for g in gaps])
        if shared:
            cache.batch_repeat_interleave(len(prompts))
        config = transformers.GenerationConfig(
            max_new_tokens=limit, do_sample=False, eos_token_id=list(self.ends), pad_token_id=pad
        )
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=rows.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                past_key_values=cache,
                generation_config=config,
                logits_processor=transformers.LogitsProcessorList(steps),
            )
        return [self._draft(row) for row in output[:, longest:].tolist()]

    def _draft(self, tokens: list[int]) -> Draft:
        end = next((i for i, token in enumerate(tokens) if token in self.ends), None)
        return Draft(tuple(tokens if end is None else tokens[: end + 1]), end is not None)

    def _bound(self, schema: str) -> Any:
        from xgrammar.contrib.hf import LogitsProcessor

        if schema not in self._grammars:
            self._grammars[schema] = self._compile(schema)
        return LogitsProcessor(self._grammars[schema])  # good for one batch only

    def _compile(self, schema: str) -> Any:
        try:
            # Free whitespace lets a small model write line breaks until it is cut.
            return self._compiler.compile_json_schema(schema, any_whitespace=False)
        except (RuntimeError, ValueError) as error:
            raise LLMError(
                f"The JSON schema cannot be used for constrained decoding: {error} Schema: {schema[:200]}"
            ) from error

    @cached_property
    def _compiler(self) -> Any:
        import xgrammar

        size = self.model.config.get_text_config().vocab_size
        info = xgrammar.TokenizerInfo.from_huggingface(self.tokenizer, vocab_size=size, stop_token_ids=list(self.ends))
        return xgrammar.GrammarCompiler(info)
