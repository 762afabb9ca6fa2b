"""Records of replies that several attempts made: rejected ones (`ensure_tool_call`) and continued ones (`resume`)."""

import json

import pytest

import hostprocess
import logfiles
import replies
import wire
from conftest import entry
from enforcing import WEATHER, say
from mock_upstream import Reset
from test_isolation import isolated_plugins  # noqa: F401
from test_replay import replay
from test_resume import begun, rest

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


def ask(host, identifier: str, stream: bool, **more):
    body = {"model": "m", "messages": [{"role": "user", "content": "Weather in SF?"}], "stream": stream, **more}
    answer = wire.exchange(host.port, "POST", "/v1/chat/completions", body, {"x-request-id": identifier})
    assert answer.status == 200, answer.body
    return answer


def shown(host, identifier: str) -> dict:
    logfiles.wait_rows(host, 1)
    return logfiles.show(host, identifier)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_rejected_attempts_are_there(start_host, upstream, stream):
    host = start_host({"models": [entry("m", upstream.url, ensure_tool_call=True)]})
    for answer in (say("I would look."), say("Sunny, perhaps."), say("", WEATHER)):
        upstream.reply(answer)
    answer = ask(host, "forced", stream, tools=TOOLS, stream_options={"include_usage": True} if stream else None)
    whole = shown(host, "forced")
    assert whole["outcome"] == "ok" and whole["finish"] == "tool_calls"
    attempts = whole["attempts"]
    assert [(a["number"], a["status"], a.get("rejected")) for a in attempts] == [
        (1, 200, "no tool call"), (2, 200, "no tool call"), (3, 200, None)]  # fmt: skip
    assert not any("error" in a for a in attempts)
    assert [a["began_ms"] for a in attempts] == sorted(a["began_ms"] for a in attempts)
    # What each was asked and said, the answer's last bytes included.
    for number, request in enumerate(upstream.requests, 1):
        assert json.loads(logfiles.body(whole, "upstream_request", number)) == json.loads(request.body)
        raw = logfiles.body(whole, "upstream_reply", number)
        assert raw.rstrip().endswith("[DONE]") if stream else json.loads(raw)
    assert "Sunny" in logfiles.body(whole, "upstream_reply", 2)
    assert "Reminder" in logfiles.body(whole, "upstream_request", 3)
    assert logfiles.body(whole, "reply").encode() == answer.body
    # The sum of the three.
    assert (whole["usage"]["input"], whole["usage"]["output"]) == (30, 15)
    again = replay(host, "forced", "--diff")
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_rejected_attempt_that_another_entry_makes_again_is_there(start_host, upstream, second_upstream):
    models = [entry("m", one.url, ensure_tool_call=True) for one in (upstream, second_upstream)]
    host = start_host({"models": models})
    upstream.reply(say("I would look."))
    upstream.reply(replies.response({"error": {"message": "out of order"}}, status=503))
    second_upstream.reply(say("", WEATHER))
    ask(host, "elsewhere", True, tools=TOOLS)
    whole = shown(host, "elsewhere")
    first, second, third = whole["attempts"]
    assert first["rejected"] == "no tool call" and first["status"] == 200 and "error" not in first
    assert second["status"] == 503 and second["error"]["message"] and "rejected" not in second
    assert third["status"] == 200 and "rejected" not in third and "error" not in third
    assert "Reminder" in logfiles.body(whole, "upstream_request", 3)


def test_resumed_attempts_are_there(start_host, upstream, second_upstream):
    host = start_host({"models": [entry("m", one.url, resume="partial") for one in (upstream, second_upstream)]})
    upstream.reply(*begun("Hel", "lo "), Reset())
    second_upstream.reply(*rest("wor", "ld."))
    answer = ask(host, "resumed", True)
    whole = shown(host, "resumed")
    first, second = whole["attempts"]
    assert first["error"]["category"] == "network" and first["broke"] and "error" not in second
    assert "Hel" in logfiles.body(whole, "upstream_reply", 1) and "wor" in logfiles.body(whole, "upstream_reply", 2)
    told = json.loads(logfiles.body(whole, "upstream_request", 2))["messages"]
    assert told[-1] == {"role": "assistant", "content": "Hello", "partial": True}
    assert logfiles.body(whole, "reply").encode() == answer.body
    assert whole["outcome"] == "ok" and whole["finish"] == "stop"
    assert [(note["kind"], note["count"]) for note in whole["notes"] if note["kind"] == "resumed"] == [("resumed", 1)]
    again = replay(host, "resumed", "--diff")
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize("way", ["key", "variable"])
def test_the_log_is_in_the_state_folder(start_host, upstream, tmp_path, way):
    folder = tmp_path / "elsewhere"
    more = {"state_dir": str(folder)} if way == "key" else {}
    variables = {"KIMI_STATE_DIR": str(folder)} if way == "variable" else {}
    host = start_host({"models": [entry("m", upstream.url)], **more}, environment=variables)
    upstream.reply(replies.response(replies.completion()))
    ask(host, "here", False)
    host.stop()
    assert (folder / "logs.db").exists() and not logfiles.database(host).exists()
    assert (folder / "logs.db").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    listed = hostprocess.run("logs", "list", "--json", cwd=tmp_path, KIMI_STATE_DIR=str(folder))
    assert json.loads(listed.stdout)["id"] == "here", listed.stderr


def test_what_an_isolated_transform_changes_is_there(start_host, isolated_plugins, upstream):  # noqa: F811
    host = start_host({"models": [entry("m", upstream.url, transforms=["kimi-k2"])]}, plugins=isolated_plugins)
    upstream.reply(replies.response(replies.completion()))
    history = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_a", "content": "done"},
    ]  # fmt: skip
    ask(host, "changed", False, messages=history, tools=TOOLS)
    whole = shown(host, "changed")
    assert [change["plugin"] for change in whole["attempts"][0]["changes"]] == ["kimi-k2"]
    assert "functions.weather:0" in logfiles.body(whole, "change", 1)
    assert [one["name"] for one in whole["plugins"]] == ["openai", "kimi-k2"] and whole["plugins"][1]["sha256"]
    assert json.loads(logfiles.body(whole, "upstream_request", 1)) == json.loads(upstream.requests[0].body)
