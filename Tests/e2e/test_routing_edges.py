"""Where routing, enforcement and access meet: each of these was wrong once."""

from __future__ import annotations

import hashlib
import json
import threading
import time

import pytest

import hostprocess
import wire
from conftest import entry
from enforcing import WEATHER, done, say
from mock_upstream import Wait
from test_admin import routes
from test_failover import error
from test_reload import wait_for, write

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
ASK = {"model": "m", "tools": TOOLS, "messages": [{"role": "user", "content": "Weather?"}]}
ADMIN, ALICE, BOB = "kh-admin-0123456789abcdef", "kh-alice-0123456789abcdef", "kh-bob-0123456789abcdef"


def hashed(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def bearer(key: str) -> dict:
    return {"authorization": "Bearer " + key}


def slowly(seconds: float, *what, **more):
    answer = say(*what, **more)
    return lambda request: [Wait(seconds), *answer(request)]


@pytest.mark.parametrize("path", ["/admin/routes", "//admin/routes", "/admin//routes", "///admin///routes/"])
def test_admin_needs_its_key_however_many_slashes(start_host, upstream, path):
    auth = {"admin_key": hashed(ADMIN), "keys": [{"name": "alice", "hash": hashed(ALICE)}]}
    host = start_host({"models": [entry("m", upstream.url)], "auth": auth})
    for headers in ({}, bearer(ALICE)):
        assert wire.exchange(host.port, "GET", path, headers=headers).status == 401, headers
    assert wire.exchange(host.port, "GET", path, headers=bearer(ADMIN)).status == 200
    evil = {**bearer(ADMIN), "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    clear = path.replace("routes", "cooldowns/clear")
    assert wire.exchange(host.port, "POST", clear, headers=evil).status == 403
    assert wire.exchange(host.port, "POST", clear, headers=bearer(ALICE)).status == 401


def test_a_reload_does_not_open_a_host_that_others_reach(tmp_path, upstream):
    """The address stays the one of the start, whatever the file says now. 127.1 is this machine, but not by its name."""
    upstream.always(say("hello"))
    models = [entry("m", upstream.url)]
    keys = {"keys": [{"name": "alice", "hash": hashed(ALICE)}]}
    host = hostprocess.Host(tmp_path, {"models": models, "auth": keys, "server": {"host": "127.1"}}, address=None)
    try:
        host.wait_ready()
        write(host, {"models": models, "server": {"host": "127.0.0.1"}})
        wait_for(lambda: "not loaded" in host.output, host.output)
        assert "'127.1' is not a loopback address" in host.output
        assert wire.chat(host.port, ASK).status == 401 and wire.chat(host.port, ASK, bearer(ALICE)).status == 200
    finally:
        host.stop()


def test_sums_of_usage_that_do_not_fit(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url, ensure_tool_call=True)]})
    counts = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    for one, two in [(999999999999999, 0.125456789), (-99999999999999, 0.125456789), (0.000000000001, 999999999999999)]:
        upstream.reply(say("no call", usage={**counts, "x": one}))
        upstream.reply(say("", WEATHER, usage={**counts, "x": two}))
        answer = wire.chat(host.port, ASK)
        assert answer.status == 200 and answer.json["usage"]["prompt_tokens"] == 2, answer.body
    assert host.alive


def test_a_further_attempt_keeps_its_place_while_others_wait(start_host, upstream, second_upstream):
    """Four clients, one slot: the first one's second attempt does not go to the end of the queue, nor elsewhere."""
    models = [entry("m", upstream.url, max_concurrent=1, ensure_tool_call=True), entry("m", second_upstream.url, max_concurrent=1)]
    host = start_host({"models": models, "timeouts": {"queue": 10}})
    upstream.reply(slowly(0.6, "no call"))
    upstream.always(slowly(0.4, "", WEATHER))
    second_upstream.always(slowly(1.2, "", WEATHER))
    answers: dict[int, wire.Response] = {}

    def go(number: int):
        time.sleep(0.1 * number)
        answers[number] = wire.chat(host.port, ASK)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[number].status for number in range(4)] == [200] * 4
    assert answers[0].header("x-kimi-enforcement") == "attempts=2; result=call"
    lengths = [len(json.loads(request.body)["messages"]) for request in upstream.requests]
    assert lengths[1] > lengths[0], "the second request of the first entry is the first client's second"
    assert all(len(json.loads(request.body)["messages"]) == 1 for request in second_upstream.requests)
    assert [one["in_flight"] for one in routes(host)] == [0, 0]


@pytest.mark.parametrize(
    ("provider", "path", "body", "status"),
    [
        ("openai", "/v1/messages/count_tokens", {"messages": [{"role": "user", "content": "x"}]}, 200),
        ("anthropic", "/v1/embeddings", {"input": "x"}, 400),
    ],
)
def test_what_reaches_no_upstream_ends_no_cooldown(start_host, upstream, provider, path, body, status):
    routing = {"retries": 0, "cooldown": 60, "cooldown_after": 1, "max_cooldown": 60}
    host = start_host({"models": [{**entry("m", upstream.url), "provider": provider}], "routing": routing})
    upstream.always(error(503, "too busy"))
    assert wire.chat(host.port, ASK).status == 503
    asked = len(upstream.requests)
    assert wire.exchange(host.port, "POST", path, {"model": "m", **body}).status == status
    assert routes(host)[0]["state"] == "cold" and len(upstream.requests) == asked


def test_final_answers_are_one_clients_own_and_stopping_costs_nothing(start_host, upstream):
    keys = [
        {"name": "alice", "hash": hashed(ALICE), "tokens_per_minute": 1000}, {"name": "bob", "hash": hashed(BOB)},
    ]  # fmt: skip
    host = start_host({"models": [entry("m", upstream.url, ensure_tool_call=True)], "auth": {"keys": keys}})
    upstream.reply(say("", done({"final_answer": "Secret answer 42"})))
    assert wire.chat(host.port, ASK, bearer(ALICE)).json["choices"][0]["message"]["content"] == "Secret answer 42"
    ended = {**ASK, "messages": [*ASK["messages"], {"role": "assistant", "content": "Secret answer 42"}]}
    upstream.always(say("", WEATHER))
    asked = len(upstream.requests)
    padded = {**ended, "messages": [{"role": "user", "content": "pad " * 300}, {"role": "assistant", "content": "ok"}, *ended["messages"]]}
    for _ in range(8):
        stopped = wire.chat(host.port, padded, bearer(ALICE))
        assert stopped.status == 200 and stopped.header("x-kimi-enforcement") == "attempts=0; result=stopped"
    assert len(upstream.requests) == asked
    assert wire.chat(host.port, ended, bearer(BOB)).header("x-kimi-enforcement") == "attempts=1; result=call"
    assert len(upstream.requests) == asked + 1


def test_a_rejected_attempt_that_stays_open_is_no_late_content(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url, ensure_tool_call=True)], "timeouts": {"between_tokens": 0.3}})

    def open_end(request):
        return [*say("no call")(request), Wait(2)]

    upstream.reply(open_end)
    upstream.always(say("", WEATHER))
    answer = wire.chat(host.port, {**ASK, "stream": True})
    assert answer.status == 200 and b"weather" in answer.body and b"no content came" not in answer.body, answer.body


def test_a_very_long_name_holds_nobody_up(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)]})
    started = time.monotonic()
    answer = wire.chat(host.port, {**ASK, "model": "é" * 4_000_000})
    assert answer.status == 404 and len(answer.body) < 4096, len(answer.body)
    assert time.monotonic() - started < 1
