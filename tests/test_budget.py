"""Caps through the real connector: 8 requests in flight, retries, a kill in between, a bill kept by the server."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from small_run import instant, write_config, write_or_choose
from werkzeug import Request, Response

from connectors.openai_llm import OpenAILLM
from loop.budget.ledger import SPENT, Budget
from loop.completions import StoredLLM
from loop.config import load_config
from loop.parts import assemble
from loop.rounds import run
from loop.store import Store
from loop.table import status
from models.chat import Account, ChatRequest, Message
from models.errors import ConfigError, LLMError
from models.llm import ScriptedLLM
from models.records import Candidate, LabelTask

ACCOUNT = Account(1, "generate", "llm-text")
ASKING = """
import sys
from pathlib import Path
from connectors.openai_llm import OpenAILLM
from loop.completions import StoredLLM
from loop.store import Store
from models.chat import Account, ChatRequest, Message

with Store(Path(sys.argv[1])) as store:
    llm = StoredLLM(OpenAILLM(sys.argv[2], "m", concurrency=8), store, Account(1, "generate", "llm-text"))
    llm.chat([ChatRequest((Message("user", f"text {n}"),), max_tokens=50, seed=n) for n in range(200)])
"""


class Shop:
    """A server that bills what it answers, fails now and then after it has billed, and turns some away."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/v1")
        self.billed = 0
        self.inside = 0
        self.most = 0
        self.mishaps = True
        self.lock = threading.Lock()
        self.rng = random.Random(0)
        server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        body = json.loads(request.data)
        with self.lock:
            fate = self.rng.random() if self.mishaps else 1.0
            written = self.rng.randint(1, body["max_tokens"])
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.05)
        with self.lock:
            self.inside -= 1
            if fate < 0.05:
                return Response("{}", 429, {"Retry-After": "0"})
            read = sum(len(m["content"].split()) for m in body["messages"]) + 20
            self.billed += read + written
        if fate < 0.1:
            return Response("{}", 502, {"Retry-After": "0"})
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"}}
        reply = {"choices": [choice], "usage": {"prompt_tokens": read, "completion_tokens": written}}
        return Response(json.dumps(reply), content_type="application/json")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with HTTPServer(threaded=True) as server:
        yield Shop(server)


def spent(folder: Path) -> int:
    with Store(folder, read_only=True) as store:
        return sum(tokens for _, *both in store.connection.execute(SPENT) for tokens in both)


def test_with_eight_in_flight_and_kills_the_bill_stays_under_the_cap(tmp_path: Path, shop: Shop) -> None:
    cap = 12_000
    with Store(tmp_path) as store:
        Budget(tokens=cap).write(store)
    command = [sys.executable, "-c", ASKING, str(tmp_path), shop.url]
    for part in (0.2, 0.4, 0.6):
        process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        end = time.monotonic() + 60
        while shop.billed < part * cap / 4 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        assert process.poll() is None, "it ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert shop.billed <= spent(tmp_path) <= cap
    subprocess.run(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=True, timeout=60)
    with Store(tmp_path) as store:
        lost = store.connection.execute("select count(*) from reservation").fetchone()[0]
    assert shop.most == 8
    assert lost > 0
    assert shop.billed <= spent(tmp_path) <= cap
    # What is left has no room for one more request.
    assert spent(tmp_path) > cap - 500


def test_a_server_that_is_down_costs_nothing(tmp_path: Path, shop: Shop) -> None:
    with Store(tmp_path) as store:
        llm = StoredLLM(OpenAILLM("http://127.0.0.1:9/v1", "m", retries=1), store, ACCOUNT)
        with pytest.raises(LLMError, match="cannot be reached"):
            llm.chat([ChatRequest((Message("user", "hi"),))])
    assert spent(tmp_path) == 0


def test_each_try_counts_unless_it_was_turned_away(tmp_path: Path, httpserver: HTTPServer) -> None:
    statuses = [500, 429, 200]
    reply = {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}

    def answer(request: Request) -> Response:
        return Response(json.dumps(reply), statuses.pop(0), {"Retry-After": "0"}, content_type="application/json")

    httpserver.expect_request("/v1/chat/completions").respond_with_handler(answer)
    with Store(tmp_path) as store:
        StoredLLM(OpenAILLM(httpserver.url_for("/v1"), "m", retries=2), store, ACCOUNT).chat(
            [ChatRequest((Message("user", "hi"),), max_tokens=50)]
        )
        lost = store.connection.execute("select tokens_in, tokens_out from reservation").fetchall()
    assert [out for _, out in lost] == [50]
    assert spent(tmp_path) == sum(lost[0]) + 6


def test_a_try_that_no_longer_fits_is_not_made(tmp_path: Path, httpserver: HTTPServer) -> None:
    sent: list[bytes] = []

    def fail(request: Request) -> Response:
        sent.append(request.data)
        return Response("{}", 500, {"Retry-After": "0"})

    httpserver.expect_request("/v1/chat/completions").respond_with_handler(fail)
    with Store(tmp_path) as store:
        Budget(tokens=800).write(store)
        llm = StoredLLM(OpenAILLM(httpserver.url_for("/v1"), "m", retries=4), store, ACCOUNT)
        (completion,) = llm.chat([ChatRequest((Message("user", "hi"),), max_tokens=50)])
    assert completion.finish == "unasked"
    assert len(sent) == 2


MONEY = {"money": 0.003, "price_in": 1.0, "price_out": 1.0}


@pytest.mark.parametrize("cap", [{"tokens": 3000}, pytest.param(MONEY, marks=pytest.mark.slow)])
def test_when_the_budget_is_spent_the_llm_rests_and_the_humans_go_on(tmp_path: Path, cap: dict[str, object]) -> None:
    config = load_config(write_config(tmp_path, budget=cap, llm={"verify": 2}))
    said: list[str] = []
    with Store(config.run.directory) as store:
        parts = assemble(config, store, instant(config), ScriptedLLM(write_or_choose))
        assert run(parts, watch=lambda n, stage, detail: said.append(f"{n} {stage} {detail}")) == "done"
        facts = status(store)
        assert facts["ledger"]["spent"]["tokens"] <= 3000
        assert 0 < len(store.all(Candidate)) < 12
        assert len(store.all(LabelTask)) == 40
    words = "token budget spent" if "tokens" in cap else "money budget spent"
    assert f"2 note {words}: the LLM rests" in said
    assert f"{words}: the LLM rests" in facts["says"]
    assert any("2 evaluated" in line and "a round costs about 10 human labels" in line for line in said)


def test_a_cap_on_money_needs_a_price(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"budget\.price_in"):
        load_config(write_config(tmp_path, budget={"money": 1.0}))
