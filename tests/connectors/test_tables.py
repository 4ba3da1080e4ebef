"""Whatever people keep tables in comes out as the same table; what cannot be one is told."""

import codecs
import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import Bunch

from connectors.row_reader import read_chunks
from connectors.tables import read_table
from connectors.text_encoding import BLOCK, encoding_of
from models.errors import DataError

ROWS = {"text": ["배송이 늦어요", 'a, "b"\nc'], "label": ["late", "lost"]}
CSV = '\ntext,label\n배송이 늦어요,late\n"a, ""b""\nc",lost\n'


def columns(path: Path, content: bytes | None = None) -> dict[str, list[Any]]:
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return read_table(path).frame.to_dict("list")  # type: ignore[return-value]


def told(path: Path, content: bytes | None = None) -> str:
    with pytest.raises(DataError) as error:
        columns(path, content)
    return str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "euc-kr"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    found = columns(tmp_path / "t.csv", CSV.replace("\n", end).encode(encoding))
    assert found == {"text": ["배송이 늦어요", f'a, "b"{end}c'], "label": ROWS["label"]}
    assert read_table(tmp_path / "t.csv").encoding == ("utf-8" if "utf" in encoding else "cp949")


def test_json_lines_may_be_cp949(tmp_path: Path) -> None:
    assert columns(tmp_path / "t.jsonl", '{"text": "늦어요"}\n'.encode("cp949")) == {"text": ["늦어요"]}


@pytest.mark.parametrize("content", ["text\nok\nd’accord “naïf” café\n", "text\nok\nWähle, Größe!\n"])
def test_western_encodings_are_not_taken_for_korean(tmp_path: Path, content: str) -> None:
    message = told(tmp_path / "t.csv", content.encode("cp1252"))
    assert f"{tmp_path / 't.csv'}, line 3: the file is not UTF-8, nor Korean in CP949" in message


@pytest.mark.parametrize("text", ["“don’t”", "Größe", "中国", "naïveté"])
def test_what_cp949_would_decode_by_chance_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_bytes(text.encode("gb18030" if text == "中国" else "cp1252"))
    with pytest.raises(DataError, match="line 1"):
        encoding_of(tmp_path / "x")


def test_a_broken_byte_is_told_by_its_line_in_either_encoding(tmp_path: Path) -> None:
    assert "line 4" in told(tmp_path / "t.csv", "text\n가\n나\n".encode() + b"\xff\n")
    assert "line 3" in told(tmp_path / "t.csv", "text\n가\n".encode("cp949") + b"\xff\n")


@given(st.text(st.characters(codec="utf-8")))
def test_any_utf8_stays_as_it_is(text: str) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(text.encode())
        assert text.encode().decode(encoding_of(Path(file.name))) == text.removeprefix("\ufeff")


def test_letters_over_the_edge_of_a_block_are_whole(tmp_path: Path) -> None:
    text = f"{'a' * (BLOCK - 1)}가\n" * 2
    for encoding, found in (("utf-8", "utf-8-sig"), ("cp949", "cp949")):
        (tmp_path / "x").write_bytes(text.encode(encoding))
        assert encoding_of(tmp_path / "x") == found
    (tmp_path / "x").write_bytes(text.encode() + "가".encode()[:2])
    with pytest.raises(DataError, match="line 3"):
        encoding_of(tmp_path / "x")


def test_blank_rows_are_counted_and_records_keep_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("\n,,\nid,text,label\n1,a,x\n\n , ,\n2,b,y\n\n", encoding="utf-8")
    table = read_table(file)
    assert table.blank == 3
    assert table.frame["text"].to_dict() == {1: "a", 4: "b"}
    lines = tmp_path / "t.jsonl"
    lines.write_text('{"text": "a"}\n\n{"text": null}\n{"text": "b"}\n', encoding="utf-8")
    assert read_table(lines).frame["text"].to_dict() == {1: "a", 4: "b"}


def test_a_spreadsheet_may_write_semicolons_and_pad_names(tmp_path: Path) -> None:
    assert columns(tmp_path / "t.csv", b"text ; label\na, b;x\n") == {"text": ["a, b"], "label": ["x"]}


