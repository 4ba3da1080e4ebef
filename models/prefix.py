"""What many prompts begin with, read by the model once for all of them."""

from collections.abc import Sequence
from typing import Any

import torch

Tokens = tuple[int, ...]


def common_prefix(prompts: Sequence[Tokens]) -> Tokens:
    """The tokens that all prompts begin with, at least one token short of the shortest prompt."""
    first, last = min(prompts), max(prompts)
    limit = min(len(p) for p in prompts) - 1
    same = next((i for i in range(limit) if first[i] != last[i]), limit)
    return first[:same]


def read_prefix(model: Any, prefix: Tokens) -> Any:
    """The model's KV cache after `prefix`, one row, on which prompts may go on; None where its cache is not plain
    attention (sliding windows, state spaces), which cannot be repeated for several."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    cache = DynamicCache(config=model.config)
    if any(type(layer) is not DynamicLayer for layer in cache.layers):
        return None
    if prefix:
        tokens = torch.tensor([prefix], dtype=torch.long, device=model.device)
        with torch.inference_mode():
            model(input_ids=tokens, past_key_values=cache, logits_to_keep=1)
    return cache
