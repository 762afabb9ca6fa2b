"""The dashboard as the host serves it: real traffic, and the rules of /admin/ on who may come in."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import threading
import time

import pytest

import hostprocess
import logfiles
import replies
import wire
from conftest import entry
from enforcing import WEATHER, say
from mock_upstream import Wait
from test_admin import ADMIN, ALICE, digest
from test_failover import error

MARK = {"x-kimi-dashboard": "1"}
CHROMIUM = os.environ.get("KIMI_CHROMIUM", "/usr/bin/chromium")
ASK = {"model": "m", "messages": [{"role": "user", "content": "hello zanzibar"}]}
ADMIN_ONLY = {"admin_key": digest(ADMIN)}
ALICES = {"name": "alice", "hash": digest(ALICE)}
READS = ["me", "requests", "requests/events", "requests/1", "requests/1/body?kind=request", "requests/1/curl", "overview", "facets",
         "routes", "plugins"]  # fmt: skip


def bearer(key: str) -> dict:
    return {"authorization": f"Bearer {key}"}


def send(server, method: str, path: str, body=b"", **headers) -> wire.Response:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return wire.Response(answer.status, answer.getheaders(), answer.read(), True)
    finally:
        connection.close()


def api(server, path: str, **headers) -> wire.Response:
    return send(server, "GET", "/admin/api/" + path, **headers)


def act(server, path: str, body=b"{}", **headers) -> wire.Response:
    return send(server, "POST", "/admin/api/" + path, body, **headers)


def cookie(answer) -> dict:
    return {"cookie": answer.header("set-cookie").split(";")[0]}


def sign_in(host, key: str) -> wire.Response:
    return act(host, "session", json.dumps({"key": key}).encode(), **MARK)


def link(host) -> str | None:
    end = time.monotonic() + 5
    while not re.search(r"kimi-host \S+ on http", host.output) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)
    found = re.search(r"http://\S+?(/admin/login\?token=\S+)", host.output)
    return found and found[1]


def enter(host) -> dict:
    """The cookie that the printed link gives."""
    answer = send(host, "GET", link(host))
    assert answer.status == 303 and answer.header("location") == "/"
    return cookie(answer)


@pytest.fixture
def serve(start_host, upstream):
    def start(models=None, environment=None, **config):
        return start_host({"models": models or [entry("m", upstream.url)], **config}, environment=environment)

    return start


# -- Who may come in ----------------------------------------------------------------------------------------------------


def test_with_an_admins_key_only_its_holder_comes_in(serve):
    host = serve(auth={**ADMIN_ONLY, "keys": [ALICES]})
    assert send(host, "GET", "/").status == 200 and link(host) is None
    for path in READS:
        for headers in ({}, bearer(ALICE), bearer("wrong"), {"cookie": "kimi_session=" + "0" * 64}):
            answer = api(host, path, **headers)
            assert answer.status == 401 and answer.json["error"]["code"] == "not_signed_in", (path, headers)
    assert sign_in(host, ALICE).status == 401 and sign_in(host, ADMIN).status == 204
    for headers in (bearer(ADMIN), cookie(sign_in(host, ADMIN)), {"x-api-key": ADMIN}):
        me = api(host, "me", **headers)
        assert me.status == 200 and me.json["admin"] and not me.json["read_only"]
        assert act(host, "cooldowns/clear", **headers, **MARK).json == {"cleared": 0}
        assert act(host, "cooldowns/clear", **headers).status == 403


def test_a_clients_key_opens_nothing(serve, upstream):
    """Without an admin's key the printed link is the way in, as long as nobody else reaches the host."""
    host = serve(auth={"keys": [ALICES]})
    upstream.always(replies.response(replies.completion("private")))
    ask = {"model": "m", "messages": [{"role": "user", "content": "of bob's own"}]}
    assert wire.exchange(host.port, "POST", "/v1/chat/completions", ask, bearer(ALICE)).status == 200
    logfiles.wait_rows(host, 1)
    for path in READS:
        for headers in ({}, bearer(ALICE), {"x-api-key": ALICE}, {"cookie": "kimi_session=" + "0" * 64}):
            answer = api(host, path, **headers)
            assert answer.status == 401 and b"private" not in answer.body, (path, headers)
            assert "link that the host printed" in answer.json["error"]["message"]
    refused = sign_in(host, ALICE)
    assert refused.status == 401 and "link" in refused.json["error"]["message"]
    inside = enter(host)
    assert api(host, "me", **inside).json["admin"]
    assert b"private" in api(host, "requests/1/body?kind=reply", **inside).body
    assert act(host, "cooldowns/clear", **inside, **MARK).json == {"cleared": 0}
    assert api(host, "requests", **inside, host="kimi.example").status == 403


