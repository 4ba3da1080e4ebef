"""kill -9 of a real `labelloop run` before a real Label Studio and an LLM server: nothing is doubled, nothing lost."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from small_run import truth_of, write_config
from werkzeug import Request, Response

from connectors.annotators import SimulatedAnnotator
from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_project import find_project
from connectors.studio import Studio
from connectors.studio_annotator import StudioWorker
from loop.config import load_config
from loop.store import Store
from models.measures import Evaluation
from models.records import LabelTask, Verdict

PROJECT = "killed run"


class SlowServer:
    """An OpenAI-compatible server that takes its time and remembers what it has answered."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/v1")
        self.answered: list[str] = []
        server.expect_request("/v1/models").respond_with_json({"data": [{"id": "slow"}]})
        server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        body = request.get_data(as_text=True)
        time.sleep(0.15)
        number = len(self.answered)
        self.answered.append(body)
        text = json.dumps({"text": f"Where is parcel {number}? It was sent {number} weeks ago."})
        content = text if "response_format" in json.loads(body) else "delivery_late"
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
        reply = {"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}
        return Response(json.dumps(reply), content_type="application/json")


@pytest.fixture
def slow() -> Iterator[SlowServer]:
    with HTTPServer(threaded=True) as server:
        yield SlowServer(server)


def start(config: Path, studio: Studio) -> subprocess.Popen[bytes]:
    environment = os.environ | {"LABEL_STUDIO_API_KEY": studio.token, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", "from loop.cli import main; main()", "run", str(config), "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_when(process: subprocess.Popen[bytes], moment: Callable[[], bool], timeout: float = 120) -> None:
    end = time.monotonic() + timeout
    while not moment():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < end, "the moment to kill never came"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def ask(run: Path, query: str) -> int:
    try:
        with sqlite3.connect(f"file:{run / Store.FILE}?mode=ro", uri=True) as connection:
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.timeout(900)
def test_killed_at_the_worst_moments_it_goes_on(tmp_path: Path, studio: Studio, slow: SlowServer) -> None:
    path = write_config(
        tmp_path,
        llm={"model": slow.url, "concurrency": 2, "texts": 8, "labels": 4, "verify": 2},
        annotation={"url": studio.url, "project": PROJECT, "poll_seconds": 0.2},
        run={"labels": 30},
    )
    config = load_config(path)
    run = config.run.directory
    simulated = SimulatedAnnotator(truth_of(config), list(config.classes), judge=lambda text: "delivery_late")

    # During the push: the tasks are decided, the server has not been seen to hold them all.
    kill_when(start(path, studio), lambda: ask(run, "select count(*) from task") > 0)
    # While waiting for humans, nobody being there yet.
    waits = start(path, studio)
    kill_when(waits, lambda: on_the_page(studio) == 20)
    with StudioWorker(studio.url, studio.token, PROJECT, simulated):
        # During generation, some completions stored, some in flight.
        kill_when(start(path, studio), lambda: ask(run, "select count(*) from completion") >= 3)
        last = start(path, studio)
        out, errors = last.communicate(timeout=240)
    assert last.returncode == 0, errors.decode()
    assert json.loads(out)["state"] == "done"

    with Store(run) as store:
        tasks, verdicts, points = store.all(LabelTask), store.all(Verdict), store.all(Evaluation)
    assert on_the_page(studio) == len(tasks)
    assert {v.task for v in verdicts} == {t.uid for t in tasks}
    assert [p.human_labels for p in points] == [20, 30]
    # Only what was in flight when it died, two requests at most, may be asked again: all that was stored is not.
    assert sum(count - 1 for count in Counter(slow.answered).values()) <= 2


def on_the_page(studio: Studio) -> int:
    """How many tasks the project holds on the server, each of another uid."""
    api = LabelStudioApi(studio.url, studio.token, key_name="LABEL_STUDIO_API_KEY")
    project = find_project(api, PROJECT)
    rows = [] if project is None else api.tasks(project, [], include="id,data")
    uids = [row.data["uid"] for row in rows]
    assert len(uids) == len(set(uids))
    return len(uids)


def test_the_key_reaches_no_file_of_the_run(tmp_path: Path, studio: Studio) -> None:
    path = write_config(tmp_path, annotation={"url": studio.url, "project": "secret run"})
    environment = os.environ | {"LABEL_STUDIO_API_KEY": studio.token}
    command = [sys.executable, "-c", "from loop.cli import main; main()", "run", str(path), "--no-wait"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "waiting for 20 verdicts" in done.stdout
    files = [f for f in tmp_path.rglob("*") if f.is_file()]
    assert not [f for f in files if studio.token.encode() in f.read_bytes()]
    assert studio.token not in done.stdout + done.stderr
