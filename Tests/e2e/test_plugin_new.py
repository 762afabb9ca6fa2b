"""`kimi-host plugin new`: each language and kind builds, passes every rule, loads in the stock binary and answers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

import hostprocess
import replies
from conftest import entry

ROOT = hostprocess.ROOT
ZIG = [sys.executable, "-m", "ziglang"] if importlib.util.find_spec("ziglang") else ["zig"]
#: What each language's `make` starts.
TOOLS = {"c": "cc", "cpp": "c++", "rust": "cargo", "swift": "swiftc", "go": "go", "zig": ZIG[0]}
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
    assert (folder / "kimi_plugin.h").read_bytes() == (ROOT / "Sources/PluginABI/include/kimi_plugin.h").read_bytes()
    for path in folder.rglob("*"):
        assert path.is_dir() or not any(word in path.read_text() for word in ("@NAME@", "@ENV@", "@MODULE@", "@NOTES@"))

    built = make(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    tested = make(folder, "test")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert f"{kind}[{name}]" in tested.stdout
    assert " 0 fail" in tested.stdout.lower() and " 0 warn" in tested.stdout.lower(), tested.stdout
    measured = hostprocess.run(
        "plugin", "bench", "--transcripts", "transcripts", f"build/lib{name}.so", cwd=folder, timeout=120
    )  # fmt: skip
    assert measured.returncode == 0 and "ns" in measured.stdout, measured.stderr

    plugins = tmp_path / "plugins.d"
    plugins.mkdir(mode=0o755)
    for library in (hostprocess.PLUGINS / "libOpenAIProvider.so", folder / f"build/lib{name}.so"):
        shutil.copy2(library, plugins)
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


def test_what_cannot_be_made_is_said(tmp_path):
    python = new(tmp_path, "--lang", "python", "--kind", "transform", "mine")
    assert python.returncode == 1 and "isolation: process" in python.stderr
    assert not (tmp_path / "mine").exists()
    for name in ("Mine", "my_plugin", "-x", "a" * 41, "../x", "x-"):
        refused = new(tmp_path, "--lang", "c", "--kind", "transform", "--", name)
        assert refused.returncode != 0 and "a-z" in refused.stderr, (name, refused.stderr)
    assert new(tmp_path, "--lang", "c", "--kind", "transform", "mine").returncode == 0
    again = new(tmp_path, "--lang", "c", "--kind", "transform", "mine")
    assert again.returncode == 1 and "remove it, or choose another name" in again.stderr


def test_the_templates_in_the_binary_are_those_of_the_repository():
    run = subprocess.run([sys.executable, ROOT / "scripts/templates.py", "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
