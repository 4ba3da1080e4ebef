"""Sets of class names, written as one label."""

from hypothesis import given
from hypothesis import strategies as st

from models.label_sets import SEPARATOR, indicator, join, split

NAMES = st.text(min_size=1, max_size=8).filter(lambda name: SEPARATOR not in name and name == name.strip())


@given(st.sets(NAMES))
def test_a_set_comes_back_whatever_its_order(names: set[str]) -> None:
    assert set(split(join(names))) == names
    assert join(sorted(names, reverse=True)) == join(sorted(names)) == join(split(join(names)))


def test_what_people_type_is_read() -> None:
    assert join(split(" refund ;delivery;; refund")) == "delivery;refund"
    assert split("") == ()


def test_an_indicator_has_a_column_for_each_class_and_ignores_others() -> None:
    held = indicator(["b", "", "a;c", "b;z"], ["a", "b", "c"])
    assert held.astype(int).tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1], [0, 1, 0]]
