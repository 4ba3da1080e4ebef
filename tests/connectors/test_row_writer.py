"""Rows to files: nothing is written over, nothing half stands, and what does not fit is told."""

from pathlib import Path

import pytest

from connectors.row_writer import check_target, open_rows
from models.errors import DataError


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_breaks_off_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    def write_half() -> None:
        with open_rows(tmp_path / f"rows{suffix}", ["text"]) as write:
            write([{"text": "a"}])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert not list(tmp_path.iterdir())


def put(path: Path, *chunks: dict[str, object]) -> None:
    with open_rows(path, ["a"]) as write:
        for row in chunks:
            write([row])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_that_the_first_rows_have_not(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match=r"'b'.*write JSON lines"):
        put(tmp_path / f"rows{suffix}", {"a": "1"}, {"a": "2", "b": "3"})


def test_a_type_that_the_first_rows_have_not(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="write JSON lines"):
        put(tmp_path / "rows.parquet", {"a": 1}, {"a": "one"})


def test_a_carriage_return_alone_begins_no_row(tmp_path: Path) -> None:
    put(tmp_path / "rows.csv", {"a": "line one\rline two"}, {"a": "plain"})
    assert (tmp_path / "rows.csv").read_bytes() == b'a\n"line one\rline two"\nplain\n'


def test_half_a_surrogate_pair_can_be_written(tmp_path: Path) -> None:
    with open_rows(tmp_path / "rows.jsonl", ["text"]) as write:
        write([{"text": "\ud83d"}])
    assert (tmp_path / "rows.jsonl").read_text(encoding="utf-8") == '{"text": "\\ud83d"}\n'


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("mine")
    with pytest.raises(DataError, match="is there already"):
        check_target(tmp_path / "rows.csv")
    with pytest.raises(DataError, match="no kind that can be written"):
        check_target(tmp_path / "rows.xlsx")
    with pytest.raises(DataError, match="no directory"):
        check_target(tmp_path / "none" / "rows.csv")
    check_target(tmp_path / "new.parquet")