@pytest.mark.parametrize("auth", ["none", {"keys": [ALICES]}], ids=["open", "keys"])
def test_where_others_reach_the_host_only_an_admins_key_opens_it(start_host, upstream, auth):
    """Listening on all addresses, without being told so by --host."""
    config = {"models": [entry("m", upstream.url)], "auth": auth, "server": {"host": "0.0.0.0"}}
    host = start_host(config, address=None)
    assert link(host) is None
    assert "dashboard: nobody may open it" in host.output and "auth.admin_key" in host.output
    for path in READS:
        for headers in ({}, bearer(ALICE)):
            answer = api(host, path, **headers)
            assert answer.status == 403 and answer.json["error"]["code"] == "no_way_in", (path, answer.body)
            assert "auth.admin_key" in answer.json["error"]["message"]
    assert send(host, "GET", "/").status == 200 and sign_in(host, ALICE).status == 401


def test_on_this_machine_alone_the_printed_link_is_the_way_in(serve):
    host = serve()
    assert all(api(host, path).status == 401 for path in READS)
    assert send(host, "GET", link(host), host="evil.example").status == 403
    inside = enter(host)
    assert send(host, "GET", link(host)).header("set-cookie") is None
    assert api(host, "me", **inside).json["admin"] and act(host, "cooldowns/clear", **inside, **MARK).status == 200
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"host": "evil.example"}):
        assert api(host, "requests", **inside, **headers).status == 403, headers
    for headers in ({}, {**MARK, "origin": "http://evil.example"}, {**MARK, "origin": "null"}):
        assert act(host, "cooldowns/clear", **inside, **headers).status == 403, headers


@pytest.mark.parametrize("path", ["//admin/routes", "/admin//routes", "//admin//api/me", "/ui/v1/models", "//ui/v1/models"])
def test_slashes_are_no_way_round(serve, path):
    host = serve(auth={**ADMIN_ONLY, "keys": [ALICES]})
    answer = send(host, "GET", path)
    assert answer.status in (401, 404), answer.body
    assert send(host, "POST", "//admin/cooldowns/clear").status == 401


def test_sessions_end_when_others_may_come_in(serve):
    host = serve()
    inside = enter(host)
    config = json.loads(host.config.read_text())

    def reload():
        count = host.output.count("configuration loaded anew")
        host.config.write_text(json.dumps(config))
        host.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while host.output.count("configuration loaded anew") == count:
            assert time.monotonic() < end, host.output
            time.sleep(0.05)

    config["routing"] = {"retries": 1}
    reload()
    assert api(host, "me", **inside).status == 200
    config["auth"] = ADMIN_ONLY
    reload()
    assert api(host, "me", **inside).status == 401
    assert api(host, "me", **bearer(ADMIN)).status == 200


def test_it_can_be_off_or_for_looking_only(serve):
    host = serve(dashboard={"enabled": False})
    assert link(host) is None and send(host, "GET", "/").status == 404 and api(host, "me").status == 404
    host = serve(auth=ADMIN_ONLY, dashboard={"read_only": True, "hosts": ["kimi.example"]})
    assert api(host, "me", **bearer(ADMIN)).json["read_only"]
    answer = act(host, "cooldowns/clear", **bearer(ADMIN), **MARK)
    assert answer.status == 403 and answer.json["error"]["code"] == "read_only"
    inside = cookie(sign_in(host, ADMIN))
    assert api(host, "me", **inside, host="kimi.example").status == 200
    assert api(host, "me", **inside, host="other.example").status == 403


