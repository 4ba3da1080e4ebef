"""Texts are wanted where the classifier is unsure, of the classes it gets wrong, and none where all are turned down."""

from collections import Counter

import numpy as np
import pytest
from fakes import TASK, TableEncoder

from loop.steering import kept_shares, share_out, slots, weak_classes
from models.records import Candidate, Region, TrainingExample

EAST = Region(2, 0, ("m",), ("late", "lost"), 0.9, (1.0, 0.0))
NORTH = Region(2, 1, ("n",), ("lost", "late"), 0.3, (0.0, 1.0))


def counts(texts: int, seed: int = 0, **given: dict[str, float]) -> Counter[tuple[int, str]]:
    found = slots([EAST, NORTH], given.get("weakness", {}), given.get("yields", {}), {})
    wanted = share_out(found, texts, np.random.default_rng(seed))
    return Counter((slot.region.index, slot.intended) for slot in wanted)


@pytest.mark.parametrize("seed", range(5))
def test_a_region_gets_texts_as_it_is_uncertain(seed: int) -> None:
    found = counts(80, seed)
    assert found.total() == 80
    assert [found[0, "late"], found[0, "lost"]] == [30, 30]
    assert [found[1, "late"], found[1, "lost"]] == [10, 10]


def test_a_class_gets_texts_as_it_is_weak_and_as_they_are_kept() -> None:
    weak = counts(80, weakness={"late": 0.9, "lost": 0.1})
    assert weak[0, "late"] == 9 * weak[0, "lost"]
    useless = counts(80, yields={"late": 0.02, "lost": 0.5})
    assert useless[0, "late"] + useless[1, "late"] < 5


def test_a_class_that_the_classifier_does_not_know_is_written_for_in_the_nearest_region() -> None:
    found = slots([EAST, NORTH], {}, {}, {"paid": np.array([0.1, 0.9], dtype=np.float32)})
    (slot,) = [slot for slot in found if slot.intended == "paid"]
    assert (slot.region, slot.other, slot.pair) == (NORTH, "lost", ("paid", "lost"))
    assert slots([], {}, {}, {"paid": np.ones(2, dtype=np.float32)}) == []


def test_nothing_is_shared_out_without_slots_or_texts() -> None:
    assert share_out([], 5, np.random.default_rng(0)) == []
    assert share_out(slots([EAST], {}, {}, {}), 0, np.random.default_rng(0)) == []


def test_the_class_that_is_missed_out_of_fold_is_weak() -> None:
    rng = np.random.default_rng(0)
    table = {f"late {n}": [1.0, 0.1 * rng.random()] for n in range(10)}
    # What is labelled lost stands among the late.
    table |= {f"lost {n}": [1.0, 0.1 * rng.random()] for n in range(4)}
    verified = [TrainingExample(text, text, text.split()[0], "human") for text in table]
    weak = weak_classes(verified, TASK, TableEncoder(table), 0)
    assert weak["lost"] > weak["late"]
    assert weak["paid"] == 0.5
    assert weak_classes([], TASK, TableEncoder(table), 0) == dict.fromkeys(TASK.class_names, 0.5)


def test_what_was_kept_is_counted_by_class() -> None:
    made = [Candidate(str(n), "t", 1, 0, "late" if n < 6 else "lost", str(n), "m", ()) for n in range(8)]
    assert kept_shares(made, made[6:]) == {"late": 1 / 8, "lost": 3 / 4}
