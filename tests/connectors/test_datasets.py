"""Data files: what they hold comes out as it stands, and what is wrong with them is told."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.datasets import read_labelled, read_texts
from connectors.tables import read_table
from models.errors import DataError
from models.records import Example, text_id


def texts(path: Path, content: str | bytes, column: str = "text") -> list[str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [e.text for e in read_texts(path, column, "pool")]


def labels(path: Path, content: str, classes: list[str] | None = None) -> dict[str, str | None]:
    path.write_text(content, encoding="utf-8")
    return {e.text: e.label for e in read_labelled(path, "text", "label", "seed", classes)}


def told(path: Path, content: str | bytes, column: str = "text") -> str:
    with pytest.raises(DataError) as error:
        texts(path, content, column)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "data.csv"


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return tmp_path / "data.jsonl"


def test_a_table_is_read_in_its_order(table: Path) -> None:
    assert texts(table, "id,text\n1,b\n2,a\n") == ["b", "a"]
    assert read_texts(table, "text", "pool")[0] == Example(text_id("b"), "b", "pool")


def test_labels_come_with_their_texts(table: Path, lines: Path, tmp_path: Path) -> None:
    expected = {"one": "late", "two": "lost"}
    assert labels(table, "text,label\none,late\ntwo,lost\n") == expected
    assert labels(tmp_path / "data.tsv", "text\tlabel\none\tlate\ntwo\tlost\n") == expected
    records = [{"label": name, "text": text} for text, name in expected.items()]
    assert labels(lines, "\n".join(map(json.dumps, records))) == expected


def test_quotes_commas_and_newlines_stay_in_a_text(table: Path) -> None:
    assert texts(table, 'text,label\n"a, ""b""",x\n"two\nlines",y\n') == ['a, "b"', "two\nlines"]


def test_a_byte_order_mark_is_not_part_of_a_name(table: Path, lines: Path) -> None:
    assert texts(table, "\ufefftext\na\n") == ["a"]
    assert texts(lines, '\ufeff{"text": "a"}\n') == ["a"]


@pytest.mark.parametrize("word", ["NA", "null", "None", "nan", "N/A", "true", "007", "1e5", "2021-01-01", "-"])
def test_words_that_look_like_values_stay_words(table: Path, lines: Path, word: str) -> None:
    assert texts(table, f"text\n{word}\n") == [word]
    assert texts(lines, json.dumps({"text": word})) == [word]
    assert labels(table, f"text,label\na,{word}\n") == {"a": word}
    assert labels(lines, json.dumps({"text": "a", "label": word})) == {"a": word}


def test_numbers_as_labels_are_their_digits(lines: Path) -> None:
    assert labels(lines, '{"text": "a", "label": 1}\n{"text": "b", "label": 0}') == {"a": "1", "b": "0"}


def test_other_columns_may_be_empty(table: Path, lines: Path) -> None:
    assert texts(table, "text,note\na,\nb,x\n") == ["a", "b"]
    assert texts(lines, '{"text": "a", "note": null}\n\n{"text": "b"}\n') == ["a", "b"]


def test_a_text_that_stands_there_twice_counts_once(table: Path) -> None:
    assert texts(table, "text\na\nb\na\n a \n") == ["a", "b"]
    assert labels(table, "text,label\na,late\na,lost\n") == {"a": "late"}


def test_a_missing_file_is_told(table: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read_texts(table, "text", "pool")


def test_a_missing_column_is_told_with_those_that_are_there(table: Path, lines: Path) -> None:
    for path, content in ((table, "id,body\n1,a\n"), (lines, '{"id": 1, "body": "a"}')):
        message = told(path, content)
        assert "column 'text' not in" in message
        assert "id, body" in message


def test_rows_without_a_text_are_left_out_of_a_pool(table: Path, lines: Path) -> None:
    table.write_text("id,text\n1,a\n2,\n3,b\n4,  \n", encoding="utf-8")
    assert [e.text for e in read_texts(table, "text", "pool")] == ["a", "b"]
    assert "no 'text' that is not empty" in told(table, "id,text\n" + "1,\n" * 9)
    assert "no 'text' that is not empty" in told(lines, '{"id": 2, "text": null}\n')


def test_empty_texts_of_labelled_data_are_told_with_their_records(table: Path) -> None:
    with pytest.raises(DataError, match=r"2 empty 'text' \(record 2, 5\)"):
        labels(table, "text,label\na,late\n,late\n\nb,lost\n ,lost\n")
    with pytest.raises(DataError, match=r"9 empty 'text' \(record 1, 2, 3, 4, 5, …\)"):
        labels(table, "text,label\n" + ",late\n" * 9)


def test_empty_labels_are_told(table: Path) -> None:
    with pytest.raises(DataError, match=r"1 empty 'label' \(record 2\)"):
        labels(table, "text,label\na,late\nb,\n")


def test_an_unknown_class_is_told_with_the_known_ones(table: Path) -> None:
    with pytest.raises(DataError) as error:
        labels(table, "text,label\na,late\nb,Late\nc,Late\n", ["late", "lost"])
    assert "'Late' (2)" in str(error.value)
    assert "late, lost" in str(error.value)


@pytest.mark.parametrize("content", ["", "text\n", "\n\n"])
def test_an_empty_file_is_told(table: Path, lines: Path, content: str) -> None:
    told(table, content)
    if content != "text\n":
        told(lines, content)


@pytest.mark.parametrize("content", ["text\nWähle\n".encode("latin-1"), b"\xff\xfe\x00\xd8\x00"])
def test_what_is_not_utf8_is_told(table: Path, content: bytes) -> None:
    assert "not UTF-8" in told(table, content)


def test_json_lines_that_are_not_utf8_are_told(lines: Path) -> None:
    assert "not UTF-8" in told(lines, b'{"text": "W\xe4hle"}\n')


@pytest.mark.parametrize("content", ['{"text": "a"}\nnot json\n', '{"text": "a"', '"a"\n"b"\n'])
def test_broken_json_lines_are_told(lines: Path, content: str) -> None:
    told(lines, content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('text\n"never closed\na\n', "line 2: unexpected end of data"),
        ("text\nplain\none, two\n", "line 3: more fields than the 1 columns"),
        # The comma parts a text here, and what stands under "label" is its rest.
        ("text,label\nplain,\none, two,\n", "line 3: more fields than the 2 columns"),
    ],
)
def test_a_broken_table_is_told(table: Path, content: str, says: str) -> None:
    assert says in told(table, content)


