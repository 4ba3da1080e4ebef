"""The command line as a user types it: each mistake is one message that says what to do, and no traceback."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from small_run import write_config

from connectors.studio import Studio
from models.char_ngrams import CharNgramEncoder
from models.classifier import TextClassifier


def labelloop(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from loop.cli import main; main()", *words]
    settings = {k: v for k, v in os.environ.items() if k != "LABEL_STUDIO_API_KEY"} | environment
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=120)


def refusal(path: Path, **environment: str) -> str:
    done = labelloop("run", str(path), **({"LABEL_STUDIO_API_KEY": "secret-key"} | environment))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-key" not in done.stderr + done.stdout
    return done.stderr


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_no_configuration(tmp_path: Path) -> None:
    assert "no configuration at" in refusal(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["doctor"],
            "error: Missing argument 'CONFIG'. (Usage: labelloop doctor [OPTIONS] ",
        ),
        (["run", "a", "b"], "Got unexpected extra argument"),
        (["lable"], "No such command 'lable'"),
    ],
)
def test_a_wrong_call_says_the_right_one(words: list[str], says: str) -> None:
    done = labelloop(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Usage: labelloop" in done.stderr


def test_without_a_command_or_asked_for_its_version() -> None:
    assert (helped := labelloop()).returncode == 0
    assert helped.stdout.startswith("Usage: labelloop")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (labelloop("--version").stdout, helped.stderr) == (f"{project['version']}\n", "")


@pytest.mark.parametrize("command", ["run", "status", "report", "doctor", "export"])
def test_a_mistake_is_told_before_what_takes_seconds_to_load(tmp_path: Path, command: str) -> None:
    loaded = "from loop.cli import main\ntry: main()\nfinally: print({'sklearn', 'pandas', 'torch'} & {*sys.modules})"
    words = [command, str(tmp_path / "none.toml"), *(["--to", str(tmp_path)] if command == "export" else [])]
    called = [sys.executable, "-c", f"import sys\n{loaded}", *words]
    assert subprocess.run(called, capture_output=True, text=True, check=False).stdout.strip() == "set()"


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    path = edited(write_config(tmp_path), '"batch"', '"bacth"')
    assert "unknown key 'run.bacth'; did you mean 'batch'?" in refusal(path)


def test_a_missing_file(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    (tmp_path / "pool.csv").unlink()
    assert f"no file {tmp_path / 'pool.csv'}" in refusal(path)


def test_a_missing_column_lists_what_is_there(tmp_path: Path) -> None:
    path = write_config(tmp_path, data={"text": "txt"})
    assert "column 'txt' not in" in (message := refusal(path))
    assert "it has: text, label" in message


def test_empty_texts_of_a_holdout_are_told_by_record(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    with (tmp_path / "holdout.csv").open("a", encoding="utf-8") as file:
        file.write(" ,delivery_late\n")
    assert "1 empty 'text' (record 61)" in refusal(path)


def test_a_class_that_the_config_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "seed.csv").write_text("text,label\nwhere is it,lost_in_space\n", encoding="utf-8")
    message = refusal(write_config(tmp_path, data={"seed": "seed.csv"}))
    assert "labels that [classes] does not know: 'lost_in_space' (1)" in message


def test_a_holdout_of_one_class(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    (tmp_path / "holdout.csv").write_text("text,label\na b,delivery_late\nc d,delivery_late\n", encoding="utf-8")
    assert "holds one class only ('delivery_late')" in refusal(path)


def test_a_pool_smaller_than_the_batch(tmp_path: Path) -> None:
    message = refusal(write_config(tmp_path, pool=25))
    assert "the pool has 25 distinct texts" in message
    assert "lower data.holdout_size, run.start or run.batch" in message


def test_a_key_that_is_not_set(tmp_path: Path) -> None:
    message = refusal(write_config(tmp_path), LABEL_STUDIO_API_KEY="")
    assert "environment variable LABEL_STUDIO_API_KEY is not set" in message


def test_label_studio_down(tmp_path: Path) -> None:
    message = refusal(write_config(tmp_path, annotation={"url": "http://127.0.0.1:9"}))
    assert "http://127.0.0.1:9" in message


def test_a_wrong_key(tmp_path: Path, studio: Studio) -> None:
    message = refusal(write_config(tmp_path, annotation={"url": studio.url}))
    assert "LABEL_STUDIO_API_KEY" in message


def test_an_llm_server_that_is_down_loses_nothing(tmp_path: Path) -> None:
    data = {"train": str(tmp_path / "pool.csv"), "test": str(tmp_path / "holdout.csv")}
    write_config(tmp_path)
    options = ["--labels", "30", "--batch", "10", "--seeds", "1", "--training", "frozen", "--arms", "llm"]
    done = labelloop(
        "replay", "--train", data["train"], "--test", data["test"], *options, "--llm", "http://127.0.0.1:9/v1"
    )
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_errors_are_json(tmp_path: Path) -> None:
    done = labelloop("run", str(tmp_path / "none.toml"), "--json")
    assert "no configuration" in json.loads(done.stdout)["error"]


def test_prompts_are_written_to_be_edited_and_an_edit_stays(tmp_path: Path) -> None:
    for _ in range(2):
        done = labelloop("prompts", str(tmp_path / "mine"))
        assert done.returncode == 0, done.stderr
        template = tmp_path / "mine" / "ko" / "label.txt"
        assert "$text" in template.read_text(encoding="utf-8")
        template.write_text("$classes $text", encoding="utf-8")
    assert template.read_text(encoding="utf-8") == "$classes $text"
    path = write_config(tmp_path, llm={"model": "none", "prompts": "mine"})
    (tmp_path / "mine" / "en" / "clear.txt").write_text("Write something", encoding="utf-8")
    assert "does not say $intended" in refusal(path)
    assert "llm.prompts: no folder" in refusal(write_config(tmp_path, llm={"prompts": "elsewhere"}))


def test_status_of_nothing(tmp_path: Path) -> None:
    done = labelloop("status", str(write_config(tmp_path)))
    assert done.returncode == 1
    assert "start one with 'labelloop run'" in done.stderr


def test_an_export_of_nothing(tmp_path: Path) -> None:
    done = labelloop("export", str(write_config(tmp_path)), "--to", str(tmp_path / "out"), "--json")
    assert done.returncode == 1
    assert "start one with 'labelloop run'" in json.loads(done.stdout)["error"]
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's directory, and beside it texts.csv."""
    texts, labels = ["배송이 늦어요", "결제가 안 돼요"] * 3, ["배송", "결제"] * 3
    folder = tmp_path_factory.mktemp("model") / "model"
    TextClassifier(CharNgramEncoder.learn(texts), "frozen").fit(texts, labels).save(folder)
    (folder.parent / "texts.csv").write_text("번호,본문\n1,배송이 늦네요\n2,\n", encoding="cp949")
    return folder


