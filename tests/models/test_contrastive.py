"""Contrastive training pulls equal labels together, on a copy."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.contrastive import BATCH, _pairs, contrastive_loss, train_contrastive
from models.encoder import SentenceEncoder, fingerprint, load_encoder
from models.vectors import Vectors

LATE = [
    "When will my order finally come?",
    "The tracking has not moved for a week.",
    "Still waiting for the box you promised on Monday.",
    "My shoes should have been here on Friday.",
    "How long does the shipping take?",
    "Nothing has been sent so far.",
]
LOST = [
    "Tracking says delivered but there is nothing here.",
    "The box came with one item missing.",
    "My order was left with a stranger.",
    "It says it was signed for, not by me.",
    "Half of my order was not in the box.",
    "You delivered the wrong shoes.",
]
TEXTS, LABELS = LATE + LOST, ["late"] * 6 + ["lost"] * 6


def separation(vectors: Vectors) -> float:
    """How much nearer texts of one class are than texts of two."""
    same = np.array(LABELS)[:, None] == np.array(LABELS)[None]
    near = vectors @ vectors.T
    return float(near[same & ~np.eye(len(near), dtype=bool)].mean() - near[~same].mean())


def test_training_separates_the_classes(encoder: SentenceEncoder) -> None:
    before, name = separation(encoder.encode(TEXTS)), encoder.name
    trained = SentenceEncoder(train_contrastive(encoder.model, TEXTS, LABELS, np.ones(12), seed=0, effort=0.3))
    assert separation(trained.encode(TEXTS)) > before + 0.2
    assert trained.name != name
    assert fingerprint(encoder.model) == name
    assert not trained.model.training


def test_adapters_separate_the_classes_too_and_leave_a_plain_model(encoder: SentenceEncoder, tmp_path: Path) -> None:
    before = separation(encoder.encode(TEXTS))
    model = train_contrastive(encoder.model, TEXTS, LABELS, np.ones(12), seed=0, effort=0.4, lora_rank=4)
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in encoder.model.named_parameters()]
    trained = SentenceEncoder(model)
    assert separation(trained.encode(TEXTS)) > before + 0.2
    trained.save(tmp_path)
    assert load_encoder(tmp_path).name == trained.name


def test_one_seed_one_model(tiny_encoder: SentenceEncoder) -> None:
    first, again, other = (
        fingerprint(train_contrastive(tiny_encoder.model, TEXTS, LABELS, np.ones(12), seed, effort=0.05))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_half_precision_is_trained_in_single(tiny_encoder: SentenceEncoder) -> None:
    half = copy.deepcopy(tiny_encoder.model).half()
    model = train_contrastive(half, TEXTS, LABELS, np.ones(12), seed=0, effort=0.05)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert {parameter.dtype for parameter in half.parameters()} == {torch.float16}


def test_a_class_with_one_example_can_be_trained_on(tiny_encoder: SentenceEncoder) -> None:
    labels = ["late"] * 11 + ["rare"]
    trained = SentenceEncoder(train_contrastive(tiny_encoder.model, TEXTS, labels, np.ones(12), seed=0, effort=0.05))
    assert np.isfinite(trained.encode(TEXTS)).all()


def test_texts_of_no_weight_do_not_teach(tiny_encoder: SentenceEncoder) -> None:
    weights = np.array([1.0] * 10 + [0.0, 0.0])
    one, other = (
        fingerprint(train_contrastive(tiny_encoder.model, TEXTS[:10] + odd, LABELS, weights, seed=0, effort=0.05))
        for odd in (["some text", "one more"], ["quite another", "and its twin"])
    )
    assert one == other


def loss(vectors: list[list[float]], targets: list[int]) -> float:
    return float(contrastive_loss(torch.tensor(vectors), torch.tensor(targets)))


def test_a_class_that_is_hardly_trusted_is_seldom_seen() -> None:
    targets, weights = np.array([0] * 8 + [1] * 8 + [2] * 2), np.array([1.0] * 16 + [0.05] * 2)
    batches = _pairs(targets, weights, 3, np.random.default_rng(0))
    seen = np.bincount(targets[np.concatenate([next(batches) for _ in range(200)])]) / (200 * BATCH)
    assert seen[:2] == pytest.approx([0.48, 0.48], abs=0.02)
    assert seen[2] == pytest.approx(0.1 / 2.1, abs=0.015)


def test_loss_is_least_where_classes_lie_together() -> None:
    points = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]
    assert loss(points, [0, 0, 1, 1]) < 0.01 < 1 < loss(points, [0, 1, 0, 1])


def test_loss_knows_no_lengths() -> None:
    points = np.random.default_rng(0).normal(size=(6, 3))
    stretched: NDArray[np.float64] = points * np.arange(1, 7)[:, None]
    targets = [0, 0, 1, 1, 2, 2]
    assert loss(points.tolist(), targets) == pytest.approx(loss(stretched.tolist(), targets), rel=1e-4)


def test_a_row_without_a_partner_costs_nothing() -> None:
    assert loss([[1.0, 0.0], [0.0, 1.0]], [0, 1]) == 0