# -- What it shows ------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(serve, upstream, second_upstream):
    """A host with an admin's key that has served: one plainly, one enforced, one that failed and one refused."""
    host = serve(
        [entry("m", upstream.url, transforms=["kimi-k2"]), entry("forced", upstream.url, ensure_tool_call=True),
         entry("broken", second_upstream.url)],
        auth=ADMIN_ONLY, routing={"retries": 0, "cooldown_after": 1, "cooldown": 60})  # fmt: skip
    upstream.reply(*replies.stream([*replies.text_chunks("<think>hm</think>", "Hel", "lo"), replies.usage_chunk()]))
    ask(host, "plain", stream=True)
    upstream.reply(say("I would look."))
    upstream.reply(say("", WEATHER))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    ask(host, "enforced", model="forced", tools=tools)
    second_upstream.always(error(500, "out of order"))
    ask(host, "failed", model="broken")
    ask(host, "unknown", model="nobody")
    logfiles.wait_rows(host, 4)
    return host


def ask(host, identifier: str, **more):
    return wire.exchange(host.port, "POST", "/v1/chat/completions", {**ASK, **more}, {"x-request-id": identifier})


def test_requests_are_listed_shown_and_searched(busy):
    key = bearer(ADMIN)
    page = api(busy, "requests", **key).json
    assert [(one["id"], one["status"], one.get("attempts", 0)) for one in page["items"]] == [
        ("unknown", 404, 0), ("failed", 500, 1), ("enforced", 200, 2), ("plain", 200, 1)]  # fmt: skip
    assert [one["id"] for one in api(busy, "requests?error=1", **key).json["items"]] == ["unknown", "failed"]
    assert [one["id"] for one in api(busy, "requests?model=forced", **key).json["items"]] == ["enforced"]
    end = time.monotonic() + 15
    while len(found := api(busy, "requests?q=zanzibar", **key).json["items"]) < 3 and time.monotonic() < end:
        time.sleep(0.2)
    assert {"plain", "enforced"} <= {one["id"] for one in found}
    detail = api(busy, "requests/enforced", **key).json
    assert [(a["number"], a.get("rejected")) for a in detail["attempts"]] == [(1, "no tool call"), (2, None)]
    body = api(busy, "requests/enforced/body?kind=upstream_request&attempt=2", **key)
    assert b"Reminder" in body.body and body.header("content-type") == "text/plain; charset=utf-8"
    command = api(busy, "requests/plain/curl", **key).body.decode()
    assert command.startswith(f"curl -sS 'http://127.0.0.1:{busy.port}/v1/chat/completions'") and ADMIN not in command


