"""Everything that an upstream can do wrong, in each API, streamed or not: each request ends within its deadline, in a legal
response, and nothing is left behind. `bench/chaos.py` does the same for ten minutes."""

from __future__ import annotations

import asyncio
import time

import pytest

import dialects
import hostprocess
import legal
import replies
import wire
from conftest import entry
from dialects import DIALECTS
from fakes.chaos import BEHAVIOURS, NOBODY, SOUND, Chaos
from mock_upstream import Wait
from test_plugin_services import metrics

TIMEOUTS = {"connect": 2, "head": 2, "idle": 2, "first_token": 2.5, "between_tokens": 2, "total": 7}
#: Seconds for a request, beyond `timeouts.total`, on a machine that has much else to do.
SLACK = 12
#: Requests at once.
WIDTH = 96
TEXT = dialects.CASES[0]
NAMES = [*BEHAVIOURS, *NOBODY]
#: Content may be out when these fail: only a continued reply can hide that.
LATE = {
    "stall_mid_stream", "slow_drip", "reset_mid_stream", "finish_mid_stream", "end_mid_stream", "half_json", "endless",
    "error_mid_stream", "length_too_long", "length_too_short", "garbage_events", "bad_chunk",
}  # fmt: skip
#: Slow or endless, and never silent: nothing is wrong with these until the whole time is up.
LIVELY, LIVE_STREAMS = {"slow_drip", "comments_only"}, {"slow_drip", "endless"}


@pytest.fixture(scope="module")
def chaos(tmp_path_factory):
    upstream = Chaos()
    config = {
        "models": upstream.models(), "timeouts": TIMEOUTS, "limits": {"max_response_bytes": 1 << 20},
        "routing": {"retries": 1, "backoff": 0.05, "max_retry_after": 1, "cooldown": 1, "max_cooldown": 2},
    }  # fmt: skip
    host = hostprocess.Host(tmp_path_factory.mktemp("chaos"), config).wait_ready()
    yield host
    host.stop()
    upstream.stop()


def request(dialect, stream: bool, model: str, text: str | None = None) -> dict:
    body = dialect.request(TEXT, stream, model)
    if text:
        key = "input" if dialect.name == "responses" else "messages"
        body[key] = [{"role": "user", "content": text}]
    return body


def run(host, models: list[str], text: str | None = None) -> dict:
    """Asks for all of them, in each API, streamed and not. By model, API and whether streamed: was it an answer?"""

    async def one(gate, dialect, stream, model):
        async with gate:
            began = time.monotonic()
            body = request(dialect, stream, model, text)
            try:
                answer = await legal.ask(host.port, dialect.path, body, TIMEOUTS["total"] + SLACK)
                return legal.check(dialect, stream, answer), answer
            except Exception as error:
                error.add_note(f"{model}, {dialect.name}, {stream=}, {time.monotonic() - began:.1f} s")
                raise

    async def everything():
        gate = asyncio.Semaphore(WIDTH)
        keys = [(model, dialect, stream) for model in models for dialect in DIALECTS for stream in (False, True)]
        found = await asyncio.gather(*(one(gate, dialect, stream, model) for model, dialect, stream in keys))
        return {(model, dialect.name, stream): one for (model, dialect, stream), one in zip(keys, found, strict=True)}

    return asyncio.run(everything())


def assert_nothing_left(host):
    """No exchange, transfer or slot is held; the host is alive."""
    end = time.monotonic() + 10
    while True:
        found = metrics(host)
        held = {
            name: value
            for name, value in found.items()
            if value and name.startswith(("kimi_exchanges_active", "kimi_upstream_transfers", "kimi_route_active", "kimi_route_queued"))
        }
        if not held:
            break
        assert time.monotonic() < end, held
        time.sleep(0.1)
    routes = wire.exchange(host.port, "GET", "/admin/routes", headers={"host": "localhost"}).json["routes"]
    assert not any(route["in_flight"] for route in routes)
    assert host.alive


def test_each_ends_in_time_and_legally(chaos):
    for (model, _, stream), (is_answer, answer) in run(chaos, NAMES).items():
        if model in SOUND:
            assert is_answer, (model, answer.body)
        elif stream or model not in ("length_too_short", "length_too_long"):
            # A body that is whole before its length is wrong is an answer.
            assert not is_answer or model in ("length_too_short",), (model, stream, answer.body)
    assert_nothing_left(chaos)
    # Nothing is stuck: all are asked again, and answer.
    for (model, _, _), (is_answer, answer) in run(chaos, list(BEHAVIOURS), "healthy").items():
        assert is_answer, (model, answer.body)
    assert_nothing_left(chaos)


def test_another_entry_answers(chaos):
    for (model, name, stream), (is_answer, answer) in run(chaos, [f"or-{name}" for name in NAMES]).items():
        if not stream and model.removeprefix("or-") in LIVELY:
            assert not is_answer, model
        elif not stream or model.removeprefix("or-") not in LATE:
            assert is_answer, (model, name, stream, answer.body)
    assert_nothing_left(chaos)


def test_another_entry_goes_on(chaos):
    for (model, name, stream), (is_answer, answer) in run(chaos, [f"on-{name}" for name in NAMES]).items():
        if model.removeprefix("on-") in (LIVE_STREAMS if stream else LIVELY):
            assert not is_answer, model
        else:
            assert is_answer, (model, name, stream, answer.body)
    assert_nothing_left(chaos)


@pytest.mark.parametrize("pause", [0, 0.02])
def test_what_lies_behind_an_answer_is_nobodys(start_host, upstream, pause):
    """More than the length that was told, in the shape of an answer: the next client must not get it."""
    other = replies.response(replies.completion("for somebody else"))
    good = replies.response(replies.completion("mine"))
    head, _, body = good.partition(b"\r\n\r\n")
    upstream.always(head + b"\r\n\r\n", Wait(pause), body + other)
    host = start_host({"models": [entry("m", upstream.url)]})
    for _ in range(10):
        answer = wire.chat(host.port, {"model": "m", "messages": [{"role": "user", "content": "hi"}]})
        assert answer.status == 200 and answer.json["choices"][0]["message"]["content"] == "mine"
        time.sleep(0.02)
    # Not one connection of those is used again.
    assert len({one.connection for one in upstream.requests}) == len(upstream.requests) == 10
