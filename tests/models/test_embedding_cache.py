"""The embedding cache: each text is embedded once per encoder, and what comes back is what was put in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.embedding_cache import EmbeddingCache


class Counting:
    """Embeds a text as (its length, its first letter), and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.array([(len(t), ord(t[0]) if t else 0) for t in texts], dtype=np.float32).reshape(-1, 2)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "deep" / "cache.sqlite")


def test_vectors_come_back_in_the_order_of_the_texts(cache: EmbeddingCache) -> None:
    compute = Counting()
    cache.encode("e", ["bb", "a"], compute)
    assert cache.encode("e", ["ccc", "a", "bb"], compute).tolist() == [[3, 99], [1, 97], [2, 98]]


def test_only_what_is_missing_is_computed(cache: EmbeddingCache) -> None:
    compute = Counting()
    cache.encode("e", ["a", "b"], compute)
    cache.encode("e", ["b", "c", "a"], compute)
    assert compute.asked == ["a", "b", "c"]


def test_a_text_that_stands_there_twice_is_computed_once(cache: EmbeddingCache) -> None:
    compute = Counting()
    assert cache.encode("e", ["a", "a", "a"], compute).shape == (3, 2)
    assert compute.asked == ["a"]


def test_another_encoder_does_not_get_these_vectors(cache: EmbeddingCache) -> None:
    cache.encode("one", ["a"], Counting())
    other = cache.encode("two", ["a"], lambda texts: np.full((len(texts), 2), 7, dtype=np.float32))
    assert other.tolist() == [[7, 7]]


def test_vectors_outlive_the_object(cache: EmbeddingCache) -> None:
    first = cache.encode("e", ["a", "ß", "한글"], Counting())
    later = Counting()
    assert np.array_equal(EmbeddingCache(cache.path).encode("e", ["a", "ß", "한글"], later), first)
    assert later.asked == []


def test_a_kill_halfway_keeps_what_was_computed(cache: EmbeddingCache) -> None:
    texts = [f"text {n}" for n in range(3000)]
    calls: list[int] = []

    def dies(part: Sequence[str]) -> NDArray[np.float32]:
        calls.append(len(part))
        if len(calls) > 1:
            raise KeyboardInterrupt
        return Counting()(part)

    with pytest.raises(KeyboardInterrupt):
        cache.encode("e", texts, dies)
    later = Counting()
    cache.encode("e", texts, later)
    assert len(later.asked) == len(texts) - calls[0]


def test_no_texts_give_no_rows(cache: EmbeddingCache) -> None:
    assert cache.encode("e", [], Counting()).shape == (0, 2)


def test_a_deleted_file_is_only_computed_again(cache: EmbeddingCache) -> None:
    cache.encode("e", ["a"], Counting())
    for file in cache.path.parent.iterdir():
        file.unlink()
    compute = Counting()
    assert EmbeddingCache(cache.path).encode("e", ["a"], compute).tolist() == [[1, 97]]
    assert compute.asked == ["a"]
