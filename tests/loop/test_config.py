"""The configuration: what is wrong with it is told, with the place and the way out."""

import re
from pathlib import Path

import pytest

from connectors.openai_llm import OpenAILLM
from loop.config import Config, load_config, load_settings
from loop.parts import open_checkers
from models.errors import ConfigError

MINIMAL = """
[task]
description = "Which desk?"
[classes]
late = "still on its way"
lost = "never came"
[data]
pool = "pool.csv"
[annotation]
project = "desk"
[run]
directory = "run"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "project" / "labelloop.toml"


def load(path: Path, text: str) -> Config:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def told(path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        load(path, text)
    return str(error.value)


def test_the_least_that_is_needed_is_enough(path: Path) -> None:
    config = load(path, MINIMAL)
    assert config.description().class_names == ("late", "lost")
    assert config.description().classes[0].definition == "still on its way"


def test_relative_paths_are_relative_to_the_file(path: Path, tmp_path: Path) -> None:
    text = MINIMAL.replace('pool = "pool.csv"', 'pool = "../data/pool.csv"\nseed = "seed.csv"\nholdout = "/abs/h.csv"')
    config = load(path, text)
    assert config.data.pool.resolve() == tmp_path / "data" / "pool.csv"
    assert config.data.seed == path.parent / "seed.csv"
    assert config.data.holdout == Path("/abs/h.csv")
    assert config.run.directory == path.parent / "run"


def test_the_guideline_is_read_from_beside_the_file(path: Path) -> None:
    path.parent.mkdir()
    (path.parent / "guide.md").write_text("Wähle eine.", encoding="utf-8")
    config = load(path, MINIMAL.replace("[classes]", 'guideline = "guide.md"\n[classes]'))
    assert config.description().guideline == "Wähle eine."


def test_a_missing_guideline_is_told(path: Path) -> None:
    assert "guide.md" in told(path, MINIMAL.replace("[classes]", 'guideline = "guide.md"\n[classes]'))


def test_a_guideline_that_is_not_utf8_is_told(path: Path) -> None:
    path.parent.mkdir()
    (path.parent / "guide.md").write_bytes("Wähle".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"guide\.md"):
        load(path, MINIMAL.replace("[classes]", 'guideline = "guide.md"\n[classes]')).description()


@pytest.mark.parametrize(
    ("section", "wrong", "near"),
    [
        ("task", 'descripton = "x"', "description"),
        ("task", 'guidelines = "x"', "guideline"),
        ("data", 'hold_out = "x"', "holdout"),
        ("learner", 'stratgy = "margin"', "strategy"),
        ("llm", "text = 3", "texts"),
        ("annotation", "poll_second = 3", "poll_seconds"),
        ("run", "batches = 3", "batch"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_known_one(path: Path, section: str, wrong: str, near: str) -> None:
    text = MINIMAL if f"[{section}]" in MINIMAL else f"{MINIMAL}[{section}]\n"
    message = told(path, text.replace(f"[{section}]", f"[{section}]\n{wrong}"))
    assert f"unknown key '{section}.{wrong.split()[0]}'" in message
    assert f"did you mean '{near}'?" in message


CHECKED = (
    MINIMAL
    + """[llm]
