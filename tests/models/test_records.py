"""What records say of themselves."""

import pytest

from models.records import ClassDefinition


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("card_arrival", "card arrival"),
        ("AddToPlaylist", "add to playlist"),
        ("ABBR", "abbr"),
        ("배송 지연", "배송 지연"),
    ],
)
def test_the_name_of_a_class_is_read_as_words(name: str, words: str) -> None:
    assert ClassDefinition(name).words() == words
    assert ClassDefinition(name, "What it means").words() == f"{words}: What it means"
