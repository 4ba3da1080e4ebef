"""Labels that look wrong weigh less, where that pays."""

import numpy as np
from numpy.typing import NDArray

from models.calibration import fit_head
from models.cleansing import LIGHT, doubted, lightened
from models.head import self_train

Rows = tuple[NDArray[np.float64], NDArray[np.str_]]


def two_sides(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    labels = np.array(list("ab") * (count // 2))
    return rng.normal(scale=1.0, size=(count, 12)) + np.where(labels == "a", 0.8, -0.8)[:, None], labels


def flipped(labels: NDArray[np.str_], share: float) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    wrong = np.random.default_rng(5).random(len(labels)) < share
    return np.where(wrong, np.where(labels == "a", "b", "a"), labels), wrong


def test_labels_that_the_classifier_denies_are_doubted_and_lighter() -> None:
    _, truth = two_sides(60, 0)
    said, wrong = flipped(truth, 0.25)
    sure = np.where((truth == "a")[:, None], [0.9, 0.1], [0.1, 0.9])
    assert set(doubted(said, sure)) == set(np.flatnonzero(wrong))
    lighter = lightened(said, np.full(60, 2.0), sure)
    assert lighter is not None
    assert (lighter == np.where(wrong, 2.0 * LIGHT, 2.0)).all()


def test_few_doubts_and_few_labels_are_left_alone() -> None:
    _, truth = two_sides(60, 0)
    sure = np.where((truth == "a")[:, None], [0.9, 0.1], [0.1, 0.9])
    one = truth.copy()
    one[0] = "b"
    assert lightened(one, np.ones(60), sure) is None
    said, _ = flipped(truth[:8], 0.25)
    assert lightened(said, np.ones(8), sure[:8]) is None


def test_many_classes_want_a_label_for_each_pair_of_them() -> None:
    def lighter(classes: int, each: int) -> bool:
        truth = np.tile(np.arange(classes), each)
        said = np.where(np.random.default_rng(0).random(len(truth)) < 0.25, (truth + 1) % classes, truth)
        sure = np.full((len(truth), classes), 0.1 / (classes - 1))
        sure[np.arange(len(truth)), truth] = 0.9
        return (
            lightened(said.astype(str), np.ones(len(truth)), sure[:, np.argsort(np.arange(classes).astype(str))])
            is not None
        )

    assert lighter(7, 6)
    assert not lighter(30, 6)
    assert lighter(30, 15)


def test_the_only_label_of_a_class_is_not_doubted() -> None:
    labels = np.array([*"aaaabbbb", "c"])
    sure = np.array([[0.9, 0.1, 0.0]] * 4 + [[0.1, 0.9, 0.0]] * 4 + [[0.98, 0.01, 0.01]])
    assert 8 not in doubted(labels, sure)
    assert not len(doubted(np.array(["a", "a"]), np.ones((2, 1))))


def test_a_head_on_flipped_labels_is_better_for_it_and_one_on_right_labels_the_same() -> None:
    (vectors, truth), (others, _), (held, right) = (two_sides(n, seed) for n, seed in ((100, 1), (200, 2), (1000, 3)))
    said, _ = flipped(truth, 0.3)
    plain = self_train(vectors, said, np.ones(100), others, 3.0)
    cleansed = fit_head(vectors, said.tolist(), unlabelled=others, share=3.0)
    assert (cleansed.predict(held) == right).mean() > (plain.predict(held) == right).mean()
    trusted = fit_head(vectors, said.tolist(), unlabelled=others, share=3.0, cleansing=False)
    assert np.allclose(trusted.coefficients, plain.coefficients)
    clean = fit_head(vectors, truth.tolist(), unlabelled=others, share=3.0)
    assert np.allclose(clean.coefficients, self_train(vectors, truth, np.ones(100), others, 3.0).coefficients)


def test_what_is_settled_is_not_doubted() -> None:
    (vectors, truth), (others, _) = two_sides(100, 1), two_sides(200, 2)
    said, _ = flipped(truth, 0.3)
    plain, *fits = (
        fit_head(vectors, said.tolist(), unlabelled=others, share=3.0, cleansing=doubtful).coefficients
        for doubtful in (False, np.zeros(100, dtype=bool), truth != said, True)
    )
    assert [np.allclose(found, plain) for found in fits] == [True, False, False]
    assert not np.allclose(fits[1], fits[2])


def test_what_is_not_judged_is_not_doubted_and_no_trouble() -> None:
    vectors, truth = two_sides(100, 1)
    said, _ = flipped(truth, 0.3)
    both = np.vstack([vectors, np.tile([3.0, -3.0], 6)]), [*said.tolist(), "c"]
    judged = np.arange(101) < 100
    head = fit_head(*both, unlabelled=two_sides(200, 2)[0], share=3.0, judged=judged)
    held, right = two_sides(1000, 3)
    assert (head.predict(held) == right).mean() > 0.9
