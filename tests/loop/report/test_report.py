"""The report: the store's numbers, in both languages, on a page that asks for nothing and runs nothing."""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fakes import TASK
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from small_run import instant, write_config, write_or_choose
from told_run import HOSTILE, fill

from loop.commands.report import report as report_command
from loop.config import load_config
from loop.labelled import human_examples
from loop.parts import assemble
from loop.randomness import STAGES
from loop.report import charts
from loop.report.curve import read_replay
from loop.report.page import LANGUAGES, language_for, page, words_of
from loop.report.regions import typical
from loop.report.run import LONGEST, Run, excerpt
from loop.report.sections import SECTIONS, collect
from loop.report.serve import LivePage, open_server
from loop.rounds import run
from loop.store import Store
from models.chat import Rest
from models.errors import ConfigError, DataError, StoreError
from models.llm import ScriptedLLM
from models.measures import Evaluation, HoldoutAnswers, SourceTrust
from models.records import Candidate, Example, LabelTask, Region, Rejection, Suggestion, TaskDescription, Verdict


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text without the style sheet."""

    VOID = frozenset({"meta", "rect", "line", "path", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def checked(html: str) -> Page:
    """A page that parses, and whose every tag is the report's own: none runs, restyles or fetches."""
    found = Page(html)
    assert found.open == []
    names = [tag for tag, _ in found.tags]
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & set(names)
    assert names.count("style") == 1
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert all(value is None or "http" not in value for n, value in attributes.items() if "xmlns" not in n)
        assert str(attributes.get("href", "#")).startswith("#")
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    return found


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store, HOSTILE)
    return store


def shown(store: Store, language: str = "en", **replaced: Any) -> tuple[dict[str, Any], Page]:
    found = replace(Run(store, TASK, "tickets"), **replaced)
    sections = collect(found)
    return sections, checked(page(found, sections, language))


