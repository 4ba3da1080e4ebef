"""What is found out about data that nobody prepared."""

from pathlib import Path

import pandas as pd
import pytest

from connectors.tables import Table
from loop.init.look import FirstLook, describe, look
from models.errors import DataError

TEXTS = [f"where is parcel number {i}, it should have come on day {i % 7}" for i in range(60)]
COLUMNS = {
    "id": [f"{i:08x}" for i in range(60)],
    "created": [f"2024-01-{i % 9 + 1:02}" for i in range(60)],
    "url": [f"https://example.com/a/very/long/address/of/a/page/that/nobody/reads/{i}/index.html" for i in range(60)],
    "channel": ["web", "app", "phone"] * 20,
    "note": ["please see the handbook, chapter four, on how such messages are to be answered in general"] * 60,
    "intent": ["late", "lost", "paid", ""] * 15,
    "body": TEXTS,
}


def seen(columns: dict[str, list[str]], text: str | None = None, label: str | None = None, blank: int = 0) -> FirstLook:
    return look(Table(Path("t.csv"), pd.DataFrame(columns, dtype=object), blank, "cp949"), text, label)


@pytest.mark.parametrize("order", [1, -1])
def test_text_and_label_are_found_by_what_they_hold(order: int) -> None:
    found = seen(dict(list(COLUMNS.items())[::order]))
    assert (found.text, found.label, found.other_labels) == ("body", "intent", ("channel",))
    assert found.classes == {"late": 15, "lost": 15, "paid": 15}
    assert (found.rows, found.texts, found.unlabelled, found.language) == (60, 60, 15, "en")


def test_where_the_classes_are_known_labels_are_of_these() -> None:
    table = Table(Path("t.csv"), pd.DataFrame(COLUMNS, dtype=object), 0, "utf-8")
    assert look(table, classes=["late", "lost", "paid", "other"]).label == "intent"
    assert look(table, classes=["web", "app", "phone"]).label == "channel"
    assert look(table, classes=["a", "b"]).label is None
    sets = Table(Path("t.csv"), pd.DataFrame({"text": TEXTS, "tags": ["a;b", "a"] * 30}, dtype=object), 0, "utf-8")
    assert look(sets, classes=["a", "b"]).label == "tags"


def test_names_that_are_given_win() -> None:
    found = seen(COLUMNS, "note", "channel")
    assert (found.text, found.label, found.texts) == ("note", "channel", 1)
    assert seen(COLUMNS, label="").label is None
    for name in ({"text": "txt"}, {"label": "lbl"}):
        with pytest.raises(DataError, match="it has: id, created"):
            seen(COLUMNS, **name)


def test_an_unnamed_label_needs_words_and_numbers_need_a_name() -> None:
    assert seen({"text": TEXTS, "stars": ["1", "2"] * 30, "kind": ["a", "b"] * 30}).label == "kind"
    assert seen({"text": TEXTS, "stars": ["1", "2"] * 30}).label is None
    assert seen({"text": TEXTS, "label": ["1", "2"] * 30}).label == "label"
    assert seen({"text": TEXTS, "분류": ["가", "나"] * 30}).label == "분류"


def test_korean_without_spaces_is_language() -> None:
    words = ["배송", "환불요청", "로그인", "결제오류"] * 15
    assert (
        seen({"code": [f"A-{i}" for i in range(60)], "내용": [f"{w}{i}" for i, w in enumerate(words)]}).text == "내용"
    )


def test_a_single_column_is_the_text_and_none_that_looks_like_it_is_told() -> None:
    assert seen({"x": ["a", "b"]}).text == "x"
    with pytest.raises(DataError, match="name it with --text; it has: x, y"):
        seen({"x": ["1", "2"], "y": ["a", "b"]})


def test_a_repeated_text_with_one_label_is_labelled() -> None:
    found = seen({"text": ["one text", "One  text", "another one"] * 20, "label": ["a", "", ""] * 19 + ["b", "", ""]})
    assert (found.rows, found.texts, found.unlabelled) == (60, 2, 1)


def test_all_that_was_found_is_said() -> None:
    said = "\n".join(describe(seen(COLUMNS, blank=3)))
    for part in ("60 in CP949; 3 blank", "'body': 60 distinct", "'intent' (or is it channel?", "15 texts have none"):
        assert part in said
    many = {"text": TEXTS, "label": [f"c{i % 29}" for i in range(60)]}
    assert "so few texts have no label" in said
    assert "give the file as 'seed' under [data], with label = \"intent\"" in said
    assert "29: c0 3, c1 3," in (said := "\n".join(describe(seen(many))))
    assert "…, c28 2" in said
    assert "asks humans anew" in said
    assert "numbers tell an LLM nothing" in "\n".join(describe(seen({"text": TEXTS, "label": ["0", "1"] * 30})))


def test_an_empty_column_is_nothing_and_rows_without_a_text_are_blank() -> None:
    found = seen({"note": [""] * 60, "text": ["", *TEXTS[1:]], "label": ["late", "lost"] * 30}, blank=3)
    assert (found.text, found.rows, found.blank, found.classes) == ("text", 59, 4, {"lost": 30, "late": 29})
    with pytest.raises(DataError, match="no text in column 'note'"):
        seen({"note": [""] * 60, "text": TEXTS}, text="note")


def test_a_file_without_names_of_columns_is_told() -> None:
    note = "the first row reads like data"
    assert note in "\n".join(describe(seen({"where is it": TEXTS, "late": ["late", "lost"] * 30})))
    assert note in "\n".join(describe(seen({"where is my parcel": TEXTS})))
    assert note not in "\n".join(describe(seen({"text": TEXTS, "label": ["late", "lost"] * 30})))
    assert note not in "\n".join(describe(seen({"고객 문의": TEXTS})))
