"""The native route: what a client sends goes up as it is but for named spans, and the answer's bytes come down as they are.

Tests/RuntimePlugins/native.c is a provider whose upstream speaks all dialects.
"""

import json

import anthropic
import openai
import pytest

import replies
import wire
from mock_upstream import Finish, Hang, Wait
from test_passthrough import ODD

PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.completions": "/v1/completions",
    "openai.embeddings": "/v1/embeddings",
    "openai.responses": "/v1/responses",
    "anthropic.messages": "/v1/messages",
    "anthropic.count_tokens": "/v1/messages/count_tokens",
}
STREAMS = {
    "openai.chat": b'data: {"id":"x","odd" : 1.0,\ndata: "choices":[]}\n\n: note\r\n\r\ndata: [DONE]\n\n',
    "openai.completions": b'data: {"choices":[{"text":"caf\xc3\xa9"}]}\r\n\r\ndata: [DONE]\r\n\r\n',
    "openai.responses": b'event: response.created\ndata: {"type":"response.created","sequence_number":0}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed","sequence_number":1,"new":[1.0]}\n\n',
    "anthropic.messages": b'event: message_start\ndata: {"type":"message_start","message":{"usage":{}}}\n\n'
    b'event: never_heard_of\ndata: {"x" :1.50}\n\nevent: ping\ndata: {"type": "ping"}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}


#: Events that are words of an answer by their names: with the first of these its beginning leaves.
WORDS = {
    "openai.chat": b'data: {"choices":[{"delta":{"content":"w"}}]}\n\n',
    "openai.responses": b'event: response.output_text.delta\ndata: {"delta":"w"}\n\n',
    "anthropic.messages": b'event: content_block_delta\ndata: {"delta":"w"}\n\n',
}


@pytest.fixture
def serve(start_host, runtime_plugins, upstream):
    def start(**config):
        entry = {"name": "m", "provider": "native", "model": "up", "provider_config": {"url": upstream.url, **config}}
        return start_host({"models": [entry, {**entry, "name": "same", "model": "same"}]}, plugins=runtime_plugins)

    return start


def events(body: bytes, *steps) -> tuple:
    """A streamed answer; bytes are sent as one chunk each."""
    raw = (Wait, Hang, type)
    whole = [s if isinstance(s, raw) or s == replies.LAST_CHUNK else replies.http_chunk(s) for s in (body, *steps)]
    return (replies.HEAD, *whole)


def odd(model: str, **more) -> bytes:
    text = ODD.replace('"model" : "mock"', f'"model" : "{model}"') + ',"input": [ "a" ],"prompt":"p"'
    return (text + "".join(f', "{k}" :{json.dumps(v)}' for k, v in more.items()) + " }\n").encode()


@pytest.mark.parametrize("dialect", PATHS)
def test_only_the_model_changes_on_the_way_up(serve, upstream, dialect):
    host = serve()
    upstream.always(replies.response(b' {"as":"it", "is" : 1.0e3}\n'))
    sent = odd("m")
    answer = wire.exchange(host.port, "POST", PATHS[dialect], sent)
    assert (answer.status, answer.body) == (200, b' {"as":"it", "is" : 1.0e3}\n')
    assert answer.header("content-type") == "application/json"
    got = upstream.wait_request()
    assert got.target == PATHS[dialect]
    assert got.body == sent.replace(b'"model" : "m"', b'"model" : "up"')
    same = odd("same")
    wire.exchange(host.port, "POST", PATHS[dialect], same)
    assert upstream.wait_request(1).body == same


@pytest.mark.parametrize("dialect", PATHS)
def test_a_provider_changes_what_it_names(serve, upstream, dialect):
    host = serve(patch="yes")
    upstream.always(replies.response(b"{}"))
    sent = odd("m")
    wire.exchange(host.port, "POST", PATHS[dialect], sent)
    expected = sent.replace(b'"model" : "m"', b'"model" : "up"').rstrip()[:-1].rstrip() + b',"patched":"yes"'
    got = upstream.wait_request().body
    assert got.startswith(expected)
    assert got[len(expected) :].strip() == b"}"


def test_the_betas_of_a_client_reach_the_provider(serve, upstream):
    host = serve()
    upstream.always(replies.response(b"{}"))
    wire.exchange(host.port, "POST", PATHS["anthropic.messages"], odd("m"), {"anthropic-beta": "a-1,b-2"})
    assert json.loads(upstream.wait_request().body)["anthropic_beta"] == ["a-1", "b-2"]


@pytest.mark.parametrize("dialect", STREAMS)
def test_a_stream_comes_down_byte_for_byte(serve, upstream, dialect):
    host = serve()
    whole = STREAMS[dialect]
    for cut in range(0, len(whole) + 1, 3):
        upstream.reply(*events(whole[:cut] or b": \n\n", Wait(0.002), whole[cut:] or b": \n\n", replies.LAST_CHUNK))
        answer = wire.exchange(host.port, "POST", PATHS[dialect], odd("m", stream=True))
        assert answer.status == 200
        assert answer.header("content-type") == "text/event-stream"
        assert answer.body.replace(b": \n\n", b"") == whole, cut


def test_an_event_leaves_when_it_is_complete(serve, upstream):
    host = serve()
    one, two = b'data: {"a":1}\n\n' + WORDS["openai.chat"], b'data: {"b":2}\n\n'
    upstream.reply(*events(one + two[:5], Wait(1.5), two[5:] + replies.DONE, replies.LAST_CHUNK))
    with wire.Connection(host.port) as client:
        client.request("POST", PATHS["openai.chat"], odd("m", stream=True))
        assert client.read_head()[0] == 200
        assert client.read_chunk() == one
        assert client.read_chunk() == two + replies.DONE


@pytest.mark.parametrize("dialect", STREAMS)
def test_a_broken_stream_ends_with_the_dialects_error(serve, upstream, dialect):
    host = serve()
    whole = STREAMS[dialect]
    first = whole[: whole.index(b"\n\n") + 2] if b"\n\n" in whole else whole[: whole.index(b"\r\n\r\n") + 4]
    first += WORDS.get(dialect, b"")
    upstream.reply(*events(first + b"data: {", Wait(0.1), Finish))
    answer = wire.exchange(host.port, "POST", PATHS[dialect], odd("m", stream=True))
    assert answer.body.startswith(first)
    rest = answer.body[len(first) :]
    assert b"data: {\n" not in rest and b"ended early" in rest
    data = json.loads(rest.split(b"data: ", 1)[1].split(b"\n", 1)[0])
    if dialect == "openai.responses":
        assert data["type"] == "error" and data["sequence_number"] == 1
    elif dialect == "anthropic.messages":
        assert rest.startswith(b"event: error\n") and data["type"] == "error"
    else:
        assert "message" in data["error"]


def test_the_upstreams_own_error_event_is_passed_on(serve, upstream):
    host = serve()
    first = b"event: message_start\ndata: {}\n\n" + WORDS["anthropic.messages"]
    failed = b'event: error\ndata: {"type":"error", "error" : {"type":"overloaded_error","message":"M","x":1.0}}\n\n'
    upstream.reply(*events(first, Wait(0.1), failed, replies.LAST_CHUNK))
    answer = wire.exchange(host.port, "POST", PATHS["anthropic.messages"], odd("m", stream=True))
    assert answer.body == first + failed


def test_what_the_provider_cannot_read_does_not_leave(serve, upstream):
    host = serve()
    upstream.reply(*events(b"data: {}\n\n" + WORDS["openai.chat"], Wait(0.1), b"data: nonsense\n\n", replies.LAST_CHUNK))
    answer = wire.exchange(host.port, "POST", PATHS["openai.chat"], odd("m", stream=True))
    assert answer.body.startswith(b"data: {}\n\n") and b"data: nonsense" not in answer.body
    assert "talks nonsense" in json.loads(wire.sse_data(answer.body)[-1])["error"]["message"]


@pytest.mark.parametrize("dialect", PATHS)
def test_a_refusal_keeps_status_and_body(serve, upstream, dialect):
    host = serve()
    body = b'{"type":"error","error" : {"message":"no", "type":"odd_error","param":"p","code":1.0},"request_id":"r"}'
    upstream.reply(replies.response(body, 529, "Overloaded"))
    answer = wire.exchange(host.port, "POST", PATHS[dialect], odd("m"))
    assert (answer.status, answer.body) == (529, body)
    assert answer.header("retry-after") == "2"


def test_a_refusal_of_another_shape_is_told_in_the_dialect(serve, upstream):
    host = serve()
    upstream.reply(replies.response(b"<html>bad gateway</html>", 502, "Bad", kind="text/html"))
    answer = wire.exchange(host.port, "POST", PATHS["anthropic.messages"], odd("m"))
    assert answer.json["type"] == "error" and answer.json["error"]["message"] == "the upstream says no"


def test_a_stream_that_nobody_asked_for_is_a_stream(serve, upstream):
    host = serve()
    upstream.reply(*events(STREAMS["anthropic.messages"], replies.LAST_CHUNK))
    answer = wire.exchange(host.port, "POST", PATHS["anthropic.messages"], odd("m"))
    assert answer.header("content-type") == "text/event-stream"
    assert answer.body == STREAMS["anthropic.messages"]


def test_a_document_instead_of_a_stream_is_a_document(serve, upstream):
    host = serve()
    upstream.reply(replies.response(b'{"whole":1.0}'))
    answer = wire.exchange(host.port, "POST", PATHS["anthropic.messages"], odd("m", stream=True))
    assert answer.header("content-type") == "application/json"
    assert answer.body == b'{"whole":1.0}'


def test_a_provider_that_will_not_gets_the_canonical_request(serve, upstream):
    host = serve(refuse="yes")
    with openai.OpenAI(base_url=host.url, api_key="k", max_retries=0) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        assert answer.choices[0].message.content == "by canonical events"
        assert client.responses.create(model="m", input="x").output_text == "by canonical events"
    with anthropic.Anthropic(base_url=host.url.removesuffix("/v1"), api_key="k", max_retries=0) as client:
        answer = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}])
        assert answer.content[0].text == "by canonical events"
        assert client.messages.count_tokens(model="m", messages=[{"role": "user", "content": "x"}]).input_tokens > 0
    for dialect in ("openai.completions", "openai.embeddings"):
        answer = wire.exchange(host.port, "POST", PATHS[dialect], odd("m"))
        assert answer.status >= 400 and "not natively, as told" in answer.json["error"]["message"]
    assert upstream.requests == []


