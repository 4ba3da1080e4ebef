"""Files of any size as rows: every kind, as people save them, and what cannot be read told by line."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.row_reader import read_chunks, text_of
from connectors.row_writer import open_rows
from connectors.tables import read_table
from models.errors import DataError

ROWS: list[dict[str, Any]] = [{"id": str(i), "text": f'text "{i}",\nin two lines 한글'} for i in range(7)]


def read(path: Path, size: int = 3) -> list[dict[str, Any]]:
    return [row for chunk in read_chunks(path, "text", size) for row in chunk.rows]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_was_written_is_read_in_chunks(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    with open_rows(path, ["id", "text"]) as write:
        write(ROWS[:4])
        write(ROWS[4:])
    chunks = list(read_chunks(path, "text", 3))
    assert [len(chunk.rows) for chunk in chunks] == [3, 3, 1]
    assert [row for chunk in chunks for row in chunk.rows] == ROWS
    assert [c.done for c in chunks] == sorted(c.done for c in chunks)
    assert chunks[-1].done == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_encodings_that_spreadsheets_write(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("번호,text\n1,배송이 늦어요\n2,환불해 주세요\n", encoding=encoding)
    assert read(path) == [{"번호": "1", "text": "배송이 늦어요"}, {"번호": "2", "text": "환불해 주세요"}]


def test_what_a_spreadsheet_exports_as_unicode_and_says_of_its_separator(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("sep=|\nid|text\n1|가, 나;\n", encoding="utf-16")
    assert read(tmp_path / "rows.csv") == [{"id": "1", "text": "가, 나;"}]


def test_tabs_semicolons_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text("id\ttext\n1\ta, b\n\n2\tc\n", encoding="utf-8")
    (tmp_path / "rows.csv").write_text("\n;;\nid;text\n1;a, b\n2;c\n", encoding="utf-8")
    wanted = [{"id": "1", "text": "a, b"}, {"id": "2", "text": "c"}]
    assert read(tmp_path / "rows.tsv") == read(tmp_path / "rows.csv") == wanted


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.csv", "id, text, label\n1,hello there,pos\n"),
        ("trailing.csv", "text,label,,\nhello,pos,,\n"),
        ("index.csv", ",text\n0,hello\n"),
        ("UP.CSV", "id,text\n1,hello\n"),
        ("UP.TSV", "id\ttext\n1\thello, you\n"),
        ("UP.JSONL", '{"text": "hello"}\n'),
    ],
)
def test_what_a_run_reads_predict_reads_too(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert read(path) == read_table(path).frame.to_dict("records")


@pytest.mark.parametrize("last", ["999,plain", '999,"awful" film'])
def test_a_quotation_mark_that_nothing_closes_ends_no_file_unseen(tmp_path: Path, last: str) -> None:
    rows = [f"{i},film number {i}" for i in range(999)]
    rows[3] = '3,"great film'
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["id,text", *rows, last]), encoding="utf-8")
    with pytest.raises(DataError, match=r"line 5: .*A quotation mark that opens a text must close it"):
        read(path)


def test_numbers_and_nothing_are_texts_too() -> None:
    values = [None, float("nan"), 7, " a ", "\ud83d"]
    assert [text_of({"text": value}, "text") for value in values] == ["", "", "7", "a", "?"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.csv", "id,txt\n1,a\n", "column 'text' not in .*; it has: id, txt"),
        ("rows.csv", "\nid,text\n1,a,b\n", "line 3: more fields than the 2 columns"),
        ("rows.csv", "text,text\na,b\n", "column 'text' stands twice"),
        ("rows.csv", "id,text\n", "has no rows"),
        ("rows.csv", "", "has no rows"),
        ("rows.jsonl", '{"text": "a"}\n{"text": \n', "line 2: not JSON"),
        ("rows.jsonl", '{"text": "a"}\n["b"]\n', "line 2: a list"),
        ("rows.jsonl", '{"text": "a"}\n{"id": 1}\n', "column 'text' not in"),
        ("rows.parquet", "no parquet", "cannot be read as Parquet"),
        ("rows.xlsx", "anything", "of no kind that can be read"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=says):
        read(tmp_path / name)


def test_no_file_and_no_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read(tmp_path / "none.csv")
    # The quote of Windows-1252 and the letter after it are a syllable to CP949, though a rare one.
    for content in ("text\nun café\n".encode("latin-1"), "text\nit’s late\n".encode("cp1252")):
        (tmp_path / "rows.csv").write_bytes(content)
        with pytest.raises(DataError, match="not UTF-8, nor Korean"):
            read(tmp_path / "rows.csv")


def test_a_list_is_no_text() -> None:
    with pytest.raises(DataError, match="holds a list"):
        text_of({"text": ["a"]}, "text")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_text_survives_csv(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rows.csv"
        with open_rows(path, ["id", "text"]) as write:
            write([{"id": "1", "text": text} for text in texts])
        assert [row["text"] for row in read(path, 2)] == texts


def test_cells_of_parquet_come_out_as_they_stand(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", None], "n": [1, 2], "tags": [["x"], []]})
    pq.write_table(table, tmp_path / "rows.parquet")
    assert read(tmp_path / "rows.parquet") == [{"text": "a", "n": 1, "tags": ["x"]}, {"text": None, "n": 2, "tags": []}]


def test_nested_json_goes_out_as_it_came_in(tmp_path: Path) -> None:
    row = {"text": "a", "meta": {"tags": [1, None]}, "n": 1}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    with open_rows(tmp_path / "out.jsonl", list(row)) as write:
        write(read(tmp_path / "in.jsonl"))
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8")) == row
