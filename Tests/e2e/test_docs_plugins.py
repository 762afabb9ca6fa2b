"""docs/plugins: what the pages show is what there is, what they tell to type works, and what they print comes out.

The examples are files of examples/plugins; scripts/docs_snippets.py puts them into the pages. Here the pages are held
against them, the tutorial is done by the letter in an empty folder, and each example passes `plugin check` and serves
clients in the stock binary.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import anthropic
import openai
import pytest

import hostprocess
import replies
from conftest import entry
from mock_upstream import Finish

ROOT = hostprocess.ROOT
PAGES = ROOT / "docs/plugins"
EXAMPLES = ROOT / "examples/plugins"
HEADER = ROOT / "Sources/PluginABI/include/kimi_plugin.h"

sys.path.insert(0, str(ROOT / "scripts"))
import docs_snippets  # noqa: E402

#: Languages whose blocks must be carried out, compiled or held against a file.
LIVE = {"c", "cpp", "rust", "swift", "go", "zig", "yaml", "json", "sh", "python", "make"}
#: What the pages' configurations take from the environment.
KEYS = {"OPENAI_API_KEY": "sk-test", "OUR_KEY": "sk-our-key"}
CLANG_FLAGS = ["-std=c99", "-Wall", "-Wno-unused-parameter", "-Wno-unused-function", "-fsyntax-only", "-x", "c", "-"]


def blocks(page):
    """(mark, language, text) of each fenced block."""
    for match in docs_snippets.FENCE.finditer(page.read_text()):
        yield match["mark"] or "", match["language"], match["text"]


def pages():
    return sorted(PAGES.glob("*.md"))


# -- the pages ------------------------------------------------------------------------------------


def test_the_pages_show_the_examples_as_they_are():
    run = subprocess.run(
        [sys.executable, ROOT / "scripts/docs_snippets.py", "--check"], capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_block_is_left_to_itself(page):
    """A block of code says how it is proved, or stands for shape only (`aside`) and then is no more than a few lines."""
    for mark, language, text in blocks(page):
        kind = mark.split()[0] if mark else ""
        assert kind in {"", "file", "region", "run", "output", "background", "compile", "aside", "json", "config",
                        "transcript"}, mark
        assert kind or language not in LIVE, f"{page.name}: a {language} block without a mark:\n{text}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_pieces_of_c_compile(page):
    for mark, _, text in blocks(page):
        if mark.split()[:1] != ["compile"]:
            continue
        source = f'#include <stddef.h>\n#include "kimi_plugin.h"\n{mark[len("compile"):].strip()}\n{text}'
        made = subprocess.run(
            ["cc", *CLANG_FLAGS, f"-I{HEADER.parent}"], input=source, capture_output=True, text=True, timeout=60
        )  # fmt: skip
        assert made.returncode == 0, f"{page.name}:\n{text}\n{made.stderr}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_json_is_json(page):
    for mark, language, text in blocks(page):
        if language == "json":
            json.loads(text)


def test_the_reference_is_the_headers():
    run = subprocess.run(
        [sys.executable, ROOT / "scripts/docs_reference.py", "--check"], capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


#: Words that look like the header's and are something else.
OTHERS = {"KIMI_HOST", "KIMI_DIR", "KIMI_PLUGIN_H", "kimi_plugin", "kimi_plugin_notes_total", "kimi_plugin_entry_v2"}


def declared() -> set[str]:
    """What the header declares, found in another way than the generator's."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    return set(re.findall(r"\b(?:kimi|KIMI)_\w+", text)) - {"KIMI_PLUGIN_H"}