def test_sums_facets_routes_and_plugins(busy):
    key = bearer(ADMIN)
    series = api(busy, "overview?since=1h", **key).json["series"]
    count = lambda name: sum(point.get(name, 0) for one in series for point in one["points"])  # noqa: E731
    assert (count("ok"), count("failed")) == (2, 2) and count("output") > 0
    facets = api(busy, "facets", **key).json
    assert {"m", "forced", "broken"} <= set(facets["models"]) and facets["providers"]
    routes = api(busy, "routes", **key).json["routes"]
    assert routes == send(busy, "GET", "/admin/routes", **key).json["routes"] or routes[2]["cooldown_ms"] > 0
    assert [one["state"] for one in routes] == ["ok", "ok", "cold"] and "out of order" in routes[2]["reason"]
    assert act(busy, "cooldowns/clear", json.dumps({"route": "models[7]"}).encode(), **key, **MARK).status == 400
    assert act(busy, "cooldowns/clear", json.dumps({"route": "models[2]"}).encode(), **key, **MARK).json == {"cleared": 1}
    assert api(busy, "routes", **key).json["routes"][2]["state"] == "ok"
    plugins = {one["provides"][0]["name"]: one for one in api(busy, "plugins", **key).json["plugins"]}
    kimi, openai = plugins["kimi-k2"], plugins["openai"]
    assert 0 < openai["max_ms"] <= openai["total_ms"] and openai["slow"] == 0
    feed = next(one for one in openai["functions"] if one["name"] == "feed")
    assert 0 < feed["max_ms"] <= feed["total_ms"] and sum(feed["buckets"]) == feed["calls"] > 0
    assert sum(one["calls"] for one in openai["functions"]) == openai["calls"]
    assert [(one["kind"], one["count"]) for one in kimi["notes"]] == [("thinking", 2)], kimi
    assert kimi["used_by"] == ["m"] and openai["used_by"] == ["m", "forced", "broken"]
    assert openai["calls"] > kimi["calls"] > 0 and openai["total_ms"] > 0 and plugins["vertex"]["calls"] == 0
    assert len(openai["sha256"]) == 64 and openai["abi"]["granted"] and openai["config_schema"]["properties"]["apiKey"]
    assert "sk-upstream" not in json.dumps([routes, list(plugins.values())])


