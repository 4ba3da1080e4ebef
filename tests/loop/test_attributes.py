"""Attributes proposed by an LLM: read strictly, kept in a file, and never worse than the packaged ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import TASK
from hypothesis import given
from hypothesis import strategies as st

from loop.attributes import FILE, own_attributes, read_proposal
from loop.budget.ledger import Budget
from loop.completions import StoredLLM
from loop.store import Store
from models.chat import Account, ChatRequest, Completion
from models.errors import ConfigError
from models.llm import ScriptedLLM
from models.local_llm import LocalLLM
from models.packaged import llm_file
from models.prompting import PACKAGED, draw_attributes, parse_attributes

CLASSES = TASK.class_names
GOOD = {"speaker": ["a child", "a lawyer", "a driver"], "mood": ["calm", "angry", 'said "no"']}


def answer(attributes: object) -> str:
    return json.dumps({"attributes": attributes})


def listed(attributes: dict[str, list[str]]) -> list[dict[str, object]]:
    return [{"name": name, "values": values} for name, values in attributes.items()]


def read(text: str, finish: str = "stop") -> object:
    return read_proposal(Completion(text, 1, 1, 0.0, finish), CLASSES)


def test_a_proposal_is_written_down_once_and_read_from_there(tmp_path: Path) -> None:
    asked: list[ChatRequest] = []

    def script(request: ChatRequest) -> str:
        asked.append(request)
        return answer(listed(GOOD))

    for _ in range(2):
        assert own_attributes(tmp_path, ScriptedLLM(script), TASK, PACKAGED) == GOOD
    assert len(asked) == 1 + len(GOOD)
    assert all(TASK.sentence in request.messages[0].content for request in asked)


def test_below_its_values_stand_narrower_ones(tmp_path: Path) -> None:
    below = {"a child": ["of five", "of twelve", "late"], "calm": ["half asleep", "as ever"], "angry": ["very"]}

    def script(request: ChatRequest) -> str:
        return answer(listed(below if "narrower" in request.messages[0].content else GOOD))

    tree = own_attributes(tmp_path, ScriptedLLM(script), TASK, PACKAGED)
    assert tree == {
        "speaker": {"a child": ["of five", "of twelve"], "a lawyer": [], "a driver": []},
        "mood": {"calm": ["half asleep", "as ever"], "angry": [], 'said "no"': []},
    }
    drawn = {draw_attributes(tree, np.random.default_rng(seed)) for seed in range(400)}
    assert "a child: of twelve, calm: as ever" in drawn
    assert "a lawyer, angry" in drawn
    (tmp_path / FILE).write_text('[era]\nVictorian = ["early", "late"]\nmodern = []', encoding="utf-8")
    edited = own_attributes(tmp_path, ScriptedLLM(script), TASK, PACKAGED)
    assert edited == {"era": {"Victorian": ["early", "late"], "modern": []}}


def test_without_room_to_ask_nothing_is_settled(store: Store) -> None:
    Budget(tokens=1).write(store)
    llm = StoredLLM(ScriptedLLM(lambda _: answer(listed(GOOD))), store, Account(1, "generate", "llm-text"))
    assert own_attributes(store.directory, llm, TASK, PACKAGED) == PACKAGED.attributes(TASK.language)
    assert not (store.directory / FILE).exists()
    Budget().write(store)
    llm = StoredLLM(llm.llm, store, llm.account)
    assert own_attributes(store.directory, llm, TASK, PACKAGED) == GOOD


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes('말투 = ["반말", "존댓말"]'.encode("cp949"))
    with pytest.raises(ConfigError, match=r"attributes\.toml is not UTF-8"):
        own_attributes(tmp_path, ScriptedLLM(lambda _: ""), TASK, PACKAGED)


def test_an_edit_counts_and_a_broken_one_is_told(tmp_path: Path) -> None:
    own_attributes(tmp_path, ScriptedLLM(lambda _: answer(listed(GOOD))), TASK, PACKAGED)
    (tmp_path / FILE).write_text('era = ["Victorian"]', encoding="utf-8")
    assert own_attributes(tmp_path, ScriptedLLM(lambda _: ""), TASK, PACKAGED) == {"era": ["Victorian"]}
    (tmp_path / FILE).write_text("era = Victorian", encoding="utf-8")
    with pytest.raises(ConfigError, match=FILE):
        own_attributes(tmp_path, ScriptedLLM(lambda _: ""), TASK, PACKAGED)


def test_an_llm_that_proposes_rubbish_is_asked_again_and_then_left_with_the_packaged_ones(tmp_path: Path) -> None:
    seeds: list[int] = []

    def script(request: ChatRequest) -> str:
        seeds.append(request.seed)
        return "length, mood"

    assert own_attributes(tmp_path, ScriptedLLM(script), TASK, PACKAGED) == PACKAGED.attributes("en")
    assert len(set(seeds)) == len(seeds) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        "null",
        answer("length"),
        answer([]),
        answer(listed({"mood": GOOD["mood"]})),
        answer(listed({"mood": ["calm", "Calm!", "calm"], "speaker": GOOD["speaker"]})),
        answer(listed({"mood": ["calm"] * 5, "speaker": ["x" * 100] * 5})),
        answer(listed({"mood": ["calm", "angry", "late"], "speaker": GOOD["speaker"]})),
        answer([{"name": 3, "values": GOOD["mood"]}, {"name": "speaker", "values": GOOD["speaker"]}]),
        answer([{"name": "mood", "values": "calm"}, {"name": "speaker", "values": GOOD["speaker"]}]),
    ],
)
def test_what_does_not_vary_or_gives_a_class_away_is_no_proposal(text: str) -> None:
    assert read(text) is None


def test_a_proposal_between_fences_is_one() -> None:
    assert read(f"```json\n{answer(listed(GOOD))}\n```") == GOOD


def test_values_are_taken_once_and_those_that_name_a_class_left_out() -> None:
    assert read(answer(listed({**GOOD, "mood": ["calm", " Calm.", "angry", "sad", "lost and sad", "\n"]}))) == {
        "speaker": GOOD["speaker"],
        "mood": ["calm", "angry", "sad"],
    }
    assert read(answer(listed(GOOD)), "length") is None


words = st.one_of(st.text(max_size=20), st.sampled_from(["calm", "angry", "\\", '"', "\u007f", "\ud800"]))


@given(st.dictionaries(words, st.lists(words, max_size=8), max_size=4))
def test_whatever_is_accepted_can_be_written_and_read_again(
    tmp_path_factory: pytest.TempPathFactory, attributes: dict[str, list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("attributes")
    script = ScriptedLLM(lambda _: answer(listed(attributes | GOOD)))
    found = own_attributes(folder, script, TASK, PACKAGED)
    assert found == parse_attributes((folder / FILE).read_text(encoding="utf-8"), FILE)
    assert set(GOOD) <= set(found)


@pytest.mark.slow
def test_the_packaged_llm_leaves_attributes_that_can_be_used(tmp_path: Path) -> None:
    found = own_attributes(tmp_path, LocalLLM(llm_file()), TASK, PACKAGED)
    assert len(found) >= 2
    assert all(len(set(values)) >= 3 for values in found.values())
