"""Korean texts to unit vectors: what their morphemes mean, beside the character n-grams of the pool."""

import hashlib
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.char_ngrams import CharNgramEncoder
from models.embedding_cache import EmbeddingCache
from models.errors import WeightsError
from models.vectors import Vectors, unit_rows

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

MODEL = "kiwipiepy_model"
WEIGHTS = "korean.safetensors"
# Kiwi gives similarities, not embeddings: those to more morphemes than an embedding is long (256) hold it whole.
LANDMARKS = range(200, 6600, 20)
# What of a text has a meaning of its own: nouns, verbs, adjectives, roots, determiners, adverbs, exclamations.
CONTENT = ("N", "V", "XR", "XPN", "MM", "MA", "IC")
SMALL = 1e-2


class KoreanEncoder:
    """The embeddings of a text's morphemes, the rarer in the pool the heavier, beside its character n-grams (latent
    semantic analysis), each half of the vector. Learned on the pool without labels.

    Morphemes and embeddings are those of Kiwi's language model (package kiwipiepy). The mean of all texts, and the
    direction that most of them share, are taken out: Arora, Liang and Ma, "A simple but tough-to-beat baseline for
    sentence embeddings", ICLR 2017. docs/benchmarks.md has what it is worth beside the n-grams alone.
    """

    def __init__(
        self,
        ngrams: CharNgramEncoder,
        rarity: NDArray[np.float32],
        basis: NDArray[np.float32],
        mean: NDArray[np.float32],
        shared: NDArray[np.float32],
        cache: EmbeddingCache | None = None,
    ) -> None:
        """`rarity` is the weight of each morpheme by its number in Kiwi's model, (v,), the last for all higher ones;
        `basis` (landmarks, d) turns similarities into embeddings; `mean` (d,) and `shared` (d,), of length 1 or 0, are
        taken out of each text's. Vectors are remembered in `cache`."""
        self.ngrams, self.cache = ngrams, cache
        # In C order, as what is saved will be read: another order has other last digits.
        self.rarity, self.basis, self.mean, self.shared = map(np.ascontiguousarray, (rarity, basis, mean, shared))
        self._known: dict[int, Vectors] = {}
        digest = hashlib.sha256(f"{ngrams.name} {version(MODEL)}".encode())
        for array in (self.rarity, self.basis, self.mean, self.shared):
            digest.update(array.tobytes())
        self.name = f"korean-{digest.hexdigest()[:16]}"

    @classmethod
    def learn(cls, texts: Sequence[str], cache: EmbeddingCache | None = None) -> "KoreanEncoder":
        found = _morphemes(texts)
        often = np.bincount([m for text in found for m in set(text)], minlength=1)
        # The last is for morphemes of higher numbers, which the pool has none of.
        rarity = np.log((len(texts) + 1) / (np.r_[often, 0] + 1)).astype(np.float32)
        ngrams, basis = CharNgramEncoder.learn(texts), _basis()
        nothing = np.zeros(basis.shape[1], dtype=np.float32)
        plain = cls(ngrams, rarity, basis, nothing, nothing)
        vectors = plain._meanings(found)
        mean = vectors.mean(axis=0)
        # Fewer texts than dimensions share a direction by chance.
        shared = _first_component(vectors - mean) if len(texts) > len(mean) else nothing
        learned = cls(ngrams, rarity, basis, mean, shared, cache)
        # The same basis: what the pool's morphemes mean has been asked, which takes longest.
        learned._known = plain._known
        return learned

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self.cache.encode(self.name, texts, self._encode) if self.cache else self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        meanings = self._meanings(_morphemes(texts))
        there = np.any(meanings != 0, axis=1, keepdims=True)
        apart = np.where(there, meanings - self.mean, 0)
        along = (apart * self.shared).sum(axis=1, keepdims=True)
        apart = unit_rows(apart - along * self.shared)
        return unit_rows(np.hstack([self.ngrams.encode(texts), apart]))

    def _meanings(self, found: Sequence[Sequence[int]]) -> Vectors:
        """The weighted mean of the embeddings of each text's morphemes, (n, d), of length 1, or zero without one."""
        numbers = sorted({m for text in found for m in text})
        for number in numbers:
            if number not in self._known:
                # One by one, so that a morpheme has the same digits in whatever company it is.
                self._known[number] = _similarities(number) @ self.basis
        each = np.array([m for text in found for m in text], dtype=np.intp)
        weights, columns = self.rarity[np.minimum(each, len(self.rarity) - 1)], np.searchsorted(numbers, each)
        bags = csr_matrix((weights, columns, np.cumsum([0, *map(len, found)])), shape=(len(found), len(numbers)))
        embeddings = np.array([self._known[n] for n in numbers]).reshape(len(numbers), self.basis.shape[1])
        return unit_rows(np.asarray(bags @ embeddings).reshape(len(found), self.basis.shape[1]))

    def save(self, path: Path) -> None:
        from safetensors.numpy import save_file

        self.ngrams.save(path)
        arrays = {"rarity": self.rarity, "basis": self.basis, "mean": self.mean, "shared": self.shared}
        save_file(arrays, path / WEIGHTS, metadata={MODEL: version(MODEL)})

    @classmethod
    def load(cls, path: Path) -> "KoreanEncoder":
        """Raises WeightsError where another version of Kiwi's model is installed: its morphemes have other numbers."""
        from safetensors import safe_open

        with safe_open(path / WEIGHTS, framework="np") as file:
            learned_with = (file.metadata() or {}).get(MODEL, "")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        if learned_with != version(MODEL):
            raise WeightsError(
                f"{path} was learned with {MODEL} {learned_with}, and {version(MODEL)} is installed: "
                f"pip install {MODEL}=={learned_with}"
            )
        return cls(CharNgramEncoder.load(path), **arrays)


@lru_cache(1)
def _kiwi() -> "Kiwi":
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1, model_type="cong")


def _morphemes(texts: Sequence[str]) -> list[list[int]]:
    """The numbers of each text's morphemes that mean something and that Kiwi's model knows."""
    tokens = _kiwi().tokenize([unicodedata.normalize("NFC", text) for text in texts])
    return [[t.id for t in text if t.tag.startswith(CONTENT) and not t.oov] for text in tokens]


def _similarities(number: int) -> Vectors:
    similarity = _kiwi().morpheme_similarity
    found = np.array([similarity(number, landmark) for landmark in LANDMARKS], dtype=np.float32)
    # Of a few that it never met in training the model can say nothing.
    return np.nan_to_num(found)


@lru_cache(1)
def _basis() -> NDArray[np.float32]:
    """What turns similarities to the landmarks into embeddings with those similarities, (landmarks, d).

    Williams and Seeger, "Using the Nyström method to speed up kernel machines", NeurIPS 2000.
    """
    values, directions = np.linalg.eigh(np.array([_similarities(n) for n in LANDMARKS], dtype=np.float64))
    kept = values > SMALL
    basis: NDArray[np.float32] = (directions[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    return basis


def _first_component(vectors: Vectors) -> NDArray[np.float32]:
    direction: NDArray[np.float32] = np.linalg.eigh(vectors.T @ vectors)[1][:, -1].astype(np.float32)
    return direction