def test_predict_writes_rows_to_standard_output_and_nothing_else(model: Path) -> None:
    done = labelloop("predict", str(model), str(model.parent / "texts.csv"), "--text", "본문")
    assert done.returncode == 0, done.stderr
    head, first, second = done.stdout.splitlines()
    assert head == "번호,본문,predicted_label,predicted_probability"
    assert first.startswith("1,배송이 늦네요,배송,0.")
    assert second == "2,,,"
    assert "2 texts: 1 labelled, 0 abstained from, 1 empty" in done.stderr


def test_predict_tells_scripts_what_it_did(model: Path, tmp_path: Path) -> None:
    words = ["predict", str(model), str(model.parent / "texts.csv"), "--text", "본문", "--json"]
    done = labelloop(*words, "--to", str(tmp_path / "out.jsonl"), "--threshold", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) | {"model": "", "file": "", "to": ""} == {
        "model": "", "file": "", "to": "", "texts": 2, "abstained": 1, "empty": 1, "labels": {},
    }  # fmt: skip
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert "name a file for the labels with --to" in json.loads(labelloop(*words).stdout)["error"]


def test_predict_names_the_columns_there_are(model: Path) -> None:
    done = labelloop("predict", str(model), str(model.parent / "texts.csv"))
    assert done.returncode == 1
    assert "column 'text' not in" in done.stderr
    assert "it has: 번호, 본문" in done.stderr
    assert "Traceback" not in done.stderr


