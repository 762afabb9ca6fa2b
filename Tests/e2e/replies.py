"""What an OpenAI-compatible upstream says, as bytes for the mock."""

from __future__ import annotations

import json

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
HEAD_UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def dumps(value) -> str:
    """Compact JSON with its characters unescaped, as most upstreams send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def http_chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def response(
    body, status: int = 200, reason: str = "OK", headers: dict | None = None, kind="application/json"
) -> bytes:
    """A whole response with a content-length; `body` is bytes, text or a JSON value."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else dumps(body)).encode()
    fields = {"content-type": kind, "content-length": str(len(body)), **(headers or {})}
    head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    return head.encode() + b"\r\n" + body


def completion(content: str | None = "Hello there.", finish="stop", choices=None, **message) -> dict:
    """A chat.completion object; more members of the message by keyword."""
    if choices is None:
        choices = [choice(content, finish, **message)]
    return {
        "id": "chatcmpl-mock", "object": "chat.completion", "created": 1700000000, "model": "upstream-model",
        "choices": choices, "usage": USAGE,
    }  # fmt: skip


def choice(content: str | None, finish="stop", index: int = 0, **message) -> dict:
    """One choice of a chat.completion."""
    return {"index": index, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}


def chunk(delta: dict, finish=None, index: int = 0, **more) -> dict:
    """A chat.completion.chunk with one choice."""
    return {
        "id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1700000000, "model": "upstream-model",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more,
    }  # fmt: skip


def usage_chunk() -> dict:
    """The chunk without choices that ends a stream whose usage was asked for."""
    return {**chunk({}), "choices": [], "usage": USAGE}


def call(index: int, name: str, arguments: str, identifier: str | None = None) -> dict:
    """A whole tool call of a message."""
    return {"id": identifier or f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}


def call_deltas(index: int, name: str, pieces: list[str], identifier: str | None = None) -> list[dict]:
    """The deltas of one streamed tool call."""
    first = {"index": index, **call(index, name, "", identifier)}
    rest = [{"index": index, "function": {"arguments": piece}} for piece in pieces]
    return [{"tool_calls": [delta]} for delta in [first, *rest]]


def text_chunks(*texts: str, finish: str | None = "stop") -> list[dict]:
    """The chunks of a plain text reply: role, texts, finish."""
    chunks = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]
    return [*chunks, chunk({}, finish)] if finish else chunks


def event(value, end: str = "\n", space: str = " ") -> bytes:
    """One SSE event; `end` is the line end in use."""
    text = value if isinstance(value, str) else dumps(value)
    return f"data:{space}{text}{end}{end}".encode()


def stream(chunks: list[dict], done: bool = True) -> list[bytes]:
    """The steps of a complete chunked SSE reply, one write per event."""
    events = [event(one) for one in chunks] + ([DONE] if done else [])
    return [HEAD, *(http_chunk(one) for one in events), LAST_CHUNK]


def auto(request) -> list[bytes]:
    """A reply that fits whatever was asked: streamed or not, with usage if asked for."""
    asked = json.loads(request.body)
    if not asked.get("stream"):
        return [response(completion())]
    chunks = text_chunks("Hello", " there", ".")
    if (asked.get("stream_options") or {}).get("include_usage"):
        chunks.append(usage_chunk())
    return stream(chunks)