def test_a_quotation_mark_that_belongs_to_a_text_swallows_no_records(table: Path) -> None:
    rows = [f"{i},film number {i}" for i in range(100)]
    rows[3], rows[90] = '3,"great film', '90,"awful" film'
    assert "line 5: ',' expected after" in told(table, "\n".join(["id,text", *rows]))


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ('"Great" he said,late', '"Great" he said'),
        ('"Great" he said,"late"', '"Great" he said'),
        ('"a ""b"" c",late', 'a "b" c'),
        ('a 5" pipe,late', 'a 5" pipe'),
        ('"a, b" ,late', "a, b"),
    ],
)
def test_quotation_marks_of_a_text_stay_in_it(table: Path, record: str, text: str) -> None:
    assert labels(table, f"text,label\n{record}\nc,lost\n") == {text: "late", "c": "lost"}


def test_names_of_columns_as_spreadsheets_leave_them(table: Path) -> None:
    table.write_text("id, text ,,\n1,hello,,\n,,,,,\n2,bye,,\n", encoding="utf-8")
    read = read_table(table)
    assert list(read.frame) == ["id", "text", "Unnamed: 2", "Unnamed: 3"]
    assert read.frame["text"].tolist() == ["hello", "bye"]
    assert read.blank == 1


def test_commas_without_quotes_do_not_swallow_half_of_the_text(table: Path) -> None:
    told(table, "text\nhello, world\nlate, again\n")


def test_a_list_where_a_text_should_be_is_told(lines: Path) -> None:
    told(lines, '{"text": ["a", "b"]}\n')


def test_a_column_may_have_a_number_for_a_name(lines: Path) -> None:
    assert texts(lines, '{"1": "a"}\n{"1": "b"}\n', "1") == ["a", "b"]


READABLE = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(READABLE, READABLE), min_size=1, max_size=5, unique_by=lambda pair: pair[0].strip()))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("data")
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "label"), *pairs])
    (folder / "data.csv").write_bytes(out.getvalue().encode())
    records = "\n".join(json.dumps({"text": text, "label": name}) for text, name in pairs)
    (folder / "data.jsonl").write_text(records, encoding="utf-8")
    expected = [(text.strip(), name.strip()) for text, name in pairs]
    for file in ("data.csv", "data.jsonl"):
        found = read_labelled(folder / file, "text", "label", "seed")
        assert [(e.text, e.label) for e in found] == expected


def test_a_partly_labelled_file_gives_the_labels_that_are_there(table: Path) -> None:
    table.write_text("text,label\na,late\nb,\nb,lost\nc, \n", encoding="utf-8")
    found = read_labelled(table, "text", "label", "seed", ["late", "lost"], partly=True)
    assert [(e.text, e.label) for e in found] == [("a", "late"), ("b", "lost")]
    with pytest.raises(DataError, match="does not know: 'late'"):
        read_labelled(table, "text", "label", "seed", ["lost", "paid"], partly=True)


def test_a_class_a_row_is_a_set_of_all_its_rows_where_texts_have_several(table: Path) -> None:
    table.write_text("text,label\na,lost\nb,late\na,late\n", encoding="utf-8")
    found = read_labelled(table, "text", "label", "seed", ["late", "lost"], multi_label=True)
    assert [(e.text, e.label) for e in found] == [("a", "late;lost"), ("b", "late")]


def test_no_label_is_the_empty_set_unless_the_file_is_partly_labelled(table: Path) -> None:
    table.write_text("text,label\na,late ;lost\nb,\n", encoding="utf-8")
    classes = ["late", "lost"]
    found = read_labelled(table, "text", "label", "seed", classes, multi_label=True)
    assert [e.label for e in found] == ["late;lost", ""]
    assert len(read_labelled(table, "text", "label", "seed", classes, multi_label=True, partly=True)) == 1