COMMANDS = ["demo", "init", "doctor", "prompts", "studio", "run", "status", "report", "export", "predict", "replay"]


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_explains_itself(word: str) -> None:
    done = labelloop(word, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_init_writes_what_run_takes_and_overwrites_nothing(tmp_path: Path) -> None:
    write_config(tmp_path)
    words = ["init", str(tmp_path / "pool.csv"), "--to", str(tmp_path / "new.toml"), "--project", "Desk"]
    done = labelloop(*words, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["found"]["text"], facts["found"]["label"], facts["found"]["texts"]) == ("text", "label", 120)
    assert "LABEL_STUDIO_API_KEY is not set" in labelloop("run", facts["config"]).stderr
    again = labelloop(*words)
    assert again.returncode == 1
    assert "never overwritten" in again.stderr


def test_init_says_what_it_found_and_what_comes_next(tmp_path: Path) -> None:
    rows = "".join(f"{i},where is parcel number {i}\n" for i in range(60))
    (tmp_path / "own.csv").write_bytes(f"nr,본문\n{rows}".encode("cp949"))
    words = ["init", str(tmp_path / "own.csv"), "--to", str(tmp_path / "own.toml")]
    assert "--classes" in labelloop(*words).stderr
    done = labelloop(*words, "--classes", "late, lost", "--task", "Which desk?")
    assert done.returncode == 0, done.stderr
    assert "column '본문': 60 distinct" in done.stdout
    assert f"labelloop run {tmp_path / 'own.toml'}" in done.stdout


def test_an_installed_server_is_not_installed_again_nor_started() -> None:
    done = labelloop("studio", "--install-only")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_doctor_ends_in_1_on_an_error_and_shows_no_key(tmp_path: Path) -> None:
    path = write_config(tmp_path, annotation={"url": "http://127.0.0.1:9"})
    done = labelloop("doctor", str(path), "--json", LABEL_STUDIO_API_KEY="secret-key")
    assert done.returncode == 1
    assert "secret-key" not in done.stdout + done.stderr
    facts = json.loads(done.stdout)
    assert [c["area"] for c in facts["checks"] if c["level"] == "error"] == ["servers"]
    assert facts["errors"] == 1


def test_replay_keeps_its_contract(tmp_path: Path) -> None:
    write_config(tmp_path)
    out = tmp_path / "out.json"
    broken_off = tmp_path / "out.json.work" / "another plan" / "run.sqlite"
    broken_off.parent.mkdir(parents=True)
    broken_off.touch()
    files = ["--train", str(tmp_path / "pool.csv"), "--test", str(tmp_path / "holdout.csv"), "--json", str(out)]
    options = ["--labels", "20", "--batch", "10", "--start", "10", "--seeds", "2", "--encoder", "char-ngram"]
    options += ["--jobs", "2", "--llm", "none", "--task", "Which?"]
    done = labelloop("replay", *files, *options, "--arms", "random,cluster-margin")
    assert done.returncode == 0, done.stderr
    assert [*broken_off.parents[1].iterdir()] == [broken_off.parent]
    results = json.loads(out.read_text(encoding="utf-8"))
    assert [(a["arm"], a["seed"]) for a in results["arms"]] == [
        ("random", 0), ("cluster-margin", 0), ("random", 1), ("cluster-margin", 1),
    ]  # fmt: skip
    for arm in results["arms"]:
        assert [p["human_labels"] for p in arm["curve"]] == [10, 20]
        assert all(p["low"] <= p["accuracy"] <= p["high"] and 0 <= p["macro_f1"] <= 1 for p in arm["curve"])
        assert arm["tokens"] == 0
        assert arm["seconds"] > 0
    assert 0.3 < results["full_supervision"]["accuracy"] <= 1


def test_who_stops_a_command_is_told_and_no_script_takes_it_for_done(tmp_path: Path) -> None:
    write_config(tmp_path)
    files = ["--train", str(tmp_path / "pool.csv"), "--test", str(tmp_path / "holdout.csv"), "--encoder", "char-ngram"]
    words = ["replay", *files, "--labels", "110", "--seeds", "50", "--batch", "10", "--arms", "random", "--jobs", "1"]
    command = [sys.executable, "-c", "from loop.cli import main; main()", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "random, seed 0" in process.stderr.readline()
        # Handled as Ctrl-C is, which whoever is started in the background never gets.
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
    assert process.returncode == 130
    assert said.endswith("stopped; nothing is lost: give the same command again\n")
    assert "Traceback" not in said


@pytest.mark.slow
def test_replay_gives_the_same_with_one_process_and_with_two(tmp_path: Path) -> None:
    write_config(tmp_path)
    files = ["--train", str(tmp_path / "pool.csv"), "--test", str(tmp_path / "holdout.csv"), "--encoder", "char-ngram"]
    options = ["--labels", "20", "--start", "10", "--batch", "10", "--arms", "auto", "--crowd", "0.9,0.7"]
    options += ["--overlap", "2", "--overlap-share", "0.5", "--rechecks", "1"]
    curves = []
    for jobs in ("1", "2"):
        out = tmp_path / f"{jobs}.json"
        done = labelloop("replay", *files, *options, "--seeds", "2", "--jobs", jobs, "--json", str(out))
        assert done.returncode == 0, done.stderr
        assert "auto, seed 1: accuracy" in done.stderr
        curves.append([arm["curve"] for arm in json.loads(out.read_text(encoding="utf-8"))["arms"]])
    assert [curve[-1]["human_labels"] for curve in curves[1]] == [20, 20]
    assert curves[0] == curves[1]
    assert curves[0][0] != curves[0][1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--training", "frozn"], "no training 'frozn'; there are: frozen, contrastive, full"),
        (["--arms", "margn"], "no arm 'margn'; there are: no-descriptions"),
        (["--arms", ""], "no arm to replay"),
        (["--labels", "10"], "--labels (10) is under --start (20)"),
        (["--json", "nowhere/out.json"], "make it first"),
        (["--overlap", "2"], "--overlap 2 needs so many people"),
        (["--crowd", "0.9,1.5"], "no list of accuracies"),
        (["--arms", "llm-committee"], "an arm with an LLM needs one"),
        (["--settings", "nowhere.toml"], "no configuration at nowhere.toml"),
        (["--multi-label", "--rechecks", "2"], "--rechecks 2 works with one class a text only"),
        (["--multi-label", "--arms", "auto,llm"], "the arm llm works with one class a text only"),
        (["--multi-label", "--arms", "auto,macro-f1"], "the arm macro-f1 works with one class a text only"),
        (["--multi-label", "--arms", "no-descriptions"], "the arm no-descriptions works with one class a text only"),
    ],
)
def test_replay_refuses_before_it_works(tmp_path: Path, options: list[str], says: str) -> None:
    write_config(tmp_path)
    files = ["--train", str(tmp_path / "pool.csv"), "--test", str(tmp_path / "holdout.csv")]
    done = labelloop("replay", *files, *options)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.sqlite").mkdir()
    for command in ("status", "run"):
        done = labelloop(command, str(path), LABEL_STUDIO_API_KEY="secret-key")
        assert done.returncode == 1
        assert "run.sqlite cannot be opened" in done.stderr
        assert "Traceback" not in done.stderr
    done = labelloop("run", str(tmp_path))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
