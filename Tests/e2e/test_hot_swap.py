"""Plugins are replaced while they serve: new requests take the new version, those under way finish on the old one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import time

import pytest

import hostprocess
import replies
import swapping
import wire
from conftest import entry
from swapping import ask, hang_up, models, plugins, refusals, version, wait_for

SWAPS = 20
STREAMS = 500
TICKS = 8


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swap-plugins")
    swapping.build(folder, range(1, SWAPS + 3))
    return folder


@pytest.fixture
def folder(tmp_path, built):
    return swapping.Folder(tmp_path / "plugins.d", built)


@pytest.fixture
def start(start_host, folder):
    """A host on `folder`; only SIGHUP makes it load anew unless `watch`."""

    def started(watch: bool = False, entries=None, **more):
        config = {"models": entries or models(), "server": {"watch": watch}, **more}
        return start_host(config, plugins=folder.path)

    return started


def reload(host):
    """Asks for it and waits until it is done, taken or not."""
    before = host.output.count("loaded anew") + len(refusals(host))
    hang_up(host)
    wait_for(lambda: host.output.count("loaded anew") + len(refusals(host)) > before, host)


# -- under load -------------------------------------------------------------------------------------------------------


class Stream:
    def __init__(self, raw: bytes, began: float, model: str):
        self.began, self.ended, self.model = began, time.monotonic(), model
        assert raw.startswith(b"HTTP/1.1 200"), raw[:300]
        head, _, rest = raw.partition(b"\r\n\r\n")
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        frames = wire.sse_data(body)
        assert frames[-1] == "[DONE]", frames[-1]
        text = "".join(
            choice["delta"].get("content") or "" for one in frames[:-1] for choice in json.loads(one)["choices"])
        self.providers = re.findall(r"p(\d+)/w ", text)
        self.transforms = re.findall(r"t(\d+) ", text)
        word = r"p\d+/w t\d+ " if model == "marked" else r"p\d+/w "
        assert re.fullmatch(f"({word}){{{TICKS}}}", text), text

    @property
    def is_pure(self) -> bool:
        return len(set(self.providers)) == 1 and len(set(self.transforms)) <= 1


async def one_stream(port: int, model: str, keep) -> tuple[Stream, object]:
    """On the connection `keep` if there is one; the reply is read to its last chunk."""
    began = time.monotonic()
    reader, writer = keep or await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
    writer.write(wire.head("POST", "/v1/chat/completions", body, {}) + body)
    raw = await reader.readuntil(b"\r\n0\r\n\r\n")
    return Stream(raw, began, model), (reader, writer)


async def client(number: int, port: int, is_over: asyncio.Event, done: list, failed: list):
    """Streams one after the other until the swaps are over; every second client keeps its connection."""
    keep = None
    await asyncio.sleep(number % 100 / 25)
    while not is_over.is_set():
        try:
            stream, connection = await one_stream(port, "marked" if number % 3 else "plain", keep)
            done.append(stream)
        except Exception as error:  # noqa: BLE001: whatever it is, it is a failed stream
            failed.append(repr(error))
            return
        keep = connection if number % 2 else None
        if keep is None:
            connection[1].close()
    if keep:
        keep[1].close()


def swap(folder, host, number: int) -> str:
    """The swap of that number, each in another way; returns the plugin's id."""
    kind, name, identifier = [("provider", "libswap", "test.swap"), ("transform", "libmark", "test.mark")][number % 2]
    way = folder.in_place if number % 5 == 4 else folder.rename
    way(f"{kind}-{number}", name)
    if number % 3 == 0:
        hang_up(host)
    return identifier


