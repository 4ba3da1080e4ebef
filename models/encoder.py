"""Texts to unit vectors: a sentence-transformer, or what serves where none knows the language."""

import hashlib
import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from models import char_ngrams, korean_encoder
from models.char_ngrams import CharNgramEncoder
from models.embedding_cache import EmbeddingCache
from models.errors import WeightsError
from models.korean_encoder import KoreanEncoder
from models.onnx_encoder import GRAPH, OnnxEncoder
from models.packaged import encoder_dir
from models.threads import device, use_real_cores
from models.vectors import Vectors, unit_rows

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

BATCH = 32


class Encoder(Protocol):
    """Maps texts to rows of unit length. `name` identifies the weights: equal names give equal vectors."""

    name: str

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, (n texts, d)."""
        ...

    def save(self, path: Path) -> None:
        """Writes the encoder to the directory `path` as safetensors and JSON."""
        ...


class SentenceEncoder:
    """A sentence-transformer. Vectors are remembered in `cache`, keyed by weights and text."""

    def __init__(self, model: "SentenceTransformer", cache: EmbeddingCache | None = None) -> None:
        use_real_cores()
        self.model = model
        self.cache = cache
        self.name = fingerprint(model)

    @classmethod
    def open(cls, weights: str | Path, cache: EmbeddingCache | None = None) -> "SentenceEncoder":
        """From a directory or a hub id; "packaged" is all-MiniLM-L6-v2 from its pip package. Raises WeightsError."""
        return cls(load_sentence_transformer(encoder_dir() if weights == "packaged" else weights), cache)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.cache is None:
            return encode_with(self.model, texts)
        return self.cache.encode(self.name, texts, lambda missing: encode_with(self.model, missing))

    def save(self, path: Path) -> None:
        self.model.save(str(path), create_model_card=False)


def open_encoder(weights: str, texts: Sequence[str], cache: EmbeddingCache | None = None) -> Encoder:
    """The encoder that a config names: "packaged", "korean", "char-ngram", a directory or a hub id, or "auto"."""
    weights = weights_for(weights, texts)
    if weights == "korean":
        return KoreanEncoder.learn(texts, cache)
    if weights == "char-ngram":
        return CharNgramEncoder.learn(texts)
    return SentenceEncoder.open(weights, cache)


def weights_for(weights: str, texts: Sequence[str]) -> str:
    """What a config names; for "auto" the packaged encoder, unless the texts are mostly not in Latin script, which it
    cannot read: then the Korean one, or, in another script, character n-grams."""
    if weights != "auto":
        return weights
    if latin_share(texts) >= 0.5:
        return "packaged"
    return "korean" if hangul_share(texts) >= 0.5 else "char-ngram"


def load_encoder(path: Path) -> Encoder:
    """An encoder from the directory that `save` wrote."""
    if (path / korean_encoder.WEIGHTS).exists():
        return KoreanEncoder.load(path)
    if (path / char_ngrams.WEIGHTS).exists():
        return CharNgramEncoder.load(path)
    if (path / GRAPH).exists():
        return OnnxEncoder.load(path)
    return SentenceEncoder.open(path)


def latin_share(texts: Sequence[str]) -> float:
    """The share of Latin letters among the letters of the first thousand texts; 1 where there are no letters."""
    return _script_share(texts, "LATIN")


def hangul_share(texts: Sequence[str]) -> float:
    """The same for Hangul."""
    return _script_share(texts, "HANGUL")


def _script_share(texts: Sequence[str], script: str) -> float:
    letters = [c for text in texts[:1000] for c in text[:200] if c.isalpha()]
    return (
        sum(script in unicodedata.name(c, "") for c in letters) / len(letters) if letters else float(script == "LATIN")
    )


def load_sentence_transformer(weights: str | Path) -> "SentenceTransformer":
    import sentence_transformers
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    try:
        return sentence_transformers.SentenceTransformer(str(weights), device=device())
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"cannot load the encoder '{weights}': {str(error).splitlines()[0]}\n"
            "Give a directory with a sentence-transformer, a hub id that this machine can reach, or 'packaged'."
        ) from error


def transformer(model: "SentenceTransformer") -> Any:
    """The transformers model that a sentence-transformer begins with."""
    first: Any = model[0]
    return first.auto_model


def encode_with(model: "SentenceTransformer", texts: Sequence[str], dtype: "torch.dtype | None" = None) -> Vectors:
    """Unit vectors (n, d), computed in `dtype`, by default bfloat16 where the processor has it; rescaled in float32."""
    import torch

    from models.threads import best_dtype

    if not len(texts):
        return np.zeros((0, model.get_embedding_dimension() or 0), dtype=np.float32)
    dtype = dtype or best_dtype()
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        vectors = model.encode(list(texts), batch_size=BATCH, convert_to_tensor=True, show_progress_bar=False)
    return unit_rows(vectors.float().cpu().numpy())


def fingerprint(model: Any) -> str:
    """A hash of every weight of a torch model and, in a sentence-transformer, of how texts are cut: equal fingerprints
    give equal vectors."""
    digest = hashlib.sha256(str(getattr(model, "max_seq_length", "")).encode())
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:16]
