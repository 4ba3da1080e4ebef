"""From data that nobody prepared to a run's examples: whatever mess it is in, the written configuration runs."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.datasets import read_labelled
from loop.config import load_config
from loop.data import load_examples
from loop.init.answers import answers, default_title, look_at
from loop.init.config_file import _relative, render, write_config
from loop.store import Store
from models.errors import ConfigError, DataError, LabelloopError
from models.records import Example

CORPORA = Path(__file__).parents[3] / "loop" / "corpus"
Rows = list[dict[str, str]]


def rows(language: str, count: int = 160, labelled: int = 40) -> Rows:
    """Texts of a packaged corpus under the names and among the columns of somebody's export."""
    found = read_labelled(CORPORA / language / "pool.csv", "text", "label", "pool")[:count]
    texts = [f'{e.text.encode("cp949", "replace").decode("cp949")} "{i}"\n끝' for i, e in enumerate(found)]
    labels = [str(e.label) if i < labelled else "" for i, e in enumerate(found)]
    return [
        {"번호": str(i), "유형": label, "channel": "앱,웹"[i % 3 :], "본문": text}
        for i, (label, text) in enumerate(zip(labels, texts, strict=True))
    ]


def table(rows: Rows, separator: str = ",", end: str = "\r\n", blank: str = "") -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator, lineterminator=end)
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow(row)
        if blank and number % 9 == 0:
            out.write(blank + end)
    return out.getvalue()


def shuffled(rows: Rows) -> Rows:
    return [dict(reversed(row.items())) for row in rows]


MESSES: dict[str, Callable[[Rows], bytes]] = {
    "plain": lambda rows: table(rows).encode(),
    "mark": lambda rows: table(shuffled(rows)).encode("utf-8-sig"),
    "cp949": lambda rows: table(rows, blank=",,,").encode("cp949"),
    "old mac": lambda rows: table(shuffled(rows), end="\r").encode("cp949"),
    "semicolons": lambda rows: table(rows, ";", blank="\r\n").encode("cp949"),
}


def take(_: str, default: str) -> str:
    return default


def start(data: Path, to: Path, **given: object) -> list[Example]:
    """What a first run reads, after init without a question."""
    holdout = given.get("holdout")
    found = look_at(data, holdout if isinstance(holdout, Path) else None)
    config = write_config(to, answers(data, found, take, **given), found)  # type: ignore[arg-type]
    assert config == load_config(to)
    with Store(config.run.directory) as store:
        load_examples(config, store)
        return store.all(Example)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("mess", MESSES)
def test_any_mess_gives_the_same_examples(tmp_path: Path, mess: str, language: str) -> None:
    data = rows(language)
    (tmp_path / "export.csv").write_bytes(MESSES[mess](data))
    (tmp_path / "conf").mkdir()
    examples = start(tmp_path / "export.csv", tmp_path / "conf" / "run.toml")
    expected = {(row["본문"], row["유형"] or None) for row in data}
    assert {(e.text, e.label) for e in examples} == expected
    assert {e.origin for e in examples if e.label} == {"seed"}
    config = load_config(tmp_path / "conf" / "run.toml")
    assert (config.data.text, config.data.label, config.task.language) == ("본문", "유형", language)
    assert config.run.labels == 40 + 96
    assert config.data.holdout_size == 24


def test_a_holdout_file_brings_its_labels(tmp_path: Path) -> None:
    pool = [{k: v for k, v in row.items() if k != "유형"} for row in rows("en")]
    (tmp_path / "pool.csv").write_text(table(pool), encoding="utf-8")
    (tmp_path / "hold.csv").write_text(table(rows("en", 240, 240)[160:]), encoding="utf-8")
    examples = start(tmp_path / "pool.csv", tmp_path / "run.toml", holdout=tmp_path / "hold.csv")
    assert sum(e.origin == "holdout" and e.label is not None for e in examples) == 80
    assert load_config(tmp_path / "run.toml").classes.keys() == {e.label for e in examples if e.label}
    (tmp_path / "other.csv").write_text("본문,n\nwhere is it now,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no column of .*other\.csv looks like labels"):
        look_at(tmp_path / "pool.csv", tmp_path / "other.csv")


