"""The command line, starting, refusing to start, and ending."""

import json
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

import hostprocess
import replies
import wire
from conftest import entry
from mock_upstream import Wait

GOOD = {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}
BROKEN = """\
models:
  - name: one
    provider: openai
    modle: gpt-x
    provider_config: {apiKey: sk-x, baseUrl: "http://127.0.0.1:1/v1"}
  - name: two
    provider: no-such-provider
    model: m
  - name: three
    provider: openai
    model: m
    weight: heavy
    provider_config:
      apiKey: $NOT_SET_ANYWHERE
      baseUrl: "http://127.0.0.1:1/v1"
  - name: four
    provider: openai
    model: m
    transforms: [no-such-transform]
    provider_config: {apiKey: sk-x, baseUrl: "http://127.0.0.1:1/v1", bseUrl: x}
unknown_key: 1
"""
#: Line of each mistake above, and a word that its message must hold.
MISTAKES = {4: "modle", 7: "no-such-provider", 12: "weight", 14: "NOT_SET_ANYWHERE", 19: "no-such-transform",
            20: "bseUrl", 21: "unknown_key"}  # fmt: skip


@pytest.fixture
def plugins(tmp_path) -> Path:
    """A plugins folder of the test's own, with the real plugins."""
    folder = tmp_path / "plugins.d"
    folder.mkdir(mode=0o755)
    for library in hostprocess.PLUGINS.glob("*.so"):
        shutil.copy2(library, folder)
    return folder


def check(tmp_path, text: str, plugins=hostprocess.PLUGINS, **environment):
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    return hostprocess.run("check", "--config", file, "--plugins-dir", plugins, cwd=tmp_path, **environment)


def test_check_lists_all_mistakes_with_file_and_line(tmp_path):
    found = check(tmp_path, BROKEN)
    assert found.returncode != 0
    text = found.stdout + found.stderr
    for number, word in MISTAKES.items():
        lines = [line for line in text.splitlines() if f"broken.yaml:{number}" in line]
        assert any(word in line for line in lines), f"line {number} ({word}) is not named:\n{text}"


def test_check_suggests_the_near_name(tmp_path):
    found = check(tmp_path, BROKEN)
    assert any("modle" in line and '"model"' in line.replace("'", '"').replace("`", '"') or "did you mean" in line
               for line in (found.stdout + found.stderr).splitlines())  # fmt: skip


def test_check_of_a_good_file(tmp_path):
    found = check(tmp_path, json.dumps({"models": [entry("mock", "http://127.0.0.1:1/v1")]}))
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    "text", ["", "models: []", "models: {", "models:\n\t- a", "- 1\n- 2\n", "models: 5\n", "\x00\x01"],
    ids=["empty", "no models", "not closed", "tab", "a list", "a number", "binary"],
)  # fmt: skip
def test_check_of_a_hopeless_file(tmp_path, text):
    found = check(tmp_path, text)
    assert found.returncode not in (0, -signal.SIGSEGV, -signal.SIGILL, -signal.SIGABRT)
    assert "broken.yaml" in found.stdout + found.stderr


def test_check_of_a_missing_file(tmp_path):
    found = hostprocess.run("check", "--config", tmp_path / "nothing.yaml", cwd=tmp_path)
    assert found.returncode > 0 and "nothing.yaml" in found.stdout + found.stderr


def test_serve_refuses_what_check_refuses(start_host):
    host = start_host(BROKEN, ready=False)
    assert host.wait_end() > 0
    assert "config.yaml:4" in host.output and "config.yaml:21" in host.output


def test_the_shipped_configurations_are_good(tmp_path):
    keys = {"OPENAI_API_KEY": "a", "OPENROUTER_API_KEY": "b", "MOONSHOT_API_KEY": "c",
            "OPENAI_BASE_URL": "https://api.openai.com/v1"}  # fmt: skip
    for name in ("examples/demo-config.yaml", "model-config.example.yaml"):
        text = (hostprocess.ROOT / name).read_text()
        found = check(tmp_path, text, **keys)
        assert found.returncode == 0, f"{name}:\n{found.stdout}{found.stderr}"


def test_the_demo_configuration_needs_no_environment(start_host):
    host = start_host((hostprocess.ROOT / "examples/demo-config.yaml").read_text())
    answer = wire.chat(host.port, {**GOOD, "model": "kimi-k2-demo"})
    assert answer.status == 200 and answer.json["choices"][0]["finish_reason"] in ("stop", "tool_calls")


