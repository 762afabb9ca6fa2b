"""What a client does wrong comes back as an OpenAI error that names the field."""

import json

import openai
import pytest

import chatshape
import replies
import wire
from conftest import entry

GOOD = {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b'{"model":"mock",}', b"nonsense", b'{"model":"mock","messages":[}', b'{"a":1}{"b":2}',
        b"\xff\xfe{}", b'{"model":"mock","messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"mock","messages":[' + b"[" * 100_000,
    ],
    ids=["empty", "blank", "cut", "comma", "word", "bracket", "two values", "not utf-8", "text not utf-8", "deep"],
)  # fmt: skip
def test_malformed_json(host, body):
    error = chatshape.assert_error(wire.chat(host.port, body), 400)
    assert error["type"] == "invalid_request_error"
    assert "json" in error["message"].lower()


@pytest.mark.parametrize("body", ["[]", "null", "5", '"text"'])
def test_json_that_is_no_object(host, body):
    error = chatshape.assert_error(wire.chat(host.port, body.encode()), 400)
    assert "object" in error["message"]


WRONG = [
    ("model", 5), ("model", None), ("model", ["mock"]), ("messages", "hi"), ("messages", {}), ("messages", None),
    ("stream", "yes"), ("stream", 1), ("tools", {}), ("tools", "all"), ("stream_options", []), ("n", "two"),
]  # fmt: skip


@pytest.mark.parametrize("field,value", WRONG, ids=[f"{f}={json.dumps(v)}" for f, v in WRONG])
def test_wrong_type_names_the_field(host, upstream, field, value):
    error = chatshape.assert_error(wire.chat(host.port, {**GOOD, field: value}), 400)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == field
    assert field in error["message"]
    assert not upstream.requests


@pytest.mark.parametrize("field", ["model", "messages"])
def test_missing_member(host, upstream, field):
    body = {key: value for key, value in GOOD.items() if key != field}
    error = chatshape.assert_error(wire.chat(host.port, body), 400)
    assert error["param"] == field
    assert not upstream.requests


def test_message_that_is_no_object(host):
    error = chatshape.assert_error(wire.chat(host.port, {**GOOD, "messages": [GOOD["messages"][0], 5]}), 400)
    assert error["param"].startswith("messages") and "1" in error["param"]


@pytest.mark.parametrize(
    "field", ["stop", "temperature", "max_tokens", "tools", "tool_choice", "stream", "stream_options"]
)
def test_null_for_an_optional_member_is_no_mistake(host, upstream, field):
    upstream.reply(replies.auto)
    assert wire.chat(host.port, {**GOOD, field: None}).status == 200


def test_unknown_model(host, upstream):
    error = chatshape.assert_error(wire.chat(host.port, {**GOOD, "model": "no-such-model"}), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "no-such-model" in error["message"]
    assert not upstream.requests


def test_unknown_model_through_the_official_client(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(**{**GOOD, "model": "no-such-model"})
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id


def test_model_of_another_profile_only(host):
    chatshape.assert_error(wire.chat(host.port, {**GOOD, "model": "mock-special"}), 404)


def test_error_on_a_streaming_request_is_plain_json(host):
    chatshape.assert_error(wire.chat(host.port, {**GOOD, "model": "no-such-model", "stream": True}), 404)


def test_unknown_path(host):
    error = chatshape.assert_error(wire.exchange(host.port, "POST", "/v1/nothing", GOOD), 404)
    assert "/v1/nothing" in error["message"]
    chatshape.assert_error(wire.exchange(host.port, "GET", "/nothing"), 404)


@pytest.mark.parametrize(
    "method,path",
    [("GET", "/v1/chat/completions"), ("DELETE", "/v1/chat/completions"), ("POST", "/v1/models"), ("POST", "/healthz")],
)
def test_wrong_method(host, method, path):
    response = wire.exchange(host.port, method, path, b"{}" if method == "POST" else None)
    chatshape.assert_error(response, 405)
    assert response.header("allow"), "a 405 says what is allowed"


def test_body_over_the_limit(start_host, upstream):
    small = start_host({"models": [entry("mock", upstream.url)], "limits": {"max_body_bytes": 1000}})
    upstream.always(replies.auto)
    padding = 1000 - len(json.dumps(GOOD))
    fits = {**GOOD, "messages": [{"role": "user", "content": "hi" + "x" * padding}]}
    assert len(json.dumps(fits)) == 1000
    assert wire.chat(small.port, fits).status == 200
    over = json.dumps(fits).encode() + b" "
    error = chatshape.assert_error(wire.chat(small.port, over), 413)
    assert "1000" in error["message"]
    assert len(upstream.requests) == 1


def test_body_over_the_limit_without_a_length(start_host, upstream):
    small = start_host({"models": [entry("mock", upstream.url)], "limits": {"max_body_bytes": 1000}})
    with wire.Connection(small.port) as connection:
        connection.request("POST", "/v1/chat/completions", None, {"transfer-encoding": "chunked"})
        connection.send(b"7d0\r\n" + b" " * 2000 + b"\r\n")
        chatshape.assert_error(connection.read_response(), 413)


def test_declared_length_over_the_limit_is_refused_before_the_body(start_host, upstream):
    small = start_host({"models": [entry("mock", upstream.url)], "limits": {"max_body_bytes": 1000}})
    with wire.Connection(small.port) as connection:
        connection.request("POST", "/v1/chat/completions", None, {"content-length": "50000", "expect": "100-continue"})
        chatshape.assert_error(connection.read_response(), 413)


def test_requests_after_errors_work(host, upstream):
    """An error leaves the connection in order."""
    upstream.always(replies.auto)
    with wire.Connection(host.port) as connection:
        for body, status in ((b"{", 400), (json.dumps(GOOD).encode(), 200), (b'{"model":1}', 400)):
            connection.request("POST", "/v1/chat/completions", body)
            response = connection.read_response()
            assert response.status == status and response.complete


@pytest.mark.parametrize(
    "raw", [b"GARBAGE\r\n\r\n", b"GET /healthz HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"]
)
def test_not_http(host, raw):
    """Whatever comes, the connection ends, and the host goes on."""
    with wire.Connection(host.port) as connection:
        connection.send(raw)
        while connection.fill():
            pass
    assert wire.exchange(host.port, "GET", "/healthz").status == 200
