"""One host with a route for every model and configuration of the examples, and how they are sent and read."""

from __future__ import annotations

import json
import random

import pytest

import chatshape
import hostprocess
import kimi_cases
import replies
import wire
from conftest import entry
from mock_upstream import MockUpstream

SEED = 20261123
TEXTS = kimi_cases.own() + kimi_cases.vectors()
WIRE = kimi_cases.wire_vectors()


def route(case: dict, ids: str = "short") -> str:
    """The client's name of the route with that model and configuration."""
    return json.dumps([kimi_cases.upstream_model(case), ids, case.get("config")], sort_keys=True)


def routes(url: str) -> list[dict]:
    """One entry for each model and configuration that occurs."""
    found = {}
    for case in [*TEXTS, *WIRE, {}]:
        for ids in ("short", "native"):
            config = {"ids": ids, **(case.get("config") or {})}
            transforms = [{"plugin": "kimi-k2", "config": config}]
            model = kimi_cases.upstream_model(case)
            found[route(case, ids)] = entry(route(case, ids), url) | {"model": model, "transforms": transforms}
    return list(found.values())


class Line:
    """One upstream, one host before it, and one connection that all examples share."""

    def __init__(self, folder):
        self.upstream = MockUpstream()
        self.host = hostprocess.Host(folder, {"models": routes(self.upstream.url)}).wait_ready()
        self.connection = wire.Connection(self.host.port)

    def ask(self, body: dict, *steps) -> wire.Response:
        """The host's answer to `body` when the upstream's is `steps`."""
        self.upstream.reply(*steps)
        self.connection.request("POST", "/v1/chat/completions", replies.dumps(body).encode())
        return self.connection.read_response()

    def stop(self):
        self.connection.close()
        self.host.stop()
        self.upstream.stop()


@pytest.fixture(scope="module")
def shared_line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("vectors"))
    yield made
    made.stop()


@pytest.fixture
def line(shared_line):
    """The shared line; every test leaves its host alive and starts on a connection with nothing left on it."""
    yield shared_line
    assert shared_line.host.alive, f"the host died:\n{shared_line.host.output[-4000:]}"
    assert shared_line.connection.buffer == b"", "bytes follow an answer"
    shared_line.upstream.reset()
    shared_line.connection.close()
    shared_line.connection = wire.Connection(shared_line.host.port)


def reason(case: dict) -> str | None:
    """The upstream's finish reason; `null` on the wire where the example has none."""
    return case.get("upstream_finish_reason", "stop") or None


def field(case: dict) -> str:
    return case.get("field", "content")


def whole_body(case: dict) -> bytes:
    text = "".join(kimi_cases.pieces(case))
    message = {"content": None if case.get("field") else text} | {field(case): text}
    return replies.response(replies.completion(message.pop("content"), reason(case), **message))


def stream_body(case: dict, parts: list[str]) -> list[bytes]:
    chunks = [replies.chunk({"role": "assistant", "content": ""})]
    chunks += [replies.chunk({field(case): part}) for part in parts]
    chunks.append(replies.chunk({}, reason(case)))
    data = b"".join(map(replies.event, chunks)) + replies.DONE
    return [replies.HEAD + replies.http_chunk(data) + replies.LAST_CHUNK]


def cuts(case: dict) -> dict[str, list[str]]:
    """The text as it is given, whole, one character at a time, and at random."""
    given = kimi_cases.pieces(case)
    text = "".join(given)
    source, parts, at = random.Random(f"{SEED} {case['name']}"), [], 0
    while at < len(text):
        size = source.choice([1, 2, 3, 5, 9, 17, 40])
        parts.append(text[at : at + size])
        at += size
    return {"given": given, "whole": [text], "characters": list(text), f"random, seed {SEED}": parts}


def as_chat(case: dict) -> dict:
    """Chat clients know five finish reasons; another one is told to them as stop."""
    known = ("stop", "length", "tool_calls", "content_filter", "function_call", None)
    expected = case["expect"]
    if expected.get("finish_reason") in known:
        return case
    return {**case, "expect": {**expected, "finish_reason": "stop"}}


def check(case: dict, found: chatshape.Choice, how: str, native_ids: bool = False):
    case = as_chat(case)
    wrong = kimi_cases.breach(case, found) or kimi_cases.fault(case, found, native_ids)
    assert wrong is None, f"{how}: {wrong}"


def read(response: wire.Response) -> chatshape.Choice:
    assert response.status == 200, f"{response.status}: {response.body[:500]!r}"
    if (response.header("content-type") or "").startswith("text/event-stream"):
        return chatshape.streamed(response.frames).only
    return chatshape.unary(response.json).only