def section(store: Store, name: str, task: TaskDescription = TASK) -> dict[str, Any]:
    found = SECTIONS[name](Run(store, task, "tickets"))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a finished run, made by the loop itself."""
    path = write_config(tmp_path_factory.mktemp("report"), learner={"encoder": "char-ngram"})
    config = load_config(path)
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config), ScriptedLLM(write_or_choose)))
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_finished_run_is_told_in_its_own_numbers(small: Path, language: str) -> None:
    out = small.with_name("out.html")
    report_command(small, to=out, language=language)
    with Store(load_config(small).run.directory, read_only=True) as store:
        points, answers = store.all(Evaluation), store.all(HoldoutAnswers)
        trust = [t for t in store.all(SourceTrust) if t.examples]
        region = store.all(Region)[-1]
        truth = {e.id: e.label for e in store.all(Example, origin="holdout")}
    text = checked(out.read_text(encoding="utf-8")).text
    for point in points:
        assert f"{100 * point.accuracy:.1f} [{100 * point.low:.1f}, {100 * point.high:.1f}]" in text
    assert f"{100 * trust[-1].worth:+.1f}".replace("-", "−") in text
    assert f"{region.uncertainty:.2f}" in text
    right = [truth[example] == label for example, label in zip(answers[-1].examples, answers[-1].labels, strict=True)]
    assert len(right) == 60
    assert sum(right) / 60 == pytest.approx(points[-1].accuracy)
    assert not [text for text in truth if text in out.read_text(encoding="utf-8")]


def test_the_page_lies_in_the_run_and_data_is_json(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report_command(small, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert Path(found["file"]) == small.parent / "run" / "report.html"
    assert Path(found["file"]).is_file()
    assert list(found["sections"]) == [name for name in SECTIONS if name in found["sections"]]
    assert found["sections"]["standing"]["human_labels"] == 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_are_shown_and_do_nothing(filled: Store, language: str) -> None:
    task = replace(TASK, sentence=HOSTILE[0])
    sections, found = shown(filled, language, task=task, name=HOSTILE[1])
    assert set(sections) == set(SECTIONS)
    assert found.text.count(HOSTILE[0]) >= 2
    for number in ("+3.1 [+1.0, +6.0]", "−1.2 [−3.4, +1.1]", "50.0 [29.9, 70.1]", "brand-new"):
        assert number in found.text
    assert "{{ 7 * 7 }}" in found.text
    assert "word" * 60 not in found.text
    assert "\x1b" not in found.text
    # A text of either direction keeps to itself.
    quotes = [attributes for tag, attributes in found.tags if tag == "q"]
    assert quotes
    assert all(attributes == {"dir": "auto"} for attributes in quotes)


@given(st.text(st.characters(), max_size=600), st.integers(1, 300))
def test_an_excerpt_is_short_and_can_be_written(text: str, most: int) -> None:
    found = excerpt(text, most)
    assert len(found) <= most + 1
    found.encode()
    assert found == " ".join(found.split())
    assert excerpt("\ud800 half") == "? half"
    assert len(excerpt("x" * 100_000)) == LONGEST + 1


def test_each_region_says_what_became_of_the_texts_written_for_it(filled: Store) -> None:
    first, *others = section(filled, "regions")["regions"]
    assert first["written"] == {"written": 4, "nearest": 3, "uncertain": 2}
    assert all(region["written"] == {"written": 0, "nearest": 0, "uncertain": 0} for region in others)


def test_precision_and_recall_by_class(filled: Store) -> None:
    late, lost, paid = section(filled, "classes")["classes"]
    interval = binomtest(10, 20).proportion_ci(0.95, "wilson")
    assert (late["precision"]["low"], late["precision"]["high"]) == pytest.approx(tuple(interval), abs=1e-4)
    assert late["recall"]["share"] == 1.0
    assert lost["precision"] is None
    assert lost["recall"]["share"] == 0.0
    assert (paid["precision"]["share"], paid["texts"]) == (1.0, 10)


def test_the_confusion_matrix_has_truth_in_its_rows(filled: Store) -> None:
    found = section(filled, "confusion")
    assert found["matrix"] == [[10, 0, 0], [10, 0, 0], [0, 0, 10]]
    assert found["worst"] == [{"truth": "lost", "said": "late", "texts": 10}]


def test_sets_of_classes_have_no_confusion_matrix(filled: Store) -> None:
    filled.add([HoldoutAnswers(3, ("h0", "h1", "h2"), ("late;lost", "", "paid"))])
    sets = replace(TASK, multi_label=True)
    assert SECTIONS["confusion"](Run(filled, sets, "tickets")) is None
    _, lost, _ = section(filled, "classes", sets)["classes"]
    assert (lost["precision"]["share"], lost["recall"]["share"], lost["texts"]) == (0.0, 0.0, 1)


def test_a_label_that_looks_wrong_is_listed_while_it_stands(filled: Store) -> None:
    found = section(filled, "doubts")
    row = {"label": "late", "likely": "paid", "probability": 0.83, "text": HOSTILE[0]}
    assert found == {"rows": [row], "doubted": 1, "labels": len(human_examples(filled))}
    filled.add([Verdict("u0", "label", "paid", "ann", "2", 3.0)])
    assert SECTIONS["doubts"](Run(filled, TASK, "tickets")) is None


def test_rejections_are_counted_by_reason_and_round(filled: Store) -> None:
    found = section(filled, "rejections")
    assert [(r["reason"], r["count"]) for r in found["reasons"]] == [
        ("duplicate", len(HOSTILE)),
        ("brand-new", 1),
    ]
    assert found["rounds"] == [{"round": 1, "made": len(HOSTILE), "counts": [len(HOSTILE), 1]}]
    assert len(found["reasons"][0]["samples"]) == 3
    assert found["reasons"][1]["samples"] == [{"text": HOSTILE[0], "label": "paid"}]


def test_near_copies_of_the_holdout_are_counted_not_shown(filled: Store) -> None:
    filled.add([Candidate("c", "holdout 1", 1, 0, "late", "copied", "m", ())])
    filled.add([Rejection(1, "llm-text", "copied c", "holdout-copy")])
    (copies,) = [r for r in section(filled, "rejections")["reasons"] if r["reason"] == "holdout-copy"]
    assert (copies["count"], copies["samples"]) == (1, [])


def test_what_was_spent_stands_by_arm(filled: Store) -> None:
    found = section(filled, "ledger")
    assert {arm: (sums["labels"], sums["tokens"]) for arm, sums in found["arms"].items()} == {
        "human": (1, 0),
        "llm-text": (0, 1234),
        "all": (1, 1234),
    }


def test_what_each_class_cost_is_told(filled: Store) -> None:
    sections, found = shown(filled, "ko")
    assert sum(row["labels"] for row in sections["ledger"]["classes"].values()) == 1
    assert ("aria-label", words_of("ko")["ledger"]["by_class"]) in [a for _, attrs in found.tags for a in attrs.items()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cap", ["token", "money"])
def test_an_llm_that_rests_is_told(filled: Store, language: str, cap: str) -> None:
    filled.add([Rest(2, "label", "human", cap)])
    assert words_of(language)["ledger"]["resting"][cap] in shown(filled, language)[1].text


def test_the_measures_of_written_texts(filled: Store) -> None:
    (row,) = section(filled, "written")["rounds"]
    assert (row["kept"], row["nearest"], row["distinct_2"]) == (4, 0.75, 0.512)


def test_people_agree_under_numbers_not_names(filled: Store) -> None:
    tasks = [LabelTask(f"both{n}", f"b{n}", "t", 1, "query", 0.5, people=2) for n in range(4)]
    filled.add(tasks)
    filled.add([Verdict(t.uid, "label", "late" if n else "lost", "Ann", "1") for n, t in enumerate(tasks)])
    filled.add([Verdict(t.uid, "label", "late", "Bob", "1") for t in tasks])
    sections, found = shown(filled, "ko")
    agreement = sections["people"]["agreement"]
    assert agreement["tasks"] == 4
    assert [p["of"] for p in agreement["people"]] == [4, 4]
    assert f"{agreement['alpha']:.2f}" in found.text
    assert "작업자 2" in found.text
    assert "Bob" not in found.text
    assert "라운드별 일치도" not in found.text

    more = [LabelTask(f"both{n}", f"b{n}", "t", 2, "query", 0.5, people=2) for n in range(4, 6)]
    filled.add(more)
    for who, label in (("Bob", "lost"), ("Cho", "late")):
        filled.add([Verdict(t.uid, "label", label, who, "1") for t in more])
    sections, found = shown(filled, "ko")
    assert [(r["round"], len(r["pairs"])) for r in sections["people"]["agreement"]["rounds"]] == [(1, 1), (2, 1)]
    assert "라운드별 일치도" in found.text
    assert "카파 2–3" in found.text
    assert "카파 3–4" in found.text


def test_one_person_agrees_with_nobody_and_may_be_swayed(filled: Store) -> None:
    filled.add([Suggestion(f"p{n}", 1, "m", "late", 0.9) for n in range(2, 4)])
    filled.add([LabelTask(f"s{n}", f"p{n}", "t", 1, "query", 0.5, "late", 0.9, suggester="m") for n in range(2, 4)])
    filled.add([Verdict(f"s{n}", "label", ("late", "paid")[n % 2], "ann", "1") for n in range(2, 4)])
    sections, found = shown(filled)
    assert sections["people"]["agreement"] is None
    (row,) = sections["people"]["sway"]
    assert (row["suggester"], row["shown"]["hits"], row["shown"]["of"], row["sway"]) == ("m", 1, 2, None)
    assert "how far they agree is not known" in found.text
    assert "50.0 [9.5, 90.5]" in found.text


def test_how_often_suggestions_are_accepted_and_machines_right(filled: Store) -> None:
    seen = [n < 6 for n in range(12)]
    filled.add([Suggestion(f"q{n}", 1, "m", "late", 0.8) for n in range(12)])
    filled.add(
        [
            LabelTask(f"s{n}", f"q{n}", "t", 1, "query", 0.5, "late" if shown else None, suggester="m")
            for n, shown in enumerate(seen)
        ]
    )
    filled.add([Verdict(f"s{n}", "label", "late" if n % 3 else "paid", "ann", "1") for n in range(12)])
    sections, found = shown(filled)
    (accepted,) = sections["people"]["accepted"]
    assert (accepted["round"], accepted["suggester"], accepted["of"]) == (1, "m", 6)
    groups = {row["group"]: row for row in sections["people"]["groups"]}
    assert groups.keys() == {"late", "0.7–0.9"}
    assert [(row["accepted"]["hits"], row["blind"]["of"]) for row in groups.values()] == [(4, 6), (4, 6)]
    assert "Right, unseen" in found.text


def test_a_source_shows_what_it_was_worth_and_cost(filled: Store) -> None:
    filled.add([SourceTrust(1, "llm-text", 0, 0, 0, 0, 0)])
    (source,) = section(filled, "sources")["sources"]
    assert [(t["round"], t["tokens"], t["seconds"]) for t in source["rounds"]] == [(2, 0, 0.0), (1, 1234, 5.0)]


def test_a_run_that_has_not_begun_has_a_page(store: Store) -> None:
    sections, found = shown(store)
    assert list(sections) == ["standing"]
    assert "not known yet" in found.text


def test_the_languages_say_the_same_things() -> None:
    def keys(words: dict[str, Any], above: str = "") -> Iterator[tuple[str, frozenset[str]]]:
        for key, value in words.items():
            if isinstance(value, dict):
                yield from keys(value, f"{above}{key}.")
            else:
                yield above + key, frozenset(part.split("}")[0] for part in value.split("{")[1:])

    english, korean = (dict(keys(words_of(language))) for language in LANGUAGES)
    assert english == korean
    assert {f"{name}.title" for name in SECTIONS} <= set(english)
    assert {f"stages.{stage}" for stage in STAGES} <= set(english)


def test_the_language_is_the_tasks_unless_asked(store: Store) -> None:
    french = Run(store, replace(TASK, language="fr"), "x")
    assert language_for(french, None) == "en"
    assert language_for(replace(french, task=replace(TASK, language="ko")), None) == "ko"
    with pytest.raises(ConfigError, match="'fr'; there are: en, ko"):
        language_for(french, "fr")


def test_a_replay_stands_beside_the_run(filled: Store, tmp_path: Path) -> None:
    def played(arm: str, seed: int, accuracy: float) -> dict[str, Any]:
        point = {"human_labels": 20, "accuracy": accuracy, "macro_f1": 0.5, "low": 0.1, "high": 0.9}
        return {"arm": arm, "seed": seed, "curve": [point]}

    file = tmp_path / "out.json"
    arms = [played("random", 0, 0.4), played("random", 1, 0.5), played("<script>\ud800", 0, 0.7)]
    arms += [played(f"arm {n}", 0, 0.5) for n in range(4)]
    plan, full = {"train": "/some/where/train.csv"}, {"accuracy": 0.876}
    file.write_text(json.dumps({"plan": plan, "arms": arms, "full_supervision": full}), encoding="utf-8")
    sections, found = shown(filled, replay=read_replay(file))
    replayed = sections["curve"]["replay"]
    assert (replayed["arms"][0]["arm"], replayed["seeds"], replayed["left_out"]) == ("random", 2, 1)
    assert replayed["arms"][0]["points"] == [{"human_labels": 20, "accuracy": 0.45, "macro_f1": 0.5}]
    assert "<script>?" in found.text
    assert "87.6" in found.text
    assert "/some/where" not in found.text


@pytest.mark.parametrize("content", ["", "[]", '{"arms": []}', '{"arms": [{"arm": "x"}]}'])
def test_what_is_no_replay_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "out.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="no results of a replay"):
        read_replay(tmp_path / "out.json")
    with pytest.raises(DataError, match="give the file"):
        read_replay(tmp_path / "none.json")


def test_charts_are_drawn_in_the_colours_of_the_page() -> None:
    drawn = str(charts.agreement([{"round": 2, "kappa": 0.5}, {"round": 3, "kappa": 0.75}], words_of("ko")["outlook"]))
    assert "var(--series-0)" in drawn
    assert 'fill="currentColor"' in drawn
    assert "라운드" in drawn


def test_rounds_are_whole_numbers() -> None:
    rounds = [{"round": n, "kappa": 0.97 + n / 1000} for n in range(2, 30)]
    for many, named in ((3, ["2", "3", "4"]), (28, ["5", "10", "15", "20", "25"])):
        drawn = str(charts.agreement(rounds[:many], words_of("en")["outlook"]))
        assert [tick for tick in re.findall(r">([^<]+)</text>", drawn) if "0." not in tick][: len(named)] == named


def test_one_point_has_an_interval_too() -> None:
    trust = {"examples": 3, "worth": 0.03, "low": 0.01, "high": 0.06}
    one, two = (charts.worth([trust | {"round": n} for n in range(many)], words_of("en")["sources"]) for many in (1, 2))
    # The level across, and the stroke of the interval.
    assert [drawn.count("mark-rule role-mark") for drawn in (one, two)] == [2, 1]


def test_typical_texts_come_first() -> None:
    late = [f"where is my parcel number {n}" for n in range(5)]
    assert typical(["zzz qqq", *late], 3)[0] in late
    assert typical([], 3) == []


def test_it_is_served_and_follows_the_run(tmp_path: Path) -> None:
    made: list[float] = []
    (tmp_path / Store.FILE).write_bytes(b"x")

    def render() -> str:
        made.append(time.monotonic())
        return f"page {len(made)}"

    server = open_server(LivePage(tmp_path, render), 0)
    address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        read = [urllib.request.urlopen(f"{address}/", timeout=5).read() for _ in range(2)]
        (tmp_path / f"{Store.FILE}-wal").write_bytes(b"more")
        read.append(urllib.request.urlopen(f"{address}/", timeout=5).read())
        assert read == [b"page 1", b"page 1", b"page 2"]
        for path, host, code in (("/etc/passwd", "127.0.0.1", 404), ("/", "evil.example", 403)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(address + path, headers={"Host": host}), timeout=5)
            assert refused.value.code == code
        with pytest.raises(ConfigError, match="give another --port"):
            open_server(LivePage(tmp_path, render), server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_only_a_served_page_reloads_itself(store: Store) -> None:
    found = Run(store, TASK, "tickets")
    once, again = (page(found, collect(found), "en", refresh) for refresh in (0, 15))
    assert 'http-equiv="refresh"' not in once
    assert '<meta http-equiv="refresh" content="15">' in again


def test_mistakes_are_told(tmp_path: Path, small: Path) -> None:
    with pytest.raises(StoreError, match="no run in"):
        report_command(write_config(tmp_path))
    with pytest.raises(ConfigError, match="give another file with --to"):
        report_command(small, to=tmp_path / "no" / "where.html")
    with pytest.raises(ConfigError, match="leave out --to"):
        report_command(small, to=tmp_path / "x.html", serve=True)