def test_a_broken_json_line_is_told_by_its_number(tmp_path: Path) -> None:
    assert "line 2: not JSON" in told(tmp_path / "t.jsonl", b'{"text": "a"}\n{"text": \n')
    assert "line 1: a list" in told(tmp_path / "t.jsonl", b'["a"]\n')


def test_whole_numbers_stay_whole_where_some_are_missing(tmp_path: Path) -> None:
    assert columns(tmp_path / "t.jsonl", b'{"label": 1}\n{"label": null, "text": "a"}\n')["label"][0] == 1
    pq.write_table(pa.table({"label": pa.array([1, None]), "text": ["a", "b"]}), tmp_path / "t.parquet")
    assert columns(tmp_path / "t.parquet")["label"] == [1, None]


def _named_table() -> pa.Table:
    features = {
        "label": {"names": ["late", "lost"], "_type": "ClassLabel"},
        "text": {"dtype": "string", "_type": "Value"},
    }
    table = pa.table({"text": ["a", "b", "c"], "label": [0, 1, -1]})
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def test_parquet_with_classes_by_name(tmp_path: Path) -> None:
    pq.write_table(_named_table(), tmp_path / "t.parquet")
    assert columns(tmp_path / "t.parquet") == {"text": ["a", "b", "c"], "label": ["late", "lost", None]}
    assert "cannot be read as parquet" in told(tmp_path / "broken.parquet", b"PAR1")