model = "http://127.0.0.1:1/v1"
served_model = "big"
key_env = "MAIN_KEY"
[[llm.crosscheck]]
model = "https://other.example/v1"
served_model = "small"
"""
)


def test_each_server_is_sent_its_own_key_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIN_KEY", "secret")
    config = load(path, CHECKED)
    (checker,) = open_checkers(config.llm)
    assert isinstance(checker, OpenAILLM)
    assert checker.name == "small@other.example"
    assert checker._server.key == ""
    monkeypatch.setenv("OTHER_KEY", "another")
    (checker,) = open_checkers(load(path, CHECKED + 'key_env = "OTHER_KEY"').llm)
    assert isinstance(checker, OpenAILLM)
    assert checker._server.key == "another"


def test_an_unknown_key_of_a_further_llm_is_told(path: Path) -> None:
    assert "unknown key 'llm.crosscheck.0.served_modl'; did you mean 'served_model'?" in told(
        path, CHECKED + 'served_modl = "x"'
    )


@pytest.mark.parametrize(
    ("prices", "without"),
    [
        ('prices = { "bigg" = [1, 2] }', "big"),
        ('prices = { "big" = [1, 2] }', "small"),
        ('prices = { "big" = [1, 2], "small" = [1, 2] }', None),
        ("price_in = 1", None),
        ("", "big"),
    ],
)
def test_a_cap_on_money_needs_a_price_for_each_llm_that_is_served(path: Path, prices: str, without: str | None) -> None:
    text = f"{CHECKED}[budget]\nmoney = 5\n{prices}\n"
    if without is None:
        assert load(path, text).budget.money == 5
    else:
        assert f"{without} has no price" in told(path, text)


def test_an_unknown_section_is_told_with_the_nearest_known_one(path: Path) -> None:
    assert "unknown key 'anotation'; did you mean 'annotation'?" in told(path, f"{MINIMAL}[anotation]\nx = 1")
    assert "did you mean 'learner'?" in told(path, f"{MINIMAL}[learn]\n")


def test_an_unknown_key_like_no_other_is_told_with_all(path: Path) -> None:
    message = told(path, f"{MINIMAL}[llm]\nzzzzzz = 1")
    assert "known here:" in message
    assert "served_model" in message


def test_every_mistake_is_told_at_once(path: Path) -> None:
    message = told(path, MINIMAL.replace('pool = "pool.csv"', "pol = 1").replace('directory = "run"', "seed = -1"))
    for place in ("data.pol", "data.pool", "run.directory", "run.seed"):
        assert f"'{place}'" in message


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('description = "Which desk?"', "task.description"),
        ('pool = "pool.csv"', "data.pool"),
        ('project = "desk"', "annotation.project"),
        ('directory = "run"', "run.directory"),
    ],
)
def test_a_missing_key_is_told(path: Path, line: str, place: str) -> None:
    assert f"'{place}' is missing" in told(path, MINIMAL.replace(line, ""))


def test_an_empty_file_lacks_every_needed_section(path: Path) -> None:
    message = told(path, "")
    assert all(f"'{name}' is missing" in message for name in ("task", "classes", "data", "annotation", "run"))


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("run", 'batch = "many"'),
        ("run", "batch = 1"),
        ("run", "seed = 1.5"),
        ("data", "holdout_size = 3"),
        ("data", "text = 3"),
        ("learner", 'training = "magic"'),
        ("llm", "timeout = 0"),
        ("llm", "texts = -1"),
        ("annotation", "poll_seconds = nan"),
        ("classes", "third = 3"),
        ("task", "language = []"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(path: Path, section: str, line: str) -> None:
    text = MINIMAL if f"[{section}]" in MINIMAL else f"{MINIMAL}[{section}]\n"
    message = told(path, text.replace(f"[{section}]", f"[{section}]\n{line}"))
    assert f"'{section}.{line.split()[0]}" in message
    assert str(path) in message


def test_a_section_that_is_a_value_is_told(path: Path) -> None:
    assert "'learner'" in told(path, f"learner = 3\n{MINIMAL}")


@pytest.mark.parametrize("text", ["[task", "a = ", "task = 1\ntask = 2"])
def test_bad_toml_is_told_with_its_line(path: Path, text: str) -> None:
    message = told(path, text)
    assert "not valid TOML" in message
    assert str(path) in message


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(tmp_path / "c.toml")


@pytest.mark.parametrize("name", ["gone.toml", "."])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no configuration at"):
        load_config(tmp_path / name)


def test_one_class_is_too_few(path: Path) -> None:
    assert "two or more" in told(path, MINIMAL.replace('lost = "never came"', ""))


def test_a_run_that_would_end_before_it_starts_is_told(path: Path) -> None:
    text = MINIMAL.replace("[run]", "[run]\nstart = 30\nlabels = 20")
    assert "raise run.labels" in told(path, text)
    assert load(path, text.replace("[data]", '[data]\nseed = "s.csv"')).run.labels == 20


def test_adapters_without_the_training_that_has_them_are_told(path: Path) -> None:
    text = MINIMAL + "[learner]\nlora_rank = 8\n"
    assert "learner.training is 'frozen'" in told(path, text)
    assert load(path, text + 'training = "contrastive"\n').learner.lora_rank == 8


def test_the_example_on_packaged_texts_finds_them() -> None:
    assert load_config(Path(__file__).parents[2] / "configs" / "quickstart-en.toml").data.pool.is_file()


def settings_of(path: Path, text: str) -> dict[str, dict[str, object]]:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_settings(path, {"llm.model": "--llm"})


def test_settings_are_what_the_file_says_and_no_more(path: Path) -> None:
    said = settings_of(path, '[classes]\nlate = "not here"\n[llm]\ntexts = 0\nprompts = "mine"\n')
    assert said == {"classes": {"late": "not here"}, "llm": {"texts": 0, "prompts": path.parent / "mine"}}


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("[llm]\ntextz = 1", "unknown key 'llm.textz'; did you mean 'texts'?"),
        ('[llm]\nmodel = "bundled"', "llm.model is for --llm to say"),
        ("[run]\nlabels = 20", "unknown key 'run'"),
        ("[llm", "is not valid TOML"),
    ],
)
def test_settings_that_are_none_are_refused(path: Path, said: str, answer: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(answer)):
        settings_of(path, said)
