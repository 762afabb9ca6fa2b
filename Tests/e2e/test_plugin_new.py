"""`kimi-host plugin new`: each language and kind builds, passes every rule, loads in the stock binary and answers."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

import hostprocess
import replies
import wire
from conftest import entry
from mock_upstream import Until

ROOT = hostprocess.ROOT
ZIG = [sys.executable, "-m", "ziglang"] if importlib.util.find_spec("ziglang") else ["zig"]
#: What each language's `make` starts.
TOOLS = {"c": "cc", "cpp": "c++", "rust": "cargo", "swift": "swiftc", "go": "go", "zig": ZIG[0], "python": "python3"}
CASES = [(language, kind) for language in TOOLS for kind in ("provider", "transform")]

CHUNKS = [
    b'data: {"id":"r1","created":1760000000,"model":"m","choices":[{"index":0,"delta":{"content":"say \xe2\x80\x9chi"}}]}\n\n',
    b'data: {"id":"r1","model":"m","choices":[{"index":0,"delta":{"content":"\\u201d \\ud83d\\ude00"}}]}\n\n',
    b'data: {"id":"r1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"id":"r1","model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3}}\n\n',
    b"data: [DONE]\n\n",
]
CALLS = [
    {"reasoning_content": "Two tools."},
    {"tool_calls": [{"index": 0, "id": "call_a", "type": "function", "function": {"name": "weather", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": "U'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": 'lm"}'}}]},
    {"tool_calls": [{"index": 1, "id": "call_b", "type": "function", "function": {"name": "clock", "arguments": "{}"}}]},
]
CALLING = [
    replies.HEAD_UNTIL_CLOSE,
    *(b"data: " + replies.dumps(replies.chunk(delta)).encode() + b"\n\n" for delta in CALLS),
    b"data: " + replies.dumps(replies.chunk({}, "tool_calls")).encode() + b"\n\n",
    replies.DONE,
]
STREAM = [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n", *CHUNKS]


def new(folder, *arguments) -> subprocess.CompletedProcess:
    return hostprocess.run("plugin", "new", *arguments, cwd=folder)


def make(folder, *arguments) -> subprocess.CompletedProcess:
    environment = os.environ | {"KIMI_HOST": str(hostprocess.BINARY), "GOCACHE": str(folder.parent / "gocache")}
    return subprocess.run(
        ["make", *arguments, f"ZIG={' '.join(ZIG)}"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=280,
    )  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("language", "kind"), CASES)
def test_a_new_plugin_builds_passes_and_answers(language, kind, tmp_path, upstream, start_host):
    if not shutil.which(TOOLS[language]):
        pytest.skip(f"there is no {TOOLS[language]} on this machine")
    os.umask(0o022)
    name = f"my-{kind}"
    made = new(tmp_path, "--lang", language, "--kind", kind, name)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / name
    for path in folder.rglob("*"):
        assert path.is_dir() or not any(word in path.read_text() for word in ("@NAME@", "@ENV@", "@MODULE@", "@NOTES@"))

    built = make(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    tested = make(folder, "test")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert f"{kind}[{name}]" in tested.stdout
    if language == "python":
        files = python_files(folder, name, tested)
    else:
        files = library(folder, name, tested)

    plugins = tmp_path / "plugins.d"
    plugins.mkdir(mode=0o755)
    for file in (hostprocess.PLUGINS / "libOpenAIProvider.so", *files):
        shutil.copy2(file, plugins)
    model = entry("m", upstream.url)
    if kind == "provider":
        model["provider"] = name
    else:
        model["transforms"] = [name]
    host = start_host({"models": [model]}, plugins=plugins)
    for stream in (True, False):
        upstream.reply(*STREAM)
        assert answer(host, stream) == ('say “hi” 😀' if kind == "provider" else 'say "hi" 😀')
    if kind == "provider":
        for stream in (True, False):
            upstream.reply(*CALLING)
            assert tool_calls(host, stream) == [("call_a", "weather", '{"city": "Ulm"}'), ("call_b", "clock", "{}")]
    assert upstream.requests[-1].target == "/v1/chat/completions"
    assert upstream.requests[-1].header("authorization") == "Bearer sk-upstream"


def library(folder, name, tested) -> list:
    assert (folder / "kimi_plugin.h").read_bytes() == (ROOT / "Sources/PluginABI/include/kimi_plugin.h").read_bytes()
    assert " 0 fail" in tested.stdout.lower() and " 0 warn" in tested.stdout.lower(), tested.stdout
    measured = hostprocess.run("plugin", "bench", "--transcripts", "transcripts", f"build/lib{name}.so", cwd=folder)
    assert measured.returncode == 0 and "ns" in measured.stdout, measured.stderr
    return [folder / f"build/lib{name}.so"]


def python_files(folder, name, tested) -> list:
    assert (folder / "kimi_plugin.py").read_bytes() == (ROOT / "Python/kimi_plugin.py").read_bytes()
    ran = re.search(r"^Ran (\d+) tests", tested.stderr, re.M)
    assert ran and int(ran[1]) >= 4 and "skipped" not in tested.stderr, tested.stderr
    assert " 0 fail" in tested.stdout.lower() and " 0 warn" in tested.stdout.lower(), tested.stdout
    assert "R95 PASS" in tested.stdout and "R50 PASS" in tested.stdout and "R51 PASS" in tested.stdout
    checked = make(folder, "check")
    assert checked.returncode == 0 and "SKIP (seed 1)" in checked.stdout, checked.stdout
    for command, words in (("bench", "doing nothing"), ("fuzz", "nothing found")):
        more = ["--seconds", "5"] if command == "fuzz" else []
        run = hostprocess.run(
            "plugin", command, *more, "--transcripts", "transcripts", f"build/{name}.py", cwd=folder, timeout=120)
        assert run.returncode == 0 and words in run.stdout, run.stdout + run.stderr
    return [folder / f"build/{name}.py", folder / f"build/{name}.yaml"]


def answer(host, stream: bool) -> str:
    import openai

    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as client:
        reply = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=stream
        )  # fmt: skip
        if not stream:
            assert reply.choices[0].finish_reason == "stop"
            return reply.choices[0].message.content
        chunks = list(reply)
        assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def tool_calls(host, stream: bool) -> list[tuple[str, str, str]]:
    import openai

    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as client:
        reply = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=stream
        )  # fmt: skip
        if not stream:
            message, reason = reply.choices[0].message, reply.choices[0].finish_reason
            made = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls]
            thought = message.reasoning_content
        else:
            choices = [chunk.choices[0] for chunk in reply if chunk.choices]
            thought = "".join(getattr(choice.delta, "reasoning_content", None) or "" for choice in choices)
            reason = choices[-1].finish_reason
            pieces = [piece for choice in choices for piece in choice.delta.tool_calls or []]
            made = []
            for piece in pieces:
                if piece.id:
                    made.append((piece.id, piece.function.name, ""))
                identifier, name, arguments = made[piece.index]
                made[piece.index] = (identifier, name, arguments + (piece.function.arguments or ""))
        assert (thought, reason) == ("Two tools.", "tool_calls")
        return made


@pytest.fixture
def python_host(tmp_path, upstream, start_host):
    """A host with both new plugins in Python, as `make` leaves them: the model "m" has both."""
    os.umask(0o022)
    plugins = tmp_path / "plugins.d"
    plugins.mkdir(mode=0o755)
    for kind in ("provider", "transform"):
        assert new(tmp_path, "--lang", "python", "--kind", kind, f"py-{kind}").returncode == 0
        built = make(tmp_path / f"py-{kind}")
        assert built.returncode == 0, built.stdout + built.stderr
        for file in (tmp_path / f"py-{kind}/build").iterdir():
            shutil.copy2(file, plugins)
    model = {**entry("m", upstream.url), "provider": "py-provider", "transforms": ["py-transform"]}
    return start_host({"models": [model]}, plugins=plugins)


def request(**more) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, **more}).encode()


def ask(host, **more) -> wire.Response:
    return wire.chat(host.port, request(**more))


def deltas(answer: wire.Response) -> list[dict]:
    chunks = [json.loads(frame) for frame in answer.frames if frame != "[DONE]"]
    return [choice["delta"] for chunk in chunks for choice in chunk.get("choices", ())]


def test_a_new_provider_in_python_decodes_thoughts_and_calls(python_host, upstream):
    chunks = [
        replies.chunk({"reasoning_content": "Let me "}), replies.chunk({"reasoning_content": "think."}),
        replies.chunk({"content": "I look."}),
        *map(replies.chunk, replies.call_deltas(0, "f", ['{"a"', ': "“ö”"}'])),
        *map(replies.chunk, replies.call_deltas(1, "g", ["{}"])),
        replies.chunk({}, "tool_calls"),
    ]  # fmt: skip
    upstream.reply(*replies.stream(chunks))
    answer = ask(python_host, tools=[{"type": "function", "function": {"name": n, "parameters": {}}} for n in "fg"])
    assert answer.status == 200 and answer.frames[-1] == "[DONE]", answer.body
    found = deltas(answer)
    assert "".join(d.get("reasoning_content") or "" for d in found) == "Let me think."
    assert "".join(d.get("content") or "" for d in found) == "I look."
    calls: dict[int, list[str]] = {}
    for piece in (piece for delta in found for piece in delta.get("tool_calls") or ()):
        call = calls.setdefault(piece["index"], ["", "", ""])
        call[0] += piece.get("id") or ""
        call[1] += piece["function"].get("name") or ""
        call[2] += piece["function"].get("arguments") or ""
    assert calls == {0: ["call_0", "f", '{"a": "“ö”"}'], 1: ["call_1", "g", "{}"]}
    assert '"finish_reason":"tool_calls"' in answer.body.decode()


def test_a_new_provider_in_python_says_what_went_wrong(python_host, upstream):
    before = len(upstream.requests)
    refused = ask(python_host, n=2)
    assert refused.status == 400 and "n: " in refused.json["error"]["message"], refused.body
    assert len(upstream.requests) == before
    body = {"error": {"message": "Slow down."}}
    upstream.reply(replies.response(body, 429, "Too Many Requests", {"retry-after": "7"}))
    limited = ask(python_host)
    assert limited.status == 429 and limited.json["error"]["message"].endswith("Slow down."), limited.body
    assert limited.header("retry-after") == "7"
    wrong = {"error": {"message": "It broke.", "code": 502}}
    for chunks in ([wrong, *replies.text_chunks("never")], []):
        upstream.reply(*replies.stream(chunks))
        failed = ask(python_host)
        assert failed.status == 502 and b"never" not in failed.body, failed.body
    some, never = replies.stream(replies.text_chunks("some", finish=None), done=False)[:-1], replies.text_chunks("never")
    after = replies.stream([wrong, *never])[1:]
    for rest, said in ((after, b"It broke."), ([replies.LAST_CHUNK], b"ended before its finish_reason")):
        gate = threading.Event()
        upstream.reply(*some, Until(gate), *rest)
        with wire.Connection(python_host.port) as connection:
            connection.request("POST", "/v1/chat/completions", request())
            # Once the first text is here no error status can be told any more.
            start = connection.read_until(b"some")
            gate.set()
            body = connection.read_until(replies.LAST_CHUNK)
        assert b" 200 " in start and said in body, (start, body)
        assert b"never" not in body and b'"finish_reason":"stop"' not in body, body
    upstream.reply(*replies.stream(replies.text_chunks("well")))
    assert b"well" in ask(python_host).body and python_host.alive


def test_a_new_transform_in_python_bears_any_cut(python_host, upstream):
    """One character a chunk, and one byte a write."""
    text = "print(“it‘s’ … „10“ €”)"
    for body in (replies.text_chunks(*text), replies.text_chunks(text)):
        upstream.reply(replies.HEAD_UNTIL_CLOSE, *(bytes([b]) for b in b"".join(map(replies.event, [*body, "[DONE]"]))))
        answer = ask(python_host)
        assert "".join(delta.get("content") or "" for delta in deltas(answer)) == "print(\"it's' … \"10\" €\")"


FAULTS = {
    "transform": {
        "text.translate(MARKS)": "text",
        "wants = (kimi.TEXT,)": "wants = (kimi.TEXT, kimi.REASONING)",
        "sink.emit(event.with": "len(event.text) < 2 or sink.emit(event.with",
    },
    "provider": {
        "if self.failed:": "if False:",
        "self.calls.close(sink)\n            self.finished": "self.finished",
        "not in (None, 1)": "is print",
        ", secret=True": "",
        "int(value) * 1000": "int(value)",
        "index=self.number)\n\n    def is": "index=0)\n\n    def is",
        "not (self.finished or": "not (True or",
    },
}


@pytest.mark.parametrize("kind", FAULTS)
def test_the_tests_of_a_new_plugin_in_python_find_its_faults(kind, tmp_path):
    assert new(tmp_path, "--lang", "python", "--kind", kind, "mine").returncode == 0
    source = tmp_path / "mine/plugin.py"
    right = source.read_text()
    for place, wrong in FAULTS[kind].items():
        assert place in right
        source.write_text(right.replace(place, wrong))
        command = ["python3", "-B", "-m", "unittest", "test_plugin"]
        run = subprocess.run(command, cwd=tmp_path / "mine", capture_output=True, text=True, timeout=60)
        assert run.returncode == 1 and "FAILED" in run.stderr, (place, run.stderr)


def test_the_transcripts_of_python_are_those_of_the_others(tmp_path):
    """They are JSON there, for unittest. `plugin check` holds the C templates and the openai provider to them."""
    if not shutil.which("cc"):
        pytest.skip("there is no cc on this machine")
    os.umask(0o022)
    ours = ROOT / "Templates/python/transcripts"
    common = {path.stem for path in (ROOT / "Templates/common").glob("*.yaml")}
    assert common < {path.stem for path in ours.glob("*.json")}
    libraries = {"openai": hostprocess.PLUGINS / "libOpenAIProvider.so"}
    for kind in ("provider", "transform"):
        assert new(tmp_path, "--lang", "c", "--kind", kind, kind).returncode == 0
        assert make(tmp_path / kind).returncode == 0
        libraries[kind] = tmp_path / kind / f"build/lib{kind}.so"
    for path in ours.glob("*.json"):
        (tmp_path / "one").mkdir(exist_ok=True)
        shutil.copy2(path, tmp_path / "one/one.json")
        library = libraries[path.stem.split("-")[0]] if path.stem in common else libraries["openai"]
        run = hostprocess.run("plugin", "check", "--only", "R95", "--transcripts", tmp_path / "one", library, cwd=tmp_path)
        assert run.returncode == 0 and "(1 transcripts)" in run.stdout, (path.name, run.stdout)


def test_what_cannot_be_made_is_said(tmp_path):
    for name in ("Mine", "my_plugin", "-x", "a" * 41, "../x", "x-"):
        refused = new(tmp_path, "--lang", "c", "--kind", "transform", "--", name)
        assert refused.returncode != 0 and "a-z" in refused.stderr, (name, refused.stderr)
    assert new(tmp_path, "--lang", "c", "--kind", "transform", "mine").returncode == 0
    again = new(tmp_path, "--lang", "c", "--kind", "transform", "mine")
    assert again.returncode == 1 and "remove it, or choose another name" in again.stderr


def test_the_templates_in_the_binary_are_those_of_the_repository():
    run = subprocess.run([sys.executable, ROOT / "scripts/templates.py", "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
