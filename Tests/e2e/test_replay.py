"""Replay and record: recorded upstreams' bytes through today's plugins."""

import json
import shutil

import pytest

import hostprocess
import logfiles
import replies
import wire
from conftest import entry
from mock_upstream import Reset, Wait

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}


def ask(host, identifier: str, path="/v1/chat/completions", **more):
    return wire.exchange(host.port, "POST", path, {**ASK, **more}, {"x-request-id": identifier})


def replay(host, *words, plugins=hostprocess.PLUGINS, config=None):
    return hostprocess.run(
        "replay", *words, "--db", logfiles.database(host), "--config", config or host.config, "--plugins", plugins,
        cwd=host.config.parent,
    )  # fmt: skip


@pytest.fixture
def recorded(start_host, upstream, second_upstream):
    """A host that has served, with its upstreams gone when replay begins."""
    host = start_host({"models": [
        entry("m", upstream.url, transforms=["kimi-k2"]), entry("two", upstream.url), entry("two", second_upstream.url),
        {"name": "native", "provider": "openai", "model": "up", "provider_config": {
            "apiKey": "sk-upstream", "baseUrl": upstream.url, "native": True}},
        {"name": "demo", "provider": "demo", "model": "demo"},
    ]})  # fmt: skip
    calls = [{"role": "assistant", "content": None}, *replies.call_deltas(0, "read", ['{"a"', ": 1}"])]
    upstream.reply(*replies.stream([*replies.text_chunks("Hel", "lo"), replies.usage_chunk()]))
    assert ask(host, "streamed", stream=True).status == 200
    upstream.reply(replies.response(replies.completion("whole")))
    assert ask(host, "whole").status == 200
    upstream.reply(*replies.stream([
        *[replies.chunk(delta) for delta in calls], replies.chunk({}, "tool_calls")]))  # fmt: skip
    assert ask(host, "calls", stream=True).status == 200
    upstream.reply(*replies.stream(replies.text_chunks("Mes", "sage")))
    assert ask(host, "message", "/v1/messages", stream=True, max_tokens=99).status == 200
    upstream.reply(*replies.stream(replies.text_chunks("Res", "ponse")))
    assert ask(host, "response", "/v1/responses", input="hi", stream=True).status == 200
    upstream.reply(*replies.stream(replies.text_chunks("Na", "tive")))
    assert ask(host, "native", model="native", stream=True).status == 200
    upstream.reply(replies.response({"error": {"message": "out of order"}}, status=503))
    second_upstream.reply(replies.response(replies.completion("from the second")))
    assert ask(host, "second", model="two").status == 200
    upstream.reply(replies.response({"error": {"message": "too much"}}, status=400))
    assert ask(host, "refused").status == 400
    upstream.always(Reset())
    assert ask(host, "broken").status == 502
    upstream.reply(*replies.stream(replies.text_chunks("A text of some length. ", "It goes on and on. ", "off"))[:4], Wait(1.5), Reset())
    assert ask(host, "cut", stream=True).status == 200
    assert ask(host, "unknown", model="nobody").status == 404
    logfiles.wait_rows(host, 11)
    host.stop()
    upstream.reset()
    yield host
    assert upstream.requests == []  # Offline.


IDS = ["streamed", "whole", "calls", "message", "response", "native", "second", "refused", "broken", "cut", "unknown"]


def test_today_is_as_it_was(recorded):
    done = replay(recorded, "--all", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"{len(IDS)} same, 0 different, 0 not replayed", done.stdout
    for identifier in IDS:
        assert f" {identifier}\n" in done.stdout
    again = replay(recorded, "--all", "--diff")
    assert again.stdout == done.stdout
    one = replay(recorded, "calls", "--diff")
    assert one.returncode == 0 and one.stdout.startswith("same")
    assert replay(recorded, "--all", "--since", "1d", "--errors").stdout.startswith("same")


def test_what_has_changed_too_much_is_said(recorded, tmp_path):
    """Models that are gone, plugins that are gone."""
    config = json.loads(recorded.config.read_text())
    config["models"][1]["provider"] = config["models"][2]["provider"] = "openrouter"
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps(config))
    done = replay(recorded, "second", config=other)
    assert done.returncode == 2 and "any more" in done.stdout
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    shutil.copy2(hostprocess.PLUGINS / "libOpenAIProvider.so", folder)
    done = replay(recorded, "whole", plugins=folder)
    assert done.returncode == 2 and "kimi-k2" in done.stderr


