"""A client that goes away costs the upstream nothing more."""

import json
import time

import pytest

import replies
import wire
from mock_upstream import Hang, Wait

FIRST = [replies.HEAD, *(replies.http_chunk(replies.event(c)) for c in replies.text_chunks("a" * 50, finish=None))]
#: From the client's close to the close that the upstream sees.
BOUND = 1.0


def send(connection, **more):
    body = {"model": "mock", "messages": [{"role": "user", "content": "hi"}], **more}
    connection.request("POST", "/v1/chat/completions", json.dumps(body).encode())


def assert_closed_soon(upstream, since: float):
    request = upstream.wait_request()
    assert request.closed.wait(BOUND), "the upstream's connection stayed open"
    assert request.closed_at - since < BOUND


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_in_the_middle_of_a_quiet_stream(host, upstream, model):
    upstream.reply(*FIRST, Hang())
    with wire.Connection(host.port) as connection:
        send(connection, model=model, stream=True)
        assert connection.read_head()[0] == 200
        connection.read_chunk()
    assert_closed_soon(upstream, time.monotonic())


def test_in_the_middle_of_a_busy_stream(host, upstream):
    piece = replies.http_chunk(replies.event(replies.chunk({"content": "tick "})))
    upstream.reply(*FIRST, *[step for _ in range(2000) for step in (piece, Wait(0.005))])
    with wire.Connection(host.port) as connection:
        send(connection, stream=True)
        assert connection.read_head()[0] == 200
        for _ in range(5):
            connection.read_chunk()
    assert_closed_soon(upstream, time.monotonic())


@pytest.mark.parametrize("stream", [True, False])
def test_before_the_upstream_said_anything(host, upstream, stream):
    upstream.reply(Hang())
    with wire.Connection(host.port) as connection:
        send(connection, stream=stream)
        upstream.wait_request()
    assert_closed_soon(upstream, time.monotonic())


def test_through_the_official_client(client, upstream):
    upstream.reply(*FIRST, Hang())
    stream = client.chat.completions.create(model="mock", messages=[{"role": "user", "content": "hi"}], stream=True)
    next(iter(stream))
    stream.close()
    assert_closed_soon(upstream, time.monotonic())


def test_while_the_body_is_still_coming(host, upstream):
    with wire.Connection(host.port) as connection:
        connection.send(wire.head("POST", "/v1/chat/completions", None, {"content-length": "1000"}) + b'{"model":')
        time.sleep(0.05)
    upstream.reply(replies.auto)
    body = {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}
    assert wire.chat(host.port, body).status == 200
    assert len(upstream.requests) == 1, "half a request went up"


def test_many_cancellations_leak_nothing(host, upstream):
    upstream.always(*FIRST, Hang())
    before = host.open_files()
    for _ in range(50):
        with wire.Connection(host.port) as connection:
            send(connection, stream=True)
            assert connection.read_head()[0] == 200
            connection.read_chunk()
    for number in range(50):
        assert upstream.wait_request(number).closed.wait(BOUND)
    time.sleep(0.2)
    assert host.open_files() <= before + 5
