"""The OpenAI-compatible connector against a server that behaves, and servers that do not."""

import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.openai_llm import OpenAILLM
from models.chat import ChatRequest, Completion, Message
from models.errors import LLMError
from models.llm import REFUSED

KEY = "sk-do-not-show-me"
CHAT = "/v1/chat/completions"
LABELS = ("World", "Sports")


@pytest.fixture(scope="module")
def threaded() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def httpserver(threaded: HTTPServer) -> HTTPServer:
    threaded.clear()
    return threaded


def _llm(server: HTTPServer, **options: Any) -> OpenAILLM:
    return OpenAILLM(server.url_for("/v1"), "tiny", **{"key": KEY, "retries": 0, **options})


def _ask(text: str = "hi", **options: Any) -> ChatRequest:
    return ChatRequest((Message("user", text),), **options)


def _answer(text: str | None, logprobs: Any = None, finish: str = "stop") -> Response:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    body = {"id": "x", "object": "chat.completion", "choices": [choice | {"logprobs": logprobs}], "usage": usage}
    return Response(json.dumps(body), content_type="application/json")


def _refuse(status: int, message: str = "no", **headers: str) -> Response:
    body = json.dumps({"error": {"message": message}})
    return Response(body, status, headers, content_type="application/json")


def _serve(server: HTTPServer, handler: Callable[[dict[str, Any]], Response]) -> list[dict[str, Any]]:
    """Answers every chat by `handler(body)`; the bodies are collected."""
    bodies: list[dict[str, Any]] = []

    def handle(request: Request) -> Response:
        bodies.append(json.loads(request.data))
        return handler(bodies[-1])

    server.expect_request(CHAT).respond_with_handler(handle)
    return bodies


def _logprobs(**shares: float) -> dict[str, Any]:
    top = [{"token": t, "logprob": math.log(p), "bytes": list(t.encode())} for t, p in shares.items()]
    return {"content": [top[0] | {"top_logprobs": top}]}


def _failure(llm: OpenAILLM, request: ChatRequest | None = None) -> str:
    with pytest.raises(LLMError) as caught:
        llm.chat([request or _ask()])
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_a_request_carries_all_it_says(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, lambda _: _answer("yes", finish="length"))
    (completion,) = _llm(httpserver).chat([_ask("go", max_tokens=5, temperature=0.5, seed=9)])
    assert completion.text == "yes"
    assert (completion.tokens_in, completion.tokens_out, completion.finish) == (7, 3, "length")
    assert completion.seconds > 0
    assert bodies == [
        {"messages": [{"role": "user", "content": "go"}], "model": "tiny"}
        | {"max_tokens": 5, "temperature": 0.5, "seed": 9}
    ]
    sent = httpserver.log[0][0]
    assert sent.headers["Authorization"] == f"Bearer {KEY}"


def test_requests_run_together_and_come_back_in_order(httpserver: HTTPServer) -> None:
    inside: list[int] = []
    most: list[int] = []
    together, arrived_once = threading.Barrier(4), threading.Event()

    def handler(body: dict[str, Any]) -> Response:
        number = int(body["messages"][0]["content"])
        inside.append(number)
        most.append(len(inside))
        if number < 4:
            together.wait(20)
        if number == 0:
            arrived_once.wait(20)
        inside.remove(number)
        return _answer(str(number))

    _serve(httpserver, handler)
    threads: set[int] = set()
    order: list[str] = []

    def arrived(request: ChatRequest, completion: Completion) -> None:
        assert request.messages[0].content == completion.text
        threads.add(threading.get_ident())
        order.append(completion.text)
        arrived_once.set()

    completions = _llm(httpserver, concurrency=4).chat([_ask(str(i)) for i in range(12)], arrived)
    assert [c.text for c in completions] == [str(i) for i in range(12)]
    assert max(most) == 4
    assert threads == {threading.get_ident()}
    assert sorted(order, key=int) == [str(i) for i in range(12)]
    assert order[0] != "0"


def test_retry_after_is_honoured(httpserver: HTTPServer) -> None:
    replies = [_refuse(429, **{"Retry-After": "1"}), _answer("at last")]
    _serve(httpserver, lambda _: replies.pop(0))
    (completion,) = _llm(httpserver, retries=1).chat([_ask()])
    assert completion.text == "at last"
    assert completion.seconds >= 1


