"""What operators see and change while the host runs: /admin/routes, /admin/cooldowns/clear, kimi-host routes; entries that
take so many requests at once; tokens of replies that broke off."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import dialects
import hostprocess
import legal
import replies
import wire
from conftest import entry
from dialects import DIALECTS
from mock_upstream import Hang, Reset, Until, Wait
from replies import HEAD, chunk, event, http_chunk
from test_failover import error
from test_plugin_services import metrics

GOOD = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ADMIN, ALICE = "kh-admin-0123456789abcdef", "kh-alice-0123456789abcdef"
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)


def look(host, **headers) -> wire.Response:
    return wire.exchange(host.port, "GET", "/admin/routes", headers={"host": f"127.0.0.1:{host.port}", **headers})


def routes(host, **headers) -> list[dict]:
    return look(host, **headers).json["routes"]


def clear(host, body=b"", **headers) -> wire.Response:
    headers = {"host": f"127.0.0.1:{host.port}", **headers}
    return wire.exchange(host.port, "POST", "/admin/cooldowns/clear", body, headers=headers)


def wait_for(what, timeout: float = 5):
    end = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def cold(start_host, upstream, second_upstream):
    """A host whose first entry has a cold key, and whose second is cold."""

    def by_key(request):
        bad = request.header("authorization") == "Bearer sk-bad"
        return [error(401, "not with sk-bad")] if bad else [error(503, "too busy", retry_after="40")]

    upstream.always(by_key)
    second_upstream.always(error(500, "broken"))
    models = [
        {**entry("m", upstream.url), "keys": ["sk-bad", "sk-good"]}, entry("m", second_upstream.url, profile=None or "p"),
        entry("other", second_upstream.url, max_concurrent=7),
    ]  # fmt: skip
    routing = {"retries": 0, "cooldown": 60, "cooldown_after": 1, "max_cooldown": 60}

    def start(**more):
        return start_host({"models": models, "routing": routing, **more}, environment={"ADMIN": ADMIN})

    return start


def test_cooldowns_are_seen_and_cleared(cold, upstream, second_upstream):
    host = cold()
    fresh = routes(host)
    assert [one["state"] for one in fresh] == ["ok"] * 3 and [one["max_concurrent"] for one in fresh] == [None, None, 7]
    assert wire.chat(host.port, GOOD).status == 503
    assert wire.chat(host.port, {**GOOD, "model": "other"}).status == 500
    first, second, third = routes(host)
    assert (first["route"], first["model"], first["profile"], second["profile"]) == ("models[0]", "m", "", "p")
    assert first["state"] == "cold" and 35_000 < first["cooldown_ms"] <= 40_000
    assert first["reason"].startswith("overloaded: ") and "too busy" in first["reason"]
    bad, good = first["keys"]
    assert bad["state"] == "cold" and bad["reason"].startswith("auth: ") and good["state"] == "ok"
    assert "sk-bad" not in json.dumps([first, second, third])
    assert second["state"] == "ok" and third["state"] == "cold" and 55_000 < third["cooldown_ms"] <= 60_000
    found = metrics(host)
    label = 'route="models[%d]",model="upstream-model",provider="openai"'
    assert [found["kimi_routes_cold{" + label % n + "}"] for n in range(3)] == [1, 0, 1]
    assert found["kimi_keys_cold{" + label % 0 + "}"] == 1

    assert clear(host, {"route": "models[0]", "key": 1}).json == {"cleared": 1}
    assert routes(host)[0]["keys"][0]["state"] == "ok" and routes(host)[0]["state"] == "cold"
    assert clear(host, {"model": "other"}).json == {"cleared": 1}
    assert [one["state"] for one in routes(host)] == ["cold", "ok", "ok"]
    assert clear(host).json == {"cleared": 1} and clear(host, {}).json == {"cleared": 0}
    assert [one["reason"] for one in routes(host)] == [""] * 3
    # And they are asked again.
    upstream.always(replies.auto)
    assert wire.chat(host.port, GOOD).status == 200


def test_mistakes_are_named(cold):
    host = cold()
    for body, status, words in [
        (b"nonsense", 400, "JSON"), ([], 400, "object"), ({"modle": "m"}, 400, "modle"), ({"key": 0}, 400, "from 1"),
        ({"model": 7}, 400, "string"), ({"model": "nobody"}, 404, "/admin/routes"), ({"key": 9}, 404, "/admin/routes"),
    ]:  # fmt: skip
        answer = clear(host, body)
        assert answer.status == status and words in answer.json["error"]["message"], (body, answer.body)
    local = {"host": "localhost"}
    assert wire.exchange(host.port, "GET", "/admin/cooldowns/clear", headers=local).status in (404, 405)
    assert wire.exchange(host.port, "POST", "/admin/routes", b"{}", local).status in (404, 405)


def test_the_command_line(cold):
    host = cold()
    wire.chat(host.port, GOOD)
    url = host.url.removesuffix("/v1")
    folder = host.config.parent
    listed = hostprocess.run("routes", "list", "--url", url, cwd=folder)
    assert listed.returncode == 0, listed.stderr
    head, first, *rest = listed.stdout.splitlines()
    assert head.startswith("ROUTE") and "models[0]" in first and "cold" in first and "too busy" in first
    assert any("key 1" in line and "cold" in line for line in rest)
    as_json = hostprocess.run("routes", "list", "--json", "--url", url, cwd=folder)
    assert json.loads(as_json.stdout)["routes"][0]["state"] == "cold"
    cleared = hostprocess.run("routes", "clear", "--url", url, "--model", "m", "--route", "models[0]", cwd=folder)
    assert cleared.returncode == 0 and json.loads(cleared.stdout) == {"cleared": 2}, cleared.stderr
    assert routes(host)[0]["state"] == "ok"
    for arguments, words in [
        (("clear", "--model", "nobody", "--url", url), "404"), (("list", "--url", f"http://127.0.0.1:{hostprocess.free_port()}"), "no answer"),
    ]:  # fmt: skip
        failed = hostprocess.run("routes", *arguments, cwd=folder)
        assert failed.returncode == 1 and words in failed.stderr, failed.stderr


def digest(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


@pytest.mark.parametrize("written", [digest(ADMIN), "$ADMIN"], ids=["hash", "variable"])
def test_the_admins_key(cold, written):
    host = cold(auth={"admin_key": written, "keys": [{"name": "alice", "hash": digest(ALICE)}]})
    for key, status in [(None, 401), (ALICE, 401), (ADMIN, 200)]:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        assert look(host, **headers).status == status
        assert clear(host, **headers).status == status
    # It opens nothing else.
    assert wire.exchange(host.port, "GET", "/v1/models", headers={"authorization": f"Bearer {ADMIN}"}).status == 401
    url = host.url.removesuffix("/v1")
    ran = [
        hostprocess.run("routes", "list", "--url", url, cwd=host.config.parent, **variables)
        for variables in ({}, {"KIMI_ADMIN_KEY": ADMIN})
    ]
    assert [one.returncode for one in ran] == [1, 0] and "401" in ran[0].stderr


def test_without_it_clients_may_look_and_not_touch(cold):
    host = cold(auth={"keys": [{"name": "alice", "hash": digest(ALICE)}]})
    alice = {"authorization": f"Bearer {ALICE}"}
    assert look(host).status == 401 and look(host, **alice).status == 200
    answer = clear(host, **alice)
    assert answer.status == 403 and "auth.admin_key" in answer.json["error"]["message"]


def test_pages_of_other_sites_are_refused(cold):
    host = cold()
    own = f"127.0.0.1:{host.port}"
    for headers, status in [
        ({"origin": "https://evil.example"}, 403), ({"origin": "null"}, 403), ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": f"http://{own}"}, 200), ({"origin": f"http://{own}", "sec-fetch-site": "same-origin"}, 200),
    ]:  # fmt: skip
        assert clear(host, **headers).status == status, headers
    # A name of somebody else's that leads here.
    with socket.create_connection(("127.0.0.1", host.port)) as connection:
        name = f"evil.example:{host.port}".encode()
        connection.sendall(b"POST /admin/cooldowns/clear HTTP/1.1\r\nhost: %s\r\norigin: http://%s\r\ncontent-length: 0\r\n\r\n" % (name, name))
        assert connection.recv(4096).startswith(b"HTTP/1.1 403")


# -- So many at once --------------------------------------------------------------------------------------------------


def held(gate: threading.Event) -> list:
    return [Until(gate), replies.response(replies.completion())]


def test_a_busy_entry_is_passed_over(start_host, upstream, second_upstream):
    gate = threading.Event()
    upstream.always(*held(gate))
    second_upstream.always(replies.auto)
    models = [entry("m", upstream.url, max_concurrent=2), entry("m", second_upstream.url)]
    host = start_host({"models": models})
    with ThreadPoolExecutor(8) as pool:
        asked = []
        for number in range(2):
            asked.append(pool.submit(wire.chat, host.port, GOOD))
            upstream.wait_request(number)
        assert routes(host)[0]["in_flight"] == 2
        assert [wire.chat(host.port, GOOD).status for _ in range(3)] == [200] * 3
        assert len(second_upstream.requests) == 3 and len(upstream.requests) == 2
        gate.set()
        assert [one.result().status for one in asked] == [200, 200]
    assert wire.chat(host.port, GOOD).status == 200 and len(upstream.requests) == 3


def test_who_finds_all_busy_waits_its_turn(start_host, upstream):
    gate = threading.Event()
    upstream.always(*held(gate))
    host = start_host({"models": [entry("m", upstream.url, max_concurrent=1)]})
    with ThreadPoolExecutor(8) as pool:
        asked = []
        for number in range(4):
            asked.append(pool.submit(wire.chat, host.port, GOOD))
            upstream.wait_request(0)
            wait_for(lambda number=number: metrics(host)["kimi_route_queued"] == number)
        time.sleep(0.3)
        assert len(upstream.requests) == 1
        gate.set()
        assert [one.result().status for one in asked] == [200] * 4
    assert len(upstream.requests) == 4
    found = metrics(host)
    assert found["kimi_route_queued"] == 0 and routes(host)[0]["in_flight"] == 0


@every_dialect
@pytest.mark.parametrize("limits,timeouts", [({"max_queued": 0}, {}), ({}, {"queue": 0.3})], ids=["full", "late"])
def test_waiting_has_bounds(start_host, upstream, dialect, limits, timeouts):
    upstream.always(Hang())
    host = start_host({"models": [entry("mock", upstream.url, max_concurrent=1)], "limits": limits, "timeouts": timeouts})
    with wire.Connection(host.port) as first:
        first.request("POST", dialect.path, json.dumps(dialect.request(dialects.CASES[0], True, "mock")).encode())
        upstream.wait_request()
        for stream in (False, True):
            answer = wire.exchange(host.port, "POST", dialect.path, dialect.request(dialects.CASES[0], stream, "mock"))
            assert answer.status in (503, 529) and answer.header("retry-after") == "1"
            assert not legal.check(dialect, stream, answer)
            assert "max_concurrent" in answer.json["error"]["message"]
        # It is not the entry's fault.
        assert routes(host)[0]["state"] == "ok"
    wait_for(lambda: routes(host)[0]["in_flight"] == 0)
    upstream.always(*dialects.upstream_steps(dialects.CASES[0], False))
    answer = wire.exchange(host.port, "POST", dialect.path, dialect.request(dialects.CASES[0], False, "mock"))
    assert answer.status == 200


def test_a_client_that_goes_leaves_the_queue(start_host, upstream):
    gate = threading.Event()
    upstream.always(*held(gate))
    host = start_host({"models": [entry("m", upstream.url, max_concurrent=1)]})
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(wire.chat, host.port, GOOD)
        upstream.wait_request()
        with wire.Connection(host.port) as second:
            second.request("POST", "/v1/chat/completions", json.dumps(GOOD).encode())
            wait_for(lambda: metrics(host)["kimi_route_queued"] == 1)
        wait_for(lambda: metrics(host)["kimi_route_queued"] == 0)
        gate.set()
        assert first.result().status == 200
    assert wire.chat(host.port, GOOD).status == 200 and len(upstream.requests) == 2


# -- What it costs ----------------------------------------------------------------------------------------------------


def begun(*texts: str) -> list:
    return [HEAD, *(http_chunk(event(chunk({"content": text}))) for text in texts)]


LONG_TEXT = "word " * 400
CHARGED = {
    "no usage": (True, [replies.response({k: v for k, v in replies.completion(LONG_TEXT).items() if k != "usage"})], 500),
    "broken off": (True, [*begun(LONG_TEXT), Wait(0.1), Reset()], 500),
    "hung up": (False, [*begun(LONG_TEXT), Hang()], 500),
    "hung up early": (False, [Hang()], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", CHARGED)
def test_nothing_is_free_by_hanging_up(start_host, upstream, name):
    stays, steps, least = CHARGED[name]
    keys = [{"name": "alice", "hash": digest(ALICE), "tokens_per_minute": 400 if least > 1 else 20}]
    host = start_host({"models": [entry("m", upstream.url)], "auth": {"keys": keys}})
    upstream.always(*steps)
    bearer = {"authorization": f"Bearer {ALICE}"}
    long = {**GOOD, "messages": [{"role": "user", "content": "a question, " * 10}]}
    body = json.dumps({**long, "stream": name != "no usage"}).encode()
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", body, bearer)
        upstream.wait_request()
        if stays:
            connection.read_response()
        elif least > 1:
            connection.read_until(b"word word")
    wait_for(lambda: "tokens_estimated" in host.output)
    answer = wire.exchange(host.port, "POST", "/v1/chat/completions", long, bearer)
    assert answer.status == 429 and "tokens a minute" in answer.json["error"]["message"]


def test_pictures_are_not_counted_by_their_bytes(start_host, upstream):
    keys = [{"name": "alice", "hash": digest(ALICE), "tokens_per_minute": 100_000}]
    host = start_host({"models": [entry("m", upstream.url)], "auth": {"keys": keys}})
    upstream.always(replies.response({k: v for k, v in replies.completion().items() if k != "usage"}))
    url = {"url": "data:image/png;base64," + "iVBORw0KGgo" * 100_000}
    body = {**GOOD, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]}
    for _ in range(3):
        answer = wire.exchange(host.port, "POST", "/v1/chat/completions", body, {"authorization": f"Bearer {ALICE}"})
        assert answer.status == 200
    assert "tokens are charged" in host.output


# -- What the client hears, and when -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_the_error_that_helps_most_is_told(start_host, upstream, second_upstream, stream):
    nobody = f"http://127.0.0.1:{hostprocess.free_port()}/v1"
    models = [entry("m", upstream.url), entry("m", second_upstream.url), entry("m", nobody)]
    host = start_host({"models": models})
    upstream.always(error(429, "come again", retry_after="9"))
    second_upstream.always(error(401, "bad key"))
    answer = wire.chat(host.port, {**GOOD, "stream": stream})
    assert answer.status == 429 and "come again" in answer.body.decode() and answer.header("retry-after") == "9"


def test_the_next_attempt_follows_at_once(start_host, upstream, second_upstream):
    """Between the end of a refused connection and the next attempt there is next to nothing."""
    nobody = f"http://127.0.0.1:{hostprocess.free_port()}/v1"
    second_upstream.always(replies.auto)
    host = start_host(
        {
            "models": [entry("direct", second_upstream.url), entry("m", nobody), entry("m", second_upstream.url)],
            "routing": {"retries": 0, "cooldown": 0},
        }
    )

    def fastest(model: str) -> float:
        took = []
        with wire.Connection(host.port) as connection:
            for _ in range(60):
                started = time.monotonic()
                connection.request("POST", "/v1/chat/completions", json.dumps({**GOOD, "model": model}).encode())
                assert connection.read_response().status == 200
                took.append(time.monotonic() - started)
        return min(took)

    fastest("direct")
    more = fastest("m") - fastest("direct")
    print(f"a refused connection and another attempt cost {more * 1000:.2f} ms")
    assert more < 0.02


def test_plugins_hear_of_one_deadline(start_host, runtime_plugins):
    """Whenever their attempt begins."""
    one = {"name": "m", "provider": "steps", "model": "up", "provider_config": {"script": "begin_tells_deadline"}}
    host = start_host(
        {
            "models": [one, one], "timeouts": {"total": 30}, "logging": {"level": "debug"},
            "routing": {"retries": 2, "backoff": 0.4, "cooldown": 0},
        },
        plugins=runtime_plugins,
    )  # fmt: skip
    began = time.time() * 1000
    assert wire.chat(host.port, GOOD).status == 503
    found = [int(word) for word in re.findall(r"deadline=(\d+)", host.output.split("attempts=")[1].split("model=")[0])]
    assert len(found) == 4 and max(found) - min(found) <= 20, found
    assert 29_000 < min(found) - began < 31_000
