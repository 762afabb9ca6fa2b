"""Streams of all three client APIs on the wire: keep-alives, cuts of the upstream's bytes, clients that go away."""

import json
import random
import threading
import time

import pytest

import dialects
import replies
import wire
from dialects import CASES, DIALECTS
from mock_upstream import Hang, Wait
from test_cuts import body_bytes, steps

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
RICH = next(case for case in CASES if case.name == "parallel-tools")
#: What each API says while there is nothing to say.
KEEP_ALIVE = {
    "chat": b": keep-alive\n\n",
    "messages": b'event: ping\ndata: {"type":"ping"}\n\n',
    "responses": b": keep-alive\n\n",
}


def streamed(connection, upstream, dialect, parts: list) -> list:
    upstream.reply(*parts)
    connection.request("POST", dialect.path, json.dumps(dialect.request(RICH, True, "mock")).encode())
    answer = connection.read_response()
    assert answer.complete, answer.body
    return [(name, dialects.settled(data)) for name, data in dialects.events(answer.body)]


@every_dialect
def test_60_random_cuts(host, upstream, dialect):
    """However the network cuts the upstream's bytes, the client gets the same events."""
    wanted = dialect.stream(RICH, "mock")
    with wire.Connection(host.port) as connection:
        for seed in range(60):
            source = random.Random(seed)
            data = body_bytes(dialects.upstream_chunks(RICH), source)
            places = [source.randrange(len(data)) for _ in range(source.choice([1, 3, 10, 40]))]
            got = streamed(connection, upstream, dialect, steps(data, places, source))
            assert got == wanted, f"seed {seed}"


@every_dialect
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("silent", [True, False], ids=["silent", "speaking"])
def test_clients_that_go_away(host, upstream, dialect, stream, silent):
    first = [replies.http_chunk(replies.event(one)) for one in dialects.upstream_chunks(RICH)[:3]]
    upstream.reply(*([] if silent else [replies.HEAD, *first]), Hang())
    with wire.Connection(host.port) as connection:
        connection.request("POST", dialect.path, json.dumps(dialect.request(RICH, stream, "mock")).encode())
        upstream.wait_request()
        if stream and not silent:
            assert connection.read_head()[0] == 200
            connection.read_chunk()
    since = time.monotonic()
    request = upstream.wait_request()
    assert request.closed.wait(1) and request.closed_at - since < 1, "the upstream's connection stayed open"


@pytest.mark.slow
def test_keep_alives(host, upstream):
    """After ten silent seconds each API's own sign of life, between events, and the stream goes on legally."""
    chunks = [replies.http_chunk(replies.event(one)) for one in dialects.upstream_chunks(RICH)]
    steps = [replies.HEAD, *chunks[:3], Wait(11), *chunks[3:], replies.http_chunk(replies.DONE), replies.LAST_CHUNK]
    upstream.always(*steps)
    bodies: dict[str, bytes] = {}

    def listen(dialect):
        with wire.Connection(host.port) as connection:
            connection.socket.settimeout(20)
            connection.request("POST", dialect.path, json.dumps(dialect.request(RICH, True, "mock")).encode())
            bodies[dialect.name] = connection.read_response().body

    threads = [threading.Thread(target=listen, args=[dialect]) for dialect in DIALECTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for dialect in DIALECTS:
        body = bodies[dialect.name]
        assert body.count(KEEP_ALIVE[dialect.name]) == 1, body[-300:]
        found = dialects.events(body)
        for name, data in found:
            dialect.check_event(name, data)
        said = [(name, dialects.settled(data)) for name, data in found if name != "ping"]
        assert said == dialect.stream(RICH, "mock")


@every_dialect
@pytest.mark.parametrize("target", ["{}?beta=true", "/v1{}", "/any{}", "/special/v1{}", "http://test{}"])
def test_paths(host, upstream, dialect, target):
    upstream.reply(*dialects.upstream_steps(RICH, False))
    model = "mock-special" if "special" in target else "mock"
    answer = wire.exchange(host.port, "POST", target.format(dialect.path), dialect.request(RICH, False, model))
    assert answer.status == 200, answer.body
    wanted = "special-model" if "special" in target else "upstream-model"
    assert json.loads(upstream.wait_request().body)["model"] == wanted


@every_dialect
def test_unknown_models(host, upstream, dialect):
    answer = wire.exchange(host.port, "POST", dialect.path, dialect.request(RICH, True, "nobody"))
    assert answer.status == 404 and answer.header("content-type") == "application/json"
    error = answer.json["error"]
    identifier = answer.header("x-request-id")
    if dialect.name == "messages":
        assert answer.json == dialect.error("not_found_error", error["message"], None, identifier)
    else:
        wanted = dialect.error("invalid_request_error", error["message"], "model_not_found", identifier)
        assert answer.json == {"error": {**wanted["error"], "param": "model"}}
    assert "nobody" in error["message"] and not upstream.requests


@every_dialect
def test_methods_other_than_post(host, dialect):
    answer = wire.exchange(host.port, "GET", dialect.path)
    assert answer.status == 405 and answer.header("allow") == "POST"
    assert answer.json["error"]["message"]
