"""Replays an upstream's replies to a client, through kimi-host and straight."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import chatshape  # noqa: E402
import hostprocess  # noqa: E402
import replies  # noqa: E402
import wire  # noqa: E402
from metrics import Seen  # noqa: E402
from mock_upstream import MockUpstream  # noqa: E402
from native import FAMILIES, Reply  # noqa: E402


def message(reply: Reply) -> dict:
    made = {"role": "assistant", "content": reply.content or None}
    made |= {"reasoning_content": reply.reasoning} if reply.reasoning else {}
    return made | ({"tool_calls": reply.calls} if reply.calls is not None else {})


def body(reply: Reply) -> bytes:
    choice = {"index": 0, "message": message(reply), "finish_reason": reply.finish}
    return replies.response(replies.completion(choices=[choice]))


def _cut(text: str, reply: Reply, source: random.Random) -> list[str]:
    made, at = [], 0
    while at < len(text):
        size = 1 if reply.characters else source.choice([1, 2, 3, 5, 8, 13, 40, 200])
        made.append(text[at : at + size])
        at += size
    return made


def _call_deltas(number: int, call: dict, reply: Reply, source: random.Random) -> list[dict]:
    index = (reply.index or {}).get(number, number)
    arguments = call["function"]["arguments"]
    pieces = _cut(arguments, reply, source) if isinstance(arguments, str) else [arguments]
    head = {key: value for key, value in call.items() if key != "function"}
    name = {key: value for key, value in call["function"].items() if key != "arguments"}
    made = []
    for at, piece in enumerate(pieces or [""]):
        delta = {} if index is None else {"index": index}
        shows_head = at == 0 or reply.repeats
        delta |= {**(head if shows_head else {}), "function": {**(name if shows_head else {}), "arguments": piece}}
        made.append({"tool_calls": [delta]})
    return made


def stream(reply: Reply, source: random.Random) -> list[bytes]:
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in _cut(reply.reasoning, reply, source)]
    deltas += [{"content": piece} for piece in _cut(reply.content, reply, source)]
    for number, call in enumerate(reply.calls or []):
        deltas += _call_deltas(number, call, reply, source)
    chunks = [*map(replies.chunk, deltas), replies.chunk({}, reply.finish)]
    data = b"".join(map(replies.event, chunks)) + replies.DONE
    return [replies.HEAD + replies.http_chunk(data) + replies.LAST_CHUNK]


def straight(reply: Reply) -> Seen:
    """What a client makes of the reply without a proxy: the finish reason as it is, `stop` if there is none.

    Faults of a stream's numbering are read as K2-Vendor-Verifier reads a stream: index 0 unless said, the last name
    wins, arguments are appended.
    """
    if reply.index or reply.repeats:
        return _accumulated(reply)
    calls = [(one["function"].get("name"), one["function"].get("arguments")) for one in reply.calls or []]
    texts = [(name, text if isinstance(text, str) else json.dumps(text)) for name, text in calls]
    return Seen(reply.finish or "stop", texts)


def _accumulated(reply: Reply) -> Seen:
    found: dict[int, list[str]] = {}
    for number, call in enumerate(reply.calls or []):
        for delta in _call_deltas(number, call, reply, random.Random(number)):
            delta = delta["tool_calls"][0]
            one = found.setdefault(delta.get("index", 0), ["", ""])
            one[0] = delta["function"].get("name", one[0])
            one[1] += delta["function"]["arguments"]
    return Seen(reply.finish or "stop", [(name, text) for name, text in found.values()])


class Proxy:
    """The real binary with the transform, in front of a mock upstream."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.upstream = MockUpstream()
        provider = {"apiKey": "sk-report", "baseUrl": self.upstream.url}
        models = [
            {"name": family, "provider": "openai", "model": model, "provider_config": provider, "transforms": ["kimi-k2"]}
            for family, model in FAMILIES.items()
        ]
        self.host = hostprocess.Host(Path(self.folder.name), {"models": models}).wait_ready()
        self.connection = wire.Connection(self.host.port)

    def ask(self, family: str, tools: list[dict], reply: Reply, source: random.Random, streams: bool) -> Seen:
        """The reply as the client sees it. An answer that breaks the protocol is an error of the whole report."""
        self.upstream.reply(*(stream(reply, source) if streams else [body(reply)]))
        asked = {"model": family, "stream": streams, "tools": tools, "messages": [{"role": "user", "content": "hi"}]}
        self.connection.request("POST", "/v1/chat/completions", replies.dumps(asked).encode())
        response = self.connection.read_response()
        if response.status != 200:
            raise AssertionError(f"{response.status}: {response.body[:500]!r}")
        read = chatshape.streamed(response.frames) if streams else chatshape.unary(response.json)
        return Seen(read.only.finish, [(name, text) for _, name, text in read.only.calls])

    def close(self):
        self.connection.close()
        self.host.stop()
        self.upstream.stop()
        self.folder.cleanup()
