"""The doctor finds what would keep a run from starting, says what to do, and shows no key."""

import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import Proxy
from pytest_httpserver import HTTPServer
from small_run import write_config

from connectors.studio import Studio
from loop.config import Config, load_config
from loop.data import read_examples
from loop.doctor.checks import Check
from loop.doctor.examine import check_data, check_disk, check_versions, examine
from loop.doctor.outside import check_keys, check_servers, check_tracker, check_weights
from loop.parts import assemble
from loop.store import Store
from models.errors import ConfigError

KEY = "ls-do-not-show-me"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def llm_server(httpserver: HTTPServer) -> HTTPServer:
    models = {"object": "list", "data": [{"id": "tiny", "object": "model", "created": 0, "owned_by": "x"}]}
    httpserver.expect_request("/v1/models").respond_with_json(models)
    return httpserver


def config(folder: Path, **sections: dict[str, object]) -> Config:
    return load_config(write_config(folder, **sections))  # type: ignore[arg-type]


def levels(checks: Iterator[Check]) -> list[str]:
    return [check.level for check in checks]


def only(checks: Iterator[Check], level: str = "error") -> Check:
    (found,) = [check for check in checks if check.level == level]
    assert KEY not in found.says + found.todo
    return found


def test_a_run_that_can_start_has_no_error_but_the_server(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        checks = list(examine(config(tmp_path, annotation={"url": url})))
    assert {c.area for c in checks} == {"data", "keys", "disk", "versions", "servers", "weights", "forecast"}
    found = only(iter(checks))
    assert (found.area, url in found.says, "labelloop studio" in found.todo) == ("servers", True, True)


def test_broken_data_is_one_error_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    path = write_config(tmp_path, annotation={"url": "http://127.0.0.1:9"})
    (tmp_path / "pool.csv").unlink()
    checks = list(examine(load_config(path)))
    assert [c.area for c in checks if c.level == "error"] == ["data", "servers"]
    assert "no file" in checks[0].says
    assert not [c for c in checks if c.area == "forecast"]


def data_checks(settings: Config) -> Iterator[Check]:
    return check_data(settings, read_examples(settings))


def test_data_is_counted_and_what_is_missing_is_told(tmp_path: Path) -> None:
    rows = ["text,label", "first text,delivery_late", "first text,delivery_late", "", "second text,refund_status"]
    (tmp_path / "seed.csv").write_text("\n".join(rows), encoding="cp949")
    settings = config(tmp_path, data={"seed": "seed.csv"}, llm={"model": "bundled"}, classes={"other": ""})
    checks = list(data_checks(settings))
    assert "seed: 2 texts from seed.csv (3 rows, 1 blank, 1 repeated)" in [c.says for c in checks]
    warnings = {c.says.split(":")[0]: c for c in checks if c.level == "warning"}
    assert set(warnings) == {
        "seed",
        "holdout",
        "a holdout of 60 tells accuracy to ±13 points",
        "classes without a meaning",
    }
    assert warnings["holdout"].says == "holdout: no text of other"


def test_keys_are_asked_for_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(check_keys(config(tmp_path))) == ["ok"]
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", " ")
    found = only(check_keys(config(tmp_path)))
    assert "export LABEL_STUDIO_API_KEY=" in found.todo
    assert only(check_servers(config(tmp_path)), "warning").area == "servers"


@pytest.mark.parametrize(("url", "level"), [("http://127.0.0.1:9/v1", "ok"), ("https://llm.example/v1", "warning")])
def test_only_a_distant_llm_server_is_expected_to_want_a_key(tmp_path: Path, url: str, level: str) -> None:
    assert levels(check_keys(config(tmp_path, llm={"model": url}))) == ["ok", level]


def test_a_label_studio_that_refuses_the_key(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/current-user/whoami").respond_with_json({"detail": "Invalid token."}, status=401)
    found = only(check_servers(config(tmp_path, annotation={"url": httpserver.url_for("")})))
    assert "refuses the key (401" in found.says
    assert "LABEL_STUDIO_API_KEY" in found.says


def test_a_stranger_where_label_studio_should_be(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/current-user/whoami").respond_with_data("hello")
    assert (
        "not a Label Studio" in only(check_servers(config(tmp_path, annotation={"url": httpserver.url_for("")}))).says
    )


def test_a_real_label_studio(tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", studio.token)
    settings = config(tmp_path, annotation={"url": studio.url, "project": "doctor's project"})
    (check,) = check_servers(settings)
    assert (check.level, check.says.endswith("project 'doctor's project' will be made")) == ("ok", True)
    for who, level in ((studio.email, "ok"), ("nobody@example.com", "error")):
        judged = config(tmp_path, annotation={"url": studio.url, "project": "doctor's project", "adjudicator": who})
        assert levels(check_servers(judged)) == ["ok", level]
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", KEY)
    assert "refuses the key" in only(check_servers(settings)).says


def test_a_label_studio_with_a_certificate_of_its_own(
    tmp_path: Path, studio: Studio, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", studio.token)
    with Proxy(studio.url, certificate=certificate) as proxy:
        named = {"url": proxy.url, "project": "doctor's own", "adjudicator": studio.email}
        trusted = config(tmp_path, annotation=named | {"ca_file": str(certificate.with_suffix(".crt"))})
        assert levels(check_servers(trusted)) == ["ok", "ok"]
        assert levels(check_servers(config(tmp_path, annotation=named))) == ["error", "error"]


@pytest.mark.parametrize(("to", "level"), [("builtins:print", "ok"), ("no.such:function", "error")])
def test_a_tracker_is_there_or_not(tmp_path: Path, to: str, level: str) -> None:
    assert levels(check_tracker(config(tmp_path, tracking={"to": to}))) == [level]
    assert levels(check_tracker(config(tmp_path))) == []


def test_an_llm_server_lists_the_model_or_not(tmp_path: Path, llm_server: HTTPServer) -> None:
    def check(**llm: Any) -> Check:
        url = llm_server.url_for("/v1")
        settings = config(tmp_path, llm={"model": url, **llm}, annotation={"url": "http://127.0.0.1:9"})
        return list(check_servers(settings))[1]

    assert check().level == check(served_model="tiny").level == "ok"
    missing = check(served_model="huge")
    assert (missing.level, missing.todo) == ("error", "set llm.served_model to one of: tiny")
    llm_server.clear()
    assert check(served_model="tiny").level == "error"


def test_packaged_weights_are_there(tmp_path: Path) -> None:
    auto = {"encoder": "auto"}
    bundled = config(tmp_path, llm={"model": "bundled"}, learner=auto)
    assert levels(check_weights(bundled, ["some text"])) == ["ok", "ok"]
    assert "Kiwi" in next(check_weights(config(tmp_path, learner=auto), ["배송이 늦어요"])).says
    assert only(check_weights(config(tmp_path, learner=auto), ["где моя посылка"]), "warning").area == "weights"
    assert levels(check_weights(config(tmp_path, learner={"encoder": "char-ngram"}), ["배송"])) == ["ok", "ok"]


def test_weights_of_ones_own(tmp_path: Path, tiny_weights: Path) -> None:
    folder = shutil.copytree(tiny_weights, tmp_path / "mine")
    assert levels(check_weights(config(tmp_path, learner={"encoder": "mine"}), [])) == ["ok", "ok"]
    for file in folder.glob("*.safetensors"):
        file.unlink()
    assert "no .safetensors" in only(check_weights(config(tmp_path, learner={"encoder": "mine"}), [])).says
    assert "neither a folder nor" in only(check_weights(config(tmp_path, learner={"encoder": "no/such"}), [])).says
    for model in ("none.gguf", "no/such", "./nowhere"):
        assert only(check_weights(config(tmp_path, llm={"model": model}), [])).area == "weights"


def test_adapters_need_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config(tmp_path, learner={"training": "contrastive", "lora_rank": 4}, llm={"model": "none"})
    assert levels(check_weights(settings, [])) == ["ok", "ok", "ok"]
    monkeypatch.setitem(sys.modules, "peft", None)
    assert "pip install 'labelloop[lora]'" in only(check_weights(settings, [])).says
    # Nor does a run begin, which would need it only after the first hour of labelling.
    with Store(tmp_path / "run") as store, pytest.raises(ConfigError, match="needs peft"):
        assemble(settings, store)


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    assert levels(check_disk(tmp_path / "a" / "b")) == ["ok"]
    (tmp_path / "file").touch()
    assert "run.directory" in only(check_disk(tmp_path / "file" / "run")).todo


def test_versions_are_said() -> None:
    said = json.dumps([c.says for c in check_versions()])
    assert "modAL-python 0.4" in said
    assert "threads" in said