def test_the_overview_tells_what_was_sent(serve, upstream):
    """Rate, errors, tokens, cache, cost and times of known traffic, by model and route."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200, "prompt_tokens_details": {"cached_tokens": 600}}
    prices = [{"model": "*", "input": 1.0, "output": 10.0, "cache_read": 0.1}]
    host = serve([entry("m", upstream.url), entry("other", upstream.url)], auth=ADMIN_ONLY, log={"prices": prices})
    upstream.always(lambda request: [Wait(0.12), replies.response({**replies.completion("said"), "usage": usage})])
    for number in range(3):
        assert ask(host, f"good-{number}").status == 200
    assert ask(host, "another", model="other").status == 200
    upstream.always(error(400, "no"))
    assert ask(host, "bad").status == 400
    logfiles.wait_rows(host, 5)
    told = api(host, "overview?since=15m", **bearer(ADMIN)).json
    sums = {}
    for one in told["series"]:
        for point in one["points"]:
            for name, value in point.items():
                if name in ("ttft", "latency", "rate"):
                    sums.setdefault((one["model"], name), []).extend(value)
                elif name != "at":
                    sums[one["model"], name] = sums.get((one["model"], name), 0) + value
    assert (sums["m", "ok"], sums["m", "failed"], sums["other", "ok"]) == (3, 1, 1)
    assert (sums["m", "input"], sums["m", "output"], sums["m", "cache_read"]) == (3000, 600, 1800)
    assert sums["m", "cost"] == pytest.approx(3 * (400 * 1.0 + 600 * 0.1 + 200 * 10.0) / 1e6)
    bounds = told["bounds"]
    for name in ("ttft", "latency"):
        assert sum(count for _, count in sums["m", name]) == 3, sums
        assert all(bounds[place + 1] > 100 for place, _ in sums["m", name]), (name, sums)
    assert [one["upstream_model"] for one in told["series"]] == ["upstream-model", "upstream-model"] or len(told["series"]) == 2
    only = api(host, "overview?since=15m&model=other", **bearer(ADMIN)).json["series"]
    assert [one["model"] for one in only] == ["other"]


def test_who_guesses_keys_locks_nobody_else_out(serve):
    host = serve(auth=ADMIN_ONLY)

    def sign_in(key, source):
        connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=20, source_address=(source, 0))
        try:
            connection.request("POST", "/admin/api/session", json.dumps({"key": key}), MARK)
            return connection.getresponse().status
        finally:
            connection.close()

    # The minute may end meanwhile.
    guesses = [sign_in(f"guess {number}", "127.0.0.2") for number in range(45)]
    assert guesses[0] == 401 and guesses[-1] == 429
    assert sign_in("another", "127.0.0.3") == 401
    assert sign_in(ADMIN, "127.0.0.1") == 204


def test_looking_at_the_link_does_not_use_it_up(serve):
    host = serve()
    looked = send(host, "HEAD", link(host))
    assert looked.status == 303 and looked.header("set-cookie") is None
    opened = send(host, "GET", link(host))
    assert opened.status == 303 and opened.header("set-cookie")


def test_exchanges_come_live_and_feeds_end_with_the_host(busy, upstream):
    connection = http.client.HTTPConnection("127.0.0.1", busy.port, timeout=20)
    connection.request("GET", "/admin/api/requests/events", headers=bearer(ADMIN))
    response = connection.getresponse()
    assert response.status == 200 and response.getheader("content-type") == "text/event-stream"
    seen = b""
    while b"event: log" not in seen:
        seen += response.readline()
    upstream.reply(replies.response(replies.completion()))
    ask(busy, "newest")
    while b'"newest"' not in seen.split(b"event: rows")[-1] or b"event: rows" not in seen:
        line = response.readline()
        assert line, seen
        seen += line
    busy.terminate()
    rest = threading.Thread(target=lambda: contextlib.suppress(OSError) and response.read(), daemon=True)
    rest.start()
    began = time.monotonic()
    assert busy.wait_end(20) == 0 and time.monotonic() - began < 15
    connection.close()


# -- The page -----------------------------------------------------------------------------------------------------------


def test_the_page_in_a_browser(busy, upstream, tmp_path):
    sync = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"{CHROMIUM} is not there")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda one: faults.append(str(one)))
        page.on("console", lambda one: faults.append(one.text) if one.type == "error" and "401" not in one.text else None)
        page.goto(f"http://127.0.0.1:{busy.port}/")
        page.locator("#key").fill(ADMIN)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".vrow:not(.ghost)", has_text="forced").first.wait_for()
        upstream.reply(replies.response(replies.completion("fresh")))
        ask(busy, "live", model="m")
        page.wait_for_function("() => document.querySelectorAll('.vrow:not(.ghost)').length >= 5")
        page.goto(f"http://127.0.0.1:{busy.port}/#/requests?id=enforced&tab=timeline")
        page.locator(".timeline-chart").wait_for()
        assert "no tool call" in page.locator("main").inner_text()
        page.goto(f"http://127.0.0.1:{busy.port}/#/requests?id=plain&tab=diff")
        page.locator(".diff").first.wait_for()
        # The repair is marked where it shows.
        assert page.locator(".diff .flag.fix", has_text="thinking").count() >= 1
        # By its id as by its sequence: the neighbour is found.
        page.keyboard.press("[")
        page.wait_for_url("**id=2**")
        page.goto(f"http://127.0.0.1:{busy.port}/#/requests?id=plain&q=zanzibar")
        page.locator(".turn.reply").wait_for()
        assert page.evaluate("CSS.highlights.get('found')?.size") >= 1
        page.goto(f"http://127.0.0.1:{busy.port}/#/models")
        page.locator(".state.cold").first.wait_for()
        page.get_by_role("button", name=re.compile("Clear all cooldowns")).click()
        page.get_by_text("All routes: tried again").wait_for()
        page.goto(f"http://127.0.0.1:{busy.port}/#/plugins")
        page.get_by_role("heading", name=re.compile("Kimi K2")).wait_for()
        card = page.locator(".plugin", has_text="Kimi K2")
        card.locator("summary", has_text="Calls by function").click()
        assert "feed" in card.locator("table.functions").inner_text() and "thinking ×2" in card.inner_text()
        page.goto(f"http://127.0.0.1:{busy.port}/#/overview?since=1h")
        page.locator(".tile").first.wait_for()
        page.goto(f"http://127.0.0.1:{busy.port}/#/overview?since=1h&by=route&p=99")
        page.locator(".legend-box .key").first.wait_for()
        assert page.locator("figcaption", has_text="Time to first token").inner_text().endswith("p99")
        browser.close()
        assert faults == []
