"""Log-probabilities of label texts after prompts, from one shared KV cache and one tree of label tokens."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear

from models.prefix import Tokens, read_prefix

POSITIONS = 1024  # logits kept at a time: positions × vocabulary, 0.4 GB in float32 at 100k tokens


def disjoint(labels: Sequence[Tokens], end: int) -> list[Tokens]:
    """The labels' tokens, with the end-of-turn token after each where one label begins another.

    Without it "card" would collect the probability of "card payment". It goes to all labels then, so that
    none pays alone for what the model thinks of stopping.
    """
    clash = any(a != b and b[: len(a)] == a for a in labels for b in labels)
    return [(*label, end) for label in labels] if clash else list(labels)


class LabelScorer:
    """Scores fixed labels after prompts that begin with `prefix`; the prefix is computed once.

    Method: the labels form a prefix tree whose inner nodes are fed as one sequence, each seeing the prompt
    and its own ancestors only (the tree attention of SpecInfer, Miao et al. 2024). Models whose cache is not
    plain attention (sliding windows, state spaces) get a full forward of prompt + label instead, which takes
    as many forwards as there are labels.
    """

    def __init__(self, model: Any, labels: Sequence[Tokens], prefix: Tokens) -> None:
        self.model, self.labels, self.prefix = model, list(labels), prefix
        self._cache = read_prefix(model, prefix)
        self._plain = self._cache is None
        self._plant()

    def _plant(self) -> None:
        inner = {label[:d]: None for label in self.labels for d in range(1, len(label))}
        self._nodes = list(inner)
        row = {node: i + 1 for i, node in enumerate(self._nodes)} | {(): 0}
        steps = [(row[ls[:d]], ls[d], k) for k, ls in enumerate(self.labels) for d in range(len(ls))]
        self._rows, self._tokens, self._owners = self._tensor(steps).T
        self._sees = self._tensor([[int(a == n[: len(a)]) for a in self._nodes] for n in self._nodes]).bool()

    @property
    def batch(self) -> int:
        """How many prompts may be scored at once in bounded memory."""
        return max(1, POSITIONS // (1 + len(self._nodes)))

    def scores(self, prompts: Sequence[Tokens]) -> NDArray[np.float64]:
        """Natural-log probability of each label as the continuation of each prompt: (n prompts, k labels)."""
        hook = self.model.get_output_embeddings().register_forward_hook(self._sharpen)
        try:
            with torch.inference_mode():
                found = self._plain_scores(prompts) if self._plain else self._tree_scores(prompts)
        finally:
            hook.remove()
        return found.double().cpu().numpy()

    def _sharpen(self, head: Any, inputs: tuple[torch.Tensor, ...], logits: torch.Tensor) -> torch.Tensor:
        """The label tokens' logits in float32: bfloat16 has steps of 1/8 there, and labels would tie."""
        bias = None if head.bias is None else head.bias[self._tokens].float()
        sharp = logits.float()
        sharp[..., self._tokens] = linear(inputs[0].float(), head.weight[self._tokens].float(), bias)
        return sharp

    def _tree_scores(self, prompts: Sequence[Tokens]) -> torch.Tensor:
        cache = copy.deepcopy(self._cache)
        if self.prefix:
            cache.batch_repeat_interleave(len(prompts))
        logits, seen = self._read(prompts, cache)
        if self._nodes:
            logits = torch.cat([logits, self._grow(prompts, cache, seen)], dim=1)
        scores = torch.zeros(len(prompts), len(self.labels), device=logits.device)
        for score, table in zip(scores, logits, strict=True):
            table = table.float()
            steps = table[self._rows, self._tokens] - table.logsumexp(dim=-1)[self._rows]
            score.index_add_(0, self._owners, steps)
        return scores

    def _read(self, prompts: Sequence[Tokens], cache: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Reads what follows the prefix, padded on the left: (n, 1, vocabulary) logits, (n, length) mask."""
        shared, longest = len(self.prefix), max(len(p) for p in prompts)
        gaps = [longest - len(p) for p in prompts]
        rests = self._tensor([[0] * g + list(p[shared:]) for g, p in zip(gaps, prompts, strict=True)])
        seen = self._tensor([[1] * shared + [0] * g + [1] * (longest - shared - g) for g in gaps])
        places = (seen.cumsum(dim=1) - 1).clamp(min=0)[:, shared:]
        output = self.model(
            input_ids=rests, attention_mask=seen, position_ids=places, past_key_values=cache, logits_to_keep=1
        )
        return output.logits, seen

    def _grow(self, prompts: Sequence[Tokens], cache: Any, seen: torch.Tensor) -> torch.Tensor:
        """Logits after each inner node of the tree: (n, nodes, vocabulary)."""
        size, count = len(self._nodes), len(prompts)
        visible = torch.cat(
            [seen.bool()[:, None, :].expand(count, size, -1), self._sees.expand(count, size, size)], dim=2
        )
        mask = torch.zeros(visible.shape, dtype=self.model.dtype, device=visible.device)
        mask.masked_fill_(~visible, torch.finfo(self.model.dtype).min)
        places = self._tensor([[len(p) + len(node) - 1 for node in self._nodes] for p in prompts])
        nodes = self._tensor([[node[-1] for node in self._nodes]] * count)
        output = self.model(input_ids=nodes, attention_mask=mask[:, None], position_ids=places, past_key_values=cache)
        logits: torch.Tensor = output.logits
        return logits

    def _plain_scores(self, prompts: Sequence[Tokens]) -> torch.Tensor:
        scores = [[self._plain_score(prompt, label) for label in self.labels] for prompt in prompts]
        return torch.tensor(scores)

    def _plain_score(self, prompt: Tokens, label: Tokens) -> float:
        output = self.model(input_ids=self._tensor([prompt + label]), use_cache=False, logits_to_keep=len(label) + 1)
        logs = output.logits[0, :-1].float().log_softmax(dim=-1)
        return float(logs.gather(1, self._tensor([label]).T).sum())

    def _tensor(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        return torch.tensor(rows, dtype=torch.long, device=self.model.device)