async def load(folder, host) -> tuple[list[Stream], list[str], list[float]]:
    is_over, done, failed, times = asyncio.Event(), [], [], []
    clients = [asyncio.create_task(client(n, host.port, is_over, done, failed)) for n in range(STREAMS)]
    await asyncio.sleep(5)
    for number in range(2, SWAPS + 2):
        identifier = swap(folder, host, number)
        end = time.monotonic() + 20
        while await asyncio.to_thread(version, host, identifier) != str(number):
            assert time.monotonic() < end and host.alive, host.output[-3000:]
            await asyncio.sleep(0.1)
        times.append(time.monotonic())
        await asyncio.sleep(0.3)
    is_over.set()
    await asyncio.gather(*clients)
    return done, failed, times


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_500_streams_and_20_swaps(folder, start):
    host = start(watch=True, entries=models(pace=500, ticks=TICKS))
    done, failed, times = asyncio.run(load(folder, host))
    assert failed == [], f"{len(failed)} of {len(done) + len(failed)} streams failed: {failed[:3]}"
    assert all(stream.is_pure for stream in done)
    seen = [{version for stream in done for version in kind(stream)} for kind in (
        lambda stream: stream.providers, lambda stream: stream.transforms)]
    assert len(seen[0]) > SWAPS / 2 - 3 and len(seen[1]) > SWAPS / 2 - 3, seen
    across = sum(1 for stream in done if any(stream.began < at < stream.ended for at in times))
    print(f"{len(done)} streams, {across} of them across a swap, {len(times)} swaps")
    assert len(done) >= STREAMS * 2 and across >= STREAMS
    assert not refusals(host), refusals(host)
    for kind, identifier in (("provider", "test.swap"), ("transform", "test.mark")):
        living = swapping.active(host, identifier)["instances"]
        wait_for(lambda: swapping.instances(host, kind)[1] == swapping.instances(host, kind)[0] - living, host)
    report = plugins(host)
    assert report["retired"] == SWAPS and report["mapped"] == SWAPS + 2
    retired = [one for one in report["plugins"] if one["state"] == "retired"]
    assert all(one["instances"] == one["exchanges"] == 0 for one in retired), retired


# -- one change at a time ---------------------------------------------------------------------------------------------


def test_a_replaced_library_is_taken(folder, start):
    host = start(watch=True)
    assert ask(host) == "p1/w p1/w p1/w " and ask(host, "marked").startswith("p1/w t1 ")
    folder.rename("provider-2", "libswap")
    wait_for(lambda: version(host) == "2", host)
    assert ask(host) == "p2/w p2/w p2/w " and ask(host, "marked").startswith("p2/w t1 ")
    report = plugins(host)
    old = next(one for one in report["plugins"] if one["state"] == "retired")
    digest = hashlib.sha256(folder.content("provider-1")).hexdigest()
    assert old["id"] == "test.swap" and old["version"] == "00001.0.0" and old["sha256"] == digest
    assert old["path"] == str(folder.library("libswap")) and old["instances"] == old["exchanges"] == 0
    assert report["retired"] == 1 and report["mapped"] == 3
    assert re.search(
        r"plugin test\.swap: 00001\.0\.0 \(sha256 \w{12}…\) replaced by 00002\.0\.0 \(sha256 \w{12}…\) from \S+libswap\.so",
        host.output), host.output
    # The transform stayed what it was: its instance was not made anew.
    assert swapping.instances(host, "transform") == (1, 0)
    wait_for(lambda: "its last exchange has ended" in host.output, host)


def test_sighup_takes_a_replaced_library(folder, start):
    host = start()
    folder.rename("provider-2", "libswap")
    time.sleep(2)
    assert version(host) == "1", "without watch nothing happens by itself"
    reload(host)
    assert version(host) == "2" and ask(host) == "p2/w p2/w p2/w "
    reload(host)
    report = plugins(host)
    assert report["mapped"] == 3 and swapping.instances(host, "provider") == (6, 3), "what is the same stays"


