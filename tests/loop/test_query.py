"""Where the classifier is unsure, and what is drawn from there."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest
from fakes import TableEncoder, plane_head
from numpy.typing import NDArray

from loop.query import draw, draw_start, find_regions, shortlist
from models.classifier import TextClassifier
from models.head import Head
from models.records import Example, Queried, Region
from models.strategies import STRATEGIES, Known, margin_uncertainty


def pool_of(points: NDArray[Any]) -> tuple[list[Example], TextClassifier]:
    """A pool whose texts are the points, and a classifier that is unsure of those with x near 0."""
    pool = [Example(f"e{n}", f"text {n}", "pool") for n in range(len(points))]
    classifier = TextClassifier(TableEncoder({e.text: p for e, p in zip(pool, points, strict=True)}), "frozen")
    classifier.trained_, classifier.head = classifier.encoder, plane_head()
    return pool, classifier


def circle(n: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def drawn(
    batch: int, for_llm: int, size: int = 400, seed: int = 0, told: Collection[str] = ()
) -> tuple[list[Queried], list[Region]]:
    pool, classifier = pool_of(circle(size))
    strategy = STRATEGIES["cluster-margin"]
    known = Known(circle(1), np.array(["right"]), np.array(["left", "right"]), np.array([[-1.0, 0.0], [1.0, 0.0]]))
    return draw(pool, classifier, known, strategy, batch, for_llm, 2, np.random.default_rng(seed), None, told)


def ids(queried: list[Queried], purpose: str) -> list[str]:
    return [q.example for q in queried if q.purpose == purpose]


def test_a_batch_for_humans_and_others_for_the_llm() -> None:
    queried, _ = drawn(10, 15)
    humans, llm = ids(queried, "query"), ids(queried, "llm")
    assert (len(humans), len(llm)) == (10, 15)
    assert len({*humans, *llm}) == 25
    assert {q.round for q in queried} == {2}


def test_what_is_drawn_is_more_uncertain_than_the_pool() -> None:
    queried, _ = drawn(10, 15)
    _, classifier = pool_of(circle(400))
    usual = margin_uncertainty(classifier.head, circle(400)).mean()
    assert np.mean([q.score for q in queried]) > usual + 0.1
    assert all(0 <= q.score <= 1 for q in queried)


def test_one_seed_one_draw() -> None:
    assert drawn(10, 15, seed=3) == drawn(10, 15, seed=3)
    assert ids(drawn(10, 15, seed=3)[0], "llm") != ids(drawn(10, 15, seed=4)[0], "llm")


@pytest.mark.parametrize(("batch", "for_llm"), [(10, 0), (10, 10), (5, 20), (20, 5)])
def test_a_pool_smaller_than_what_is_asked_is_drawn_as_far_as_it_goes(batch: int, for_llm: int) -> None:
    queried, _ = drawn(batch, for_llm, size=8)
    assert len(ids(queried, "query")) == min(batch, 8)
    assert len(set(ids(queried, "query") + ids(queried, "llm"))) == len(queried) <= 8


def test_what_the_llm_has_told_already_it_is_not_asked_again() -> None:
    first = set(ids(drawn(10, 100)[0], "llm"))
    queried, _ = drawn(10, 100, told=first)
    assert len(ids(queried, "llm")) == 100
    assert not first & set(ids(queried, "llm"))
    assert ids(queried, "query") == ids(drawn(10, 100)[0], "query")


def test_a_small_batch_does_not_cut_the_llms_share() -> None:
    queried, _ = drawn(2, 20)
    assert len(ids(queried, "llm")) == 20


def test_regions_part_the_uncertain_texts() -> None:
    _, regions = drawn(10, 15)
    members = [member for region in regions for member in region.members]
    assert len(members) == len(set(members)) == 100
    assert [region.index for region in regions] == list(range(len(regions))) != [0]
    assert {region.classes for region in regions} <= {("left", "right"), ("right", "left")}


def test_a_region_is_its_members_mean() -> None:
    pool, classifier = pool_of(circle(60))
    vectors, uncertainty = circle(60).astype(np.float32), np.linspace(0, 1, 60)
    for region in find_regions(pool, vectors, uncertainty, classifier.head, np.arange(60), 1):
        rows = [int(member[1:]) for member in region.members]
        assert region.centroid == pytest.approx(vectors[rows].mean(axis=0), abs=1e-6)
        assert region.uncertainty == pytest.approx(uncertainty[rows].mean())


def test_a_region_is_named_by_the_classes_it_confuses() -> None:
    head = Head(np.array(["a", "b", "c"]), np.array([[2.0, 0.0], [-2.0, 2.0], [-2.0, -2.0]]), np.zeros(3))
    # All left of the origin, some below and some above: never an "a" there.
    points = np.array([[-1.0, 0.01 * n] for n in range(-15, 16)], dtype=np.float32)
    pool, _ = pool_of(points)
    (region,) = find_regions(pool, points, np.ones(31), head, np.arange(31), 1)
    assert set(region.classes) == {"b", "c"}


def test_a_classifier_of_one_class_confuses_nothing() -> None:
    pool, _ = pool_of(circle(30))
    head = Head(np.array(["only"]), np.zeros((1, 2)), np.zeros(1))
    assert find_regions(pool, circle(30).astype(np.float32), np.ones(30), head, np.arange(30), 1) == []


def test_the_shortlist_is_what_is_least_certain() -> None:
    points = np.column_stack([np.where(np.arange(50) % 5 == 0, 0.0, 4.0), np.ones(50)])
    rows = shortlist(plane_head(), points, 10, np.random.default_rng(0))
    assert sorted(rows.tolist()) == list(range(0, 50, 5))
    assert len(shortlist(plane_head(), points, 500, np.random.default_rng(0))) == 50


def started(holdout: int, start: int, seed: int = 0) -> tuple[list[str], list[str]]:
    pool, _ = pool_of(circle(100))
    queried = draw_start(pool, circle(100), STRATEGIES["k-means"], holdout, start, np.random.default_rng(seed))
    return ids(queried, "holdout"), ids(queried, "start")


@pytest.mark.parametrize(("holdout", "start"), [(30, 10), (0, 10), (30, 0), (90, 10)])
def test_holdout_and_start_have_nothing_in_common(holdout: int, start: int) -> None:
    held, first = started(holdout, start)
    assert (len(set(held)), len(set(first))) == (holdout, start)
    assert not set(held) & set(first)


def test_the_holdout_is_drawn_from_the_whole_pool_by_the_seed() -> None:
    held = [started(30, 5, seed)[0] for seed in range(30)]
    assert held[0] == started(30, 5, 0)[0] != held[1]
    counts = np.unique([member for draw_ in held for member in draw_], return_counts=True)[1]
    # Each text is drawn 9 times of 30 on average; none is favoured.
    assert len(counts) == 100
    assert counts.max() <= 20


def test_an_llm_is_asked_about_the_texts_of_the_rows_that_are_doubted() -> None:
    pool, classifier = pool_of(circle(400))
    asked: list[str] = []

    def opinion(texts: Sequence[str]) -> NDArray[np.float64]:
        asked.extend(texts)
        return np.tile([0.9, 0.1], (len(texts), 1))

    known = Known(circle(1), np.array(["right"]), np.array(["left", "right"]), np.array([[-1.0, 0.0], [1.0, 0.0]]))
    rng, strategy = np.random.default_rng(0), STRATEGIES["llm-committee"]
    queried, _ = draw(pool, classifier, known, strategy, 5, 0, 2, rng, opinion)
    texts = {e.id: e.text for e in pool}
    assert len(asked) == 15
    assert {texts[i] for i in ids(queried, "query")} <= set(asked)
    doubt = margin_uncertainty(classifier.head, circle(400))
    assert {pool[i].text for i in np.argsort(-doubt)[:11]} <= set(asked)
