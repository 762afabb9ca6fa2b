"""The two examples of the original's README, as a Kimi K2 upstream sends them, through HTTP."""

import json
import random

import pytest

import chatshape
import replies
import wire

CALLS = (
    "Let me search for that. <|tool_call_begin|> functions.lookup:42 <|tool_call_argument_begin|> "
    '{"term":"express"} <|tool_call_begin|> '
)
THINKING = "(no content)(no content) Let me break down... </think> The answer is 42."
SECTION = (
    "I'll look. <|tool_calls_section_begin|><|tool_call_begin|>functions.lookup:0<|tool_call_argument_begin|>"
    '{"term": "a"}<|tool_call_end|><|tool_call_begin|>functions.lookup:1<|tool_call_argument_begin|>{"term": "ü"}'
    "<|tool_call_end|><|tool_calls_section_end|>"
)
OPENED = "<think>Deep thought.</think>Forty-two."


def body(**more) -> dict:
    parameters = {"type": "object", "properties": {"term": {"type": "string"}}}
    return {
        "model": "mock-kimi", "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "lookup", "parameters": parameters}}], **more,
    }  # fmt: skip


def cut(text: str, seed: int) -> list[str]:
    """The text in pieces of 1 to 9 characters."""
    source, pieces = random.Random(seed), []
    while text:
        size = source.randint(1, 9)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def unary(host, upstream, text: str) -> chatshape.Choice:
    upstream.reply(replies.response(replies.completion(text)))
    return chatshape.unary(wire.chat(host.port, body()).json).only


def streamed(host, upstream, pieces: list[str]) -> chatshape.Choice:
    upstream.reply(*replies.stream(replies.text_chunks(*pieces)))
    return chatshape.streamed(wire.chat(host.port, body(stream=True)).frames).only


def check_calls(found: chatshape.Choice):
    assert found.content == "Let me search for that."
    [(identifier, name, arguments)] = found.calls
    assert (identifier, name, json.loads(arguments)) == ("42", "lookup", {"term": "express"})
    assert found.finish == "tool_calls"


def check_thinking(found: chatshape.Choice):
    assert found.content == "The answer is 42."
    assert found.reasoning == "Let me break down..."
    assert found.calls == [] and found.finish == "stop"


def check_section(found: chatshape.Choice):
    assert found.content.rstrip() == "I'll look."
    assert [(name, json.loads(arguments)) for _, name, arguments in found.calls] == [
        ("lookup", {"term": "a"}),
        ("lookup", {"term": "ü"}),
    ]
    assert len({identifier for identifier, _, _ in found.calls}) == 2
    assert found.finish == "tool_calls"


def check_opened(found: chatshape.Choice):
    assert (found.reasoning, found.content, found.finish) == ("Deep thought.", "Forty-two.", "stop")


EXAMPLES = {
    "call": (CALLS, check_calls),
    "thinking": (THINKING, check_thinking),
    "section": (SECTION, check_section),
    "opened": (OPENED, check_opened),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_in_one_piece(host, upstream, name):
    text, check = EXAMPLES[name]
    check(unary(host, upstream, text))


@pytest.mark.parametrize("name", EXAMPLES)
def test_streamed_in_any_pieces(host, upstream, name):
    text, check = EXAMPLES[name]
    for pieces in ([text], list(text), *(cut(text, seed) for seed in range(20))):
        check(streamed(host, upstream, pieces))


def test_streamed_arguments_come_in_pieces(host, upstream):
    """A call is an increment, not one lump at the end: the name comes first, then the arguments as they arrive."""
    long = '{"term":"' + "x" * 400 + '"}'
    text = f"<|tool_call_begin|>functions.lookup:0<|tool_call_argument_begin|>{long}<|tool_call_end|>"
    upstream.reply(*replies.stream(replies.text_chunks(*[text[i : i + 20] for i in range(0, len(text), 20)])))
    frames = wire.chat(host.port, body(stream=True)).frames
    deltas = [json.loads(f)["choices"][0]["delta"] for f in frames if f != "[DONE]" and json.loads(f)["choices"]]
    calls = [delta["tool_calls"][0] for delta in deltas if delta.get("tool_calls")]
    assert calls[0]["function"]["name"] == "lookup"
    assert len(calls) > 5
    assert chatshape.streamed(frames).only.calls[0][2] == long


def test_through_the_official_client(client, upstream):
    upstream.reply(*replies.stream(replies.text_chunks(*cut(CALLS, 1))))
    stream = client.chat.completions.create(**body(stream=True))
    names = [c.function.name for chunk in stream for c in chunk.choices[0].delta.tool_calls or [] if c.function.name]
    assert names == ["lookup"]


def test_without_the_transform_nothing_is_touched(host, upstream):
    upstream.reply(replies.response(replies.completion(CALLS)))
    found = chatshape.unary(wire.chat(host.port, body(model="mock")).json).only
    assert found.content == CALLS and found.calls == []
