"""Labels for files: columns pass through, doubt leaves a label out, and nothing grows with the file."""

import codecs
import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import TableEncoder
from small_run import write_config

from loop.predict import CHUNK, Summary, check_source, find_model, predict
from models.char_ngrams import CharNgramEncoder
from models.classifier import TextClassifier
from models.errors import DataError, WeightsError

POINTS = TableEncoder({"west": [-1, 0], "east": [1, 0], "middle": [0, 1], "north west": [-1, 0.3]})


@pytest.fixture(scope="module")
def compass() -> TextClassifier:
    return TextClassifier(POINTS, "frozen").fit(["west", "east"] * 4, ["w", "e"] * 4)


def labelled(
    classifier: TextClassifier, source: Path, threshold: float = 0.0, suffix: str = ".csv"
) -> tuple[list[dict[str, str]], Summary]:
    target = source.with_name(f"labelled{suffix}")
    summary = predict(classifier, source, "text", threshold, target, lambda *_: None)
    if suffix == ".parquet":
        return pq.read_table(target).to_pylist(), summary
    with target.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)), summary


def test_columns_pass_through_and_doubt_leaves_the_label_out(compass: TextClassifier, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("id,text\n007,north west\n8,middle\n9, \n", encoding="utf-8")
    rows, summary = labelled(compass, source, threshold=0.6)
    assert [(row["id"], row["text"], row["predicted_label"]) for row in rows] == [
        ("007", "north west", "w"), ("8", "middle", ""), ("9", " ", ""),
    ]  # fmt: skip
    assert [row["predicted_probability"] for row in rows[1:]] == ["0.5", ""]
    assert float(rows[0]["predicted_probability"]) == pytest.approx(
        compass.predict_proba(["north west"]).max(), abs=1e-6
    )
    assert (summary.texts, summary.abstained, summary.empty, dict(summary.labels)) == (3, 1, 1, {"w": 1})


def test_without_a_threshold_every_text_is_labelled(compass: TextClassifier, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("text\nmiddle\n", encoding="utf-8")
    rows, summary = labelled(compass, source)
    assert rows[0]["predicted_label"] in {"w", "e"}
    assert summary.abstained == 0


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", b""), ("utf-8-sig", codecs.BOM_UTF8), ("cp949", codecs.BOM_UTF8)]
)
def test_what_a_spreadsheet_wrote_a_spreadsheet_can_read(
    compass: TextClassifier, tmp_path: Path, encoding: str, mark: bytes
) -> None:
    (tmp_path / "rows.csv").write_text("text,메모\nwest,가나다\n", encoding=encoding)
    predict(compass, tmp_path / "rows.csv", "text", 0.0, tmp_path / "to.csv", lambda *_: None)
    assert (tmp_path / "to.csv").read_bytes().startswith(mark + "text,메모,predicted_label".encode())


def test_parquet_keeps_its_types(compass: TextClassifier, tmp_path: Path) -> None:
    source = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"n": pa.array([1, None], pa.int16()), "text": ["west", None]}), source)
    rows, _ = labelled(compass, source, suffix=".parquet")
    assert [row["n"] for row in rows] == [1, None]
    assert [row["predicted_label"] for row in rows] == ["w", ""]
    assert pq.read_schema(tmp_path / "labelled.parquet").field("n").type == pa.int16()


def test_a_file_longer_than_a_chunk_keeps_its_order(compass: TextClassifier, tmp_path: Path) -> None:
    texts = [("west", "east", "")[i % 3] for i in range(CHUNK + 5)]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    heard: list[tuple[int, float]] = []
    predict(compass, source, "text", 0.0, tmp_path / "out.csv", lambda *said: heard.append(said))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [row["predicted_label"] for row in csv.DictReader(file)] == [text[:1] for text in texts]
    assert [count for count, _ in heard] == [CHUNK, CHUNK + 5]
    assert heard[-1][1] == 1


def test_sets_of_classes_are_labels_too(tmp_path: Path) -> None:
    known = ["west", "east", "middle"] * 4
    classifier = TextClassifier(POINTS, multi_label=True).fit(known, ["w", "e", "e;w"] * 4)
    source = tmp_path / "rows.csv"
    source.write_text("text\nwest\nmiddle\n", encoding="utf-8")
    rows, _ = labelled(classifier, source)
    assert [row["predicted_label"] for row in rows] == classifier.predict(["west", "middle"]).tolist()


def test_a_file_that_is_labelled_already_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,predicted_label\nwest,w\n", encoding="utf-8")
    with pytest.raises(DataError, match="has a column 'predicted_label' already"):
        check_source(tmp_path / "rows.csv", "text")


def test_a_model_is_found_by_its_directory_its_run_and_its_configuration(tmp_path: Path) -> None:
    config = write_config(tmp_path, data={"text": "text"})
    with pytest.raises(WeightsError, match="once its first round is fitted"):
        find_model(config)
    classifier = TextClassifier(CharNgramEncoder.learn(["a b", "c d", "e"]), "frozen").fit(["a b", "c d"], ["x", "y"])
    folder = tmp_path / "run" / "model"
    classifier.save(folder)
    assert find_model(config) == find_model(folder) == find_model(folder.parent) == (folder, "text")
