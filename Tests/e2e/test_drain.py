"""SIGTERM: /readyz says so at once, replies under way finish, those that take too long end legally."""

from __future__ import annotations

import json
import time

import anthropic
import openai
import pytest

import replies
import wire
from conftest import entry
from mock_upstream import Hang, Wait

GOOD = {"model": "mock", "messages": [{"role": "user", "content": "Hello"}]}

#: A stream that has begun and does not go on.
BEGUN = replies.stream(replies.text_chunks("Hello", finish=None), done=False)[:-1]


def slow(*texts: str, pause: float) -> list:
    return [step for one in replies.stream(replies.text_chunks(*texts)) for step in (one, Wait(pause))]


def start(start_host, upstream, **timeouts):
    return start_host({"models": [entry("mock", upstream.url)], "timeouts": timeouts})


def streaming(host):
    connection = wire.Connection(host.port)
    connection.request("POST", "/v1/chat/completions", json.dumps({**GOOD, "stream": True}).encode())
    assert connection.read_head()[0] == 200
    return connection


def test_readyz_turns_and_new_requests_are_refused_while_a_stream_finishes(start_host, upstream):
    host = start(start_host, upstream, drain=10)
    upstream.reply(*slow(*"abcdef", pause=0.25))
    with streaming(host) as connection:
        host.terminate()
        time.sleep(0.3)
        assert wire.exchange(host.port, "GET", "/readyz").status == 503
        assert wire.exchange(host.port, "GET", "/healthz").status == 200
        refused = wire.chat(host.port, GOOD)
        assert refused.status == 503 and refused.json["error"]["code"] == "shutting_down"
        assert refused.header("retry-after") and refused.header("connection") == "close"
        body = b""
        while piece := connection.read_chunk():
            body += piece
    assert wire.sse_data(body)[-1] == "[DONE]"
    assert host.wait_end(5) == 0


def test_requests_are_served_during_the_notice(start_host, upstream):
    upstream.always(replies.auto)
    host = start(start_host, upstream, drain_notice=1.5)
    host.terminate()
    time.sleep(0.3)
    assert wire.exchange(host.port, "GET", "/readyz").status == 503
    found = wire.chat(host.port, GOOD)
    assert found.status == 200 and found.header("connection") == "close"
    assert host.wait_end(6) == 0


def test_a_chat_stream_that_takes_too_long_ends_with_an_error(start_host, upstream):
    host = start(start_host, upstream, drain=0.5)
    upstream.reply(*BEGUN, Hang())
    with openai.OpenAI(base_url=host.url, api_key="k", max_retries=0) as client:
        events = iter(client.chat.completions.create(**GOOD, stream=True))
        next(events)
        started = time.monotonic()
        host.terminate()
        with pytest.raises(openai.APIError) as caught:
            for _ in events:
                pass
        assert "shutting down" in caught.value.message and time.monotonic() - started < 4
    assert host.wait_end(6) == 0
    assert "timeouts.drain" in host.output


def test_a_messages_stream_that_takes_too_long_ends_with_an_error(start_host, upstream):
    host = start(start_host, upstream, drain=0.5)
    upstream.reply(*BEGUN, Hang())
    with anthropic.Anthropic(base_url=host.url.removesuffix("/v1"), api_key="k", max_retries=0) as client:
        with pytest.raises(anthropic.APIStatusError) as caught:
            with client.messages.stream(model="mock", max_tokens=9, messages=GOOD["messages"]) as events:
                for event in events:
                    host.terminate()
        assert caught.value.body["error"]["type"] == "overloaded_error"
    assert host.wait_end(6) == 0


def test_a_responses_stream_that_takes_too_long_fails_legally(start_host, upstream):
    host = start(start_host, upstream, drain=0.5)
    upstream.reply(*BEGUN, Hang())
    last = None
    with openai.OpenAI(base_url=host.url, api_key="k", max_retries=0) as client:
        for event in client.responses.create(model="mock", input="Hello", stream=True):
            host.terminate()
            last = event
    assert last.type == "response.failed" and "shutting down" in last.response.error.message
    assert host.wait_end(6) == 0


def test_a_whole_reply_that_takes_too_long_is_an_error(start_host, upstream):
    host = start(start_host, upstream, drain=0.5)
    upstream.reply(Hang())
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(GOOD).encode())
        upstream.wait_request(0)
        host.terminate()
        found = connection.read_response()
    assert found.status == 503 and found.json["error"]["code"] == "shutting_down"
    assert host.wait_end(6) == 0


def test_an_idle_connection_and_a_half_sent_request_hold_nothing_up(start_host, upstream):
    upstream.always(replies.auto)
    host = start(start_host, upstream, drain=5)
    with wire.Connection(host.port) as idle, wire.Connection(host.port) as half:
        idle.request("POST", "/v1/chat/completions", json.dumps(GOOD).encode())
        assert idle.read_response().status == 200
        half.request("GET", "/healthz")
        half.read_response()
        started = time.monotonic()
        host.terminate()
        assert host.wait_end(5) == 0 and time.monotonic() - started < 4
