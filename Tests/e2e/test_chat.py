"""A request goes through, streamed and not, with the official client."""

import json
import threading

import pytest

import chatshape
import replies
import wire
from mock_upstream import Until

MESSAGES = [{"role": "user", "content": "hi"}]
LOOKUP = {
    "type": "function",
    "function": {"name": "lookup", "parameters": {"type": "object", "properties": {"term": {"type": "string"}}}},
}


def ask(client, **more):
    return client.chat.completions.create(**{"model": "mock", "messages": MESSAGES, **more})


def body(**more) -> dict:
    return {"model": "mock", "messages": MESSAGES, **more}


def test_unary_text(client, upstream):
    upstream.reply(replies.response(replies.completion("Grüße, 世界 🌍")))
    answer = ask(client)
    assert answer.choices[0].message.content == "Grüße, 世界 🌍"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == 15


def test_streamed_text_and_headers(host, upstream):
    upstream.reply(*replies.stream(replies.text_chunks("Grüße, ", "世界", " 🌍")))
    response = wire.chat(host.port, body(stream=True))
    assert response.status == 200 and response.complete
    assert response.header("content-type").startswith("text/event-stream")
    assert response.header("cache-control") == "no-cache"
    assert chatshape.streamed(response.frames).only == chatshape.Choice("Grüße, 世界 🌍", finish="stop")


def test_streamed_text_through_the_client(client, upstream):
    upstream.reply(*replies.stream(replies.text_chunks("a", "b", "c")))
    chunks = list(ask(client, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "abc"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_token_leaves_before_the_next_arrives(host, upstream):
    first_seen = threading.Event()
    chunks = [replies.http_chunk(replies.event(one)) for one in replies.text_chunks("first", "second")]
    upstream.reply(
        replies.HEAD, *chunks[:2], Until(first_seen), *chunks[2:], replies.http_chunk(replies.DONE), b"0\r\n\r\n"
    )
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body(stream=True)).encode())
        assert connection.read_head()[0] == 200
        seen = b""
        while b"first" not in seen:
            seen += connection.read_chunk()
        assert b"second" not in seen
        first_seen.set()
        while piece := connection.read_chunk():
            seen += piece
    assert chatshape.streamed(wire.sse_data(seen)).only.content == "firstsecond"


def test_unary_tool_calls(client, upstream):
    calls = [replies.call(0, "lookup", '{"term": "express"}'), replies.call(1, "lookup", '{"term":"ü"}')]
    upstream.reply(replies.response(replies.completion(None, "tool_calls", tool_calls=calls)))
    message = ask(client, tools=[LOOKUP]).choices[0].message
    assert message.content is None
    assert [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls] == [
        ("call_0", "lookup", '{"term": "express"}'),
        ("call_1", "lookup", '{"term":"ü"}'),
    ]


def test_streamed_tool_calls(host, upstream):
    deltas = replies.call_deltas(0, "lookup", ['{"ter', 'm":"express"}']) + replies.call_deltas(1, "other", ["{}"])
    chunks = [replies.chunk({"role": "assistant", "content": None}), *map(replies.chunk, deltas)]
    upstream.reply(*replies.stream([*chunks, replies.chunk({}, "tool_calls")]))
    reply = chatshape.streamed(wire.chat(host.port, body(stream=True, tools=[LOOKUP])).frames).only
    assert reply.calls == [("call_0", "lookup", '{"term":"express"}'), ("call_1", "other", "{}")]
    assert reply.finish == "tool_calls"


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_reasoning_unary_and_streamed(host, upstream, model):
    upstream.reply(replies.response(replies.completion("42.", reasoning_content="Let me think")))
    whole = chatshape.unary(wire.chat(host.port, body(model=model)).json).only
    deltas = [{"role": "assistant", "reasoning_content": "Let me"}, {"reasoning_content": " think"}, {"content": "42."}]
    upstream.reply(*replies.stream([*map(replies.chunk, deltas), replies.chunk({}, "stop")]))
    streamed = chatshape.streamed(wire.chat(host.port, body(model=model, stream=True)).frames).only
    assert whole == streamed == chatshape.Choice("42.", "Let me think", finish="stop")


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_two_choices(host, upstream, model):
    both = [replies.choice("one", index=0), replies.choice("two", "length", index=1)]
    upstream.reply(replies.response(replies.completion(choices=both)))
    whole = chatshape.unary(wire.chat(host.port, body(model=model, n=2)).json)
    chunks = [replies.chunk({"role": "assistant", "content": ""}, index=i) for i in (0, 1)]
    for index, text in ((0, "o"), (1, "tw"), (0, "ne"), (1, "o")):
        chunks.append(replies.chunk({"content": text}, index=index))
    chunks += [replies.chunk({}, "stop"), replies.chunk({}, "length", index=1)]
    upstream.reply(*replies.stream(chunks))
    streamed = chatshape.streamed(wire.chat(host.port, body(model=model, n=2, stream=True)).frames)
    assert whole.choices == streamed.choices
    assert [c.content for c in whole.choices.values()] == ["one", "two"]


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
@pytest.mark.parametrize("asked", [True, False, None])
def test_usage_chunk_only_when_asked(host, upstream, model, asked):
    # The upstream sends usage in every case, as several do.
    upstream.reply(*replies.stream([*replies.text_chunks("a"), replies.usage_chunk()]))
    options = {} if asked is None else {"stream_options": {"include_usage": asked}}
    reply = chatshape.streamed(wire.chat(host.port, body(model=model, stream=True, **options)).frames)
    assert (reply.usage or {}).get("total_tokens") == (15 if asked else None)


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_logprobs_and_fingerprint_survive(host, upstream, model):
    logprobs = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}], "refusal": None}
    answer = replies.completion("a")
    answer["system_fingerprint"] = "fp_1"
    answer["choices"][0]["logprobs"] = logprobs
    upstream.reply(replies.response(answer))
    got = wire.chat(host.port, body(model=model, logprobs=True)).json
    assert got["system_fingerprint"] == "fp_1"
    assert got["choices"][0]["logprobs"] == logprobs


def test_the_demo_needs_no_key_and_no_upstream(client):
    chunks = list(ask(client, model="demo", stream=True, tools=[LOOKUP]))
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert calls[0].function.name == "lookup" and calls[0].id
    json.loads("".join(call.function.arguments or "" for call in calls if call.index == 0))
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["tool_calls"]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "<|" not in text and "think>" not in text, f"markup reached the client: {text}"
    assert len([c for c in chunks if c.choices]) > 5, "the demo does not stream"


def test_the_demo_in_one_piece(client):
    choice = ask(client, model="demo", tools=[LOOKUP]).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].function.name == "lookup"


def test_a_first_chunk_about_the_prompt_does_not_hide_id_and_model(host, upstream):
    """Azure's first chunk has no id, no model and no choices."""
    preamble = {
        "id": "", "object": "", "created": 0, "model": "", "choices": [],
        "prompt_filter_results": [{"prompt_index": 0}],
    }  # fmt: skip
    upstream.reply(*replies.stream([preamble, *replies.text_chunks("a")]))
    request = {"model": "mock", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    chunks = [json.loads(frame) for frame in wire.chat(host.port, request).frames[:-1]]
    assert {(one["id"], one["model"]) for one in chunks} == {("chatcmpl-mock", "upstream-model")}
    assert chunks[0]["prompt_filter_results"] == [{"prompt_index": 0}]