def test_plugins_list(tmp_path):
    found = hostprocess.run("plugins", "list", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    for word in ("openai", "openrouter", "kimi-k2", "demo"):
        assert word in found.stdout


@pytest.mark.parametrize("library,word", [("libOpenAIProvider.so", "openai"), ("libDemoProvider.so", "demo")])
def test_plugin_inspect(tmp_path, library, word):
    found = hostprocess.run("plugin", "inspect", hostprocess.PLUGINS / library, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert word in found.stdout and "kimi.provider/1" in found.stdout


def test_plugin_inspect_of_something_else(tmp_path):
    (tmp_path / "text.so").write_text("not a library")
    for name in ("text.so", "nothing.so"):
        found = hostprocess.run("plugin", "inspect", tmp_path / name, cwd=tmp_path)
        assert found.returncode > 0 and name in found.stdout + found.stderr


def test_one_line_per_loaded_plugin(start_host, upstream):
    host = start_host({"models": [entry("mock", upstream.url)]})
    for library in hostprocess.PLUGINS.glob("*.so"):
        lines = [line for line in host.output.splitlines() if library.name in line]
        assert len(lines) == 1, f"{library.name}:\n{host.output}"


BAD = {
    "text": lambda file: file.write_text("I am no library\n"),
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: file.write_bytes(file.parent.joinpath("libDemoProvider.so").read_bytes()[:3000]),
    "without entry": lambda file: shutil.copy(next(Path("/lib/x86_64-linux-gnu").glob("libm.so.6")), file),
    "other architecture": lambda file: file.write_bytes(
        (data := file.parent.joinpath("libDemoProvider.so").read_bytes())[:18] + b"\xb7\x00" + data[20:]
    ),
    "writable by all": lambda file: (shutil.copy(file.parent / "libDemoProvider.so", file), file.chmod(0o777)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_plugin_stops_the_start_with_one_line(start_host, plugins, upstream, name):
    bad = plugins / "libZBad.so"
    BAD[name](bad)
    if name != "writable by all":
        bad.chmod(0o755)
    host = start_host({"models": [entry("mock", upstream.url)]}, ready=False, plugins=plugins)
    assert host.wait_end() > 0
    lines = [line for line in host.output.splitlines() if "libZBad.so" in line]
    assert len(lines) == 1, host.output
    assert len(lines[0]) > 60, f"file, step and cure: {lines[0]}"


def test_port_in_use_is_one_clear_sentence(start_host, host):
    config = {"models": [entry("mock", "http://127.0.0.1:1/v1")]}
    second = start_host(config, ready=False, port=host.port)
    assert second.wait_end() > 0
    lines = [line for line in second.output.splitlines() if str(host.port) in line]
    assert lines and "in use" in lines[-1].lower(), second.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly(start_host, upstream, number):
    host = start_host({"models": [entry("mock", upstream.url)]})
    started = time.monotonic()
    host.process.send_signal(number)
    assert host.wait_end(5) == 0, host.output
    assert time.monotonic() - started < 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", host.port), 1)


def test_a_stream_under_way_is_finished_before_the_end(start_host, upstream):
    host = start_host({"models": [entry("mock", upstream.url)]})
    steps = replies.stream(replies.text_chunks(*"abcdefgh"))
    upstream.reply(*[step for one in steps for step in (one, Wait(0.1))])
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps({**GOOD, "stream": True}).encode())
        assert connection.read_head()[0] == 200
        host.terminate()
        body = b""
        while piece := connection.read_chunk():
            body += piece
    assert wire.sse_data(body)[-1] == "[DONE]"
    assert host.wait_end(5) == 0


def test_help_and_unknown_option(tmp_path):
    found = hostprocess.run("--help", cwd=tmp_path)
    assert found.returncode == 0 and "serve" in found.stdout and "check" in found.stdout
    found = hostprocess.run("serve", "--prot", "1", cwd=tmp_path)
    assert found.returncode > 0 and "--prot" in found.stderr


def test_a_key_never_reaches_the_log(start_host, upstream):
    upstream.always(replies.response({"error": {"message": "bad key sk-secret-key-1234"}}, 401, "No"))
    secret = {"apiKey": "sk-secret-key-1234", "baseUrl": upstream.url}
    host = start_host({"models": [entry("mock", upstream.url, provider_config=secret)]})
    wire.chat(host.port, GOOD, {"authorization": "Bearer sk-of-the-client"})
    host.stop()
    assert "sk-secret-key-1234" not in host.output and "sk-of-the-client" not in host.output
