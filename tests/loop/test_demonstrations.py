"""Prompts show verified texts of the region: the nearest, such as differ, or those that help to tell the others."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from loop.demonstrations import NEIGHBOURS, demonstrations, usefulness
from models.records import Region, TrainingExample

EAST = Region(2, 0, ("m",), ("late", "lost"), 0.9, (1.0, 0.0))
ANGLES = {"a": 1, "b": 2, "c": 30, "d": 80, "e": 179, "f": 5}
VERIFIED = [TrainingExample(i, i, "lost" if i == "f" else "late", "human") for i in ANGLES]
VECTORS = np.array([[np.cos(np.radians(a)), np.sin(np.radians(a))] for a in ANGLES.values()], dtype=np.float32)


def shown(by: str, count: int = 2) -> list[str]:
    found = demonstrations(EAST, EAST.classes, VERIFIED, VECTORS, count, by)  # type: ignore[arg-type]
    return [e.id for e in found]


def test_the_nearest_of_either_class_come_first() -> None:
    assert shown("nearest") == ["a", "b", "f"]
    assert shown("nearest", 1) == ["a", "f"]


def test_the_diverse_differ_from_each_other() -> None:
    assert shown("diverse") == ["a", "e", "f"]


def test_the_informative_are_those_that_help_most() -> None:
    worth = dict(zip(ANGLES, usefulness(VECTORS, [e.label for e in VERIFIED]), strict=True))
    best = sorted("abcde", key=lambda i: -worth[i])[:2]
    assert shown("informative") == [*best, "f"]


@pytest.mark.parametrize("by", ["nearest", "diverse", "informative"])
def test_without_verified_texts_none_is_shown(by: str) -> None:
    nothing = np.zeros((0, 2), dtype=np.float32)
    assert demonstrations(EAST, EAST.classes, [], nothing, 2, by) == []  # type: ignore[arg-type]


def test_usefulness_is_the_shapley_value_of_the_neighbours() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(7, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = ["x", "y", "x", "x", "y", "y", "x"]

    def right(test: int, members: tuple[int, ...]) -> float:
        near = sorted(members, key=lambda i: -float(vectors[i] @ vectors[test]))[:NEIGHBOURS]
        return sum(labels[i] == labels[test] for i in near) / NEIGHBOURS

    expected = np.zeros(7)
    for test in range(7):
        others = [i for i in range(7) if i != test]
        for one in others:
            rest = [i for i in others if i != one]
            for size in range(len(rest) + 1):
                share = factorial(size) * factorial(len(rest) - size) / factorial(len(others))
                for members in combinations(rest, size):
                    gain = right(test, (*members, one)) - right(test, members)
                    expected[one] += share * gain / 7
    assert usefulness(vectors, labels) == pytest.approx(expected, abs=1e-9)
