"""However the network cuts the upstream's bytes, the streamed output adds up to the unstreamed one."""

import json
import random

import pytest

import chatshape
import replies
import wire
from mock_upstream import Finish, Wait
from replies import chunk
from test_kimi import CALLS, OPENED, SECTION, THINKING, cut

#: Long enough for the host to have read a piece before the next is written, most of the time.
PAUSE = Wait(0.0006)
PROSE = 'Grüße 🌍, 世界! "quoted" \\ back\u2028 and \u0001 control.\nLine two.'


def request(model: str, stream: bool) -> dict:
    tools = [{"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}]
    return {"model": model, "stream": stream, "tools": tools, "messages": [{"role": "user", "content": "hi"}]}


def plain_source(seed: int) -> tuple[dict, list[dict]]:
    """A reply with reasoning, text and two calls: whole, and as chunks cut at random."""
    arguments = ['{"term": "ex🌍press", "n": [1.0, 2]}', "{}"]
    calls = [replies.call(number, "lookup", text) for number, text in enumerate(arguments)]
    whole = replies.completion(PROSE, "tool_calls", reasoning_content="Hm…\n", tool_calls=calls)
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in cut("Hm…\n", seed)]
    deltas += [{"content": piece} for piece in cut(PROSE, seed)]
    for number, text in enumerate(arguments):
        deltas += replies.call_deltas(number, "lookup", cut(text, seed + number))
    return whole, [*map(chunk, deltas), chunk({}, "tool_calls")]


def kimi_source(seed: int) -> tuple[dict, list[dict]]:
    """Raw Kimi text: whole, and as chunks cut at random."""
    text = random.Random(seed).choice([CALLS, THINKING, SECTION, OPENED, PROSE, THINKING + SECTION])
    return replies.completion(text), replies.text_chunks(*cut(text, seed))


def body_bytes(chunks: list[dict], source: random.Random) -> bytes:
    """The SSE body, in one of the spellings that the standard allows."""
    end = source.choice(["\n", "\r\n", "\n"])
    space = source.choice([" ", ""])
    events = []
    for one in [*chunks, "[DONE]"]:
        if source.random() < 0.2:
            events.append(f": comment {'é' * source.randint(0, 3)}{end}".encode() + source.choice([b"", end.encode()]))
        if source.random() < 0.1:
            events.append(f"id: 7{end}retry: 10{end}".encode())
        events.append(replies.event(one, end, space))
    return b"".join(events)


def cut_bytes(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(set(places)), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False) if a < b]


def steps(data: bytes, places: list[int], source: random.Random) -> list:
    """The body in pieces: as HTTP chunks, with a length, or until the connection's end."""
    pieces = cut_bytes(data, places)
    way = source.choice(["chunks", "length", "close", "one chunk"])
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    if way == "chunks":
        parts = [replies.HEAD, *map(replies.http_chunk, pieces), replies.LAST_CHUNK]
    elif way == "one chunk":
        parts = [replies.HEAD + b"%x\r\n" % len(data), *pieces, b"\r\n" + replies.LAST_CHUNK]
    elif way == "length":
        parts = [head + b"content-length: %d\r\n\r\n" % len(data), *pieces]
    else:
        parts = [replies.HEAD_UNTIL_CLOSE, *pieces]
    result = [step for part in parts for step in (part, PAUSE)]
    return [*result, Finish()] if way == "close" else result


def unstreamed(host, upstream, model: str, whole: dict) -> dict:
    upstream.reply(replies.response(whole))
    return chatshape.unary(wire.chat(host.port, request(model, False)).json).choices


def streamed(connection, upstream, model: str, parts: list) -> dict:
    upstream.reply(*parts)
    connection.request("POST", "/v1/chat/completions", json.dumps(request(model, True)).encode())
    return chatshape.streamed(connection.read_response().frames).choices


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "model,make", [("mock", plain_source), ("mock-kimi", plain_source), ("mock-kimi", kimi_source)]
)
def test_150_random_cuts(host, upstream, model, make):
    with wire.Connection(host.port) as connection:
        for seed in range(150):
            source = random.Random(seed)
            whole, chunks = make(seed)
            expected = unstreamed(host, upstream, model, whole)
            data = body_bytes(chunks, source)
            places = [source.randrange(len(data)) for _ in range(source.choice([1, 3, 10, 40]))]
            got = streamed(connection, upstream, model, steps(data, places, source))
            assert got == expected, f"seed {seed}"


def small_source(end: str) -> tuple[dict, bytes]:
    """A reply of a few hundred bytes: whole, and as an SSE body."""
    deltas = [{"role": "assistant"}, {"content": "é🌍"}, *replies.call_deltas(0, "lookup", ['{"a":"ü"}'])]
    chunks = [*({"choices": [{"index": 0, "delta": one}]} for one in deltas), chunk({}, "tool_calls")]
    for one in chunks:
        one.update(id="c", object="chat.completion.chunk", created=1, model="m")
    whole = replies.completion("é🌍", "tool_calls", tool_calls=[replies.call(0, "lookup", '{"a":"ü"}')])
    return whole, b": c" + (end * 2).encode() + b"".join(replies.event(one, end, "") for one in [*chunks, "[DONE]"])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_every_single_cut(host, upstream, model, end):
    whole, data = small_source(end)
    expected = unstreamed(host, upstream, model, whole)
    with wire.Connection(host.port) as connection:
        for place in range(1, len(data)):
            pieces = [replies.http_chunk(piece) for piece in cut_bytes(data, [place])]
            parts = [replies.HEAD, pieces[0], PAUSE, *pieces[1:], replies.LAST_CHUNK]
            assert streamed(connection, upstream, model, parts) == expected, f"cut at {place}"


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_byte_by_byte(host, upstream, model):
    whole, data = small_source("\r\n")
    expected = unstreamed(host, upstream, model, whole)
    parts = [replies.HEAD_UNTIL_CLOSE, *[step for byte in data for step in (bytes([byte]), PAUSE)], Finish()]
    with wire.Connection(host.port) as connection:
        assert streamed(connection, upstream, model, parts) == expected