def test_the_first_listed_model_is_taken(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/models").respond_with_json(
        {"object": "list", "data": [{"id": "first", "object": "model"}, {"id": "second", "object": "model"}]}
    )
    llm = OpenAILLM(httpserver.url_for("/v1"))
    assert llm.name == f"first@{httpserver.host}:{httpserver.port}"


@pytest.mark.parametrize(
    ("page", "kind"), [("<html>", "text/html"), ('{"a": 1}', "application/json"), ("{", "application/json")]
)
def test_a_page_that_lists_no_models_is_told(httpserver: HTTPServer, page: str, kind: str) -> None:
    httpserver.expect_request("/v1/models").respond_with_data(page, content_type=kind)
    with pytest.raises(LLMError, match="does not speak OpenAI's chat protocol"):
        OpenAILLM(httpserver.url_for("/v1"))


def test_a_server_without_models_is_told(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/models").respond_with_json({"object": "list", "data": []})
    with pytest.raises(LLMError, match="lists no model"):
        OpenAILLM(httpserver.url_for("/v1"))


def test_a_server_that_is_down_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    assert f"{url} cannot be reached" in _failure(OpenAILLM(url, "m", key=KEY, retries=0))


def test_an_address_that_is_none_is_told() -> None:
    for address in ("localhost:8000", "file:///etc/passwd", ""):
        with pytest.raises(LLMError, match="no address of an LLM server"):
            OpenAILLM(address, "m")


def test_a_silent_server_times_out(httpserver: HTTPServer) -> None:
    def handler(_: dict[str, Any]) -> Response:
        time.sleep(0.6)
        return _answer("late")

    _serve(httpserver, handler)
    assert "did not answer within 0.2 s, 2 times" in _failure(_llm(httpserver, timeout=0.2, retries=1))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "refuses the request (400)"),
        (401, "does not accept the key"),
        (403, "forbids this key"),
        (404, "knows no model 'tiny'"),
        (429, "limits the rate"),
        (500, "fails (500"),
        (503, "fails (503"),
    ],
)
def test_refusals_are_told_without_the_key(httpserver: HTTPServer, status: int, words: str) -> None:
    _serve(httpserver, lambda _: _refuse(status, f"you sent Bearer {KEY}"))
    message = _failure(_llm(httpserver))
    assert words in message
    assert httpserver.url_for("/v1") in message


def test_secrets_in_the_address_are_never_shown(httpserver: HTTPServer) -> None:
    _serve(httpserver, lambda _: _refuse(400, "bad secret"))
    address = f"http://me:secret@{httpserver.host}:{httpserver.port}/v1"
    llm = OpenAILLM(address, "tiny", key=KEY, retries=0)
    assert llm.name == f"tiny@{httpserver.host}:{httpserver.port}"
    assert "secret" not in _failure(llm)


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("<html>Sign in</html>", "text/html"),
        ("", "text/plain"),
        ("{not json", "application/json"),
        ('{"foo": 1}', "application/json"),
        ("[1]", "application/json"),
        ('{"choices": ["x"]}', "application/json"),
        ('{"choices": [{"message": {"content": ["x"]}}]}', "application/json"),
    ],
)
def test_garbage_is_told(httpserver: HTTPServer, page: str, kind: str) -> None:
    httpserver.expect_request(CHAT).respond_with_data(page, content_type=kind)
    assert "does not speak OpenAI's chat protocol" in _failure(_llm(httpserver))


def test_an_empty_answer_is_an_answer(httpserver: HTTPServer) -> None:
    bare = json.dumps({"choices": [{"message": {"role": "assistant"}}]})
    replies = [_answer(None), _answer(""), Response(bare, content_type="application/json")]
    _serve(httpserver, lambda _: replies.pop(0))
    completions = _llm(httpserver, concurrency=1).chat([_ask("a"), _ask("b"), _ask("c")])
    assert [c.text for c in completions] == ["", "", ""]
    assert [c.tokens_in for c in completions[:2]] == [7, 7]


def test_what_the_server_does_not_count_is_counted_at_its_most(httpserver: HTTPServer) -> None:
    odd: list[Any] = [None, {}, {"prompt_tokens": 0, "completion_tokens": "3"}, {"prompt_tokens": -1}, [1]]
    replies = [{"choices": [{"message": {"content": "x"}}], "usage": usage} for usage in odd]
    _serve(httpserver, lambda _: Response(json.dumps(replies.pop(0)), content_type="application/json"))
    for completion in _llm(httpserver, concurrency=1).chat([_ask("a" * 100, seed=n, max_tokens=9) for n in range(5)]):
        assert completion.tokens_in > 100
        assert completion.tokens_out == 9