def test_the_reference_has_everything():
    page = (PAGES / "reference.md").read_text()
    assert not {name for name in declared() if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", page)}
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    functions = [name for name in re.findall(r"\(\*(\w+)\)\s*\(", text) if name != "kimi_entry_fn"]
    assert len(functions) >= 38 and not [name for name in functions if f"{name}(" not in page]
    for rule in range(1, 18):
        assert f"| S{rule:02} |" in page
    for name in re.findall(r"^    (KIMI_EVENT_\w+) = ", HEADER.read_text(), re.M):
        assert f"| `{name}` |" in page


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_nothing_is_named_that_the_header_does_not_have(page):
    named = set(re.findall(r"\b(?:kimi|KIMI)_[A-Za-z0-9_]+", page.read_text()))
    assert not {name for name in named - declared() - OTHERS if not name.endswith("_")}


# -- commands -------------------------------------------------------------------------------------


def expected(text: str) -> re.Pattern:
    """The output of a page, in which an ellipsis stands for anything within a line."""
    return re.compile(re.escape(text).replace("…", "[^\\n]*"))


class Shell:
    """A newcomer's terminal: an empty folder, `kimi-host` on the PATH, port 8000 replaced by a free one."""

    def __init__(self, folder):
        self.folder = folder / "work"
        self.folder.mkdir(mode=0o755)
        bin = folder / "bin"
        bin.mkdir()
        (bin / "kimi-host").symlink_to(hostprocess.BINARY)
        (bin / "python3").symlink_to(sys.executable)
        self.port = str(hostprocess.free_port())
        path = f"{bin}:{os.environ['PATH']}"
        self.environment = hostprocess.clean_environment(PATH=path, HOME=str(folder), TERMINAL=str(folder / "cwd"), **KEYS)
        self.cwd = self.folder
        self.servers = []

    def here(self, text: str) -> str:
        return text.replace("8000", self.port).replace("/path/to/kimi-host", str(ROOT))

    def run(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", self.here(text) + 'pwd >"$TERMINAL"'], cwd=self.cwd, env=self.environment, umask=0o022,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        self.cwd = Path(Path(self.environment["TERMINAL"]).read_text().strip())
        return done.stdout

    def start(self, text: str):
        command = self.here(text.strip().removesuffix("&"))
        server = subprocess.Popen(["bash", "-c", "exec " + command], cwd=self.folder, env=self.environment)
        self.servers.append(server)
        end = time.monotonic() + hostprocess.START_TIMEOUT
        while time.monotonic() < end and server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", int(self.port)), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{command} did not start: {(self.folder / 'host.log').read_text()}")

    def stop(self):
        for server in self.servers:
            server.terminate()
            server.wait(15)

    def check(self, text: str, usual):
        """A configuration, with the usual plugins and those that the page has made."""
        folder = self.folder / "all.d"
        shutil.copytree(usual, folder, dirs_exist_ok=True)
        for library in self.cwd.glob("plugins.d/lib*.so"):
            shutil.copy2(library, folder)
        (self.folder / "shown.yaml").write_text(text)
        checked = hostprocess.run(
            "check", "--config", "shown.yaml", "--plugins-dir", folder, cwd=self.folder, **KEYS
        )  # fmt: skip
        assert checked.returncode == 0, text + checked.stdout + checked.stderr

    def follow(self, page, usual):
        """Does what the page says, and compares what it shows."""
        seen = ""
        for mark, _, text in blocks(page):
            kind, *names = mark.split() or [""]
            if kind == "file":
                (self.folder / names[0].rsplit("/", 1)[-1]).write_text(text)
            elif kind == "run":
                seen = self.run(text)
            elif kind == "config":
                self.check(text, usual)
            elif kind == "transcript":
                (self.folder / "shown.yaml").write_text(text)
                self.run(f"kimi-host plugin check --only R95 --transcripts {self.folder}/shown.yaml {usual}/{names[0]}\n")
            elif kind == "background":
                self.start(text)
            elif kind == "output":
                shown = self.here(text).rstrip("\n")
                assert expected(shown).fullmatch(seen.rstrip("\n")), f"the page shows\n{text}\nand what came is\n{seen}"


@pytest.fixture
def shell(tmp_path):
    os.umask(0o022)
    made = Shell(tmp_path)
    yield made
    made.stop()


# -- the cookbook ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """All examples, and the usual plugins, in one folder."""
    os.umask(0o022)
    out = tmp_path_factory.mktemp("examples") / "plugins.d"
    out.mkdir(mode=0o755)
    made = subprocess.run(
        ["make", "-C", EXAMPLES, f"OUT={out}", "CFLAGS=-O1 -g -Werror"], capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    shutil.rmtree(out / "include")
    for library in hostprocess.PLUGINS.glob("*.so"):
        shutil.copy2(library, out)
    return out


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_can_be_followed_to_the_letter(page, shell, built):
    shell.follow(page, built)


NAMES = sorted(path.stem for path in EXAMPLES.glob("*.c"))


def transcripts(name: str):
    if name == "cache":
        return [ROOT / f"Templates/common/{one}.yaml" for one in ("provider", "provider-tools", "provider-429", "provider-error-in-stream")]
    return [EXAMPLES / f"{name}.yaml"] if (EXAMPLES / f"{name}.yaml").exists() else []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_keeps_every_rule(name, built):
    given = [word for path in transcripts(name) for word in ("--transcripts", path)]
    # A provider in 60 lines passes no Retry-After on, and is warned of it.
    strict = [] if name == "mini" else ["--strict"]
    run = subprocess.run(
        [hostprocess.BINARY, "plugin", "check", *strict, *given, built / f"lib{name}.so"],
        capture_output=True, text=True, timeout=170, env=hostprocess.clean_environment(),
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert name == "parrot" or "R95 PASS" in run.stdout


def test_the_short_provider_is_short():
    code = re.sub(r"/\*.*?\*/", "", (EXAMPLES / "mini.c").read_text(), flags=re.S)
    lines = [line for line in code.splitlines() if line.strip() not in ("", "{", "}")]
    assert len(lines) <= 60 and max(map(len, lines)) <= 120
    assert 'include "' in code and re.findall(r'#include "(.*)"', code) == ["kimi_plugin.h"]


def chat(host, model: str, stream: bool, **more):
    """(text, tool calls as (name, arguments), finish reason) of one reply to the official client."""
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as client:
        more.setdefault("messages", [{"role": "user", "content": "hi"}])
        reply = client.chat.completions.create(model=model, stream=stream, **more)
        if not stream:
            message, reason = reply.choices[0].message, reply.choices[0].finish_reason
            calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or []]
            return message.content or "", calls, reason
        text, calls, reasons = "", [], []
        for choice in (chunk.choices[0] for chunk in reply if chunk.choices):
            text += choice.delta.content or ""
            for piece in choice.delta.tool_calls or []:
                if piece.function.name:
                    calls.append([piece.function.name, ""])
                calls[piece.index][1] += piece.function.arguments or ""
            reasons += [choice.finish_reason] if choice.finish_reason else []
        assert len(reasons) == 1
        return text, [tuple(call) for call in calls], reasons[0]


def streamed(*deltas, finish="stop"):
    """An upstream's streamed answer."""
    events = [replies.chunk(delta) for delta in deltas] + [replies.chunk({}, finish)]
    body = b"".join(b"data: " + replies.dumps(event).encode() + b"\n\n" for event in events) + replies.DONE
    return [replies.HEAD_UNTIL_CLOSE, body]


SECRET = "sk-live-äöü-12345678"
SHORTER = "sk-live-äö"
MODES = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "unary"])


