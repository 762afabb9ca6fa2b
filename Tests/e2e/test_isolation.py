"""`isolation: process`: the same answers from another process, and what its faults may and may not do."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hostprocess
import kimi_cases
import replies
import wire
from conftest import entry
from enforcing import WEATHER, done, say
from kimi_line import TEXTS, cuts, stream_body
from mock_upstream import Until, Wait
from test_plugin_services import metrics

CALL_LIMIT = 5  # IsolationLimits.callMs
DIALECTS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")


@pytest.fixture(scope="session")
def isolated_plugins(runtime_plugins, tmp_path_factory):
    """The usual plugins and jail, each in a process of its own; the in-process ones as they are."""
    folder = tmp_path_factory.mktemp("isolated") / "plugins.d"
    folder.mkdir(mode=0o755)
    for library in [*hostprocess.PLUGINS.glob("*.so"), runtime_plugins / "jail.so", runtime_plugins / "services.so"]:
        shutil.copy2(library, folder)
        (folder / library.name).with_suffix(".yaml").write_text("isolation: process\n")
    return folder


def children(host, word: str = "kimi-plugin-host") -> list[int]:
    """Process ids of the host's children."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(") ", 1)[1].split()
            line = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == host.process.pid and word.encode() in line and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def child_of(host, library: str) -> int:
    return next(pid for pid in children(host) if library.encode() in Path(f"/proc/{pid}/cmdline").read_bytes())


