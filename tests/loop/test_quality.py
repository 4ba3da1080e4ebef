"""Measures of written texts, on texts whose measure is known."""

import numpy as np
import pytest
from fakes import TableEncoder, WordEncoder

from loop.quality import as_row, distinct, faithfulness, measure, spread, two_sample, vendi
from models.classifier import TextClassifier
from models.records import Candidate, Region

RNG = np.random.default_rng(0)


def candidate(name: str, text: str, region: int, intended: str = "a") -> Candidate:
    return Candidate(name, text, 1, region, intended, f"request {name}", "m", ())


def test_diversity_of_the_same_text_again_and_of_wholly_other_ones() -> None:
    same, other = np.tile([1.0, 0.0], (5, 1)), np.eye(5)
    assert vendi(same) == pytest.approx(1)
    assert vendi(other) == pytest.approx(5)
    assert spread(same) == pytest.approx(0)
    assert spread(other) == pytest.approx(1)
    assert vendi(np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=float)) == pytest.approx(2)
    assert (vendi(np.zeros((0, 2))), spread(same[:1])) == (0, 0)


def test_distinct_word_pairs() -> None:
    assert distinct(["a b c", "A b"], 2) == pytest.approx(2 / 3)
    assert distinct(["a", ""], 2) == 0


def test_written_texts_that_stand_apart_are_told_from_real_ones_and_others_are_not() -> None:
    real = RNG.normal(size=(60, 5))
    apart, among = two_sample(RNG.normal(size=(40, 5)) + 4, real), two_sample(RNG.normal(size=(40, 5)), real)
    assert apart is not None
    assert among is not None
    assert apart > 0.95
    assert 0.3 < among < 0.7
    assert two_sample(real[:9], real) is None


def test_faithfulness_counts_a_rejected_text_as_missed() -> None:
    made = [candidate(str(n), f"text {n}", 0) for n in range(5)]
    found = faithfulness(made, {"0": "a", "1": "a", "2": "b", "3": None, "elsewhere": "a"})
    assert found is not None
    assert (found["share"], found["judged"]) == (0.5, 4)
    assert found["low"] < 0.2 < 0.8 < found["high"]
    assert faithfulness(made, {"elsewhere": "a"}) is None


def test_where_texts_land() -> None:
    table = {"east": [1, 0.1], "west": [-1, 0.1], "north": [0, 1], "northeast": [0.2, 1], "far east": [1, 0]}
    classifier = TextClassifier(TableEncoder(table), "frozen").fit(["east", "west"] * 4, ["e", "w"] * 4)
    regions = [
        Region(1, 0, ("n", "ne"), ("e", "w"), 0.9, (0.1, 1.0)),
        Region(1, 1, ("fe",), ("e", "w"), 0.1, (1.0, 0.0)),
        Region(1, 2, ("n",), ("e", "w"), 0.1, (-1.0, 0.0)),
    ]
    real = {"n": "north", "ne": "northeast", "fe": "northeast"}
    written = [candidate("1", "north", 0), candidate("2", "far east", 0), candidate("3", "far east", 1)]
    row = as_row(measure(written[1:], written, regions, real, classifier, 1))
    assert row["kept"] == 2
    assert [(h["region"], h["written"], h["nearest"], h["uncertain"]) for h in row["hits"]] == [
        (0, 2, 0.5, 0.5),
        (1, 1, 1.0, 0.0),
        (2, 0, None, None),
    ]
    assert row["coverage"] == pytest.approx(2 / 3)
    assert row["apart"] is None


@pytest.mark.parametrize("regions", [[], [Region(1, 0, ("n",), ("a", "b"), 0.9, (1.0,) * 256)]])
def test_nothing_kept_is_measured_as_nothing(regions: list[Region]) -> None:
    classifier = TextClassifier(WordEncoder(), "frozen").fit(["apple", "boat"] * 4, ["a", "b"] * 4)
    found = measure([], [], regions, {"n": "north"}, classifier, 1)
    assert (found.kept, found.coverage, found.distinct_2, found.spread, found.vendi, found.apart) == (
        0,
        0,
        0,
        0,
        0,
        None,
    )
