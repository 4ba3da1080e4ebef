"""Character n-grams: vectors for texts of a language that no weights know."""

import hashlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.vectors import Vectors, unit_rows

WEIGHTS = "char_ngram.safetensors"


class CharNgramEncoder:
    """Latent semantic analysis of character n-grams, learned on the pool without labels.

    Knows no language, so it serves any: the default where neither Latin script nor Hangul is written. Deerwester et
    al., "Indexing by latent semantic analysis", JASIS 1990. On three Korean sets, 60 labels and a logistic
    regression, it beats the n-grams themselves by 3 to 14 points.
    """

    FEATURES = 2**15
    DIMENSIONS = 300

    def __init__(self, idf: NDArray[np.float64], components: NDArray[np.float64]) -> None:
        # In C order: safetensors writes the raw buffer, and the name hashes it.
        self.idf = np.ascontiguousarray(idf)
        self.components = np.ascontiguousarray(components)
        digest = hashlib.sha256(self.idf.tobytes() + self.components.tobytes())
        self.name = f"char-ngram-{digest.hexdigest()[:16]}"

    @classmethod
    def learn(cls, texts: Sequence[str]) -> "CharNgramEncoder":
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfTransformer

        counts = cls._counts(texts)
        tfidf = TfidfTransformer().fit(counts)
        dimensions = max(2, min(cls.DIMENSIONS, len(texts) - 1))
        svd = TruncatedSVD(dimensions, random_state=0).fit(tfidf.transform(counts))
        return cls(tfidf.idf_, svd.components_)

    @classmethod
    def _counts(cls, texts: Sequence[str]) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        hashing = HashingVectorizer(
            analyzer="char_wb", ngram_range=(1, 4), n_features=cls.FEATURES, alternate_sign=False, norm=None
        )
        counts = hashing.transform([unicodedata.normalize("NFC", text).lower() for text in texts])
        counts.data = np.log1p(counts.data)
        return counts

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not len(texts):
            return np.zeros((0, len(self.components)), dtype=np.float32)
        weighted = self._counts(texts).multiply(self.idf).tocsr()
        return unit_rows(np.asarray(weighted @ self.components.T))

    def save(self, path: Path) -> None:
        from safetensors.numpy import save_file

        path.mkdir(parents=True, exist_ok=True)
        save_file({"idf": self.idf, "components": self.components}, path / WEIGHTS)

    @classmethod
    def load(cls, path: Path) -> "CharNgramEncoder":
        from safetensors.numpy import load_file

        arrays = load_file(path / WEIGHTS)
        return cls(arrays["idf"], arrays["components"])
