"""When the classifier's answers on the pool have stopped changing."""

from itertools import pairwise

import pytest

from loop.stopping import agreements, changes, settled
from models.measures import PoolAnswers


def rounds(*answers: str) -> list[PoolAnswers]:
    """A round for each string, a class for each of its letters."""
    return [PoolAnswers(n, tuple(str(i) for i in range(len(a))), tuple(a)) for n, a in enumerate(answers, 1)]


def test_agreement_is_one_without_change_and_zero_at_chance() -> None:
    assert agreements(rounds("abab", "abab", "aabb")) == pytest.approx([1.0, 0.0])


def test_what_changed_bounds_what_accuracy_can_have_moved() -> None:
    truth, told = "abababab", rounds("aabbabab", "abababab", "bbababab")
    accuracy = [sum(a == b for a, b in zip(r.labels, truth, strict=True)) / 8 for r in told]
    assert changes(told) == pytest.approx([0.25, 0.125])
    moved = [abs(b - a) for a, b in pairwise(accuracy)]
    assert all(by <= most for by, most in zip(moved, changes(told), strict=True))


def test_one_class_throughout_is_agreement() -> None:
    assert agreements(rounds("aaaa", "aaaa")) == [1.0]


def test_it_takes_three_agreements_to_settle() -> None:
    assert not settled(rounds("abab", "abab", "abab"))
    assert settled(rounds("abab", "abab", "abab", "abab"))


def test_who_answers_all_texts_alike_has_not_settled() -> None:
    assert not settled(rounds("aaaa", "aaaa", "aaaa", "aaaa"))
    assert not settled([PoolAnswers(n, ("1", "2"), ("", "")) for n in range(4)])


def test_a_change_unsettles() -> None:
    assert not settled(rounds("ab" * 50, "ab" * 50, "ab" * 50, "ba" * 2 + "ab" * 48))


def test_an_early_change_is_forgotten() -> None:
    assert settled(rounds("aabb", "abab", "abab", "abab", "abab"))
