"""What the host lends to plugins: memory between exchanges (kimi.host.kv/1), notes (kimi.host.notes/1), /metrics.

Tests/RuntimePlugins/services.c checks the tables' edges by itself and logs what is wrong; here is what can be seen from
outside.
"""

import json
import re
import time

import pytest

import replies
import wire
from conftest import entry


def model(url: str, name: str, **config) -> dict:
    return entry(name, url, model=f"up-{name}", transforms=[{"plugin": "services", "config": config}])


@pytest.fixture
def serve(start_host, runtime_plugins, upstream):
    """Starts a host with models of the services transform; at the end none of its checks may have failed."""
    started = []

    def start(**more):
        models = [model(upstream.url, "one", secret="sk-hidden-4711"), model(upstream.url, "two")]
        models.append(model(upstream.url, "short", lifetime="short"))
        models.append(entry("plain", upstream.url))
        started.append(start_host({"models": models, **more}, plugins=runtime_plugins))
        return started[-1]

    yield start
    for host in started:
        assert "services wrong" not in host.output


def ask(host, upstream, name: str) -> dict:
    """The body that reached the upstream."""
    upstream.reply(replies.response(replies.completion()))
    before = len(upstream.requests)
    answer = wire.chat(host.port, {"model": name, "messages": [{"role": "user", "content": "hi"}]})
    assert answer.status == 200, answer.body
    return json.loads(upstream.wait_request(before).body)


def metrics(host) -> dict[str, int]:
    answer = wire.exchange(host.port, "GET", "/metrics")
    assert answer.status == 200
    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.body.decode().splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    types = dict(line.split()[2:] for line in lines if line.startswith("# TYPE"))
    histograms = {f"{name}{end}" for name, type in types.items() if type == "histogram" for end in ("_bucket", "_sum", "_count")}
    assert {re.split(r"[{ ]", name)[0] for name in samples} <= set(types) | histograms
    return {name: float(value) if "." in value or "e" in value else int(value) for name, value in samples.items()}


def test_a_memory_is_shared_by_the_instances_of_a_plugin(serve, upstream):
    host = serve()
    assert [ask(host, upstream, name)["seed"] for name in ("one", "one", "two", "one")] == [0, 1, 2, 3]


def test_a_value_lives_as_long_as_it_was_told_to(serve, upstream):
    host = serve()
    assert [ask(host, upstream, "short")["seed"] for _ in range(2)] == [0, 1]
    time.sleep(0.4)
    assert ask(host, upstream, "short")["seed"] == 0


def test_without_room_nothing_is_kept(serve, upstream):
    host = serve(limits={"plugin_memory_bytes": 0})
    assert [ask(host, upstream, "one")["seed"] for _ in range(2)] == [0, 0]


def test_notes_are_counted_by_plugin_and_kind(serve, upstream):
    host = serve()
    ask(host, upstream, "one"), ask(host, upstream, "two"), ask(host, upstream, "plain")
    found = metrics(host)
    assert found['kimi_plugin_notes_total{plugin="services",kind="seeds"}'] == 2
    assert found['kimi_plugin_notes_total{plugin="services",kind="finishes"}'] == 4
    # Beyond 64 kinds there is only "other": 100 kinds and two are 62 named and the rest.
    assert found['kimi_plugin_notes_total{plugin="services",kind="other"}'] == 2 * 38
    assert sum("kimi_plugin_notes_total" in name for name in found) <= 65
    assert found['kimi_exchanges_total{model="up-one",provider="openai",outcome="ok"}'] == 1
    assert found["kimi_exchanges_active"] == 0
    assert found['kimi_plugin_memory_entries{plugin="test.services"}'] == 1
    assert 0 < found['kimi_plugin_memory_bytes{plugin="test.services"}'] < 1000


def test_failures_and_lost_clients_are_counted(serve, upstream):
    host = serve()
    upstream.reply(replies.response({"error": {"message": "no"}}, status=500))
    assert wire.chat(host.port, {"model": "plain", "messages": [{"role": "user", "content": "hi"}]}).status >= 500
    found = metrics(host)
    assert found['kimi_exchanges_total{model="upstream-model",provider="openai",outcome="failed"}'] == 1


def test_notes_stand_in_the_log_with_secrets_hidden(serve, upstream):
    host = serve()
    ask(host, upstream, "one"), ask(host, upstream, "plain")
    [line] = [line for line in host.output.splitlines() if "exchange done" in line]
    assert "seeds=1 (seed is 0" in line and "finishes=2" in line and "model=up-one" in line.replace('"', "")
    assert "sk-hidden-4711" not in host.output
