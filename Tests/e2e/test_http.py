"""HTTP itself: request ids, connections, body encodings, the small endpoints, profiles."""

import gzip
import json
import time

import pytest

import chatshape
import replies
import wire

CHAT = "/v1/chat/completions"
GOOD = {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}
BYTES = json.dumps(GOOD).encode()


def content(response: wire.Response) -> str:
    assert response.status == 200 and response.complete, response
    return chatshape.unary(response.json).only.content


def test_request_id_is_generated(host, upstream):
    upstream.always(replies.auto)
    ids = {wire.chat(host.port, GOOD).header("x-request-id") for _ in range(5)}
    assert len(ids) == 5 and all(ids)


@pytest.mark.parametrize("more", [{}, {"stream": True}, {"model": "no-such-model"}], ids=["unary", "streamed", "error"])
def test_request_id_is_echoed(host, upstream, more):
    upstream.always(replies.auto)
    answer = wire.chat(host.port, {**GOOD, **more}, {"x-request-id": "my-own-id.42_x"})
    assert answer.header("x-request-id") == "my-own-id.42_x"


@pytest.mark.parametrize("bad", ["x" * 5000, "a b\tc", "é"])
def test_odd_request_ids_do_no_harm(host, upstream, bad):
    upstream.always(replies.auto)
    answer = wire.chat(host.port, GOOD, {"x-request-id": bad})
    assert answer.status in (200, 431)
    assert answer.header("x-request-id").startswith("req_"), "an id that is not fit for a log was taken over"


def test_what_is_sent_after_the_last_request_is_not_served(host, upstream):
    """`connection: close` is the client's word that no further request follows."""
    upstream.always(replies.auto)
    with wire.Connection(host.port) as connection:
        connection.send(
            wire.head("POST", CHAT, BYTES, {"connection": "close"}) + BYTES + wire.head("POST", CHAT, BYTES, None) + BYTES
        )
        assert content(connection.read_response()) == "Hello there."
        assert connection.at_end()
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("path", ["chat", "health"])
def test_noise_behind_a_request_does_not_cost_its_answer(host, upstream, path):
    upstream.always(replies.auto)
    request = wire.head("GET", "/healthz", None, None) if path == "health" else wire.head("POST", CHAT, BYTES, None) + BYTES
    with wire.Connection(host.port) as connection:
        connection.send(request + b"\x00\x01 nonsense\r\n\r\n")
        assert connection.read_response().status == 200
        connection.at_end()
    assert wire.exchange(host.port, "GET", "/healthz").status == 200


def test_connection_is_kept(host, upstream):
    # In one piece: between the last event, upon which the client has its answer, and the end of the body, the connection
    # is not free yet, and a next request that is quick enough would open another.
    upstream.always(lambda request: [b"".join(replies.auto(request))])
    with wire.Connection(host.port) as connection:
        for number in range(20):
            stream = number % 2 == 1
            connection.request("POST", CHAT, json.dumps({**GOOD, "stream": stream}).encode())
            answer = connection.read_response()
            assert answer.status == 200
            if stream:
                assert chatshape.streamed(answer.frames).only.content == "Hello there."
    assert len({request.connection for request in upstream.requests}) == 1, "the upstream's connection is not reused"


def test_pipelined_requests_are_answered_in_order(host, upstream):
    for text in "abcd":
        upstream.reply(replies.response(replies.completion(text)))
    one = wire.head("POST", CHAT, BYTES, None) + BYTES
    with wire.Connection(host.port) as connection:
        connection.send(one * 4)
        assert [content(connection.read_response()) for _ in range(4)] == ["a", "b", "c", "d"]


def test_pipelining_across_endpoints(host, upstream):
    upstream.always(replies.auto)
    stream = json.dumps({**GOOD, "stream": True}).encode()
    with wire.Connection(host.port) as connection:
        connection.send(
            wire.head("GET", "/healthz", None, None)
            + wire.head("POST", CHAT, stream, None) + stream
            + wire.head("GET", "/v1/models", None, None)
            + wire.head("POST", CHAT, BYTES, None) + BYTES
        )  # fmt: skip
        assert connection.read_response().status == 200
        assert connection.read_response().frames[-1] == "[DONE]"
        assert connection.read_response().json["object"] == "list"
        assert content(connection.read_response()) == "Hello there."


def test_connection_close_is_honoured(host, upstream):
    upstream.always(replies.auto)
    with wire.Connection(host.port) as connection:
        connection.request("POST", CHAT, BYTES, {"connection": "close"})
        assert content(connection.read_response()) == "Hello there."
        assert connection.at_end()


def test_http_1_0(host, upstream):
    upstream.always(replies.auto)
    with wire.Connection(host.port) as connection:
        connection.send(f"POST {CHAT} HTTP/1.0\r\ncontent-length: {len(BYTES)}\r\n\r\n".encode() + BYTES)
        answer = connection.read_response()
        assert answer.status == 200 and b"Hello there." in answer.body
        assert connection.at_end()


def test_expect_100_continue(host, upstream):
    upstream.always(replies.auto)
    with wire.Connection(host.port) as connection:
        connection.send(wire.head("POST", CHAT, BYTES, {"expect": "100-continue"}))
        assert connection.read_head()[0] == 100
        connection.send(BYTES)
        assert content(connection.read_response()) == "Hello there."