def until(condition, seconds: float = 15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def body(path: str, model: str, stream: bool = True) -> bytes:
    message = [{"role": "user", "content": "hi"}]
    if path.endswith("responses"):
        return json.dumps({"model": model, "input": "hi", "stream": stream}).encode()
    more = {"max_tokens": 100} if path.endswith("messages") else {}
    return json.dumps({"model": model, "messages": message, "stream": stream, **more}).encode()


def plain(answer: wire.Response) -> str:
    """The answer without what differs by time and chance."""
    text = re.sub(r'"(id|response_id|item_id|call_id|created|created_at|completed_at)":("[^"]*"|\d+)', "", answer.body.decode())
    return re.sub(r"(req|resp|msg|chatcmpl|rs|fc|toolu|call)_[0-9A-Za-z]+", "", text)


@pytest.mark.parametrize("path", DIALECTS)
def test_the_answers_are_those_of_the_same_plugins_in_process(start_host, isolated_plugins, upstream, path):
    """Every kind of cut of a share of the examples, by the provider and the transform in processes of their own."""
    models = [entry("kimi", upstream.url, transforms=["kimi-k2"])]
    here = start_host({"models": models})
    there = start_host({"models": models}, plugins=isolated_plugins)
    compared = 0
    for case in TEXTS[::9]:
        for parts in cuts(case).values():
            answers = []
            for host in (here, there):
                upstream.reply(*stream_body(case, parts))
                answers.append(wire.exchange(host.port, "POST", path, body(path, "kimi")))
            assert plain(answers[0]) == plain(answers[1]), case["name"]
            compared += answers[0].status == 200
    assert compared > 30
    assert len(children(there)) >= 2 and children(here) == []


def test_a_provider_that_answers_by_itself(start_host, isolated_plugins):
    models = [{"name": "demo", "provider": "demo", "model": "demo", "transforms": ["kimi-k2"], "provider_config": {"paceMs": 1}}]
    host = start_host({"models": models}, plugins=isolated_plugins)
    answer = wire.chat(host.port, {"model": "demo", "messages": [{"role": "user", "content": "hi"}], "stream": True})
    assert "The answer is 42" in "".join(
        json.loads(frame)["choices"][0]["delta"].get("content") or "" for frame in answer.frames[:-1])


def jail(upstream, **faults) -> list[dict]:
    return [entry(name, upstream.url, transforms=[{"plugin": "jail", "config": {"fault": fault}}]) for name, fault in faults.items()]


def ask(host, model: str, **more) -> wire.Response:
    return wire.chat(host.port, {"model": model, "messages": [{"role": "user", "content": "hi"}], **more})


def test_the_wall_holds(start_host, isolated_plugins, upstream):
    """No files, sockets, programs, processes, signals, code or environment; what is refused says so."""
    host = start_host({"models": jail(upstream, escape="escape")}, plugins=isolated_plugins, environment={"MY_API_KEY": "sk-x"})
    upstream.reply(replies.response(replies.completion("hi")))
    answer = ask(host, "escape")
    assert answer.status == 200, answer.body
    told = dict(pair.split("=") for pair in json.loads(upstream.requests[-1].body)["user"].split())
    assert set(told) == {"open", "write", "socket", "exec", "kill", "code", "memory", "fork", "environment"}
    assert all(error != "0" for error in told.values()), told
    assert not Path("/tmp/kimi-jail-was-here").exists()
    assert "jail begins" in host.output
    pid = child_of(host, "jail.so")
    status = Path(f"/proc/{pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert Path(f"/proc/{pid}/environ").read_bytes() == b""
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2", "3"]


def test_a_crash_is_its_own_exchanges_affair(start_host, isolated_plugins, upstream):
    """Fifty streams of another plugin go on while one exchange's process dies; the next one works again."""
    models = [*jail(upstream, bad="feed-crash"), entry("kimi", upstream.url, transforms=["kimi-k2"])]
    host = start_host({"models": models}, plugins=isolated_plugins)
    gate = threading.Event()
    chunks = replies.stream(replies.text_chunks("one ", "two ", "three"))
    half = len(chunks) // 2
    upstream.always(*chunks[:half], Until(gate), *chunks[half:])
    with ThreadPoolExecutor(50) as pool:
        others = [pool.submit(ask, host, "kimi", stream=True) for _ in range(50)]
        until(lambda: len(upstream.requests) == 50)
        upstream.reply(*replies.stream(replies.text_chunks("BOOM", "x")))
        failed = ask(host, "bad", stream=True)
        gate.set()
        answers = [one.result() for one in others]
    assert failed.status == 500 and "plugin 'jail'" in failed.json["error"]["message"], failed.body
    assert "SIGABRT" in failed.json["error"]["message"]
    for answer in answers:
        assert answer.status == 200 and "".join(
            json.loads(frame)["choices"][0]["delta"].get("content") or "" for frame in answer.frames[:-1]
            if json.loads(frame)["choices"]) == "one two three"
    upstream.reply(replies.response(replies.completion("fine")))
    again = ask(host, "bad")
    assert again.status == 200 and again.json["choices"][0]["message"]["content"] == "fine"


def test_a_crash_in_the_middle_ends_the_stream_legally_and_before_content_the_next_route_answers(
    start_host, isolated_plugins, upstream
):
    models = [*jail(upstream, bad="feed-crash"), entry("good", upstream.url)]
    models.append({**entry("bad", upstream.url), "model": "second"})
    host = start_host({"models": models}, plugins=isolated_plugins)
    upstream.reply(*replies.stream(replies.text_chunks("begun ", "BOOM")))
    upstream.reply(*replies.stream(replies.text_chunks("from the second")))
    first = ask(host, "bad", stream=True)
    assert first.status == 200 and first.complete
    text = first.body.decode()
    assert "begun" in text and "plugin 'jail'" in text or "from the second" in text, text
    upstream.reset()
    upstream.reply(*replies.stream(replies.text_chunks("BOOM")))
    upstream.reply(*replies.stream(replies.text_chunks("from the second")))
    answer = ask(host, "bad", stream=True)
    assert answer.status == 200 and "from the second" in answer.body.decode()


def test_a_hang_is_ended_at_the_deadline(start_host, isolated_plugins, upstream):
    host = start_host({"models": [*jail(upstream, bad="feed-hang"), entry("good", upstream.url)]}, plugins=isolated_plugins)
    upstream.reply(*replies.stream(replies.text_chunks("BOOM")))
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(ask, host, "bad", stream=True)
        until(lambda: len(upstream.requests) == 1)
        upstream.reply(replies.response(replies.completion("meanwhile")))
        assert ask(host, "good").status == 200 and not hanging.done()
        answer = hanging.result()
    assert answer.status == 500 and "was killed" in answer.json["error"]["message"], answer.body
    assert CALL_LIMIT - 1 < time.monotonic() - began < CALL_LIMIT + 20


def test_five_deaths_in_a_minute_are_a_quarantine(start_host, isolated_plugins, upstream):
    host = start_host({"models": [*jail(upstream, bad="begin-crash"), entry("good", upstream.url)]}, plugins=isolated_plugins)
    answers = [ask(host, "bad") for _ in range(7)]
    assert [answer.status for answer in answers] == [500] * 4 + [500] + [503] * 2, [a.body for a in answers]
    assert "quarantine" in answers[-1].json["error"]["message"] and "SIGSEGV" in answers[-1].json["error"]["message"]
    assert answers[-1].json["error"]["code"] == "plugin_quarantined"
    assert metrics(host)['kimi_plugin_quarantined{plugin="test.jail"}'] == 1
    upstream.reply(replies.response(replies.completion("fine")))
    assert ask(host, "good").status == 200


def said(answer: wire.Response) -> str:
    chunks = [json.loads(frame) for frame in answer.frames[:-1]]
    return "".join(one["choices"][0]["delta"].get("content") or "" for one in chunks if one["choices"])


def test_a_reply_that_a_crash_breaks_off_goes_on_elsewhere(start_host, isolated_plugins, upstream):
    models = [*jail(upstream, bad="feed-crash"), {**entry("bad", upstream.url), "model": "second"}]
    for one in models:
        one["resume"] = "continue_final_message"
    host = start_host({"models": models}, plugins=isolated_plugins)
    chunks = replies.stream(replies.text_chunks("Hello ", "BOOM", "x"))
    place = next(place for place, chunk in enumerate(chunks) if isinstance(chunk, bytes) and b"BOOM" in chunk)
    upstream.reply(*chunks[:place], Wait(0.3), *chunks[place:])
    upstream.reply(*replies.stream(replies.text_chunks("world", ".")))
    answer = ask(host, "bad", stream=True)
    assert answer.status == 200 and said(answer) == "Hello world.", answer.body
    assert json.loads(upstream.requests[-1].body)["messages"][-1]["content"] == "Hello"
    assert metrics(host)['kimi_resumed_total{model="upstream-model",provider="openai"}'] == 1
    assert metrics(host)["kimi_upstream_transfers"] == 0 and len(upstream.requests) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_are_enforced_with_plugins_in_processes_of_their_own(start_host, isolated_plugins, upstream, stream):
    models = [entry("kimi", upstream.url, transforms=["kimi-k2"], ensure_tool_call=True, model="kimi-k2-thinking")]
    host = start_host({"models": models}, plugins=isolated_plugins)
    upstream.reply(say("I think."))
    upstream.reply(say("", done({"final_answer": "It is sunny."})))
    upstream.reply(say("", WEATHER))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    answer = ask(host, "kimi", stream=stream, tools=tools)
    assert answer.status == 200, answer.body
    text = said(answer) if stream else answer.json["choices"][0]["message"]["content"]
    assert "It is sunny." in text
    first, second = upstream.requests
    assert len(json.loads(second.body)["messages"]) > len(json.loads(first.body)["messages"])
    assert first.connection == second.connection, "the connection is kept between attempts"
    assert ask(host, "kimi", stream=stream, tools=tools).status == 200
    assert len(upstream.requests) == 3


def test_a_process_that_dies_in_a_further_attempt_of_an_enforced_reply(start_host, isolated_plugins, upstream):
    """Nothing of that attempt has gone out, so another route makes it; what the client heard stays."""
    bad = {**jail(upstream, bad="feed-crash")[0], "ensure_tool_call": True}
    models = [bad, {**entry("bad", upstream.url), "model": "second", "ensure_tool_call": True}]
    host = start_host({"models": models}, plugins=isolated_plugins)
    upstream.reply(say("I think. "))
    upstream.reply(say("BOOM and more", pieces=1))
    upstream.reply(say("", WEATHER))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    answer = ask(host, "bad", stream=True, tools=tools)
    assert answer.status == 200 and said(answer).startswith("I think."), answer.body
    assert [json.loads(one.body)["model"] for one in upstream.requests] == ["upstream-model", "upstream-model", "second"]
    assert b'"weather"' in answer.body and b"error" not in answer.body


def test_a_refused_configuration_is_told_at_start(start_host, isolated_plugins, upstream):
    host = start_host({"models": jail(upstream, bad="create")}, plugins=isolated_plugins, ready=False)
    assert host.wait_end() != 0
    assert "jail refuses, as told" in host.output


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_no_child_is_left_behind(start_host, isolated_plugins, upstream, how):
    host = start_host({"models": jail(upstream, one="none")}, plugins=isolated_plugins)
    upstream.reply(replies.response(replies.completion("hi")))
    assert ask(host, "one").status == 200
    pids = children(host)
    assert len(pids) >= 7
    host.process.send_signal(signal.SIGTERM if how == "terminate" else signal.SIGKILL)
    host.process.wait(20)
    until(lambda: not [pid for pid in pids if Path(f"/proc/{pid}/status").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text()])


def test_descriptors_and_children_do_not_grow(start_host, isolated_plugins, upstream):
    host = start_host({"models": [*jail(upstream, one="none", bad="begin-crash")], "server": {"watch": False}}, plugins=isolated_plugins)
    upstream.always(replies.response(replies.completion("hi")))
    assert ask(host, "one").status == 200
    before = host.open_files(), len(children(host))
    for _ in range(3):
        assert ask(host, "bad").status in (500, 503)
        assert ask(host, "one").status in (200, 503)
        host.process.send_signal(signal.SIGHUP)
        time.sleep(0.7)
    assert ask(host, "one").status == 200
    until(lambda: host.open_files() <= before[0] + 8)
    assert len(children(host)) <= before[1] + 2


def test_memory_and_notes_of_the_host_work_from_a_process(start_host, isolated_plugins, upstream):
    """Tests/RuntimePlugins/services.c checks the tables' edges by itself and logs what is wrong."""
    models = [entry("one", upstream.url, transforms=[{"plugin": "services", "config": {}}])]
    host = start_host({"models": models}, plugins=isolated_plugins)
    seen = []
    for _ in range(2):
        upstream.reply(replies.response(replies.completion("hi")))
        assert ask(host, "one").status == 200
        seen.append(json.loads(upstream.requests[-1].body))
    assert seen[0] != seen[1], "the second exchange finds what the first one filed"
    assert "services wrong" not in host.output, host.output[-3000:]


PYTHON_TRANSFORM = """
import re
import kimi_plugin as kimi

class Redact(kimi.Transform):
    def begin(self, note):
        tries = {}
        for name, attempt in (("open", lambda: open("/etc/passwd")), ("socket", lambda: __import__("socket").socket()),
                              ("fork", lambda: __import__("os").fork())):
            try:
                attempt()
                tries[name] = "succeeded"
            except Exception as error:
                tries[name] = type(error).__name__
        count = int(self.instance.kv_get("count") or 0) + 1
        self.instance.kv_put("count", str(count))
        self.instance.log("redact begins")
        note("begun")
        return {"user": " ".join(f"{k}={v}" for k, v in tries.items()) + f" count={count}"}

    def feed(self, events, sink):
        for event in events:
            if "EXPLODE" in event.text:
                raise ValueError("as told")
            sink.emit(event.with_text(event.text.replace("secret", self.instance.config["with"])))

kimi.plugin(id="test.redact", name="Redact", version="1.0.0", word="redact", transform=Redact,
            config_schema={"type": "object", "properties": {"with": {"type": "string", "default": "***"}}, "required": ["with"]})
"""

PYTHON_PROVIDER = """
import json
import kimi_plugin as kimi

class Echo(kimi.Provider):
    def next(self, plan):
        plan.field(kimi.URL, self.instance.config["url"]).header("content-type", "application/json")
        plan.field(kimi.BODY_PATCH, json.dumps({"seed": 7}))
        plan.step(kimi.SEND, arg=1)

    def feed(self, frames, sink):
        for frame in frames:
            if frame.data == b"[DONE]":
                return kimi.DONE
            choice = (json.loads(frame.data).get("choices") or [{}])[0]
            if choice.get("delta", {}).get("content"):
                sink.text(choice["delta"]["content"])
            if choice.get("finish_reason"):
                sink.emit(kimi.Event(kimi.FINISH, choice["finish_reason"]))

    def begin(self):
        self.started = False

kimi.plugin(id="test.pyecho", name="Echo", version="1.0.0", word="pyecho", provider=Echo, config_schema={
    "type": "object", "properties": {"url": {"type": "string", "x-host": True}}})
"""


@pytest.fixture
def python_plugins(tmp_path):
    folder = tmp_path / "python-plugins.d"
    folder.mkdir(mode=0o755)
    for name, text in (("redact", PYTHON_TRANSFORM), ("pyecho", PYTHON_PROVIDER)):
        (folder / f"{name}.py").write_text(text)
        (folder / f"{name}.yaml").write_text("isolation: process\n")
    (folder / "helpers.py").write_text("raise SystemExit('a module without a sidecar is left alone')\n")
    shutil.copy2(hostprocess.PLUGINS / "libOpenAIProvider.so", folder)
    return folder


def test_a_transform_in_python(start_host, python_plugins, upstream):
    models = [entry("py", upstream.url, transforms=[{"plugin": "redact", "config": {"with": "###"}}])]
    host = start_host({"models": models}, plugins=python_plugins)
    for count in (1, 2):
        upstream.reply(*replies.stream(replies.text_chunks("my secret ", "is secret")))
        answer = ask(host, "py", stream=True)
        assert answer.status == 200 and "my ### " in answer.body.decode() and "secret" not in answer.body.decode()
        assert json.loads(upstream.requests[-1].body)["user"].endswith(f"count={count}")
    told = json.loads(upstream.requests[-1].body)["user"]
    assert "succeeded" not in told, told
    assert "redact begins" in host.output
    upstream.reply(*replies.stream(replies.text_chunks("EXPLODE")))
    failed = ask(host, "py", stream=True)
    assert failed.status == 500 and "ValueError in feed" in failed.json["error"]["message"], failed.body


def test_a_provider_in_python(start_host, python_plugins, upstream):
    models = [{"name": "py", "provider": "pyecho", "model": "m", "provider_config": {"url": upstream.url + "/chat"}}]
    host = start_host({"models": models}, plugins=python_plugins)
    upstream.reply(*replies.stream(replies.text_chunks("a ", "b")))
    answer = ask(host, "py", stream=True)
    assert answer.status == 200, answer.body
    assert json.loads(upstream.requests[-1].body)["seed"] == 7
    assert [json.loads(f)["choices"][0]["delta"].get("content") for f in answer.frames[:-1]][:3].count("a ") == 1


def test_plugins_list_and_inspect_work_on_python(python_plugins, tmp_path):
    listed = hostprocess.run("plugins", "list", "--plugins-dir", python_plugins, cwd=tmp_path)
    assert listed.returncode == 0 and "transform[redact]" in listed.stdout and "provider[pyecho]" in listed.stdout
    shown = hostprocess.run("plugin", "inspect", python_plugins / "redact.py", cwd=tmp_path)
    assert shown.returncode == 0 and "test.redact" in shown.stdout and "with: string" in shown.stdout


PYTHON_TOKENS = """
import json
import time
import kimi_plugin as kimi

class Fetch(kimi.Auth):
    def begin(self):
        self.token = None

    def next(self, plan):
        if self.token:
            now = int(time.time() * 1000)
            return plan.grant(self.token, now + self.life * 1000)
        plan.field(kimi.URL, self.instance.config["url"] + "/token").header("content-type", "application/json")
        plan.field(kimi.BODY, json.dumps({"key": self.key}))
        plan.step(kimi.HTTP)

    def result(self, result):
        if result.status < 0 or result.http_status != 200:
            raise kimi.Failure(f"no token: {result.http_status}", kimi.AUTH)
        told = json.loads(result.body)
        self.token, self.life = told["access_token"], told["expires_in"]

class Chat(kimi.Provider):
    @classmethod
    def configure(cls, instance):
        if instance.config["url"].endswith("/"):
            raise kimi.Failure("url: without the last slash", kimi.CONFIG, kimi.E_CONFIG)

    def begin(self):
        self.token = None

    def next(self, plan):
        if self.token is None:
            return plan.field(kimi.TOKEN_KEY, "main").step(kimi.TOKEN)
        plan.field(kimi.URL, self.instance.config["url"] + "/chat")
        plan.header("authorization", "Bearer " + self.token, secret=True)
        plan.step(kimi.SEND, arg=kimi.SEND_STREAM)

    def result(self, result):
        if result.kind == kimi.TOKEN:
            if result.status < 0:
                raise kimi.Failure(result.body.decode(), kimi.AUTH)
            self.token = result.body.decode()

    def feed(self, frames, sink):
        for frame in frames:
            choices = json.loads(frame.data)["choices"] if frame.data != b"[DONE]" else []
            for choice in choices:
                if choice["delta"].get("content"):
                    sink.text(choice["delta"]["content"])
                if choice.get("finish_reason"):
                    sink.emit(kimi.Event(kimi.FINISH, choice["finish_reason"]))

kimi.plugin(id="test.pytokens", name="Tokens", version="1.0.0", word="pytokens", provider=Chat, auth=Fetch, config_schema={
    "type": "object", "required": ["url"], "properties": {"url": {"type": "string", "x-host": True}}})
"""


def token_host(start_host, python_plugins, url, **more):
    (python_plugins / "pytokens.py").write_text(PYTHON_TOKENS)
    (python_plugins / "pytokens.yaml").write_text("isolation: process\n")
    models = [{"name": "py", "provider": "pytokens", "model": "m", "provider_config": {"url": url}}]
    return start_host({"models": models}, plugins=python_plugins, **more)


def test_an_auth_machine_in_python(start_host, python_plugins, upstream):
    """One fetch for all that wait, the token in the cache, a fetch that fails told to the client."""
    is_bad = threading.Event()

    def answer(request):
        if not request.target.endswith("/token"):
            return replies.stream(replies.text_chunks("hi"))
        assert json.loads(request.body) == {"key": "main"}
        if is_bad.is_set():
            return (replies.response({"error": "no"}, status=500),)
        return (Wait(0.3), replies.response({"access_token": "tok-1", "expires_in": 3600}))

    upstream.always(answer)
    host = token_host(start_host, python_plugins, upstream.url)
    with ThreadPoolExecutor(8) as pool:
        answers = [one.result() for one in [pool.submit(ask, host, "py", stream=True) for _ in range(8)]]
    assert [(one.status, said(one)) for one in answers] == [(200, "hi")] * 8, answers[0].body
    targets = [request.target for request in upstream.requests]
    assert targets.count("/v1/token") == 1 and len(targets) == 9
    assert {r.header("authorization") for r in upstream.requests if r.target != "/v1/token"} == {"Bearer tok-1"}
    seen = metrics(host)
    assert seen['kimi_plugin_calls_total{plugin="test.pytokens",function="auth_begin"}'] == 1
    assert seen['kimi_plugin_calls_total{plugin="test.pytokens",function="auth_next"}'] == 2
    host.stop()
    is_bad.set()
    host = token_host(start_host, python_plugins, upstream.url)
    failed = ask(host, "py", stream=True)
    assert failed.status >= 400 and "no token: 500" in failed.body.decode(), failed.body


def test_configure_refuses_a_configuration_at_start(start_host, python_plugins, upstream):
    host = token_host(start_host, python_plugins, upstream.url + "/", ready=False)
    assert host.wait_end() != 0
    assert "url: without the last slash" in host.output


SLOW = """
import time
import kimi_plugin as kimi

class Slow(kimi.Transform):
    def feed(self, events, sink):
        for event in events:
            if "SLEEP" in event.text:
                time.sleep(0.07)
            if "EXPLODE" in event.text:
                raise ValueError("as told")
            sink.emit(event)

    def end(self, why):
        if why == kimi.FAILED:
            raise LookupError("in the end")

kimi.plugin(id="test.slow", name="Slow", version="1.0.0", word="slow", transform=Slow)
"""


def calls_of(host, plugin: str) -> dict[str, float]:
    """Calls by function."""
    start = f'kimi_plugin_calls_total{{plugin="{plugin}",function="'
    return {name[len(start):-2]: value for name, value in metrics(host).items() if name.startswith(start)}


def seconds(host, plugin: str, function: str) -> float:
    """Of all calls together."""
    text = wire.exchange(host.port, "GET", "/metrics").body.decode()
    start = f'kimi_plugin_call_seconds_sum{{plugin="{plugin}",function="{function}"}} '
    return next(float(line[len(start):]) for line in text.splitlines() if line.startswith(start))


def test_calls_of_isolated_plugins_are_counted_and_timed_as_those_in_process(start_host, isolated_plugins, upstream):
    models = [entry("kimi", upstream.url, transforms=["kimi-k2"])]
    counts = []
    for plugins in ({}, {"plugins": isolated_plugins}):
        host = start_host({"models": models}, **plugins)
        for _ in range(5):
            upstream.reply(replies.response(replies.completion("hello")))
            assert ask(host, "kimi").status == 200
        counts.append({plugin: calls_of(host, plugin) for plugin in ("dev.kimi-host.openai", "dev.kimi-host.kimi-k2")})
        seen = metrics(host)
        for plugin, calls in counts[-1].items():
            for function in calls.keys() - {"load", "entry"}:
                labels = f'{{plugin="{plugin}",function="{function}"'
                assert seen[f"kimi_plugin_call_seconds_count{labels}}}"] == calls[function]
                assert seen[f'kimi_plugin_call_seconds_bucket{labels},le="+Inf"}}'] == calls[function]
                assert 0 < seconds(host, plugin, function) < 5
    here, there = counts
    for plugin in here:
        for function in ("begin", "next", "result", "feed", "flush"):
            assert here[plugin].get(function) == there[plugin].get(function), (plugin, here, there)
        assert there[plugin]["create"] >= 1 and "end" not in there[plugin]


def test_times_are_the_plugins_own_and_errors_are_counted(start_host, python_plugins, upstream):
    (python_plugins / "slow.py").write_text(SLOW)
    (python_plugins / "slow.yaml").write_text("isolation: process\n")
    host = start_host({"models": [entry("py", upstream.url, transforms=["slow"])]}, plugins=python_plugins)
    with ThreadPoolExecutor(4) as pool:
        # Those that wait behind the slow one are not slow themselves.
        upstream.always(lambda request: replies.stream(replies.text_chunks("SLEEP" if b"SLEEP" in request.body else "quick")))
        asked = [pool.submit(ask, host, "py", stream=True, user=word) for word in ("SLEEP", "a", "b", "c")]
        assert [one.result().status for one in asked] == [200] * 4
    seen = metrics(host)
    labels = '{plugin="test.slow",function="feed"'
    assert seen[f"kimi_plugin_slow_calls_total{labels}}}"] == 1
    assert seen[f'kimi_plugin_call_seconds_bucket{labels},le="0.01"}}'] >= seen[f"kimi_plugin_call_seconds_count{labels}}}"] - 2
    assert 0.07 <= seconds(host, "test.slow", "feed") < 1
    upstream.always(*replies.stream(replies.text_chunks("EXPLODE")))
    assert ask(host, "py", stream=True).status == 500
    seen = metrics(host)
    assert seen['kimi_plugin_errors_total{plugin="test.slow",function="feed",category="internal"}'] == 1
    until(lambda: "LookupError in end, line" in host.output)


VERSION = """
import kimi_plugin as kimi

class Mark(kimi.Transform):
    def feed(self, events, sink):
        for event in events:
            sink.emit(event.with_text(event.text + "NUMBER " + __file__.rsplit("/", 1)[1]))

kimi.plugin(id="test.mark", name="Mark", version="NUMBER.0.0", word="mark", transform=Mark)
"""


def put(path, content):
    new = path.with_name("." + path.name)
    new.write_bytes(content if isinstance(content, bytes) else content.encode())
    new.chmod(0o644)
    os.replace(new, path)


def marked(host, upstream) -> str:
    upstream.reply(*replies.stream(replies.text_chunks("v")))
    answer = ask(host, "py", stream=True)
    assert answer.status == 200, answer.body
    return said(answer)


def copies(host) -> set[str]:
    """Names of the files that the host's children run."""
    found = set()
    for pid in children(host, "kimi_plugin.py"):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--serve" in words:  # Not before it is Python.
            found.add(words[words.index(b"--serve") + 1].decode())
    return found


def test_a_child_restarts_as_the_version_in_use_after_a_new_one_was_refused(start_host, python_plugins, upstream):
    """Also when the file is gone; a good version takes over, and the copy of the old one goes."""
    file = python_plugins / "mark.py"
    put(file, VERSION.replace("NUMBER", "1"))
    (python_plugins / "mark.yaml").write_text("isolation: process\n")
    host = start_host({"models": [entry("py", upstream.url, transforms=["mark"])]}, plugins=python_plugins)
    assert marked(host, upstream) == "v1 mark.py"
    first = {path for path in copies(host) if "mark.py." in path}
    assert len(first) == 1 and str(python_plugins) not in first.copy().pop()

    def die():
        pids = children(host, "mark.py")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        # The host has buried it then.
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
        time.sleep(0.2)

    for number, wrong in enumerate((b"def f(:", b"", None)):
        put(file, wrong) if wrong is not None else file.unlink()
        host.process.send_signal(signal.SIGHUP)
        until(lambda n=number: host.output.count("configuration not loaded") > n)
        die()
        assert marked(host, upstream) == "v1 mark.py"
    put(file, VERSION.replace("NUMBER", "2"))
    host.process.send_signal(signal.SIGHUP)
    until(lambda: "replaced by 2.0.0" in host.output)
    assert marked(host, upstream) == "v2 mark.py"
    until(lambda: not any(Path(path).exists() for path in first))
    die()
    assert marked(host, upstream) == "v2 mark.py"


def test_a_library_restarts_as_the_version_in_use_after_a_new_one_was_refused(
    start_host, isolated_plugins, upstream, tmp_path
):
    plugins = tmp_path / "plugins.d"
    shutil.copytree(isolated_plugins, plugins)
    host = start_host({"models": jail(upstream, bad="feed-crash")}, plugins=plugins)
    upstream.always(*replies.stream(replies.text_chunks("fine")))
    assert ask(host, "bad", stream=True).status == 200
    put(plugins / "jail.so", b"no library at all")
    host.process.send_signal(signal.SIGHUP)
    until(lambda: "configuration not loaded" in host.output)
    upstream.always(*replies.stream(replies.text_chunks("BOOM")))
    assert ask(host, "bad", stream=True).status == 500
    upstream.always(*replies.stream(replies.text_chunks("fine")))
    answer = ask(host, "bad", stream=True)
    assert answer.status == 200 and said(answer) == "fine"


def test_a_plugin_in_python_is_swapped_under_load(start_host, python_plugins, upstream):
    """Eight versions under sixteen clients: every stream is whole and of one version, and no process stays behind."""
    file = python_plugins / "mark.py"
    put(file, VERSION.replace("NUMBER", "1"))
    (python_plugins / "mark.yaml").write_text("isolation: process\n")
    host = start_host({"models": [entry("py", upstream.url, transforms=["mark"])]}, plugins=python_plugins)
    chunks = replies.stream(replies.text_chunks("v", "v", "v"))
    upstream.always(*chunks[:3], Wait(0.05), *chunks[3:])
    is_over = threading.Event()

    def client() -> list[str]:
        heard = []
        while not is_over.is_set():
            answer = ask(host, "py", stream=True)
            assert answer.status == 200 and answer.complete, answer.body
            heard.append(said(answer))
        return heard

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(client) for _ in range(16)]
        try:
            for number in range(2, 9):
                put(file, VERSION.replace("NUMBER", str(number)))
                host.process.send_signal(signal.SIGHUP)
                until(lambda n=number: f"replaced by {n}.0.0" in host.output)
        finally:
            is_over.set()
        heard = [text for one in clients for text in one.result()]
    assert len(heard) > 50
    versions = {text for text in heard}
    assert versions <= {3 * f"v{number} mark.py" for number in range(1, 9)} and len(versions) > 2, versions
    until(lambda: len({path for path in copies(host) if "mark.py." in path}) == 1)