@pytest.fixture
def examples_host(built, start_host, upstream):
    """One host with a model for each example."""
    models = [
        entry("redacted", upstream.url, transforms=[{"plugin": "redact", "config": {"secrets": [SHORTER, SECRET]}}]),
        entry("injected", upstream.url, transforms=[{"plugin": "inject", "config": {"prompt": 'Say "ä".\n'}}]),
        {"name": "mock", "provider": "mock", "model": "m", "provider_config": {"reply": "One two  three.", "paceMs": 5}},
        {"name": "mock-tool", "provider": "mock", "model": "m",
         "provider_config": {"reply": '{"term": "a b"}', "tool": "lookup"}},
        {**entry("cached", upstream.url), "provider": "cached"},
        {**entry("other", upstream.url), "provider": "cached", "model": "other-model"},
    ]  # fmt: skip
    return start_host({"models": models}, plugins=built)


def test_redact_finds_a_secret_at_every_cut(examples_host, upstream):
    """Cut in two at every place, and into single characters; with what only looks like the secret around it."""
    text = f"sk-l {SECRET} sk-live- {SHORTER}x{SHORTER}"
    clear = f"sk-l {'*' * len(SECRET.encode())} sk-live- {'*' * len(SHORTER.encode())}x{'*' * len(SHORTER.encode())}"
    cuts = [[text[:at], text[at:]] for at in range(1, len(text))] + [list(text), [text]]
    for pieces in cuts:
        upstream.reply(*streamed(*({"content": piece} for piece in pieces)))
        assert chat(examples_host, "redacted", True) == (clear, [], "stop"), pieces


def test_redact_sees_tool_calls_and_whole_replies(examples_host, upstream):
    arguments = json.dumps({"key": SECRET, "n": 1}, ensure_ascii=False)
    hidden = arguments.replace(SECRET, "*" * len(SECRET.encode()))
    for at in range(len(arguments)):
        call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "use", "arguments": arguments[:at]}}
        rest = {"index": 0, "function": {"arguments": arguments[at:]}}
        upstream.reply(*streamed({"tool_calls": [call]}, {"tool_calls": [rest]}, finish="tool_calls"))
        assert chat(examples_host, "redacted", True) == ("", [("use", hidden)], "tool_calls")
    upstream.reply(replies.response(replies.completion(f"It is {SECRET}.")))
    assert chat(examples_host, "redacted", False)[0] == f"It is {'*' * len(SECRET.encode())}."


@MODES
def test_inject_puts_a_prompt_first(examples_host, upstream, stream):
    upstream.reply(*(streamed({"content": "ok"}) if stream else [replies.response(replies.completion("ok"))]))
    assert chat(examples_host, "injected", stream, seed=7)[0] == "ok"
    sent = json.loads(upstream.requests[-1].body)
    assert sent["messages"] == [{"role": "system", "content": 'Say "ä".\n'}, {"role": "user", "content": "hi"}]
    assert sent["seed"] == 7