def test_chunked_request_body(host, upstream):
    upstream.always(replies.auto)
    with wire.Connection(host.port) as connection:
        connection.request("POST", CHAT, None, {"transfer-encoding": "chunked"})
        for at in range(0, len(BYTES), 7):
            connection.send(replies.http_chunk(BYTES[at : at + 7]))
        connection.send(replies.LAST_CHUNK)
        assert content(connection.read_response()) == "Hello there."
    assert json.loads(upstream.wait_request().body)["messages"] == GOOD["messages"]


def test_body_byte_by_byte(host, upstream):
    upstream.always(replies.auto)
    with wire.Connection(host.port) as connection:
        for byte in wire.head("POST", CHAT, BYTES, None) + BYTES:
            connection.send(bytes([byte]))
            time.sleep(0.0005)
        assert content(connection.read_response()) == "Hello there."


@pytest.mark.parametrize("kind", [None, "text/plain", "application/json; charset=utf-8"])
def test_content_type_of_the_request_does_not_matter(host, upstream, kind):
    upstream.always(replies.auto)
    assert content(wire.chat(host.port, GOOD, {"content-type": kind})) == "Hello there."
    assert upstream.wait_request().header("content-type") == "application/json"


def test_query_string_is_no_part_of_the_path(host, upstream):
    upstream.always(replies.auto)
    assert content(wire.chat(host.port, GOOD, path=CHAT + "?api-version=1")) == "Hello there."


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(host, upstream, path):
    assert wire.exchange(host.port, "GET", path).status == 200
    assert not upstream.requests, "a health check reached the upstream"


def test_head_requests(host):
    with wire.Connection(host.port) as connection:
        connection.request("HEAD", "/healthz")
        assert connection.read_response(bodiless=True).status == 200
        connection.request("GET", "/healthz")
        assert connection.read_response().status == 200


def test_models(host, client):
    answer = wire.exchange(host.port, "GET", "/v1/models")
    assert answer.status == 200 and answer.header("x-request-id")
    assert b"sk-upstream" not in answer.body, "a key is published"
    listed = {model["id"]: model for model in answer.json["data"]}
    assert {"mock", "mock-kimi", "demo"} <= set(listed)
    for model in listed.values():
        assert model["object"] == "model" and isinstance(model["created"], int) and model["owned_by"]
    assert [model.id for model in client.models.list()] == list(listed)


def test_profile(host, upstream):
    upstream.always(replies.auto)
    special = {**GOOD, "model": "mock-special"}
    assert content(wire.chat(host.port, special, path="/special/v1/chat/completions")) == "Hello there."
    assert json.loads(upstream.wait_request().body)["model"] == "special-model"


@pytest.mark.parametrize(
    "path", ["/special/v1/chat/completions", "/v1/v1/chat/completions", "/any/v1/chat/completions"]
)
def test_profile_falls_back_to_models_without_one(host, upstream, path):
    upstream.always(replies.auto)
    assert content(wire.chat(host.port, GOOD, path=path)) == "Hello there."


def test_a_base_url_with_v1_twice(host, upstream):
    """A client whose base URL ends in /v1 although it adds /v1 itself is understood."""
    upstream.always(replies.auto)
    assert content(wire.chat(host.port, GOOD, path="/v1/v1/chat/completions")) == "Hello there."


@pytest.mark.parametrize("path", ["/nowhere", "/v1/models/nothing", "/v1/messages/batches", "/v1/models?limit=0"])
def test_small_endpoints_answer_in_the_clients_shape_under_one_id(host, path):
    for given in ({}, {"x-request-id": "mine-1"}):
        theirs = wire.exchange(host.port, "GET", path, headers={"anthropic-version": "2023-06-01", **given})
        assert theirs.json["type"] == "error" and theirs.json["error"]["message"]
        ids = {theirs.json["request_id"], theirs.header("x-request-id"), theirs.header("request-id")}
        assert len(ids) == 1 and ids >= set(given.values())
        ours = wire.exchange(host.port, "GET", path, headers=given)
        assert ours.header("x-request-id") == given.get("x-request-id", ours.header("x-request-id"))
        assert ours.header("request-id") is None and "type" not in ours.json
    found = wire.exchange(host.port, "GET", "/v1/models", headers={"anthropic-version": "2023-06-01"})
    assert found.header("request-id") and found.header("request-id") == found.header("x-request-id")


def test_an_unknown_path_names_all_that_is_served(host):
    message = wire.exchange(host.port, "GET", "/nowhere").json["error"]["message"]
    for path in ("chat/completions", "responses", "messages", "messages/count_tokens", "completions", "embeddings", "models"):
        assert f"/v1/{path}" in message


@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/v1/responses", "/v1/embeddings"])
def test_a_compressed_body_is_refused_by_name(host, path):
    packed = gzip.compress(BYTES)
    with wire.Connection(host.port) as connection:
        for coding in ("gzip", "zstd", "br"):
            connection.request("POST", path, packed, {"content-encoding": coding})
            answer = connection.read_response()
            assert answer.status == 415 and "plain JSON" in answer.json["error"]["message"]
        connection.request("POST", path, b"{}", {"content-encoding": "identity"})
        assert connection.read_response().status == 400
