"""The ABI's nets: released headers against today's, and plugins built from released headers in today's host."""

from __future__ import annotations

import os
import shutil
import subprocess

import openai
import pytest

import hostprocess
from conftest import entry

ROOT = hostprocess.ROOT
HEADER = (ROOT / "Sources/PluginABI/include/kimi_plugin.h").read_text()

#: (name, what is replaced, by what, a word of the complaint)
BREAKS = [
    ("inserted member", "    uint32_t abi_minor; ", "    void *x; uint32_t abi_minor; ", "kimi_host.abi_minor: was"),
    ("member gone", "    kimi_bytes conversation;", "    //", "kimi_request.conversation"),
    ("constant moved", "KIMI_STOP = 2, ", "KIMI_STOP = 22, ", "KIMI_STOP: was 2, is 22"),
    ("constant gone", "    KIMI_WHY_FAILED = 5 ", "    KIMI_WHY_NONE = 6 ", "KIMI_WHY_FAILED: was 5, is gone"),
    ("parameter", "(kimi_sink *sink, size_t n)", "(kimi_sink *sink, uint32_t n)", "kimi_host.scratch: was"),
    ("frozen type grew", "    int64_t i0, i1, i2, i3;", "    int64_t i0, i1, i2, i3, i4;", "kimi_event is frozen"),
    ("same minor", "    KIMI_EVENT_JSON = 11\n", "    KIMI_EVENT_JSON = 11, KIMI_EVENT_NEW = 12\n", "KIMI_EVENT_NEW: new"),
]  # fmt: skip
APPENDS = [
    ("#define KIMI_ABI_MINOR 0", "#define KIMI_ABI_MINOR 1"),
    ("    KIMI_EVENT_JSON = 11\n", "    KIMI_EVENT_JSON = 11, KIMI_EVENT_NEW = 12\n"),
    ("(kimi_sink *sink, size_t n) KIMI_NOTHROW;\n} kimi_host;",
     "(kimi_sink *sink, size_t n) KIMI_NOTHROW;\n    void (*more)(kimi_sink *sink) KIMI_NOTHROW;\n} kimi_host;"),
]  # fmt: skip

needs_abidw = pytest.mark.skipif(not shutil.which("abidw"), reason="abidw is missing: apt-get install abigail-tools")


def check(folder, header: str) -> subprocess.CompletedProcess:
    (folder / "kimi_plugin.h").write_text(header)
    return subprocess.run(
        [ROOT / "scripts/abi-check.sh"], env=os.environ | {"KIMI_HEADER": str(folder)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def replaced(old: str, new: str, text: str = HEADER) -> str:
    assert text.count(old) == 1, f"the header has {text.count(old)} times {old!r}"
    return text.replace(old, new)


@needs_abidw
@pytest.mark.parametrize(("name", "old", "new", "word"), BREAKS, ids=[one[0] for one in BREAKS])
def test_breaks_are_refused(name, old, new, word, tmp_path):
    run = check(tmp_path, replaced(old, new))
    assert run.returncode == 1 and word in run.stderr, run.stderr


@needs_abidw
def test_todays_header_and_lawful_appends_pass(tmp_path):
    assert check(tmp_path, HEADER).returncode == 0
    header = HEADER
    for old, new in APPENDS:
        header = replaced(old, new, header)
    run = check(tmp_path, header)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("minor", [folder.name for folder in sorted((ROOT / "Tests/Capsules").iterdir()) if folder.is_dir()])
def test_capsules_pass_and_answer(minor, tmp_path, upstream, start_host):
    os.umask(0o022)
    plugins = tmp_path / "plugins.d"
    plugins.mkdir(mode=0o755)
    made = subprocess.run(["make", "-C", ROOT / "Tests/Capsules", f"OUT={plugins}"], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    word = minor.replace(".", "-")
    for kind in ("provider", "transform"):
        checked = subprocess.run(
            [hostprocess.BINARY, "plugin", "check", "--strict", "--transcripts", ROOT / f"Tests/Capsules/{minor}/{kind}.yaml",
             plugins / f"libcapsule-{minor}-{kind}.so"], capture_output=True, text=True, timeout=120)  # fmt: skip
        assert checked.returncode == 0, checked.stdout
    model = {**entry("m", upstream.url), "provider": f"capsule-{word}-provider"}
    host = start_host({"models": [{**model, "transforms": [f"capsule-{word}-transform"]}]}, plugins=plugins)
    upstream.reply(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
        b'data: {"id":"r","model":"m","choices":[{"index":0,"delta":{"content":"\\u201chi\\u201d"},"finish_reason":"stop"}]}\n\n',
        b"data: [DONE]\n\n",
    )
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as client:
        reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert reply.choices[0].message.content == '"hi"'
