"""Many at once, slow readers, and memory."""

import asyncio
import json
import threading
import time

import pytest

import chatshape
import replies
import wire
from conftest import entry
from mock_upstream import Wait

BODY = {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}
STREAM = json.dumps({**BODY, "stream": True}).encode()
CHAT = "/v1/chat/completions"


async def one_stream(port: int, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(wire.head("POST", CHAT, body, {"connection": "close"}) + body)
    data = await reader.read(-1)
    writer.close()
    return data


def content_of(raw: bytes) -> str:
    head, _, rest = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    body = b""
    if b"chunked" in head.lower():
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    else:
        body = rest
    return chatshape.streamed(wire.sse_data(body)).only.content


@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_200_streams_at_once(host, upstream, model):
    texts = [f"t{i} " for i in range(20)]

    def answer(request):
        name = json.loads(request.body)["messages"][0]["content"]
        steps = replies.stream(replies.text_chunks(name, *texts))
        return [step for one in steps for step in (one, Wait(0.02))]

    async def all_of_them():
        bodies = [
            {"model": model, "stream": True, "messages": [{"role": "user", "content": f"client {n} "}]}
            for n in range(200)
        ]
        return await asyncio.gather(*(one_stream(host.port, json.dumps(one).encode()) for one in bodies))

    upstream.always(answer)
    for number, raw in enumerate(asyncio.run(all_of_them())):
        assert content_of(raw) == f"client {number} " + "".join(texts)


SLOW_PIECES = 800
SLOW_PIECE = 64 << 10  # characters; 50 MB in all


@pytest.mark.timeout(90)
@pytest.mark.parametrize("model", ["mock", "mock-kimi"])
def test_a_client_that_does_not_read_costs_no_memory(start_host, upstream, model):
    host = start_host(
        {"models": [entry("mock", upstream.url), entry("mock-kimi", upstream.url, transforms=["kimi-k2"])]}
    )
    text = "lorem ipsum " * (SLOW_PIECE // 12)
    piece = replies.http_chunk(replies.event(replies.chunk({"content": text})))
    opening, closing = (
        replies.http_chunk(replies.event(c)) for c in (replies.chunk({"role": "assistant"}), replies.chunk({}, "stop"))
    )
    end = [closing, replies.http_chunk(replies.DONE), replies.LAST_CHUNK]
    upstream.reply(replies.HEAD, opening, *[piece] * SLOW_PIECES, *end)
    body = json.dumps({**BODY, "model": model, "stream": True}).encode()
    before, peak = host.resident_mb(), 0.0
    with wire.Connection(host.port, receive_buffer=1 << 16) as connection:
        connection.request("POST", CHAT, body)
        assert connection.read_head()[0] == 200
        for _ in range(20):
            time.sleep(0.1)
            peak = max(peak, host.resident_mb())
        request = upstream.wait_request()
        stalled_at = request.written
        time.sleep(0.5)
        assert request.written == stalled_at, "the upstream is still being read while the client is not reading"
        assert stalled_at < 30 << 20
        received = 0
        while data := connection.read_chunk():
            received += len(data)
            last = data
            if received % (1 << 20) < len(data):
                peak = max(peak, host.resident_mb())
    assert last.endswith(b"data: [DONE]\n\n")
    assert received > SLOW_PIECES * len(text)
    assert peak - before < 60, f"{before:.0f} MB grew to {peak:.0f} MB"


def test_a_slow_client_does_not_hold_up_others(host, upstream):
    piece = replies.http_chunk(replies.event(replies.chunk({"content": "x" * 60_000})))
    upstream.reply(replies.HEAD, *[piece] * 400)
    with wire.Connection(host.port, receive_buffer=1 << 16) as slow:
        slow.request("POST", CHAT, STREAM)
        assert slow.read_head()[0] == 200
        time.sleep(0.5)
        upstream.always(replies.auto)
        started = time.monotonic()
        for _ in range(20):
            assert wire.chat(host.port, BODY).status == 200
        assert time.monotonic() - started < 2


def test_memory_at_rest(start_host, upstream):
    host = start_host(
        {"models": [entry("mock", upstream.url), entry("mock-kimi", upstream.url, transforms=["kimi-k2"])]}
    )
    upstream.always(replies.auto)
    assert wire.chat(host.port, BODY).status == 200
    time.sleep(0.3)
    assert host.resident_mb() <= 60


def test_memory_does_not_creep(start_host, upstream):
    host = start_host(
        {"models": [entry("mock", upstream.url), entry("mock-kimi", upstream.url, transforms=["kimi-k2"])]}
    )
    upstream.always(replies.auto)

    def work(times):
        with wire.Connection(host.port) as connection:
            for number in range(times):
                model = "mock-kimi" if number % 2 else "mock"
                connection.request(
                    "POST", CHAT, json.dumps({**BODY, "model": model, "stream": number % 3 == 0}).encode()
                )
                assert connection.read_response().status == 200

    work(200)
    before = host.resident_mb()
    threads = [threading.Thread(target=work, args=(500,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert host.resident_mb() - before < 15
