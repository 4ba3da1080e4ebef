"""Label scores against the naive full forward of prompt + label, in float32 on a tiny model."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from models.label_scores import LabelScorer, disjoint
from models.prefix import Tokens, common_prefix

SHAPE: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.5,
}
LABELS: list[Tokens] = [(3, 4, 5), (7,), (3, 4, 9, 9), (8, 8, 8), (3, 6)]


def _naive(model: Any, prompts: list[Tokens], labels: list[Tokens]) -> NDArray[np.float64]:
    rows = []
    for prompt in prompts:
        for label in labels:
            with torch.no_grad():
                logs = model(torch.tensor([[*prompt, *label]])).logits[0].log_softmax(-1)
            rows.append(sum(float(logs[len(prompt) - 1 + i, t]) for i, t in enumerate(label)))
    return np.array(rows).reshape(len(prompts), len(labels))


def _prompts(shared: int) -> list[Tokens]:
    rng = np.random.default_rng(shared)
    prefix = rng.integers(1, 50, shared).tolist()
    return [(*prefix, i + 1, *rng.integers(1, 50, length).tolist()) for i, length in enumerate((1, 9, 0, 4))]


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SHAPE))


@pytest.mark.parametrize("shared", [0, 1, 7])
def test_scores_equal_the_naive_forward(model: Any, shared: int) -> None:
    prompts = _prompts(shared)
    assert len(common_prefix(prompts)) == shared
    scores = LabelScorer(model, LABELS, common_prefix(prompts)).scores(prompts)
    assert np.allclose(scores, _naive(model, prompts, LABELS), atol=1e-4)


def test_a_scorer_can_be_asked_again(model: Any) -> None:
    prompts = _prompts(7)
    scorer = LabelScorer(model, LABELS, common_prefix(prompts))
    together = scorer.scores(prompts)
    assert np.allclose(together, [scorer.scores([p])[0] for p in prompts], atol=1e-4)


def test_labels_of_one_token_need_no_second_forward(model: Any) -> None:
    prompts = _prompts(3)
    labels: list[Tokens] = [(3,), (4,)]
    scores = LabelScorer(model, labels, common_prefix(prompts)).scores(prompts)
    assert np.allclose(scores, _naive(model, prompts, labels), atol=1e-4)


def test_a_model_with_sliding_windows_is_scored_rightly() -> None:
    torch.manual_seed(0)
    sliding = MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=4))
    prompts = _prompts(7)
    scores = LabelScorer(sliding, LABELS, common_prefix(prompts)).scores(prompts)
    assert np.allclose(scores, _naive(sliding, prompts, LABELS), atol=1e-4)


def test_the_end_of_turn_tells_a_label_from_its_extension() -> None:
    assert disjoint([(3,), (3, 4), (5,)], 2) == [(3, 2), (3, 4, 2), (5, 2)]
    assert disjoint([(3, 4), (3, 5)], 2) == [(3, 4), (3, 5)]


def test_all_disjoint_answers_together_have_no_more_than_all_probability(model: Any) -> None:
    labels = disjoint([(3,), *[(3, t) for t in range(3, 50)], *[(t,) for t in range(4, 50)]], 2)
    scores = LabelScorer(model, labels, ()).scores(_prompts(2))
    assert np.all(np.exp(scores).sum(axis=1) <= 1 + 1e-6)


def test_identical_prompts_keep_one_token_to_read() -> None:
    assert common_prefix([(1, 2, 3), (1, 2, 3)]) == (1, 2)
    assert common_prefix([(1, 2), (1, 2, 3)]) == (1,)
    assert common_prefix([(4, 2), (5, 2)]) == ()
