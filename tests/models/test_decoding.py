"""Batches that share what their prompts begin with, beside each prompt by itself."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from models.decoding import Decoder
from models.prefix import Tokens, common_prefix, read_prefix

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.5,
}
TOKENIZER = SimpleNamespace(pad_token_id=0, eos_token_id=2)
BEGIN = (7, 8, 9, 10, 11, 12)
PROMPTS: list[list[Tokens]] = [
    [(*BEGIN, 20), (*BEGIN, 21, 22, 23, 24), (*BEGIN, 25, 26)],
    [(*BEGIN, 20), (13, 14, 15)],
    [(*BEGIN, 20)],
    [(5,), (6, 7)],
]


@pytest.fixture(scope="module", params=["plain attention", "sliding windows"])
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    if request.param == "plain attention":
        return LlamaForCausalLM(LlamaConfig(**SHAPE)).eval()
    return MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=4)).eval()


@pytest.mark.parametrize("prompts", PROMPTS)
def test_a_shared_beginning_changes_no_answer(model: Any, prompts: list[Tokens]) -> None:
    decoder = Decoder(model, TOKENIZER)
    drafts = decoder.decode(prompts, 8)
    for prompt, draft in zip(prompts, drafts, strict=True):
        alone = model.generate(
            input_ids=torch.tensor([prompt]), max_new_tokens=8, do_sample=False, eos_token_id=2, pad_token_id=0
        )
        assert draft.tokens == tuple(alone[0, len(prompt) :].tolist())


def test_the_beginning_is_read_once() -> None:
    torch.manual_seed(0)
    model: Any = LlamaForCausalLM(LlamaConfig(**SHAPE)).eval()
    read: list[int] = []
    model.model.embed_tokens.register_forward_hook(lambda *args: read.append(args[1][0].numel()))
    Decoder(model, TOKENIZER).decode(PROMPTS[0], 1)
    assert sum(read) == len(BEGIN) + 3 * 4
    assert common_prefix(PROMPTS[0]) == BEGIN


def test_windows_that_slide_cannot_be_shared() -> None:
    sliding = MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=4))
    assert read_prefix(sliding, BEGIN) is None