def test_after_a_failure_nothing_more_is_sent_and_what_arrived_is_kept(httpserver: HTTPServer) -> None:
    def handler(body: dict[str, Any]) -> Response:
        number = int(body["messages"][0]["content"])
        if number == 1:
            return _refuse(401)
        time.sleep(0.2)
        return _answer(str(number))

    bodies = _serve(httpserver, handler)
    kept: list[str] = []
    with pytest.raises(LLMError, match="401"):
        _llm(httpserver, concurrency=2).chat(
            [_ask(str(i)) for i in range(30)], lambda _, completion: kept.append(completion.text)
        )
    assert len(bodies) < 10
    assert len(kept) == len(bodies) - 1
    assert "0" in kept


def test_a_failing_receiver_stops_the_rest(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, lambda _: _answer("x"))

    def full(request: ChatRequest, completion: Completion) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        _llm(httpserver, concurrency=2).chat([_ask(str(i)) for i in range(200)], full)
    time.sleep(0.3)
    assert len(bodies) <= 2


def test_what_is_answered_and_not_yet_kept_is_never_more_than_is_sent_at_a_time(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, lambda _: _answer("x"))
    unkept: list[int] = []

    def slowly(request: ChatRequest, completion: Completion) -> None:
        time.sleep(0.05)
        unkept.append(len(bodies) - len(unkept))

    _llm(httpserver, concurrency=3).chat([_ask(str(i)) for i in range(15)], slowly)
    assert max(unkept) == 3


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_schema_is_left_out_from_then_on(httpserver: HTTPServer, status: int) -> None:
    bodies = _serve(httpserver, lambda b: _refuse(status) if "response_format" in b else _answer("{}"))
    llm = _llm(httpserver)
    schema = '{"type": "object"}'
    assert [llm.chat([_ask(schema=schema, seed=seed)])[0].text for seed in (1, 2)] == ["{}", "{}"]
    assert ["response_format" in body for body in bodies] == [True, False, False]
    wrapped = bodies[0]["response_format"]
    assert wrapped["json_schema"] == {"name": "answer", "schema": {"type": "object"}, "strict": True}


def test_a_prompt_that_is_refused_anyway_does_not_cost_the_schema(httpserver: HTTPServer) -> None:
    replies = [*(_refuse(400, "too long") for _ in range(3)), _answer("{}")]
    bodies = _serve(httpserver, lambda _: replies.pop(0))
    llm = _llm(httpserver)
    assert "too long" in _failure(llm, _ask(schema="{}"))
    llm.chat([_ask(schema="{}")])
    assert "response_format" in bodies[-1]


def _filtered(body: dict[str, Any]) -> Response:
    return _refuse(400, "content filter") if "bad" in body["messages"][0]["content"] else _answer("World")


def test_what_a_filter_refuses_keeps_nobody_from_the_rest(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, _filtered)
    llm, seen = _llm(httpserver), []
    requests = [_ask("bad"), _ask("good"), _ask("bad too")]
    found = llm.chat(requests, lambda request, completion: seen.append((request, completion)))
    assert [c.finish for c in found] == ["refused", "stop", "refused"]
    assert sorted(seen, key=lambda pair: requests.index(pair[0])) == list(zip(requests, found, strict=True))
    assert llm.chat([_ask("bad")]) == [REFUSED]
    assert len(bodies) == 4


@pytest.mark.parametrize(
    "page",
    [
        {"choices": []},
        {"choices": [{"message": None, "finish_reason": "content_filter"}]},
        {"error": {"code": 400, "message": "against our rules"}},
        {"error": {"message": "against our rules"}},
    ],
)
def test_a_filter_that_answers_with_status_200_keeps_nobody_from_the_rest(httpserver: HTTPServer, page: Any) -> None:
    def handler(body: dict[str, Any]) -> Response:
        filtered = Response(json.dumps(page), content_type="application/json")
        return filtered if "bad" in body["messages"][0]["content"] else _answer("World")

    _serve(httpserver, handler)
    assert [c.finish for c in _llm(httpserver).chat([_ask("bad"), _ask("good")])] == ["refused", "stop"]


