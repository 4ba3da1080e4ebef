"""The packaged corpora: large enough, disjoint, free of near-copies, and as their own configuration says."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from connectors.datasets import read_labelled
from loop.config import Config, load_config
from loop.copies import NEAR, plain_text
from loop.data import without_copies
from models.char_ngrams import CharNgramEncoder
from models.encoder import Encoder, SentenceEncoder
from models.records import Example

LEAST = {"en": (900, 300), "ko": (400, 150)}


class Corpus:
    def __init__(self, language: str) -> None:
        self.language = language
        self.config: Config = load_config(Path(str(files("loop"))) / "corpus" / language / "demo.toml")
        data, classes = self.config.data, list(self.config.classes)
        assert data.holdout is not None
        self.pool = read_labelled(data.pool, data.text, data.label, "pool", classes)
        self.holdout = read_labelled(data.holdout, data.text, data.label, "holdout", classes)

    @property
    def examples(self) -> list[Example]:
        return self.pool + self.holdout


@pytest.fixture(scope="module", params=LEAST)
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return Corpus(request.param)


def test_it_is_large_enough(corpus: Corpus) -> None:
    pool, holdout = LEAST[corpus.language]
    assert len(corpus.pool) >= pool
    assert len(corpus.holdout) >= holdout


def test_pool_and_holdout_have_all_of_the_eight_classes(corpus: Corpus) -> None:
    classes = set(corpus.config.classes)
    assert len(classes) == 8
    for part in (corpus.pool, corpus.holdout):
        names, counts = np.unique([str(e.label) for e in part], return_counts=True)
        assert set(names.tolist()) == classes
        assert counts.min() > len(part) / 40


def test_no_text_stands_there_twice(corpus: Corpus) -> None:
    assert len({plain_text(e.text) for e in corpus.examples}) == len(corpus.examples)
    pool, _ = without_copies(corpus.pool, [], corpus.holdout)
    assert pool == corpus.pool


def test_the_guideline_names_and_the_config_defines_every_class(corpus: Corpus) -> None:
    task = corpus.config.description()
    assert all(f"`{name}`" in task.guideline for name in task.class_names)
    assert all(c.definition for c in task.classes)
    assert task.language == corpus.language


def assert_no_near_copies(corpus: Corpus, encoder: Encoder) -> None:
    vectors = encoder.encode([e.text for e in corpus.examples])
    near = np.argwhere(np.triu(vectors @ vectors.T, k=1) >= NEAR)
    assert [(corpus.examples[i].text, corpus.examples[j].text) for i, j in near] == []


@pytest.mark.slow
def test_no_two_texts_are_near_copies(corpus: Corpus) -> None:
    assert_no_near_copies(corpus, CharNgramEncoder.learn([e.text for e in corpus.examples]))


@pytest.mark.slow
def test_no_two_texts_are_near_copies_to_the_packaged_encoder(corpus: Corpus, encoder: SentenceEncoder) -> None:
    assert_no_near_copies(corpus, encoder)
