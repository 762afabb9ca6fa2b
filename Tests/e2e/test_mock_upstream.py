"""The tools of these tests, tested: the mock with the official client and without a host in between."""

import json
import time

import openai
import pytest

import chatshape
import replies
import wire
from mock_upstream import Finish, Hang, Reset, Wait


@pytest.fixture
def direct(upstream):
    """The official client, straight to the mock."""
    with openai.OpenAI(base_url=upstream.url, api_key="sk-test", max_retries=0, timeout=5) as client:
        yield client


def ask(client, **more):
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], **more)


def test_unary_and_what_was_asked(direct, upstream):
    upstream.reply(replies.response(replies.completion("Héllo")))
    assert ask(direct).choices[0].message.content == "Héllo"
    request = upstream.wait_request()
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.header("authorization") == "Bearer sk-test"
    assert json.loads(request.body)["model"] == "m"


def test_stream(direct, upstream):
    upstream.reply(*replies.stream(replies.text_chunks("a", "b")))
    assert "".join(c.choices[0].delta.content or "" for c in ask(direct, stream=True)) == "ab"


def test_closing_early_is_seen(upstream):
    upstream.reply(replies.HEAD, replies.http_chunk(replies.event(replies.chunk({"content": "a"}))), Hang())
    with wire.Connection(upstream.port) as connection:
        connection.request("POST", "/v1/chat/completions", b"{}")
        assert connection.read_head()[0] == 200
        connection.read_chunk()
    before = time.monotonic()
    assert upstream.wait_request().closed.wait(1)
    assert upstream.requests[0].closed_at - before < 0.5


@pytest.mark.parametrize("end", [Finish(), Reset()])
def test_breaking_off(upstream, end):
    upstream.reply(replies.HEAD, replies.http_chunk(b"data: 1\n\n"), b"20\r\nhalf", end)
    response = wire.chat(upstream.port, {})
    assert response.status == 200 and not response.complete and response.body == b"data: 1\n\n"


def test_keep_alive_and_pipelining(upstream):
    upstream.always(replies.auto)
    with wire.Connection(upstream.port) as connection:
        request = wire.head("POST", "/v1/x", b"{}", None) + b"{}"
        connection.send(request + request)
        for _ in range(2):
            assert chatshape.unary(connection.read_response().json).only.content == "Hello there."
    assert {request.connection for request in upstream.requests} == {upstream.requests[0].connection}


def test_chunked_body_expect_and_pieces(upstream):
    upstream.reply(b"HTTP/1.1 200 OK\r\ncontent-le", Wait(0.01), b"ngth: 2\r\n\r\no", Wait(0.01), b"k")
    with wire.Connection(upstream.port) as connection:
        connection.request("POST", "/", None, {"transfer-encoding": "chunked", "expect": "100-continue"})
        assert connection.read_head()[0] == 100
        connection.send(b'3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\n\r\n')
        assert connection.read_response().body == b"ok"
    assert upstream.wait_request().body == b'{"a":1}'


def test_the_shape_checks_find_faults():
    good = [replies.dumps(c) for c in replies.text_chunks("a")]
    assert chatshape.streamed([*good, "[DONE]"]).only.content == "a"
    late = replies.dumps(replies.chunk({"content": "late"}))
    jump = replies.dumps(replies.chunk({"tool_calls": [{"index": 1, "function": {"arguments": "x"}}]}))
    for bad in (
        good,
        good[:-1] + ["[DONE]"],
        [*good, late, "[DONE]"],
        [jump, *good, "[DONE]"],
        [*good, "[DONE]", "[DONE]"],
    ):
        with pytest.raises(AssertionError):
            chatshape.streamed(bad)
    with pytest.raises(AssertionError):
        wire.sse_data(b"data: {}\n\ndata: {")