def test_a_library_that_is_written_in_place_does_not_disturb_what_runs(folder, start):
    host = start(watch=True, entries=models(pace=50, ticks=60))
    with wire.Connection(host.port) as connection:
        body = {"model": "marked", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        connection.request("POST", "/v1/chat/completions", json.dumps(body).encode())
        assert connection.read_head()[0] == 200
        # In the middle of the writing the file is no library at all, and for long enough to be looked at.
        content = folder.content("provider-2")
        folder.in_place(content[: len(content) // 2], "libswap")
        wait_for(lambda: swapping.refused(host) == 1, host)
        assert "libswap.so: elf: the file is cut off or damaged" in refusals(host)[0]
        assert wire.exchange(host.port, "GET", "/readyz").status == 200
        with folder.library("libswap").open("r+b") as library:
            library.seek(len(content) // 2)
            library.write(content[len(content) // 2 :])
        folder.in_place("transform-2", "libmark")
        wait_for(lambda: version(host) == "2" and version(host, "test.mark") == "2", host)
        assert swapping.active(host)["exchanges"] == 0
        received = b""
        while piece := connection.read_chunk():
            received += piece
    text = "".join(
        choice["delta"].get("content") or ""
        for one in wire.sse_data(received)[:-1] for choice in json.loads(one)["choices"])
    assert swapping.plain(text) == "p1/w t1 " * 60
    assert len(refusals(host)) == 1, refusals(host)


def test_what_is_mapped_is_a_private_copy_named_after_its_content(folder, start):
    host = start()
    report = plugins(host)
    for one in report["plugins"]:
        path = one["mapped"]
        assert os.path.basename(path) == os.path.basename(one["path"]) + "." + one["sha256"][:16]
        assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
        assert path in swapping.maps(host) and one["path"] + "\n" not in swapping.maps(host)
    own = os.path.dirname(report["plugins"][0]["mapped"])
    host.process.kill()
    host.wait_end()
    assert os.path.isdir(own), "after a crash the copies are there for whoever reads the core"
    again = hostprocess.Host(host.config.parent, host.config.read_text(), plugins=folder.path).wait_ready()
    try:
        assert not os.path.exists(own), "the next start removes them"
        second = os.path.dirname(plugins(again)["plugins"][0]["mapped"])
        # A second host on the same state folder leaves them alone.
        third = hostprocess.Host(host.config.parent, host.config.read_text(), plugins=folder.path).wait_ready()
        third.stop()
        assert os.path.isdir(second)
    finally:
        again.stop()
    assert not os.path.exists(second), "a host that ends removes its own"


def test_plugins_come_and_go(folder, start):
    host = start(watch=True, entries=models(transforms=()))
    folder.library("libmark").unlink()
    wait_for(lambda: version(host, "test.mark") is None, host)
    assert "plugin test.mark 00001.0.0 " in host.output and "is gone or switched off" in host.output
    folder.rename("transform-2", "libother")
    wait_for(lambda: version(host, "test.mark") == "2", host)
    assert "plugin test.mark 00002.0.0" in host.output and "added from" in host.output
    swapping.configure(host, {"models": models(), "server": {"watch": True}})
    wait_for(lambda: "t2 " in ask(host, "marked"), host)


def test_a_plugin_that_is_needed_cannot_be_taken_away(folder, start):
    host = start(watch=True)
    folder.library("libswap").unlink()
    wait_for(lambda: refusals(host), host)
    line = refusals(host)[0]
    assert "libswap.so: the plugin test.swap is gone or switched off" in line and "put it back" in line, line
    assert ask(host) == "p1/w p1/w p1/w " and wire.exchange(host.port, "GET", "/readyz").status == 200
    folder.sidecar("libmark", "enabled: false\n")
    wait_for(lambda: len(refusals(host)) == 2, host)
    assert ask(host, "marked").startswith("p1/w t1 ")
    folder.sidecar("libmark", "enabled: true\n")
    folder.rename("provider-3", "libswap")
    wait_for(lambda: version(host) == "3", host)
    assert ask(host, "marked").startswith("p3/w t1 ")


def test_sidecars_and_configuration(folder, start):
    host = start(watch=True, entries=[{"name": "plain", "provider": "swap", "model": "m"}])
    assert ask(host) == "p1/ p1/ p1/ "
    folder.sidecar("libswap", "config: {word: side}\n")
    wait_for(lambda: ask(host) == "p1/side p1/side p1/side ", host)
    folder.sidecar("libswap", "config: {word: side, wrod: x}\n")
    wait_for(lambda: refusals(host), host)
    assert "wrod" in refusals(host)[0]
    folder.sidecar("libswap", "config: {word: side}\n")
    swapping.configure(host, {"models": models("own", ticks=1)})
    wait_for(lambda: ask(host) == "p1/own ", host)
    assert ask(host, "marked") == "p1/own t1 "
    swapping.configure(host, {"models": models("own", ticks=1, transforms=("mark", "mark"))})
    wait_for(lambda: ask(host, "marked") == "p1/own t1 t1 t1 ", host)
    assert plugins(host)["mapped"] == 2, "nothing was mapped for that"


def test_back_to_a_version_that_is_retired(folder, start):
    host = start()
    for number in (2, 1, 2, 1):
        folder.rename(f"provider-{number}", "libswap")
        reload(host)
        assert version(host) == str(number) and ask(host) == f"p{number}/w " * 3
    wait_for(lambda: swapping.instances(host, "provider") == (15, 12), host)


# -- bad versions -----------------------------------------------------------------------------------------------------


BAD = {
    "text": (b"not a library", "libswap.so: elf: "),
    "empty": (b"", "libswap.so: elf: the file is empty"),
    "refuses": ("refusing", "libswap.so: entry: the plugin refuses to start (KIMI_E_INTERNAL): the entry refuses as told"),
    "not a plugin": (hostprocess.BINARY, "libswap.so: "),
    "strict": ("strict", "neverSet"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_version_is_refused_and_the_old_one_goes_on(folder, start, name):
    host = start(watch=True)
    source, words = BAD[name]
    folder.rename(source.read_bytes() if isinstance(source, os.PathLike) else source, "libswap")
    wait_for(lambda: refusals(host), host)
    assert words in refusals(host)[0] and "the one before goes on" in refusals(host)[0], refusals(host)
    time.sleep(1.5)
    assert len(refusals(host)) == 1, "said once"
    assert swapping.refused(host) == 1 and wire.exchange(host.port, "GET", "/readyz").status == 200
    assert version(host) == "1" and ask(host, "marked").startswith("p1/w t1 ")
    folder.rename("provider-2", "libswap")
    wait_for(lambda: version(host) == "2", host)
    assert ask(host, "marked").startswith("p2/w t1 ") and swapping.refused(host) == 1
    assert swapping.metric(host, 'kimi_plugin_libraries{state="active"}') == 2


def test_the_entry_of_a_refused_library_is_called_again_only_when_asked(folder, start):
    host = start()
    folder.rename("refusing", "libswap")
    for count in (1, 2):
        reload(host)
        assert len(refusals(host)) == count and "the entry refuses as told" in refusals(host)[-1]
    copies = {line.split()[-1] for line in swapping.maps(host).splitlines() if "libswap.so." in line}
    assert len(copies) == 3, "each in a copy of its own: an entry is called once (rule S01)"


def test_what_create_refuses(folder, start):
    host = start(watch=True)
    swapping.configure(host, {"models": models("refused")})
    wait_for(lambda: refusals(host), host)
    assert "create refuses the word as told" in refusals(host)[0] and ask(host) == "p1/w p1/w p1/w "


def test_a_pin_that_does_not_match(folder, start):
    digest = hashlib.sha256(folder.content("provider-1")).hexdigest()
    folder.sidecar("libswap", f'sha256: "{digest}"\n')
    host = start(watch=True)
    folder.rename("provider-2", "libswap")
    wait_for(lambda: refusals(host), host)
    assert "libswap.so: pin: sha256 is " in refusals(host)[0] and version(host) == "1"
    assert "provider-2" not in swapping.maps(host) and plugins(host)["mapped"] == 2, "none of its code ran"
    digest = hashlib.sha256(folder.content("provider-2")).hexdigest()
    folder.sidecar("libswap", f'sha256: "{digest}"\n')
    wait_for(lambda: version(host) == "2", host)


def test_who_may_see_the_list(folder, start):
    key = "kh-some-key-0123456789"
    found = {"name": "a", "hash": "sha256:" + hashlib.sha256(key.encode()).hexdigest()}
    host = start(auth={"keys": [found]})
    assert wire.exchange(host.port, "GET", "/admin/plugins").status == 401
    assert wire.exchange(host.port, "GET", "/admin/plugins", headers={"x-api-key": key}).status == 200


# -- Swift ------------------------------------------------------------------------------------------------------------


def test_swift_plugins_are_swapped_too(folder, start, upstream):
    for name in ("libKimiK2Transform", "libOpenAIProvider"):
        shutil.copy2(hostprocess.PLUGINS / f"{name}.so", folder.path)
    upstream.always(replies.auto)
    host = start(watch=True, entries=[entry("mock", upstream.url, transforms=["kimi-k2"])])
    markup = "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}" \
        "<|tool_call_end|><|tool_calls_section_end|>"

    def call():
        upstream.reply(replies.response(replies.completion(markup)))
        body = {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}
        answer = wire.chat(host.port, {**body, "tools": [{"type": "function", "function": {"name": "f"}}]})
        assert answer.status == 200, answer.body
        return answer.json["choices"][0]["message"]["tool_calls"][0]["function"]["name"]

    assert call() == "f"
    for name, identifier in (("libKimiK2Transform", "dev.kimi-host.kimi-k2"), ("libOpenAIProvider", "dev.kimi-host.openai")):
        before = swapping.active(host, identifier)["sha256"]
        # A byte behind the end of everything that is mapped: another file with the same code.
        folder.rename((hostprocess.PLUGINS / f"{name}.so").read_bytes() + b"\0", name)
        wait_for(lambda: swapping.active(host, identifier)["sha256"] != before, host)
        for _ in range(5):
            assert call() == "f"
    assert plugins(host)["retired"] == 2


# -- what survives ----------------------------------------------------------------------------------------------------


def test_memory_survives_a_swap(folder, start):
    host = start()
    assert [ask(host, "count") for _ in range(2)] == ["1", "2"]
    folder.rename("provider-2", "libswap")
    reload(host)
    assert version(host) == "2" and ask(host, "count") == "3"


def test_cooldowns_survive_a_reload(folder, start_host, upstream, second_upstream):
    shutil.copy2(hostprocess.PLUGINS / "libOpenAIProvider.so", folder.path)
    second_upstream.always(replies.auto)
    upstream.always(lambda request: [replies.response({"error": {"message": "down"}}, 503, "Unavailable")])
    config = {
        "models": [entry("mock", upstream.url), entry("mock", second_upstream.url, model="other")],
        "server": {"watch": False}, "routing": {"retries": 0, "cooldown": 60, "cooldown_after": 2},
    }  # fmt: skip
    host = start_host(config, plugins=folder.path)
    for _ in range(3):
        assert ask(host, "mock")
    assert len(upstream.requests) == 2
    reload(host)
    assert ask(host, "mock") and len(upstream.requests) == 2, "it is still left out"
    folder.rename((folder.library("libOpenAIProvider").read_bytes()) + b"\0", "libOpenAIProvider")
    reload(host)
    assert plugins(host)["retired"] == 1
    assert ask(host, "mock") and len(upstream.requests) == 2, "whatever version the provider has"
    config["models"][0]["provider_config"]["apiKey"] = "sk-another"
    swapping.configure(host, config)
    reload(host)
    assert ask(host, "mock") and len(upstream.requests) == 3, "with another key it is another matter"


def test_tokens_survive_a_swap(runtime_plugins, folder, start_host, upstream):
    for name in ("tokens",):
        shutil.copy2(runtime_plugins / f"{name}.so", folder.path)
    fetched = []

    def answer(request):
        if "token" in request.target:
            fetched.append(request.target)
            return [replies.response({"access_token": "token-1", "expires_in": 3600})]
        return [replies.response(b"hello", kind="text/plain")]

    upstream.always(answer)
    config = {
        "models": [{"name": "m", "provider": "tokens", "model": "m", "provider_config": {"url": upstream.url}}],
        "server": {"watch": False},
    }  # fmt: skip
    host = start_host(config, plugins=folder.path)
    assert ask(host, "m") and len(fetched) == 1
    folder.rename(folder.library("tokens").read_bytes() + b"\0", "tokens")
    reload(host)
    assert plugins(host)["retired"] == 1
    assert ask(host, "m") and len(fetched) == 1
    reload(host)
    assert ask(host, "m") and len(fetched) == 1
