"""The walk from token log-probabilities to label probabilities."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.label_mass import TokenChoice, label_meant, label_probabilities


def _at(token: str, **shares: float) -> TokenChoice:
    """A position at which `token` was written; shares are named by their token, "end" is the empty token."""
    top = {("" if name == "end" else name): share for name, share in shares.items()}
    return TokenChoice(token.encode(), math.log(top[token]), tuple((t.encode(), math.log(p)) for t, p in top.items()))


def test_single_tokens_share_by_their_probability() -> None:
    answer = [_at("World", World=0.6, Sports=0.2, The=0.2)]
    assert label_probabilities(answer, ["World", "Sports", "Tech"]) == pytest.approx((0.75, 0.25, 0))


def test_leading_whitespace_marks_and_the_first_letters_case_are_no_difference() -> None:
    answer = [
        _at("\n", **{"\n": 0.9, " ": 0.1}),
        _at('"', **{'"': 0.6, "World": 0.1, "**": 0.3}),
        _at("World", World=0.5, world=0.2, sports=0.2, The=0.1),
    ]
    # The marks that were not written say nothing of what they would have wrapped.
    world, sports = 0.1 + 0.6 * 0.7, 0.6 * 0.2
    expected = (world / (world + sports), sports / (world + sports))
    assert label_probabilities(answer, ["world", "Sports"]) == pytest.approx(expected)
    assert label_meant('**"positive"**', ["Positive", "Negative"]) == "Positive"
    assert label_meant("It is unclear", ["IT", "World"]) is None


def test_labels_that_differ_by_case_or_begin_with_a_mark_are_told_apart() -> None:
    answer = [_at("Art", Art=0.6, art=0.4)]
    assert label_probabilities(answer, ["art", "Art"]) == pytest.approx((0.4, 0.6))
    assert label_meant(" ** ", ["*", "**"]) == "**"
    assert label_meant("'*'", ["*", "**"]) == "*"


def test_the_written_path_goes_on_until_one_label_is_left() -> None:
    labels = ["card_arrival", "card_linking", "cash"]
    answer = [
        _at("card", card=0.8, ca=0.1, c=0.1),
        _at("_", _=0.9, x=0.1),
        _at("arr", arr=0.75, link=0.25),
        _at("ival", ival=0.5, ow=0.5),
    ]
    arrival, linking, cash = 0.8 * 0.9 * 0.75, 0.8 * 0.9 * 0.25, 0.0
    shared = 0.2 / 3  # "ca" and "c" begin all three
    total = arrival + linking + cash + 3 * shared
    expected = [(p + shared) / total for p in (arrival, linking, cash)]
    assert label_probabilities(answer, labels) == pytest.approx(expected)


def test_a_label_that_begins_another_is_told_by_what_follows() -> None:
    labels = ["card", "card payment"]
    stops = [_at("card", card=1.0), _at("", end=0.7, **{" payment": 0.3})]
    assert label_probabilities(stops, labels) == pytest.approx((0.7, 0.3))
    goes_on = [_at("card", card=1.0), _at(" payment", **{" payment": 0.6, "<|im_end|>": 0.3, "\n": 0.1})]
    assert label_probabilities(goes_on, labels) == pytest.approx((0.4, 0.6))
    # Some servers do not list the token that ends an answer.
    assert label_probabilities([_at("card", card=1.0)], labels) == (1, 0)
    assert label_probabilities([_at("ca", ca=1.0)], labels) == (0.5, 0.5)


def test_half_a_syllable_is_told_by_its_bytes() -> None:
    first, second = "경제".encode(), "경주".encode()
    answer = [
        TokenChoice(first[:4], 0.0, ((first[:4], 0.0),)),
        TokenChoice(first[4:], math.log(0.8), ((first[4:], math.log(0.8)), (second[4:], math.log(0.2)))),
    ]
    assert label_probabilities(answer, ["경제", "경주"]) == pytest.approx((0.8, 0.2))


def test_a_drawn_token_outside_the_top_counts_by_its_own_probability() -> None:
    answer = [TokenChoice(b"b", math.log(0.1), ((b"a", math.log(0.9)),))]
    assert label_probabilities(answer, ["a", "b"]) == pytest.approx((0.9, 0.1))


def test_chatter_leaves_all_labels_equal() -> None:
    assert label_probabilities([_at("The", The=0.9, This=0.1)], ["a", "b"]) == (0.5, 0.5)
    # A refusal names a class by less than chance: that is noise, not an opinion.
    assert label_probabilities([_at("I", I=0.999, a=1e-3)], ["a", "b"]) == (0.5, 0.5)
    assert label_probabilities([], ["a", "b"]) == (0.5, 0.5)


def test_a_free_answer_is_the_longest_label_it_begins_with() -> None:
    assert label_meant(" artist.\n", ["art", "artist"]) == "artist"
    assert label_meant("art", ["art", "artist"]) == "art"
    assert label_meant("I think art", ["art", "artist"]) is None


def test_a_longer_word_or_number_is_another() -> None:
    assert [label_meant(text, ["No", "Yes"]) for text in ("None of these fits.", "No.", "No, it is")] == [
        None,
        "No",
        "No",
    ]
    assert [label_meant(text, ["1", "2"]) for text in ("12", "1.", "1과")] == [None, "1", "1"]
    assert label_meant("스포츠입니다", ["스포츠", "정치"]) == "스포츠"
    assert label_meant("reverted?Yes", ["reverted?"]) == "reverted?"
    answer = [_at("None", **{"None": 0.7, "Yes": 0.3})]
    assert label_probabilities(answer, ["No", "Yes"]) == (0, 1)


_words = st.text(alphabet="ab 경\n", max_size=4).map(str.encode)
_logs = st.one_of(st.floats(max_value=0), st.just(-9999.0), st.floats(allow_nan=True, allow_infinity=True))
_positions = st.builds(TokenChoice, _words, _logs, st.lists(st.tuples(_words, _logs), max_size=4).map(tuple))


@given(
    st.lists(_positions, max_size=6),
    st.lists(st.text(alphabet="ab경", min_size=1, max_size=4), min_size=1, max_size=6),
)
def test_shares_are_never_negative_and_sum_to_one(answer: list[TokenChoice], labels: list[str]) -> None:
    shares = label_probabilities(answer, labels)
    assert len(shares) == len(labels)
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1)