def test_a_fully_labelled_file_is_a_pool(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text(table(rows("en", labelled=160)), encoding="utf-8")
    assert {e.origin for e in start(tmp_path / "pool.csv", tmp_path / "run.toml")} == {"pool"}


def test_what_is_given_is_not_asked_and_what_is_asked_is_taken(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text(
        "body\n" + "".join(f"where is parcel {i}\n" for i in range(90)), encoding="utf-8"
    )
    found = look_at(tmp_path / "pool.csv")
    asked = []

    def ask(question: str, default: str) -> str:
        asked.append(question)
        return {"The classes, with commas": "late, lost"}.get(question, default or "so")

    given = answers(tmp_path / "pool.csv", found, ask)
    assert (given.classes, given.project) == ({"late": "so", "lost": "so"}, "pool")
    assert len(asked) == 5
    asked.clear()
    given = answers(tmp_path / "pool.csv", found, ask, task="Which?", classes=["a", "b"], project="Desk")
    assert (given.task, given.project, list(given.classes)) == ("Which?", "Desk", ["a", "b"])
    assert len(asked) == 2
    with pytest.raises(ConfigError, match="--classes"):
        answers(tmp_path / "pool.csv", found, take)


def test_nothing_is_overwritten_and_a_failure_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text(table(rows("en")), encoding="utf-8")
    (tmp_path / "run.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="File exists"):
        start(tmp_path / "pool.csv", tmp_path / "run.toml")
    assert (tmp_path / "run.toml").read_text(encoding="utf-8") == "mine"
    for wrong in ({"classes": ["one", "two"]}, {"project": "x"}, {"classes": ["✗", "a"]}):
        with pytest.raises(LabelloopError):
            start(tmp_path / "pool.csv", tmp_path / "new.toml", **wrong)
        assert not (tmp_path / "new.toml").exists()


def test_too_few_texts_are_told(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text(table(rows("en", 25, 25)), encoding="utf-8")
    with pytest.raises(DataError, match="25 distinct texts are too few"):
        start(tmp_path / "pool.csv", tmp_path / "run.toml")


ANY = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@given(task=ANY, names=st.lists(ANY, min_size=2, max_size=4, unique=True), meaning=ANY)
def test_any_words_come_back_from_the_file(
    tmp_path_factory: pytest.TempPathFactory, task: str, names: list[str], meaning: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "p.csv").write_text("text\n" + "".join(f"text number {i}\n" for i in range(50)), encoding="utf-8")
    found = look_at(folder / "p.csv")
    given = answers(folder / "p.csv", found, lambda q, default: default or meaning, task=task, classes=names)
    (folder / "run.toml").write_text(render(folder / "run.toml", given, found), encoding="utf-8")
    config = load_config(folder / "run.toml")
    assert config.task.description == task
    assert config.classes == dict.fromkeys(names, meaning)


@pytest.mark.parametrize(
    ("data", "title"),
    [
        ("a/b/tickets 2024.csv", "tickets-2024"),
        ("hf:owner/name:test", "name-test"),
        ("티켓.csv", "texts-티켓"),
        ("x" * 90, "x" * 50),
    ],
)
def test_the_title_comes_from_the_data(data: str, title: str) -> None:
    assert default_title(Path(data)) == title


def test_labels_that_are_sets_make_a_multi_label_task(tmp_path: Path) -> None:
    sets = ["late;lost", "late", "lost", "paid; late", ""]
    lines = "".join(f"where is parcel number {i},{sets[i % 5]}\n" for i in range(700))
    (tmp_path / "pool.csv").write_text("text,labels\n" + lines, encoding="utf-8")
    examples = start(tmp_path / "pool.csv", tmp_path / "run.toml")
    config = load_config(tmp_path / "run.toml")
    assert config.task.multi_label
    assert list(config.classes) == ["late", "lost", "paid"]
    assert {e.label for e in examples if e.origin == "seed"} == {"late;lost", "late", "lost", "late;paid"}
    assert sum(e.origin == "pool" for e in examples) == 140


@pytest.mark.parametrize("sets_in", ["pool.csv", "held.csv"])
def test_sets_in_either_file_are_sets_in_both(tmp_path: Path, sets_in: str) -> None:
    labels = {"pool.csv": ["late", "lost"] * 30, "held.csv": ["late", "lost"] * 10}
    labels[sets_in][-2:] = ["late;lost", "late;lost"]
    for name, column in labels.items():
        rows = [f"where is parcel number {n} of {name},{label}" for n, label in enumerate(column)]
        (tmp_path / name).write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")
    found = look_at(tmp_path / "pool.csv", tmp_path / "held.csv")
    assert found.multi_label
    assert set(found.classes) == {"late", "lost"}


def test_a_configuration_in_a_linked_folder_finds_its_data(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    (tmp_path / "data.csv").touch()
    written = _relative(tmp_path / "data.csv", tmp_path / "link" / "run.toml")
    assert (tmp_path / "real" / "deep" / written).resolve() == (tmp_path / "data.csv").resolve()
    assert _relative(tmp_path / "link" / "x.csv", tmp_path / "link" / "run.toml") == "x.csv"
