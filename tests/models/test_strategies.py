"""The query strategies: one contract for all, and how ties fall."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from fakes import plane_head
from hypothesis import given
from hypothesis import strategies as st
from modAL.models import ActiveLearner
from numpy.typing import NDArray

from models.errors import ConfigError
from models.head import Head
from models.set_head import SetHead
from models.strategies import STARTS, STRATEGIES, Known, choose, find_start, find_strategy, margin_uncertainty

UNCERTAINTY = ("least-confidence", "margin", "entropy")
MODAL = ("modAL.uncertainty:margin_sampling", "modAL.uncertainty:entropy_sampling")
POOL = np.random.default_rng(3).normal(size=(60, 2))
CLASSES = np.array(["left", "right"]), np.array([[-1.0, 0.0], [1.0, 0.0]])


def upside_down(rows: NDArray[Any]) -> NDArray[Any]:
    """An LLM that is sure: above y = 0 it says the opposite of what `plane_head` does, below it the same."""
    right = (rows[:, 0] > 0) ^ (rows[:, 1] > 0)
    return np.column_stack([~right, right]) * 0.9 + 0.05


KNOWN = Known(
    np.random.default_rng(4).normal(size=(12, 2)), np.array(["left", "right"] * 6), *CLASSES, opinion=upside_down
)


def chosen(name: str, n: int, X: NDArray[Any] = POOL, seed: int = 0, head: Head | None = None) -> NDArray[np.intp]:
    return choose(find_strategy(name), head or plane_head(), X, n, np.random.default_rng(seed), KNOWN)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n", [1, 2, 3, 10, len(POOL)])
@pytest.mark.parametrize("name", [*STRATEGIES, *MODAL])
def test_every_strategy_chooses_distinct_rows(name: str, n: int) -> None:
    rows = chosen(name, n)
    assert len(set(rows.tolist())) == n
    assert set(rows.tolist()) <= set(range(len(POOL)))


@pytest.mark.parametrize("name", [*STRATEGIES, *MODAL])
def test_one_seed_one_choice(name: str) -> None:
    assert chosen(name, 7, seed=5).tolist() == chosen(name, 7, seed=5).tolist()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", STRATEGIES)
def test_equal_rows_are_still_chosen_once_each(name: str) -> None:
    assert len(set(chosen(name, 5, np.ones((9, 2))).tolist())) == 5


@pytest.mark.parametrize("name", ["random", *UNCERTAINTY])
def test_ties_fall_by_the_seed_and_not_by_position(name: str) -> None:
    tied = np.column_stack([np.zeros(20), np.arange(20)])
    seen = {int(row) for seed in range(40) for row in chosen(name, 3, tied, seed)}
    assert len(seen) > 15


@pytest.mark.parametrize("name", [*UNCERTAINTY, *MODAL])
def test_the_uncertain_rows_are_chosen_wherever_they_stand(name: str) -> None:
    x = np.where(np.arange(40) % 13 == 0, 0.01, 5.0)
    assert sorted(chosen(name, 4, np.column_stack([x, np.ones(40)])).tolist()) == [0, 13, 26, 39]


def test_a_committee_with_an_llm_asks_where_they_differ() -> None:
    rows = chosen("llm-committee", 10)
    doubted = set(np.argsort(np.abs(POOL[:, 0]))[:30].tolist())
    assert set(rows.tolist()) <= doubted
    assert (POOL[rows, 1] > 0).all()
    with pytest.raises(ConfigError, match=r"llm\.model"):
        choose(
            find_strategy("llm-committee"),
            plane_head(),
            POOL,
            3,
            np.random.default_rng(0),
            Known(KNOWN.vectors, KNOWN.labels, *CLASSES),
        )


def test_a_committee_whose_llm_says_nothing_goes_by_the_margin() -> None:
    def chosen_by(opinion: Callable[[NDArray[Any]], NDArray[Any]], n: int) -> list[int]:
        known = Known(KNOWN.vectors, KNOWN.labels, *CLASSES, opinion=opinion)
        rows = choose(find_strategy("llm-committee"), plane_head(), POOL, n, np.random.default_rng(0), known)
        return sorted(rows.tolist())

    doubted = np.argsort(np.abs(POOL[:, 0]))
    assert chosen_by(lambda X: np.full((len(X), 2), 0.5), 10) == sorted(doubted[:10].tolist())
    # Where it was asked about some alone, those are what it can differ on.
    (loud,) = chosen_by(lambda X: np.where(np.arange(len(X))[:, None] == 2, [[0.99, 0.01]], 0.5), 1)
    assert loud in doubted[:3]


def test_cluster_margin_spreads_over_what_is_uncertain() -> None:
    # Two far clumps of doubt, one of them a hundred times as large, and certain rows elsewhere.
    many, few = np.tile([0.01, 50.0], (30, 1)), np.tile([0.01, -50.0], (3, 1))
    X = np.vstack([many, few, np.tile([9.0, 0.0], (200, 1))])
    rows = chosen("cluster-margin", 2, X + np.random.default_rng(0).normal(scale=1e-3, size=X.shape))
    assert min(rows) < 30 <= max(rows) < 33


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_start_asks_no_classifier(name: str) -> None:
    if name in STARTS:
        assert len(set(choose(find_start(name), None, POOL, 7, np.random.default_rng(0)).tolist())) == 7
    else:
        with pytest.raises(ConfigError, match="needs a classifier"):
            find_start(name)


def test_k_means_asks_no_classifier_and_covers_the_clumps() -> None:
    centres = np.array([[0, 0], [100, 0], [0, 100], [100, 100]], dtype=float)
    X = centres.repeat([50, 20, 5, 3], axis=0) + np.random.default_rng(0).normal(size=(78, 2))
    rows = choose(find_strategy("k-means"), None, X, 4, np.random.default_rng(0))
    assert len({tuple(np.round(X[row] / 100)) for row in rows}) == 4


def test_random_is_not_the_order_of_the_file() -> None:
    assert chosen("random", 10).tolist() != list(range(10))
    assert chosen("random", 10, seed=1).tolist() != chosen("random", 10, seed=2).tolist()


@given(st.sampled_from(sorted(STRATEGIES)), st.integers(1, 25), st.integers(0, 100), st.data())
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_any_pool_any_number(name: str, size: int, seed: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, size))
    X = np.random.default_rng(seed).integers(-2, 3, size=(size, 2)).astype(float)
    rows = chosen(name, n, X, seed)
    assert len(set(rows.tolist())) == n
    assert min(rows) >= 0
    assert max(rows) < size


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_classifier_of_one_class_can_be_asked(name: str) -> None:
    head, labelled = Head(np.array(["left"]), np.zeros((1, 2)), np.zeros(1)), np.array(["left"] * 3)
    known = Known(KNOWN.vectors[:3], labelled, *CLASSES, opinion=upside_down)
    for n in (1, 4, len(POOL)):
        rows = choose(find_strategy(name), head, POOL, n, np.random.default_rng(0), known)
        assert len(set(rows.tolist())) == n


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "llm-committee"])
def test_a_head_of_sets_can_be_asked(name: str) -> None:
    head = SetHead(np.array(["left", "right"]), np.array([[-1.0, 0.0], [1.0, 0.5]]), np.zeros(2), np.full(2, 0.4))
    known = Known(KNOWN.vectors[[0, 0, 1]], np.array(["left", "right", ""]), *CLASSES)
    for n in (1, 4, len(POOL)):
        rows = choose(find_strategy(name), head.for_strategies(), POOL, n, np.random.default_rng(0), known)
        assert len(set(rows.tolist())) == n


@pytest.mark.parametrize("answer", [np.array([1, 4]), [1, 4], (np.array([1, 4]), np.ones(2))])
def test_exactly_two_rows_are_read_in_every_shape(answer: Any) -> None:
    X = np.arange(12.0).reshape(6, 2)
    shuffled: list[NDArray[Any]] = []

    def two(classifier: Any, X: NDArray[Any], n_instances: int) -> Any:
        shuffled.append(X)
        return answer

    rows = choose(two, plane_head(), X, 2, np.random.default_rng(0))
    assert X[rows].tolist() == shuffled[0][[1, 4]].tolist()


@pytest.mark.parametrize("answer", [[0], [0, 0], [0, 1, 2]])
def test_a_strategy_that_breaks_the_contract_is_told(answer: list[int]) -> None:
    with pytest.raises(ConfigError, match="of 2 asked for"):
        choose(lambda *_: (answer, None), plane_head(), POOL, 2, np.random.default_rng(0))


def test_an_unknown_strategy_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as error:
        find_strategy("margins")
    assert all(name in str(error.value) for name in STRATEGIES)


@pytest.mark.parametrize("name", ["no.such.module:f", "math:no_such", "math:pi"])
def test_a_function_that_is_none_is_told(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        find_strategy(name)


def test_margin_uncertainty_is_one_at_the_border_and_falls_from_it() -> None:
    X = np.array([[0.0, 3.0], [0.5, 0.0], [-2.0, 1.0], [40.0, 0.0]])
    uncertainty = margin_uncertainty(plane_head(), X)
    assert uncertainty[0] == pytest.approx(1)
    assert uncertainty[3] == pytest.approx(0)
    assert (np.diff(uncertainty) < 0).all()


def test_scores_come_with_the_rows_and_are_numbers() -> None:
    for name, strategy in STRATEGIES.items():
        learner = ActiveLearner(estimator=plane_head())
        learner.X_training, learner.y_training = KNOWN.vectors, KNOWN.labels
        learner.class_names, learner.class_vectors = CLASSES
        learner.opinion = KNOWN.opinion
        indices, scores = strategy(learner, POOL, 6)
        assert len(indices) == len(scores) == 6, name
        assert np.isfinite(scores).all(), name


def test_the_scores_of_margin_say_as_all_others_how_much_a_row_is_wanted() -> None:
    learner = ActiveLearner(estimator=plane_head())
    rows, scores = STRATEGIES["margin"](learner, POOL, 6)
    assert scores == pytest.approx(margin_uncertainty(plane_head(), POOL)[rows])
    assert scores.min() > np.delete(margin_uncertainty(plane_head(), POOL), rows).max()


def far_clumps(*sizes: int) -> NDArray[np.float64]:
    """Clumps at (0, 0), (100, 0), (200, 0), … of these sizes, in that order."""
    centres = np.column_stack([100.0 * np.arange(len(sizes)), np.zeros(len(sizes))])
    return centres.repeat(sizes, axis=0) + np.random.default_rng(0).normal(size=(sum(sizes), 2))


def clumps_of(rows: NDArray[np.intp], X: NDArray[Any]) -> list[int]:
    return sorted(round(float(x) / 100) for x in X[rows, 0])


@pytest.mark.parametrize("name", ["coreset", "typiclust", "probcover", "discriminative"])
def test_what_covers_the_pool_goes_where_no_label_is(name: str) -> None:
    X = far_clumps(30, 30, 10)
    known = Known(X[:5], np.array(["left"] * 4 + ["right"]), *CLASSES)
    rows = choose(find_strategy(name), plane_head(), X, 2, np.random.default_rng(0), known)
    assert 2 in clumps_of(rows, X)


def test_probcover_goes_by_all_classes_there_are() -> None:
    # Two pairs of near clumps: taken for two classes, a ball would cover a pair.
    X = np.repeat([0.0, 10.0, 1000.0, 1010.0], 10)[:, None] + np.random.default_rng(0).normal(scale=0.5, size=(40, 2))
    known = Known(X[:1] + 500, np.array(["left"]), np.array(list("abcd")), np.eye(4, 2))
    rows = choose(find_strategy("probcover"), plane_head(), X, 4, np.random.default_rng(0), known)
    assert sorted(int(row) // 10 for row in rows) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["typiclust", "probcover"])
def test_a_start_takes_the_middle_of_the_largest_clumps(name: str) -> None:
    X = far_clumps(3, 60, 40)
    rows = choose(find_strategy(name), None, X, 2, np.random.default_rng(0))
    assert clumps_of(rows, X) == [1, 2]
    assert np.abs(X[rows] - [[100, 0], [200, 0]]).max() < 110


def test_badge_takes_doubtful_rows_that_differ() -> None:
    doubtful = np.array([[0.01, 50.0]] * 20 + [[0.01, -50.0]] * 20)
    certain = np.tile([9.0, 0.0], (4, 1))
    X = np.vstack([doubtful, certain]) + np.random.default_rng(0).normal(scale=1e-3, size=(44, 2))
    rows = chosen("badge", 4, X)
    assert min(rows) < 20
    assert ((rows >= 20) & (rows < 40)).any()


def test_contrastive_asks_where_the_prediction_breaks_with_its_neighbours() -> None:
    labels = np.array(["left", "right"]).repeat(10)
    known = Known(np.array([[-1.0, 0.0]] * 10 + [[5.0, 0.0]] * 10), labels, *CLASSES)
    X = np.array([[-1.0, 0.1], [1.5, 0.0], [5.0, 0.1]])
    rows = choose(find_strategy("contrastive"), plane_head(), X, 1, np.random.default_rng(0), known)
    assert rows.tolist() == [1]


def test_a_committee_is_divided_between_the_classes() -> None:
    rng = np.random.default_rng(1)
    known = np.vstack([rng.normal([-3, 0], 1, (30, 2)), rng.normal([3, 0], 1, (30, 2))])
    between, left, right = (
        rng.normal(0, 0.3, (10, 2)),
        rng.normal([-4, 0], 0.3, (50, 2)),
        rng.normal([4, 0], 0.3, (50, 2)),
    )
    labelled = Known(known, np.array(["left", "right"]).repeat(30), *CLASSES)
    rows = choose(find_strategy("committee-votes"), plane_head(), np.vstack([between, left, right]), 5, rng, labelled)
    assert (rows < 10).sum() >= 4


def test_rare_classes_prefers_what_is_doubted_of_what_lies_far() -> None:
    known = Known(np.array([[-5.0, 0.0], [5.0, 0.0]]), np.array(["left", "right"]), *CLASSES)
    X = np.array([[-9.0, 0.0], [0.1, 4.0], [0.0, 0.5], [5.0, 0.2]])
    rows = choose(find_strategy("rare-classes"), plane_head(), X, 1, np.random.default_rng(0), known)
    assert rows.tolist() == [1]


def test_rare_classes_first_goes_by_what_a_class_without_a_label_is_about() -> None:
    vectors = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    known = Known(np.array([[-5.0, 0.0], [5.0, 0.0]]), CLASSES[0], np.array(["left", "right", "up", "down"]), vectors)
    X = np.array([[0.0, 0.9], [0.0, 0.01], [0.0, -0.9], [0.0, -0.02], [3.0, 0.1]])
    rows = choose(find_strategy("rare-classes"), plane_head(), X, 2, np.random.default_rng(0), known)
    assert sorted(rows.tolist()) == [0, 2]


@pytest.mark.parametrize("name", ["rare-classes", "auto"])
def test_what_is_surely_of_a_class_known_by_its_description_alone_is_asked(name: str) -> None:
    head = Head(np.array(["left", "right", "up"]), np.array([[-9.0, 0.0], [9.0, 0.0], [0.0, 9.0]]), np.zeros(3))
    labels = np.resize(["left", "right"], 6)
    vectors = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    known = Known(np.resize([[-1.0, 0.0], [1.0, 0.0]], (6, 2)), labels, np.array(["left", "right", "up"]), vectors)
    X = np.array([[0.0, 1.0], [0.6, 0.6], [-0.6, 0.6], [-1.0, 0.0]])
    rows = choose(find_strategy(name), head, X, 2, np.random.default_rng(0), known)
    assert 0 in rows


@pytest.mark.parametrize("name", ["rare-classes", "auto"])
def test_a_class_whose_description_misleads_is_given_up(name: str) -> None:
    descriptions = np.array(["left", "right", "up"]), np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    looks_like_up = np.column_stack([np.linspace(-0.1, 0.1, 5), np.ones(5)])
    X = np.array([[0.0, 1.0], [0.0, -2.0], [0.01, -2.1], [-0.01, -2.2]])
    asked = []
    for tries in (4, 5):
        known = Known(looks_like_up[:tries], np.resize(["left", "right"], tries), *descriptions)
        asked.append(choose(find_strategy(name), plane_head(), X, 2, np.random.default_rng(0), known).tolist())
    assert 0 in asked[0]
    assert 0 not in asked[1]


def test_a_text_of_several_classes_is_one_try() -> None:
    descriptions = np.array(["left", "right", "up"]), np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    twice = Known(np.array([[0.0, 1.0]]).repeat(5, axis=0), np.resize(["left", "right"], 5), *descriptions)
    X = np.array([[0.0, 1.0], [0.0, -2.0], [0.01, -2.1]])
    assert choose(find_strategy("rare-classes"), plane_head(), X, 1, np.random.default_rng(0), twice).tolist() == [0]


def test_a_class_of_sets_may_be_called_no() -> None:
    sets = SetHead(np.array(["no", "yes"]), np.array([[9.0, 0.0], [-9.0, 0.0]]), np.zeros(2), np.full(2, 0.5))
    known = Known(KNOWN.vectors[:3], np.array(["no"] * 3), np.array(["no", "maybe"]), CLASSES[1])
    # Sure on either side of the border, and doubted on it.
    X = np.array([[-5.0, 0.0], [0.01, 0.0], [5.0, 0.0]])
    rows = choose(find_strategy("rare-classes"), sets.for_strategies(), X, 1, np.random.default_rng(0), known)
    assert rows.tolist() == [1]


def test_the_default_first_represents_the_pool_and_then_asks_what_is_doubted() -> None:
    labels = np.array(["left", "right"])
    few, many = (np.resize(labels, n) for n in (2, 40))
    for known, same in ((few, "typiclust"), (many, "cluster-margin")):
        labelled = Known(np.random.default_rng(5).normal(size=(len(known), 2)), known, *CLASSES)
        picks = [
            choose(find_strategy(name), plane_head(), POOL, 5, np.random.default_rng(0), labelled).tolist()
            for name in ("auto", same)
        ]
        assert picks[0] == picks[1]


def test_more_than_there_are_cannot_be_chosen_and_none_is_none() -> None:
    for name, strategy in STRATEGIES.items():
        rng = np.random.default_rng(0)
        assert len(choose(strategy, plane_head(), POOL, 0, rng, KNOWN)) == 0, name
        assert len(choose(strategy, plane_head(), POOL[:0], 0, rng, KNOWN)) == 0, name
        with pytest.raises(ConfigError, match="61 rows cannot be chosen from 60"):
            choose(strategy, plane_head(), POOL, 61, rng, KNOWN)


def test_an_llm_that_a_strategy_asks_has_all_threads() -> None:
    threads: list[int] = []

    def opinion(rows: NDArray[Any]) -> NDArray[Any]:
        threads.append(torch.get_num_threads())
        return upside_down(rows)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        known = Known(KNOWN.vectors, KNOWN.labels, *CLASSES, opinion=opinion)
        choose(find_strategy("llm-committee"), plane_head(), POOL, 5, np.random.default_rng(0), known)
        assert (threads, torch.get_num_threads()) == ([3], 3)
    finally:
        torch.set_num_threads(before)
