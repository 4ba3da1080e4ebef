"""Personal data by its form: what is found, what only looks like it, and what stands after masking."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.release.personal_data import count, country_of, find, known_country, mask
from models.errors import ConfigError


def found(text: str, country: str = "US") -> list[tuple[str, str]]:
    return [(finding.kind, text[finding.start : finding.end]) for finding in find(text, country)]


@pytest.mark.parametrize(
    ("text", "country", "wanted"),
    [
        ("write to Hong.Gil+x@mail.example.co.kr.", "US", [("e-mail", "Hong.Gil+x@mail.example.co.kr")]),
        ("hong@example.com으로 보내 주세요", "KR", [("e-mail", "hong@example.com")]),
        ("010-1234-5678로 전화 주세요", "KR", [("phone-number", "010-1234-5678")]),
        ("번호는 01012345678이에요", "KR", [("phone-number", "01012345678")]),
        ("call +82 10-1234-5678 or (415) 555-2671", "US", [
            ("phone-number", "+82 10-1234-5678"), ("phone-number", "(415) 555-2671"),
        ]),
        ("주민번호 971013-9019902입니다", "KR", [("resident-number", "971013-9019902")]),
        ("주민번호 9710139019902", "KR", [("resident-number", "9710139019902")]),
        # Born after October 2020: no check digit any more.
        ("210101-3123456", "KR", [("resident-number", "210101-3123456")]),
        ("card 4111 1111 1111 1111, thanks", "US", [("card-number", "4111 1111 1111 1111")]),
    ],
)  # fmt: skip
def test_what_is_personal_is_found(text: str, country: str, wanted: list[tuple[str, str]]) -> None:
    assert found(text, country) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "where is order 10023456789?",
        "card 4111 1111 1111 1112",
        "991332-1234567 has no such month",
        "9710139019903 fails its check digit",
        "on 2024-11-21 at 10:30",
        "it cost 1,234,567.89",
        "@example and example.com",
    ],
)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert found(text) == found(text, "KR") == []


def test_masking_leaves_the_rest() -> None:
    text = "저는 hong@example.com, 010-1234-5678, 카드 4111-1111-1111-1111 입니다"
    assert mask(text, "KR") == "저는 [e-mail], [phone-number], 카드 [card-number] 입니다"


def test_texts_are_counted_by_kind() -> None:
    texts = ["a@example.com b@example.com", "010-1234-5678", "nothing"]
    assert count(texts, "KR") == {"e-mail": 1, "phone-number": 1}


def test_the_language_says_the_country() -> None:
    assert (country_of("ko"), country_of("en")) == ("KR", "US")


@given(st.text() | st.text("0123456789-+() @.a"))
def test_nothing_is_found_in_what_was_masked(text: str) -> None:
    findings = find(text, "KR")
    assert all(one.end <= other.start for one, other in pairwise(findings))
    assert len(findings) == 0 or mask(text, "KR") != text


@pytest.mark.parametrize(
    "text",
    [
        "{} 12/27",
        "my card is {} 123",
        "order 3 {}",
        "{} 010-1234-5678",
        "2024-11-28 {}",
    ],
)
@pytest.mark.parametrize(
    "card", ["4111111111111111", "4111-1111-1111-1111", "4111 1111 1111 1111", "3782 822463 10005"]
)
def test_a_card_is_found_whatever_digits_stand_beside_it(text: str, card: str) -> None:
    assert mask(text.format(card), "KR").replace("[phone-number]", "010-1234-5678") == text.format("[card-number]")


def test_a_country_is_known_in_any_letters_and_told_where_it_is_none() -> None:
    assert (known_country("kr"), country_of("ko-KR"), country_of("KO")) == ("KR", "KR", "KR")
    with pytest.raises(ConfigError, match="--country 'Korea' is no country"):
        known_country("Korea")