def test_a_model_without_the_dialect_says_so(start_host, upstream):
    entry = {"name": "d", "provider": "demo", "model": "d"}
    host = start_host({"models": [entry]})
    answer = wire.exchange(host.port, "POST", "/v1/embeddings", b'{"model":"d","input":"x"}')
    assert (answer.status, answer.json["error"]["code"]) == (400, "unsupported_endpoint")
    assert "openai.embeddings" in answer.json["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/completions", "/v1/v1/embeddings"])
def test_bad_bodies_name_the_field(serve, upstream, path):
    host = serve()
    for body, word in ((b"{", "JSON"), (b"[]", "object"), (b"{}", "model"), (b'{"model":"m","stream":1}', "stream")):
        answer = wire.exchange(host.port, "POST", path, body)
        assert answer.status == 400 and word in answer.json["error"]["message"]
    answer = wire.exchange(host.port, "POST", path, b'{"model":"none"}')
    assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")
    assert wire.exchange(host.port, "GET", path).status == 405


def test_the_official_client_embeds(serve, upstream):
    host = serve()
    reply = {"object": "list", "model": "up", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}],
             "usage": {"prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
    upstream.reply(replies.response(reply))
    with openai.OpenAI(base_url=host.url, api_key="k", max_retries=0) as client:
        assert client.embeddings.create(model="m", input="x", encoding_format="float").data[0].embedding == [0.5, -1.0]


def test_a_conversation_that_is_stored_upstream_goes_on_there(serve, upstream):
    host = serve()
    upstream.reply(replies.response(b'{"id":"resp_2"}'))
    body = b'{"model":"m","input":"x","previous_response_id":"resp_theirs"}'
    assert wire.exchange(host.port, "POST", PATHS["openai.responses"], body).body == b'{"id":"resp_2"}'
    assert json.loads(upstream.wait_request().body)["previous_response_id"] == "resp_theirs"
