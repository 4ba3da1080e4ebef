"""An export on its way to the hub: a hub of the test's own stands where the real one would."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from small_run import instant, write_config
from werkzeug import Request, Response

from loop.config import load_config
from loop.parts import assemble
from loop.rounds import run
from loop.store import Store

TOKEN = "hf_nobodysecret"


class Hub:
    """Answers as huggingface.co does to whoever puts files into a dataset repository, and remembers them."""

    def __init__(self, server: HTTPServer, old: tuple[str, ...] = (), refuse: str = "") -> None:
        self.url, self.old, self.refuse = server.url_for("").rstrip("/"), old, refuse
        self.made: list[dict[str, object]] = []
        self.files: dict[str, bytes] = {}
        self.removed: list[str] = []
        self.keys: set[str | None] = set()
        server.expect_request(re.compile(".*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        if request.path == "/api/agent-harnesses":
            return Response(status=404)
        self.keys.add(request.headers.get("authorization"))
        if self.refuse:
            return Response(json.dumps({"error": self.refuse}), 403, content_type="application/json")
        body = request.get_data()
        if request.path == "/api/repos/create":
            self.made.append(json.loads(body))
            return say(url=f"{self.url}/datasets/me/tickets")
        if request.path == "/api/validate-yaml":
            return say(errors=[], warnings=[])
        if "/tree/" in request.path:
            listed = [{"type": "file", "path": path, "size": 1, "oid": "0"} for path in self.old]
            return Response(json.dumps(listed), content_type="application/json")
        if "/preupload/" in request.path:
            asked = json.loads(body)["files"]
            return say(files=[{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked])
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                self.removed.append(line["value"]["path"])
        return say(commitUrl=f"{self.url}/datasets/me/tickets/commit/abc", commitOid="abc")


def say(**facts: object) -> Response:
    return Response(json.dumps(facts), content_type="application/json")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a run that is done, on character n-grams, whose weights are small."""
    path = write_config(
        tmp_path_factory.mktemp("run"), run={"labels": 30}, learner={"encoder": "char-ngram"}, llm={"model": "none"}
    )
    with (path.parent / "holdout.csv").open("a", encoding="utf-8") as file:
        file.write("Write to kim@example.com where my parcel is,delivery_late\n")
    settings = load_config(path)
    with Store(settings.run.directory) as store:
        run(assemble(settings, store, instant(settings)))
    return path


def export(config: Path, to: Path, hub: Hub, *words: str) -> subprocess.CompletedProcess[str]:
    given = ["export", str(config), "--to", str(to), "--push", "me/tickets", *words]
    command = [sys.executable, "-c", "from loop.cli import main; main()", *given]
    settings = os.environ | {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_TOKEN": TOKEN}
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=120)


def test_what_is_written_is_what_arrives(config: Path, tmp_path: Path, httpserver: HTTPServer) -> None:
    hub = Hub(httpserver, old=("prompts.jsonl", "data/train-00000-of-00001.parquet", "mine.txt"))
    done = export(config, tmp_path / "out", hub, "--json", "--mask")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pushed"] == f"{hub.url}/datasets/me/tickets/commit/abc"
    assert hub.made == [{"name": "tickets", "organization": "me", "visibility": "private", "type": "dataset"}]
    here = {str(f.relative_to(tmp_path / "out")): f.read_bytes() for f in (tmp_path / "out").rglob("*") if f.is_file()}
    assert hub.files == here
    # Of the version before, and of nobody else's.
    assert hub.removed == ["prompts.jsonl"]
    assert hub.keys == {f"Bearer {TOKEN}"}
    assert TOKEN not in done.stdout + done.stderr
    assert not any(TOKEN.encode() in content for content in here.values())


def test_a_hub_that_refuses_is_told_and_the_export_stays(config: Path, tmp_path: Path, httpserver: HTTPServer) -> None:
    done = export(config, tmp_path / "out", Hub(httpserver, refuse="You are not of 'me'"), "--mask")
    assert done.returncode == 1
    assert "the hub did not take it as 'me/tickets'" in done.stderr
    assert f"hf upload me/tickets {tmp_path / 'out'} --repo-type dataset" in done.stderr
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stderr
    assert (tmp_path / "out" / "version.json").is_file()


def test_personal_data_does_not_go_out_unseen(config: Path, tmp_path: Path, httpserver: HTTPServer) -> None:
    hub = Hub(httpserver)
    done = export(config, tmp_path / "out", hub)
    assert done.returncode == 1
    assert "not pushed: it holds personal data (e-mail)" in done.stderr
    assert hub.made == []
    assert hub.files == {}