def test_a_saved_dataset(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    saved = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    saved.save_to_disk(tmp_path / "one", num_shards=2)
    datasets.DatasetDict({"train": saved, "test": saved}).save_to_disk(tmp_path / "two")
    expected = {"text": ["a", "b"], "label": ["yes", "no"]}
    assert columns(tmp_path / "one") == expected
    assert columns(tmp_path / "two" / "test") == expected
    message = told(tmp_path / "two")
    assert "splits train, test" in message
    assert str(tmp_path / "two" / "train") in message


def test_a_directory_of_files_is_one_table_in_the_order_of_names(tmp_path: Path) -> None:
    for name, text in (("b", "2"), ("a", "1")):
        columns(tmp_path / "d" / f"{name}.csv", f"text\n{text}\n".encode())
    assert columns(tmp_path / "d") == {"text": ["1", "2"]}
    assert columns(tmp_path / "d" / "b*.csv") == {"text": ["2"]}


def test_splits_and_kinds_are_not_mixed(tmp_path: Path) -> None:
    columns(tmp_path / "d" / "data" / "test-0.csv", b"text\na\n")
    columns(tmp_path / "d" / "data" / "train-0.csv", b"text\nb\n")
    message = told(tmp_path / "d")
    assert "splits test, train" in message
    assert columns(Path(message.rpartition(", ")[2])) == {"text": ["a"]}
    columns(tmp_path / "e" / "x.csv", b"text\na\n")
    columns(tmp_path / "e" / "x.jsonl", b'{"text": "a"}\n')
    assert "kinds .csv, .jsonl" in told(tmp_path / "e")


def test_an_empty_directory_and_a_pattern_without_files_are_told(tmp_path: Path) -> None:
    assert "put data files there" in told(tmp_path)
    assert "no file" in told(tmp_path / "*.csv")


def test_the_texts_of_a_scikit_learn_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = np.array(["1", "2"])
    subset = {"data": ["a", "b"], "target": np.array([1, 0]), "target_names": ["alt", "sci"], "filenames": files}
    cache = pickle.dumps({"train": Bunch(**subset), "test": Bunch(**subset | {"data": ["c", "d"]})})
    (tmp_path / "20news-bydate_py3.pkz").write_bytes(codecs.encode(cache, "zlib_codec"))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert sorted(columns(Path("sklearn:fetch_20newsgroups"))["text"]) == ["a", "b"]
    assert sorted(columns(Path("sklearn:fetch_20newsgroups:test"))["text"]) == ["c", "d"]
    assert "no loader 'load_iris'" in told(Path("sklearn:load_iris"))
    assert "cannot be had" in told(Path("sklearn:fetch_covtype"))


def read_elsewhere(name: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    code = f"{before}\nfrom pathlib import Path; from connectors.tables import read_table\n"
    code += f"print(read_table(Path({name!r})).frame.to_dict('list'))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_a_dataset_by_its_name_on_the_hub(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "data").mkdir()
    pq.write_table(_named_table(), tmp_path / "data" / "test.parquet")
    # The library takes a directory for a repository: the same path without a network.
    done = read_elsewhere(f"hf:{tmp_path / 'data'}:test", HF_HOME=str(tmp_path / "home"))
    assert done.stdout.strip() == "{'text': ['a', 'b', 'c'], 'label': ['late', 'lost', None]}", done.stderr
    assert "cannot be had" in told(Path("hf:nobody/nothing"))


def test_the_hub_without_its_library_says_what_to_install() -> None:
    done = read_elsewhere("hf:a/b", "import sys; sys.modules['datasets'] = None")
    assert "pip install 'labelloop[hub]'" in done.stderr


def test_a_text_a_line_unless_there_are_tabs(tmp_path: Path) -> None:
    assert columns(tmp_path / "t.txt", b"one, two\n\nthree\n") == {"text": ["one, two", "three"]}
    assert columns(tmp_path / "u.txt", b"text\tlabel\na, b\tx\n") == {"text": ["a, b"], "label": ["x"]}


def test_json_may_be_a_list_or_lines(tmp_path: Path) -> None:
    assert columns(tmp_path / "t.json", b'\n[{"text": "a"},\n {"text": "b"}]\n') == {"text": ["a", "b"]}
    assert columns(tmp_path / "u.json", b'{"text": "a"}\n{"text": "b"}\n') == {"text": ["a", "b"]}
    assert "item 2: a int" in told(tmp_path / "v.json", b'[{"text": "a"}, 1]')
    assert "not JSON" in told(tmp_path / "w.json", b'[{"text": "a"}')


def test_what_spreadsheets_write(tmp_path: Path) -> None:
    expected = {"text": ["a, b"], "label": ["x"]}
    assert columns(tmp_path / "sep.csv", b"sep=;\r\ntext;label\r\na, b;x\r\n") == expected
    assert columns(tmp_path / "pipe.csv", b"text|label\na, b|x\n") == expected
    assert columns(tmp_path / "utf16.csv", "text\tlabel\na, b\tx\n".encode("utf-16")) == expected
    assert read_table(tmp_path / "utf16.csv").encoding == "utf-16"


@pytest.mark.parametrize(("raw", "what"), [(b"PK\x03\x04..", "a spreadsheet"), (b"\x1f\x8b\x08", "compressed")])
def test_what_is_no_text_is_told(tmp_path: Path, raw: bytes, what: str) -> None:
    assert f"t.csv is {what}" in (message := told(tmp_path / "t.csv", raw))
    assert "save the table as CSV" in message


@pytest.mark.parametrize("content", [b"", b"\n\n", b"text,label\n", b"\xef\xbb\xbf"])
def test_a_file_without_rows_is_told(tmp_path: Path, content: bytes) -> None:
    assert told(tmp_path / "t.csv", content) == f"{tmp_path / 't.csv'} has no rows"


def test_files_of_different_columns_are_not_one_table(tmp_path: Path) -> None:
    columns(tmp_path / "d" / "a.csv", b"text,label\na,x\n")
    columns(tmp_path / "d" / "b.csv", b"message,intent\nb,y\n")
    assert "a.csv has the columns text, label, and" in (message := told(tmp_path / "d"))
    assert "b.csv has message, intent" in message


def test_a_column_that_stands_twice_in_parquet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "joined.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["id", "id"]), path)
    with pytest.raises(DataError, match="column 'id' stands twice: rename one"):
        read_table(path)
    with pytest.raises(DataError, match="column 'id' stands twice: rename one"):
        list(read_chunks(path, "id", 10))
