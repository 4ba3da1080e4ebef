"""Supervised contrastive training of a sentence encoder on a few labels."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.encoder import transformer
from models.lora import ADAPTER_LEARNING_RATE, ADAPTER_STEPS, add_adapters
from models.optimise import optimise
from models.threads import use_real_cores

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

STEPS = 20
MANY_LABELS = 200
MOST_EFFORT = 5.0
BATCH = 16
LEARNING_RATE = 1e-4
TEMPERATURE = 0.1


def train_contrastive(
    model: "SentenceTransformer",
    texts: Sequence[str],
    labels: Sequence[str],
    weights: NDArray[np.floating[Any]],
    seed: int,
    effort: float = 1.0,
    lora_rank: int = 0,
) -> "SentenceTransformer":
    """A trained copy of `model`; texts (n,), labels (n,), weights (n,); `effort` is a share of the usual steps. With a
    `lora_rank`, adapters of that rank are trained and then folded in, at less memory.

    Each step takes pairs of one class, classes in turn, examples in proportion to their weight, and pulls equal labels
    together (Khosla et al., "Supervised contrastive learning", NeurIPS 2020); a class of less than one label in all
    gets that share of its turns. A class with one example is paired with itself under another dropout mask (Gao et al.,
    SimCSE, EMNLP 2021). Word embeddings stay as they are: half of a small encoder's parameters, most of them for words
    that a few labels never show.
    """
    import torch

    use_real_cores()
    torch.manual_seed(seed)
    trained = copy.deepcopy(model)
    adapters = add_adapters(trained, lora_rank) if lora_rank else None
    if adapters is None:
        # Half precision, which some weights come in, loses small steps; adapters have their own.
        trained.float()
    _freeze_word_embeddings(trained)
    names, targets = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    batches = _pairs(targets, weights, len(names), np.random.default_rng(seed))

    def loss() -> "torch.Tensor":
        rows = next(batches)
        features = {
            k: v.to(trained.device) if torch.is_tensor(v) else v
            for k, v in trained.preprocess([texts[i] for i in rows]).items()
        }
        vectors = trained(features)["sentence_embedding"]
        return contrastive_loss(vectors.float(), torch.as_tensor(targets[rows], device=vectors.device))

    effort *= float(np.clip(len(texts) / MANY_LABELS, 1, MOST_EFFORT))
    rate = ADAPTER_LEARNING_RATE if adapters else LEARNING_RATE
    optimise(trained, loss, round(effort * usual_steps(lora_rank)), rate)
    if adapters:
        adapters.merge_and_unload()
    return trained


def usual_steps(lora_rank: int) -> int:
    """How many steps a training takes for up to `MANY_LABELS` labels; 0 is the rank without adapters."""
    return ADAPTER_STEPS if lora_rank else STEPS


def contrastive_loss(vectors: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    """The supervised contrastive loss of vectors (b, d) with targets (b,), each row averaged over its positives."""
    import torch

    unit = torch.nn.functional.normalize(vectors, dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    similarity = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -1e9)
    log_probabilities = similarity - similarity.logsumexp(dim=1, keepdim=True)
    positives = (targets[:, None] == targets[None]) & ~itself
    per_row = (log_probabilities * positives).sum(dim=1) / positives.sum(dim=1).clamp(min=1)
    return -per_row.mean()


def _freeze_word_embeddings(model: "SentenceTransformer") -> None:
    for parameter in transformer(model).get_input_embeddings().parameters():
        parameter.requires_grad_(False)


def _pairs(
    targets: NDArray[np.intp], weights: NDArray[np.floating[Any]], classes: int, rng: np.random.Generator
) -> Any:
    """Batches of row numbers, two of one class side by side, without end."""
    members = [np.flatnonzero((targets == c) & (weights > 0)) for c in range(classes)]
    members = [rows for rows in members if len(rows)]
    whole = [float(weights[rows].sum()) for rows in members]
    turn: list[int] = []
    while True:
        batch: list[int] = []
        while len(batch) < BATCH:
            while not turn:
                turn = [c for c in rng.permutation(len(members)).tolist() if whole[c] >= 1 or rng.random() < whole[c]]
            rows = members[turn.pop()]
            share = weights[rows] / weights[rows].sum()
            size = min(2, len(rows))
            pair = rng.choice(rows, size=size, replace=False, p=share)
            batch += [int(pair[0]), int(pair[-1])]
        yield np.array(batch)