@MODES
def test_mock_says_what_it_was_told(examples_host, stream):
    assert chat(examples_host, "mock", stream) == ("One two  three.", [], "stop")
    assert chat(examples_host, "mock-tool", stream) == ("", [("lookup", '{"term": "a b"}')], "tool_calls")


def test_mock_serves_other_clients_too(examples_host):
    with anthropic.Anthropic(base_url=examples_host.url.removesuffix("/v1"), api_key="sk", max_retries=0) as client:
        with client.messages.stream(
            model="mock-tool", max_tokens=50, messages=[{"role": "user", "content": "hi"}]
        ) as stream:  # fmt: skip
            message = stream.get_final_message()
    assert message.stop_reason == "tool_use" and message.content[0].input == {"term": "a b"}


def test_cache_asks_the_upstream_once(examples_host, upstream):
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    answer = ("A text.", [("look", '{"a": 1}')], "tool_calls")
    upstream.reply(*streamed({"content": "A "}, {"content": "text."}, {"tool_calls": [call]}, finish="tool_calls"))
    for _ in range(3):
        assert chat(examples_host, "cached", True) == answer
    assert len(upstream.requests) == 1
    # Another request, another model, an instance of its own: other answers.
    for model, more in (("cached", {"seed": 2}), ("other", {})):
        upstream.reply(*streamed({"content": model + str(more)}))
        for _ in range(2):
            assert chat(examples_host, model, True, **more)[0] == model + str(more)
    assert len(upstream.requests) == 3


def test_cache_keeps_no_failure(examples_host, upstream):
    upstream.reply(replies.response({"error": {"message": "Not now."}}, 400, "Bad"))
    with pytest.raises(openai.BadRequestError):
        chat(examples_host, "cached", True, seed=3)
    cut_off = streamed({"content": "Half"})
    upstream.reply(cut_off[0], cut_off[1].removesuffix(replies.DONE).rsplit(b"data: ", 1)[0], Finish())
    with pytest.raises(openai.APIError, match="ended before"):
        chat(examples_host, "cached", True, seed=3)
    upstream.reply(*streamed({"content": "Whole."}))
    for _ in range(2):
        assert chat(examples_host, "cached", True, seed=3)[0] == "Whole."
    assert len(upstream.requests) == 3


@pytest.fixture
def mini_host(tmp_path, start_host, upstream):
    """The short provider, pointed at the mock upstream in the two places where its author does so."""
    os.umask(0o022)
    folder = tmp_path / "plugins.d"
    folder.mkdir(mode=0o755)
    port = upstream.url.split(":")[2].split("/")[0]
    source = (EXAMPLES / "mini.c").read_text().replace('"api.example.com"', '"127.0.0.1"')
    source = source.replace('"https://" HOST "/', f'"http://" HOST ":{port}/')
    assert port in source
    made = subprocess.run(
        ["cc", "-std=c99", "-Wall", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{HEADER.parent}",
         "-o", folder / "libmini.so", "-x", "c", "-"],
        input=source, text=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    model = {"name": "mini", "provider": "mini", "model": "upstream-model"}
    return start_host({"models": [model]}, plugins=folder, environment={"MINI_API_KEY": "sk-mini"})


def test_mini_passes_text_and_tool_calls(mini_host, upstream):
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    upstream.reply(*streamed({"content": "A text."}, {"tool_calls": [call]}, finish="tool_calls"))
    assert chat(mini_host, "mini", True) == ("A text.", [("look", '{"a": 1}')], "tool_calls")
    assert upstream.requests[-1].header("authorization") == "Bearer sk-mini"
    assert json.loads(upstream.requests[-1].body)["model"] == "upstream-model"
    upstream.reply(replies.response(replies.completion("Whole.")))
    assert chat(mini_host, "mini", False) == ("Whole.", [], "stop")


def test_mini_says_what_it_cannot_do(mini_host, upstream):
    upstream.reply(replies.response({"error": {"message": "Slow down.", "type": "x"}}, 429, "Slow"))
    with pytest.raises(openai.RateLimitError, match="Slow down"):
        chat(mini_host, "mini", True)
    cut_off = streamed({"content": "Half"})
    upstream.reply(cut_off[0], cut_off[1].removesuffix(replies.DONE), Finish())
    with pytest.raises(openai.APIError, match="DONE"):
        chat(mini_host, "mini", True)
    with anthropic.Anthropic(base_url=mini_host.url.removesuffix("/v1"), api_key="sk", max_retries=0) as client:
        with pytest.raises(anthropic.APIStatusError, match="mini has Chat clients only"):
            client.messages.create(model="mini", max_tokens=5, messages=[{"role": "user", "content": "hi"}])
