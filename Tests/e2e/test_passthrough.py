"""What goes up is what the client sent, byte for byte, but for the model's name (and usage when streaming)."""

import json

import pytest

import replies
import wire

# Odd on purpose: spacing, escapes, unknown members, numbers that change when re-printed, a nested "model", a name that
# looks like another's prefix, an escaped key, deep nesting, big and tiny numbers, empty containers, non-ASCII text.
ODD = (
    '{ "messages" :[ {"role":"user","content":"caf\\u00e9 \\ud83d\\ude00 / \\/ \\u0041 \\"q\\" 世界"} ,'
    '{"role":"assistant","content":null,"tool_calls":[{"id":"functions.model:0","type":"function","function":'
    '{"name":"model","arguments":"{\\"model\\":  \\"x\\"}"}}],"reasoning_content":"hm"},'
    '{"role":"tool","tool_call_id":"functions.model:0","content":"\\n\\t"}],\r\n\t'
    '"temperature":1.0,"top_p" : 1e0,"seed":12345678901234567890,"tiny":1.0E-7,"minus":-0,'
    '"models":["model"],"model2":"mock","Model":"mock", "model" : "mock" ,"metadata":{"model":"mock","a":[ ],"b":{ }},'
    '"unknown_field":[[[[[{"x":null}]]]]],"stop":null,"e\\u006dpty":"","thinking":{"type":"enabled","budget_tokens":1}'
)


def up(host, upstream, body: bytes) -> bytes:
    upstream.reply(replies.auto)
    assert wire.chat(host.port, body).status == 200
    return upstream.wait_request().body


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_unary_bytes(host, upstream, model):
    sent = (ODD + "}\n").encode().replace(b'"model" : "mock"', b'"model" : "%s"' % model.encode())
    expected = sent.replace(b'"model" : "%s"' % model.encode(), b'"model" : "upstream-model"')
    if model == "mock-kimi":
        # The transform may put a history's call ids right; nothing else.
        assert json.loads(up(host, upstream, sent)) == json.loads(expected)
    else:
        assert up(host, upstream, sent).strip() == expected.strip()


def test_unary_with_stream_false(host, upstream):
    sent = (ODD + ', "stream" : false }').encode()
    assert up(host, upstream, sent) == sent.replace(b'"model" : "mock"', b'"model" : "upstream-model"')


def test_streamed_bytes_when_usage_was_asked_for(host, upstream):
    sent = (ODD + ', "stream" :true, "stream_options":{"include_usage" : true} }').encode()
    assert up(host, upstream, sent) == sent.replace(b'"model" : "mock"', b'"model" : "upstream-model"')


def test_streamed_without_options_differs_only_there(host, upstream):
    sent = (ODD + ', "stream" :true}').encode()
    got = up(host, upstream, sent)
    expected = sent.replace(b'"model" : "mock"', b'"model" : "upstream-model"')
    assert got.startswith(expected[:-1]), "the members that the client sent keep their bytes and order"
    added = json.loads(b"{" + got[len(expected) - 1 :].lstrip(b" ,"))
    assert added in ({}, {"stream_options": {"include_usage": True}})


def test_other_stream_options_are_kept(host, upstream):
    sent = (ODD + ', "stream":true, "stream_options":{"include_usage":false, "x":[1.0]}}').encode()
    got = json.loads(up(host, upstream, sent))
    assert got["stream_options"]["x"] == [1.0]


def test_repeated_members_stay_last_wins(host, upstream):
    sent = b'{"model":"nonsense","messages":[{"role":"user","content":"a"}],"model":"mock"}'
    assert json.loads(up(host, upstream, sent))["model"] == "upstream-model"


def test_large_body(host, upstream):
    text = ("0123456789abcdef é世\\n" * 64 + " ") * 4000
    sent = b'{"model":"mock","messages":[{"role":"user","content":"%s"}]}' % text.encode()
    assert len(sent) > 5_000_000
    assert up(host, upstream, sent) == sent.replace(b'"model":"mock"', b'"model":"upstream-model"', 1)
    assert upstream.requests[0].header("expect") is None, "an Expect header costs a round trip"


def test_head_that_goes_up(host, upstream):
    upstream.reply(replies.auto)
    client = {"authorization": "Bearer sk-client-secret", "x-api-key": "sk-client-secret", "cookie": "a=b"}
    sent = b'{"model":"mock","messages":[{"role":"user","content":"a"}]}'
    assert wire.chat(host.port, sent, client).status == 200
    request = upstream.wait_request()
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.header("authorization") == "Bearer sk-upstream"
    assert request.header("content-type") == "application/json"
    assert request.header("content-length") == str(len(request.body))
    assert "sk-client-secret" not in str(request.headers), "the client's own key goes no further"
    assert request.header("cookie") is None


def test_response_bytes_are_complete(host, upstream):
    """An unknown member of the response reaches the client."""
    answer = {**replies.completion("a"), "service_tier": "default", "x_vendor": {"n": 1.0, "list": []}}
    upstream.reply(replies.response(answer))
    got = wire.chat(host.port, {"model": "mock", "messages": [{"role": "user", "content": "a"}]}).json
    assert got["service_tier"] == "default" and got["x_vendor"] == answer["x_vendor"]
