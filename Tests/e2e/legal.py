"""Is what a client got a legal response of its API, whatever the upstream did? And a client that many can be of."""

from __future__ import annotations

import asyncio
import json

import dialects
import wire

#: The events that may be a stream's last.
ENDS = {
    "messages": {"message_stop", "error"},
    "responses": {"response.completed", "response.incomplete", "response.failed"},
}


def check(dialect, stream: bool, answer: wire.Response) -> bool:
    """Fails unless it is; true when it is an answer, false when it is an error."""
    assert answer.complete, ("the response breaks off", answer)
    assert answer.header("x-request-id"), answer
    if answer.status != 200:
        assert 400 <= answer.status < 600, answer
        check_error(dialect, json.loads(answer.body))
        return False
    if not stream:
        dialect.check_unary(json.loads(answer.body))
        return True
    return check_stream(dialect, dialects.events(answer.body))


def check_error(dialect, body: dict):
    if dialect.name == "messages":
        assert body["type"] == "error" and set(body) <= {"type", "error", "request_id"}, body
        assert isinstance(body["error"]["type"], str), body
    else:
        assert set(body) == {"error"} and isinstance(body["error"]["type"], str), body
    assert body["error"]["message"], body


def check_stream(dialect, events: list) -> bool:
    assert events, "a stream without events"
    isError = False
    for name, data in events:
        if isinstance(data, dict) and (name == "error" or name is None and "error" in data):
            isError = True
        elif name == "response.failed":
            isError = True
            dialect.check_event(name, data)
        else:
            dialect.check_event(name, data)
    name, data = events[-1]
    if dialect.name == "chat":
        assert data == "[DONE]" or "error" in data, events[-1]
        return data == "[DONE]" and not isError
    assert name in ENDS[dialect.name], events[-1]
    return not isError


async def ask(port: int, path: str, body: dict, limit: float, hang_up: float | None = None) -> wire.Response | None:
    """One request on a connection of its own; TimeoutError after `limit` seconds. With `hang_up` the client goes after
    so many seconds, and there is no response."""
    data = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(wire.head("POST", path, data, {"connection": "close"}) + data)
        if hang_up is not None:
            await asyncio.sleep(hang_up)
            writer.transport.abort()
            return None
        raw = await asyncio.wait_for(reader.read(-1), limit)
    finally:
        writer.close()
    return parsed(raw)


def parsed(raw: bytes) -> wire.Response:
    head, found, rest = raw.partition(b"\r\n\r\n")
    assert found, f"no head: {raw[:200]!r}"
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    lookup = {name.lower(): value for name, value in headers}
    status = int(first.split()[1])
    if lookup.get("transfer-encoding") != "chunked":
        return wire.Response(status, headers, rest, len(rest) == int(lookup["content-length"]))
    body = bytearray()
    while True:
        size, found, rest = rest.partition(b"\r\n")
        if not found:
            return wire.Response(status, headers, bytes(body), False)
        length = int(size, 16)
        if length == 0:
            return wire.Response(status, headers, bytes(body), rest == b"\r\n")
        body += rest[:length]
        rest = rest[length + 2 :]