def test_a_difference_is_shown(start_host, upstream, tmp_path):
    host = start_host({"models": [entry("m", upstream.url, transforms=["kimi-k2"])]})
    upstream.reply(replies.response(replies.completion("<think>thought</think>said")))
    assert ask(host, "one").status == 200
    logfiles.wait_rows(host, 1)
    config = json.loads(host.config.read_text())
    del config["models"][0]["transforms"]
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps(config))
    done = replay(host, "one", "--diff", config=other)
    assert done.returncode == 1 and "different" in done.stdout
    assert any(line.startswith("  - ") for line in done.stdout.splitlines())
    assert any(line.startswith("  + ") and "<think>" in line for line in done.stdout.splitlines()), done.stdout


def test_what_cannot_be_replayed_is_said(start_host, upstream):
    upstream.always(lambda request: [replies.response(replies.completion("x" * 5000))])
    host = start_host({
        "models": [entry("m", upstream.url), {"name": "demo", "provider": "demo", "model": "demo"}],
        "log": {"max_body_bytes": 2000}})  # fmt: skip
    assert ask(host, "long").status == 200
    assert ask(host, "demo", model="demo").status == 200
    logfiles.wait_rows(host, 2)
    done = replay(host, "long")
    assert done.returncode == 2 and "max_body_bytes" in done.stdout
    done = replay(host, "demo")
    assert done.returncode == 2 and "by itself" in done.stdout
    done = replay(host, "nobody")
    assert done.returncode == 1 and "no exchange" in done.stderr


def test_a_record_has_the_configuration_of_its_profile(start_host, upstream, tmp_path):
    upstream.always(lambda request: [replies.response(replies.completion("hi"))])
    plain, fast = entry("m", upstream.url), entry("m", upstream.url)
    fast["profile"] = "fast"
    plain["provider_config"] = {**plain["provider_config"], "headers": {"x-plain": "1"}}
    fast["provider_config"] = {**fast["provider_config"], "headers": {"x-fast": "1"}}
    host = start_host({"models": [plain, fast]})
    assert ask(host, "one").status == 200
    assert ask(host, "two", "/fast/v1/chat/completions").status == 200
    logfiles.wait_rows(host, 2)

    def record(*words):
        return hostprocess.run("record", *words, "--db", logfiles.database(host), "--config", host.config, "--plugins",
                               hostprocess.PLUGINS, cwd=tmp_path)  # fmt: skip

    for identifier, name in (("one", "plain"), ("two", "fast")):
        made = record(identifier)
        assert made.returncode == 0, made.stderr
        assert list(json.loads(made.stdout)["config"]["headers"]) == [f"x-{name}"], made.stdout
    assert "/fast/v1/chat/completions'" in logfiles.command(host, "export", "--curl", "two")
    for attempt in (-(2**63), 0, 2, 2**63 - 1):
        refused = record("one", f"--attempt={attempt}")
        assert refused.returncode in (1, 64) and "attempt" in refused.stderr, refused.stderr


@pytest.mark.parametrize("identifier", ["streamed", "whole", "calls", "message", "response", "native", "refused", "broken", "cut"])
def test_a_record_is_a_transcript_that_the_kit_accepts(recorded, tmp_path, identifier):
    made = hostprocess.run(
        "record", identifier, "--db", logfiles.database(recorded), "--config", recorded.config, "--plugins",
        hostprocess.PLUGINS, cwd=tmp_path)  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "sk-upstream" not in made.stdout
    file = tmp_path / "case.json"
    file.write_text(made.stdout)
    library = hostprocess.PLUGINS / "libOpenAIProvider.so"
    ran = hostprocess.run("plugin", "run", library, "--in", file, cwd=tmp_path)
    assert ran.returncode in (0, 1), ran.stderr
    if identifier in ("streamed", "whole", "calls"):
        assert "finish" in ran.stdout, ran.stdout + ran.stderr
    checked = hostprocess.run("plugin", "check", library, "--transcripts", file, "--only", "R95", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