def test_an_error_that_a_router_passes_on_with_status_200_is_told_for_what_it_is(httpserver: HTTPServer) -> None:
    page = json.dumps({"error": {"code": 502, "message": f"provider of {KEY} is down"}})
    httpserver.expect_request(CHAT).respond_with_data(page, content_type="application/json")
    assert "fails (502, after 0 retries): provider of … is down" in _failure(_llm(httpserver))


def test_where_only_refused_ones_are_left_a_plain_request_tells_that_it_is_them(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, _filtered)
    llm, seen = _llm(httpserver, concurrency=1), []
    assert llm.chat([_ask("bad"), _ask("bad too")], lambda request, _: seen.append(request)) == [REFUSED, REFUSED]
    assert seen == [_ask("bad"), _ask("bad too")]
    assert len(bodies) == 3


def test_a_refusal_is_delivered_before_a_failure_that_comes_later(httpserver: HTTPServer) -> None:
    _serve(httpserver, lambda body: _refuse(401) if "locked" in body["messages"][0]["content"] else _filtered(body))
    kept: list[Completion] = []
    with pytest.raises(LLMError, match="401"):
        _llm(httpserver, concurrency=1).chat(
            [_ask("good"), _ask("bad"), _ask("locked")], lambda _, completion: kept.append(completion)
        )
    assert [c.finish for c in kept] == ["stop", "refused"]


def test_a_text_that_is_refused_is_not_put_to_the_vote(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, _filtered)
    shares = _llm(httpserver).label_probabilities(["good", "bad"], LABELS)
    assert np.allclose(shares, [[5.5 / 6, 0.5 / 6], [0.5, 0.5]])
    assert sum("bad" in body["messages"][0]["content"] for body in bodies) == 2  # with log-probabilities, and without


def test_a_server_that_refuses_everything_is_told_soon(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, lambda _: _refuse(400, "no such parameter"))
    with pytest.raises(LLMError, match="no such parameter"):
        _llm(httpserver, concurrency=1).chat([_ask(str(n)) for n in range(50)])
    assert len(bodies) <= 22


def test_choices_come_with_their_probabilities(httpserver: HTTPServer) -> None:
    bodies = _serve(httpserver, lambda _: _answer("Sports", _logprobs(Sports=0.6, World=0.2, The=0.2)))
    (completion,) = _llm(httpserver).chat([_ask(choices=LABELS)])
    assert completion.text == "Sports"
    assert completion.probabilities == pytest.approx((0.25, 0.75))
    assert (bodies[0]["logprobs"], bodies[0]["top_logprobs"]) == (True, 20)
    assert bodies[0]["max_tokens"] == len("Sports") + 4


def test_the_likeliest_choice_stands_at_temperature_0_and_the_draw_above(httpserver: HTTPServer) -> None:
    _serve(httpserver, lambda _: _answer("World.", _logprobs(World=0.3, Sports=0.6)))
    texts = [_llm(httpserver).chat([_ask(choices=LABELS, temperature=t)])[0].text for t in (0.0, 1.0)]
    assert texts == ["Sports", "World"]


ALONE = {"content": [{"token": "Sports", "logprob": -0.6, "bytes": None, "top_logprobs": []}]}


@pytest.mark.parametrize(
    "odd", [None, {"content": None}, {"content": []}, {"tokens": ["a"]}, {"content": ["a"]}, ALONE]
)
def test_without_log_probabilities_the_text_stands(httpserver: HTTPServer, odd: Any) -> None:
    _serve(httpserver, lambda _: _answer(" Sports, I think", odd))
    (completion,) = _llm(httpserver).chat([_ask(choices=LABELS)])
    assert completion.text == "Sports"
    assert completion.probabilities is None


def test_refused_log_probabilities_lead_to_votes(httpserver: HTTPServer) -> None:
    def handler(body: dict[str, Any]) -> Response:
        if "logprobs" in body:
            return _refuse(400, "logprobs are not supported")
        return _answer("World" if body["seed"] == 1 else "Sports")

    bodies = _serve(httpserver, handler)
    shares = _llm(httpserver, concurrency=1).label_probabilities(["one"], LABELS)
    assert np.allclose(shares, [[1.5 / 6, 4.5 / 6]])
    assert ["logprobs" in body for body in bodies] == [True] + [False] * 6
