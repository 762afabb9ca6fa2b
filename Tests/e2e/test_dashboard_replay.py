"""The page's replays: processes of their own, bounded in number, time and output."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hostprocess
import logfiles
import replies
import wire
from conftest import entry
from test_admin import ADMIN, ALICE, digest
from test_crashes import built  # noqa: F401
from test_dashboard_host import CHROMIUM, MARK, act, api, bearer

#: Seconds that one may take, ReplaySpawner.seconds.
LIMIT = 30
AUTH = {"admin_key": digest(ADMIN), "keys": [{"name": "alice", "hash": digest(ALICE)}]}
TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]


@pytest.fixture
def serve(start_host, upstream, built, tmp_path):  # noqa: F811
    """A host with the crasher plugin beside the usual ones, whose fault `change` sets."""

    class Serving:
        plugins = tmp_path / "plugins.d"

        def __init__(self, **config):
            self.plugins.mkdir(mode=0o755, exist_ok=True)
            for library in hostprocess.PLUGINS.glob("*.so"):
                shutil.copy2(library, self.plugins)
            shutil.copy2(built / "crasher.so", self.plugins)
            self.config = {"models": self.models("none"), "auth": AUTH, "routing": {"retries": 0}, **config}
            self.host = start_host(self.config, plugins=self.plugins)

        def models(self, fault: str) -> list[dict]:
            faulty = entry("faulty", upstream.url, transforms=[{"plugin": "crasher", "config": {"fault": fault}}])
            return [entry("m", upstream.url, transforms=["kimi-k2"]), faulty]

        def change(self, **config):
            """From now on it is another configuration, and no upstream."""
            count = self.host.output.count("configuration loaded anew")
            self.host.config.write_text(json.dumps({**self.config, **config}))
            self.host.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 10
            while self.host.output.count("configuration loaded anew") == count:
                assert time.monotonic() < end, self.host.output
                time.sleep(0.05)

        def ask(self, identifier: str, text: str = "hello", model: str = "m", **more):
            body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
            headers = {"x-request-id": identifier, **bearer(ALICE)}
            assert wire.exchange(self.host.port, "POST", "/v1/chat/completions", body, headers).status == 200

        def replay(self, identifier: str, **headers):
            return act(self.host, f"requests/{identifier}/replay", **{**bearer(ADMIN), **MARK, **headers})

        def start(self, identifier: str) -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection("127.0.0.1", self.host.port, timeout=60)
            connection.request("POST", f"/admin/api/requests/{identifier}/replay", headers={**bearer(ADMIN), **MARK})
            return connection

        def children(self) -> list[int]:
            tasks = Path(f"/proc/{self.host.process.pid}/task").glob("*/children")
            return [int(pid) for task in tasks for pid in task.read_text().split()]

        def wait_children(self, count: int, seconds: float = 10):
            end = time.monotonic() + seconds
            while len(self.children()) != count:
                assert time.monotonic() < end, self.children()
                time.sleep(0.02)

    return Serving


def test_it_is_the_same_until_a_plugin_changes(serve, upstream):
    one = serve()
    assert "replay" in api(one.host, "me", **bearer(ADMIN)).json["features"]
    markup = "<|tool_calls_section_begin|><|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>{\"a\": 1}<|tool_call_end|><|tool_calls_section_end|>"
    upstream.reply(*replies.stream([*replies.text_chunks("Reading. ", markup), replies.usage_chunk()]))
    one.ask("repaired", stream=True, tools=TOOLS)
    logfiles.wait_rows(one.host, 1)
    upstream.reset()
    same = one.replay("repaired")
    assert same.status == 200, same.body
    assert same.json["same"] and same.json["result"] == "same" and "recorded" not in same.json, same.body
    assert same.json["notes"][0]["plugin"] == "kimi-k2"
    assert same.json["recorded_status"] == same.json["replayed_status"] == 200
    one.change(models=[entry("m", upstream.url)])
    other = one.replay("repaired").json
    assert other["same"] is False and other["result"] == "different"
    assert "tool_calls" in other["recorded"] and markup[:20] not in other["recorded"]
    assert "tool_calls_section_begin" in other["replayed"] and "error" not in other
    # By its sequence as well; an id that looks like one does not lead elsewhere.
    assert one.replay("1").json["id"] == "repaired"
    assert upstream.requests == [] and one.children() == []


def test_a_changed_request_is_shown_too(serve, upstream):
    one = serve()
    upstream.reply(replies.response(replies.completion("hello")))
    one.ask("plain")
    logfiles.wait_rows(one.host, 1)
    upstream.reset()
    models = one.models("none")
    models[0]["model"] = models[0].get("model", "up") + "-next"
    one.change(models=models)
    answer = one.replay("plain").json
    # Whom the entry asks for is what the record says who answered: another model is another entry.
    assert answer["result"] == "skipped" and "any more" in answer["error"]["message"], answer


def test_what_cannot_be_replayed_says_why(serve, upstream):
    one = serve(log={"models_without_bodies": ["m"]})
    upstream.always(replies.response(replies.completion("secretive")))
    one.ask("off")
    logfiles.wait_rows(one.host, 1)
    answer = one.replay("off")
    assert answer.status == 200 and answer.json["result"] == "skipped"
    error = answer.json["error"]
    assert error["code"] == "not_replayable" and "log.models_without_bodies" in error["message"]
    unknown = one.replay("nobody")
    assert unknown.status == 404 and unknown.json["error"]["code"] == "not_found"


def test_only_the_admin_and_the_page_may(serve, upstream):
    one = serve()
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("plain")
    logfiles.wait_rows(one.host, 1)
    path = "requests/plain/replay"
    assert act(one.host, path, **MARK).status == 401
    assert act(one.host, path, **bearer(ALICE), **MARK).status == 401
    for headers in ({}, {**MARK, "origin": "http://evil.example"}, {**MARK, "sec-fetch-site": "same-site"}):
        refused = act(one.host, path, **bearer(ADMIN), **headers)
        assert refused.status == 403 and refused.json["error"]["code"] == "wrong_origin", headers
    assert one.children() == []


def test_read_only_has_none(serve, upstream):
    one = serve(dashboard={"read_only": True})
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("plain")
    logfiles.wait_rows(one.host, 1)
    refused = one.replay("plain")
    assert refused.status == 403 and refused.json["error"]["code"] == "read_only" and one.children() == []


def test_a_plugin_that_crashes_ends_the_replay_alone(serve, upstream):
    one = serve()
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("doomed", model="faulty")
    logfiles.wait_rows(one.host, 1)
    one.change(models=one.models("feed_segv"))
    answer = one.replay("doomed")
    assert answer.status == 200 and answer.json["error"]["code"] == "crashed", answer.body
    assert "SIGSEGV" in answer.json["error"]["message"]
    assert one.host.alive and one.children() == []
    # It is no crash of the host's: nothing is kept away from the next start.
    assert not list(one.host.config.parent.glob("**/crash-*.json"))
    one.ask("still here")


def test_a_broken_configuration_is_named(serve, upstream):
    one = serve()
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("plain")
    logfiles.wait_rows(one.host, 1)
    one.host.config.write_text(json.dumps({**one.config, "nonsense": 1}))
    answer = one.replay("plain").json
    assert answer["error"]["code"] == "failed" and "nonsense" in answer["error"]["message"], answer


def test_two_at_once_and_who_goes_ends_theirs(serve, upstream):
    one = serve()
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("stuck", model="faulty")
    logfiles.wait_rows(one.host, 1)
    one.change(models=one.models("feed_hang"))
    first, second = one.start("stuck"), one.start("stuck")
    one.wait_children(2)
    busy = one.replay("stuck")
    assert busy.status == 429 and busy.json["error"]["code"] == "too_many"
    # The host serves meanwhile.
    one.ask("meanwhile")
    first.close()
    one.wait_children(1)
    second.close()
    one.wait_children(0)
    one.change(models=one.models("none"))
    assert one.replay("stuck").json["same"]


@pytest.mark.timeout(120)
def test_the_time_is_limited(serve, upstream):
    one = serve()
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("stuck", model="faulty")
    logfiles.wait_rows(one.host, 1)
    one.change(models=one.models("feed_hang"))
    began = time.monotonic()
    connection = one.start("stuck")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["error"]["code"] == "time_limit" and f"{LIMIT} s" in answer["error"]["message"]
    assert LIMIT - 1 < time.monotonic() - began < LIMIT + 15 and one.children() == []


def test_the_host_ends_without_waiting_for_them(serve, upstream):
    one = serve()
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("stuck", model="faulty")
    logfiles.wait_rows(one.host, 1)
    one.change(models=one.models("feed_hang"))
    connection = one.start("stuck")
    one.wait_children(1)
    (child,) = one.children()
    one.host.terminate()
    assert one.host.wait_end(20) == 0
    assert not os.path.exists(f"/proc/{child}")
    connection.close()


def test_four_clients_at_once_leave_nothing(serve, upstream):
    one = serve()
    upstream.always(replies.response(replies.completion("hello")))
    one.ask("plain")
    logfiles.wait_rows(one.host, 1)
    lock = threading.Lock()
    counts: dict = {}
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: one.replay("plain"), range(12)):
            with lock:
                counts[answer.status] = counts.get(answer.status, 0) + 1
            assert answer.status == 429 or answer.json["same"], answer.body
    assert counts.get(200, 0) >= 2 and set(counts) <= {200, 429} and one.children() == []


def test_the_button(serve, upstream):
    sync = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"{CHROMIUM} is not there")
    one = serve()
    upstream.reply(*replies.stream([*replies.text_chunks("<think>hm</think>", "Hello"), replies.usage_chunk()]))
    one.ask("thoughtful", stream=True)
    logfiles.wait_rows(one.host, 1)
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.goto(f"http://127.0.0.1:{one.host.port}/#/requests?id=thoughtful")
        page.locator("#key").fill(ADMIN)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".vrow:not(.ghost)").first.click()
        page.get_by_role("button", name="Replay", exact=True).click()
        page.get_by_text("Today's plugins give the same reply").wait_for(timeout=20_000)
        one.change(models=[entry("m", upstream.url)])
        page.get_by_role("button", name="Replay", exact=True).click()
        page.get_by_text("Today's plugins give another reply").wait_for(timeout=20_000)
        shown = page.locator(".replay .diff").first
        shown.wait_for()
        assert "<think>" in shown.inner_text() and "lines differ" in shown.inner_text()
        page.get_by_role("button", name="Close the replay").click()
        assert page.locator(".replay").count() == 0
        browser.close()
        assert faults == []
