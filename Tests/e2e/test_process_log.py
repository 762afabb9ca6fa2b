"""What the host says on standard error: for people, or an object a line; and never a secret."""

import json
import re
import time

import pytest

import hostprocess
import replies
import wire
from conftest import entry
from replies import response
from test_crashes import built, place, provoke  # noqa: F401 (fixtures)

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
LEVELS = ("trace", "debug", "info", "notice", "warning", "error", "critical")


def lines_of(host) -> list[dict]:
    """Every line, checked."""
    found = []
    for line in host.output.splitlines():
        one = json.loads(line)
        assert list(one)[:4] == ["time", "level", "event", "message"], line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"]) and one["level"] in LEVELS
        assert re.fullmatch("[a-z_]+", one["event"]) and isinstance(one["message"], str)
        found.append(one)
    return found


def events(host, name: str) -> list[dict]:
    return [line for line in lines_of(host) if line["event"] == name]


def wait_event(host, name: str) -> dict:
    end = time.monotonic() + 10
    while not (found := events(host, name)):
        assert time.monotonic() < end, host.output
        time.sleep(0.05)
    return found[-1]


def test_json_lines(start_host, upstream):
    upstream.always(replies.auto)
    config = {"models": [entry("m", upstream.url)], "logging": {"format": "json", "level": "debug"}}
    host = start_host(config)
    assert wire.chat(host.port, ASK, {"x-request-id": "req-1"}).status == 200
    upstream.always(response({"error": {"message": "all \"broken\"\nhere", "type": "x"}}, 500, "No"))
    assert wire.chat(host.port, ASK, {"x-request-id": "req-2"}).status >= 500
    done, failed = wait_event(host, "exchange_done"), wait_event(host, "exchange_failed")
    assert done["level"] == "debug" and done["request"] == "req-1" and done["message"] == "exchange done"
    assert done["model"] == "upstream-model" and done["provider"] == "openai" and done["input_tokens"] == 10
    assert isinstance(done["ms"], int) and failed["level"] == "notice" and failed["request"] == "req-2"
    assert isinstance(failed["status"], int) and 'all "broken"' in failed["reason"]
    (listening,) = events(host, "listening")
    assert str(host.port) in listening["message"] and events(host, "plugin_loaded")
    host.config.write_text("models: [}")
    assert "configuration not loaded" in wait_event(host, "reload_refused")["message"]
    host.config.write_text(json.dumps({**config, "logging": {"format": "text"}}))
    assert "logging" in wait_event(host, "restart_needed")["message"]
    assert wait_event(host, "reloaded")["level"] == "notice"
    host.terminate()
    assert host.wait_end() == 0
    lines_of(host)


def test_the_variable_wins_and_bad_values_are_told(start_host, upstream, tmp_path):
    host = start_host({"models": [entry("m", upstream.url)]}, environment={"LOG_FORMAT": "json"})
    assert events(host, "listening")
    host = start_host(
        {"models": [entry("m", upstream.url)], "logging": {"format": "json"}}, environment={"LOG_FORMAT": "text"})
    assert any(line.startswith("kimi-host ") for line in host.output.splitlines())
    (tmp_path / "c.yaml").write_text(json.dumps({"models": [entry("m", upstream.url)]}))
    done = hostprocess.run(
        "check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, LOG_FORMAT="xml")
    assert done.returncode == 1 and "LOG_FORMAT: must be text or json, not 'xml'" in done.stdout


def test_a_start_that_fails_speaks_json_too(start_host, upstream):
    config = {"models": [entry("m", upstream.url, no_such_key=1)], "logging": {"format": "json"}}
    host = start_host(config, ready=False)
    assert host.wait_end() != 0
    assert "no_such_key" in events(host, "start_mistake")[0]["message"]


def test_text_stays_as_it_was(start_host, upstream):
    upstream.always(response({"error": {"message": "broken", "type": "x"}}, 500, "No"))
    host = start_host({"models": [entry("m", upstream.url)]})
    assert wire.chat(host.port, ASK, {"x-request-id": "req-1"}).status >= 500
    end = time.monotonic() + 5
    while "exchange failed" not in host.output:
        assert time.monotonic() < end
        time.sleep(0.05)
    (line,) = [line for line in host.output.splitlines() if "exchange failed" in line]
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} notice kimi-host: model=upstream-model ms=\d+ provider=openai "
        r"reason=.*broken.* request=req-1 status=\d+ \[KimiHostCore\] exchange failed", line), line  # fmt: skip


CLIENT = "kh-PLANTED0123456789abcdef"
UPSTREAM = "sk-PLANTED-upstream-0123456789"
#: Where a secret may come from, and how it is written there.
WORDS = [
    f"Incorrect API key provided: {UPSTREAM}", f"you sent Authorization: Bearer {CLIENT}", f"x-api-key: {CLIENT}",
    f'{{"api_key": "{CLIENT}"}}', "token ya29.PLANTED0123456789", "Bearer PLANTEDtokenofsomebody",
    "AIzaPLANTED0123456789abc", "eyJhbGciOiPLANTED.eyJzdWIiPLANTED.sig", "authorization=PLANTEDvalue",
    "password: PLANTEDsecret",
]  # fmt: skip


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_planted_secret_never_shows(start_host, upstream, format):
    models = [entry("m", upstream.url, provider_config={"apiKey": "$UP", "baseUrl": upstream.url}),
              entry("up-" + "sk-PLANTED0123456789abc", upstream.url)]  # fmt: skip
    config = {"models": models, "logging": {"format": format, "level": "trace"}, "auth": {"keys": [{"name": "alice", "key": "$KEY"}]}}
    host = start_host(config, environment={"KEY": CLIENT, "UP": UPSTREAM})
    for number, words in enumerate(WORDS):
        upstream.always(response({"error": {"message": words, "type": "x"}}, (400, 401, 500)[number % 3], "No"))
        for headers in ({"authorization": f"Bearer {CLIENT}"}, {"x-api-key": CLIENT}):
            wire.chat(host.port, ASK, {**headers, "x-request-id": f"req-{number}"})
    wire.chat(host.port, ASK, {"authorization": f"Bearer {CLIENT}", "x-request-id": CLIENT})
    wire.chat(host.port, ASK, {"authorization": "Bearer sk-PLANTED-wrong-0123456789"})
    time.sleep(0.3)
    host.stop()
    assert host.output.count("exchange failed") >= 2 * len(WORDS)
    assert "PLANTED" not in host.output and "***" in host.output
    if format == "json":
        lines_of(host)


def test_a_crash_is_said_in_json(place):  # noqa: F811
    place.put("crasher")
    host = place.host(place.models("feed_segv"), logging={"format": "json"})
    provoke(host, "feed_segv", 'req-"of"-doom')
    host.wait_end()
    lines = lines_of(host)
    (crash,) = [line for line in lines if line["event"] == "crash"]
    assert crash["level"] == "critical" and "crashed in feed" in crash["message"] and "SIGSEGV" in crash["message"]
