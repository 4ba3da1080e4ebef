"""The LLM arms of a replay: each is the default learner, with what its name says taken away."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_run import write_config

from connectors.openai_llm import OpenAILLM
from loop.ablation import ARMS, needs_llm
from loop.arms import Plan, arm_config
from loop.replay import replay, writer_of
from loop.shared_completions import SharedLLM, random_llm
from loop.store import Store
from models.chat import ChatRequest, Message
from models.errors import DataError
from models.llm import ScriptedLLM
from models.measures import SourceTrust
from models.records import Candidate, Queried, Region, Rejection

# The committee asks in rounds only, and the replay that the arms share has none.
WITH_LLM = tuple(arm for arm in ARMS if needs_llm(arm) and arm != "llm-committee")
WITHOUT = ("no-descriptions", "no-self-training", "random-start", "macro-f1", "margin-no-descriptions")


def plan_of(folder: Path, arms: tuple[str, ...]) -> Plan:
    write_config(folder, pool=150)
    files = {"train": folder / "pool.csv", "test": folder / "holdout.csv"}
    return Plan(
        **files, arms=arms, labels=20, batch=10, start=20, seeds=1, training="frozen", encoder="auto", llm="random",
        task="Which?", unlabelled=40, completions=folder / "answers.sqlite",
    )  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("arms")
    return folder, replay(plan_of(folder, ("auto", *WITHOUT, *WITH_LLM)), folder / "work", None, lambda *_: None)


def store_of(folder: Path, arm: str) -> Store:
    return Store(folder / "work" / f"{arm}-0", read_only=True)


def test_a_replay_that_was_cut_off_goes_on_with_other_arms_and_seeds(tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []

    def play(plan: Plan) -> list[tuple[str, int]]:
        heard.clear()
        replay(plan, tmp_path / "work", None, lambda arm, seed, _: heard.append((arm, seed)))
        return heard

    plan = plan_of(tmp_path, ("random",))
    assert play(plan) == [("random", 0)]
    assert play(replace(plan, arms=("margin", "random"), seeds=2)) == [("margin", 0), ("margin", 1), ("random", 1)]
    assert play(replace(plan, unlabelled=50)) == [("random", 0)]


def test_what_was_found_on_other_texts_is_not_taken_for_these(tmp_path: Path) -> None:
    files = [tmp_path / "train.csv", tmp_path / "test.csv"]
    for file in files:
        file.write_text("text,label\na,b\n", encoding="utf-8")
    plan = Plan(*files, (), 20, 10, 10, 1, "frozen", "auto", "none", "Which?")
    before = plan.of_a_run
    assert plan.of_a_run == before == replace(plan, arms=("random",), seeds=2).of_a_run
    assert replace(plan, unlabelled=50).of_a_run != before
    files[1].write_text("text,label\na,c\n", encoding="utf-8")
    assert plan.of_a_run != before


@pytest.mark.slow
def test_every_arm_gets_to_the_end_and_counts_what_it_asked(played: tuple[Path, dict[str, Any]]) -> None:
    folder, results = played
    runs = {run["arm"]: run for run in results["arms"]}
    assert set(runs) == {"auto", *WITHOUT, *WITH_LLM}
    assert all([p["human_labels"] for p in run["curve"]] == [20] for run in runs.values())
    assert runs["auto"]["tokens"] == 0 < min(runs[arm]["tokens"] for arm in WITH_LLM)
    # The same requests: asked once, and counted in both.
    assert runs["llm-no-trust"]["tokens"] == runs["llm"]["tokens"]
    kept = sqlite3.connect(folder / "answers.sqlite").execute("select count(*) from completion").fetchone()[0]
    asked = 0
    for arm in WITH_LLM:
        with store_of(folder, arm) as store:
            asked += store.connection.execute("select count(*) from completion").fetchone()[0]
    assert kept < 0.6 * asked


@pytest.mark.slow
def test_by_chance_the_llm_arm_is_the_loop_without_it(played: tuple[Path, dict[str, Any]]) -> None:
    runs = {run["arm"]: run for run in played[1]["arms"]}
    assert runs["llm"]["curve"] == runs["auto"]["curve"]


@pytest.mark.slow
def test_each_arm_lacks_what_its_name_says(played: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = played
    with store_of(folder, "llm-text") as store:
        assert not store.all(Queried, purpose="llm")
        assert store.all(Candidate)
    with store_of(folder, "llm-label") as store:
        assert store.all(Queried, purpose="llm")
        assert not store.all(Candidate)
    with store_of(folder, "llm-no-trust") as store:
        assert {t.weight for t in store.all(SourceTrust) if t.source != "self"} == {1.0}
    with store_of(folder, "llm-no-filter") as bare, store_of(folder, "llm") as whole:
        assert len(bare.all(Rejection)) < len(whole.all(Rejection))
    with store_of(folder, "llm-no-regions") as store, store_of(folder, "llm") as whole:
        assert [r.classes for r in store.all(Region)] != [r.classes for r in whole.all(Region)]
        assert {q.example for q in store.all(Queried)} == {q.example for q in whole.all(Queried)}
    with store_of(folder, "llm-random-texts") as store, store_of(folder, "llm") as whole:
        assert [r.classes for r in store.all(Region)] == [r.classes for r in whole.all(Region)]
        drawn, aimed = ([q.example for q in one.all(Queried, purpose="llm")] for one in (store, whole))
        assert len(drawn) == len(aimed)
        assert set(drawn) != set(aimed)
    with store_of(folder, "llm-no-attributes") as store:
        asked = [request for _, request in store.requests("generate").values()]
        assert asked
        assert all("natural" in request.messages[-1].content for request in asked)


@pytest.mark.slow
def test_the_learner_lacks_what_its_arms_name_says(played: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = played
    with store_of(folder, "no-descriptions") as store, store_of(folder, "auto") as whole:
        assert {t.weight for t in store.all(SourceTrust) if t.source == "description"} == {0.0}
        assert {t.weight for t in whole.all(SourceTrust) if t.source == "description"} == {1.0}
    with store_of(folder, "margin-no-descriptions") as store:
        assert {t.weight for t in store.all(SourceTrust) if t.source == "description"} == {0.0}
    with store_of(folder, "no-self-training") as store:
        assert {t.weight for t in store.all(SourceTrust) if t.source == "self"} == {0.0}
    with store_of(folder, "macro-f1") as store, store_of(folder, "auto") as whole:
        assert [t.worth for t in store.all(SourceTrust)] != [t.worth for t in whole.all(SourceTrust)]
    with store_of(folder, "random-start") as store, store_of(folder, "auto") as whole:
        assert {q.example for q in store.all(Queried, round=0)} != {q.example for q in whole.all(Queried, round=0)}


def test_settings_hold_for_each_arm_but_for_what_makes_it_one(tmp_path: Path) -> None:
    said = {"classes": {"a": "the first"}, "learner": {"cleansing": False}, "llm": {"texts": 7, "labels": 5}}
    plan = replace(plan_of(tmp_path, ("llm-text", "margin")), settings=said)
    written, margin = (arm_config(plan, arm, 0, {"t": "a", "u": "b"}, tmp_path) for arm in plan.arms)
    assert (written.classes, written.learner.cleansing) == ({"a": "the first", "b": ""}, False)
    assert (written.llm.texts, written.llm.labels, written.llm.model) == (7, 0, "random")
    assert (margin.learner.cleansing, margin.learner.strategy, margin.llm.model) == (False, "margin", "none")


def test_settings_say_which_model_of_a_server_it_is(tmp_path: Path) -> None:
    settings = {"llm": {"served_model": "second", "concurrency": 3}}
    plan = replace(plan_of(tmp_path, ("llm",)), llm="http://127.0.0.1:9/v1", settings=settings)
    writer = writer_of(plan)
    assert isinstance(writer, OpenAILLM)
    assert (writer.model, writer.concurrency) == ("second", 3)


def test_classes_that_nobody_has_are_no_settings(tmp_path: Path) -> None:
    plan = replace(plan_of(tmp_path, ("margin",)), settings={"classes": {"nobody": "has it"}})
    with pytest.raises(DataError, match="--settings names classes that"):
        replay(plan, tmp_path / "work", None, lambda *_: None)


def test_a_committee_with_an_llm_is_an_arm_in_which_the_llm_does_nothing_else(tmp_path: Path) -> None:
    plan = replace(plan_of(tmp_path, ("llm-committee",)), labels=30)
    (run,) = replay(plan, tmp_path / "work", None, lambda *_: None)["arms"]
    assert [p["human_labels"] for p in run["curve"]] == [20, 30]
    assert run["tokens"] > 0
    with store_of(tmp_path, "llm-committee") as store:
        assert not store.all(Candidate)
        assert not store.all(Queried, purpose="llm")


def test_a_replay_that_was_cut_off_goes_on_to_the_same_results(tmp_path: Path) -> None:
    plan = replace(plan_of(tmp_path, ("random", "margin")), labels=30, llm="none")
    whole = replay(plan, tmp_path / "whole", None, lambda *_: None)
    heard: list[str] = []

    def cut_off(arm: str, seed: int, detail: str) -> None:
        heard.append(arm)
        if heard == ["random", "random", "margin"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(plan, tmp_path / "work", None, cut_off)
    heard.clear()
    again = replay(plan, tmp_path / "work", None, lambda arm, *_: heard.append(arm))
    assert set(heard) == {"margin"}
    assert [arm["curve"] for arm in again["arms"]] == [arm["curve"] for arm in whole["arms"]]


def test_an_llm_arm_is_the_default_with_an_llm_and_meanings_are_told(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ("llm",))
    plain, arm = (arm_config(plan, name, 0, {"a b": "late", "c": "lost"}, tmp_path / "x") for name in ("auto", "llm"))
    assert plain.learner == arm.learner
    assert (plain.llm.model, arm.llm.model) == ("none", "random")
    assert set(plain.classes.values()) == {""}


def test_an_answer_that_is_there_is_not_asked_again_and_meters_hear_of_it(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: ChatRequest) -> str:
        asked.append(request.messages[0].content)
        return json.dumps({"text": "x"})

    requests = [ChatRequest((Message("user", text),)) for text in ("one", "two", "one")]
    first = SharedLLM(ScriptedLLM(answer), tmp_path / "a.sqlite").chat(requests[:1])
    arrived: list[ChatRequest] = []
    second = SharedLLM(ScriptedLLM(answer), tmp_path / "a.sqlite")
    found = second.chat(requests, lambda request, _: arrived.append(request))
    assert asked == ["one", "two"]
    assert found[0] == found[2] == first[0]
    assert {r.messages[0].content for r in arrived} == {"one", "two"}


def test_chance_names_every_class_and_writes_what_can_be_read() -> None:
    llm = random_llm()
    asked = [ChatRequest((Message("user", f"text {n} is here"),), choices=("a", "b", "c")) for n in range(60)]
    assert {c.text for c in llm.chat(asked)} == {"a", "b", "c"}
    (written,) = llm.chat([ChatRequest((Message("user", "some words of a prompt"),))])
    assert json.loads(written.text)["text"]
