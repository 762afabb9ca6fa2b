"""Plugins that crash or hang the host: who is named, what is kept, and what the next start makes of it.

Tests/CrashPlugins holds the plugins. Each test has a state_dir of its own, which its hosts share.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import hostprocess
import replies
import wire
from conftest import entry

SOURCES = hostprocess.ROOT / "Tests/CrashPlugins"
ID = "test.crasher"
#: fault -> (signal, function)
CRASHES = {
    "begin_abort": (signal.SIGABRT, "begin"),
    "feed_segv": (signal.SIGSEGV, "feed"),
    "feed_trap": (signal.SIGILL, "feed"),
    "feed_bus": (signal.SIGBUS, "feed"),
    "feed_fpe": (signal.SIGFPE, "feed"),
    "feed_sys": (signal.SIGSYS, "feed"),
    "feed_stack": (signal.SIGSEGV, "feed"),
    "flush_segv": (signal.SIGSEGV, "flush"),
    "end_abort": (signal.SIGABRT, "end"),
}
DIALECTS = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
    "/v1/responses": {"input": "hi"},
    "/v1/messages": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9},
}


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash-plugins")
    made = subprocess.run(["make", "-C", SOURCES, f"OUT={folder}"], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


class Place:
    """A plugins folder, a state_dir, and hosts on them, one after the other."""

    def __init__(self, folder, built, start, upstream):
        self.built, self.start_host, self.upstream = built, start, upstream
        self.plugins, self.state = folder / "plugins.d", folder / "state"
        self.plugins.mkdir(mode=0o755)
        shutil.copy2(hostprocess.PLUGINS / "libOpenAIProvider.so", self.plugins)

    def put(self, library: str, under: str | None = None):
        """Under a new inode: a running host keeps the old file's pages."""
        target = self.plugins / f"{under or library}.so"
        target.unlink(missing_ok=True)
        shutil.copy2(self.built / f"{library}.so", target)

    def models(self, *faults: str, transform: str = "crasher") -> list[dict]:
        faulty = [
            entry(fault, self.upstream.url, transforms=[{"plugin": transform, "config": {"fault": fault}}])
            for fault in faults
        ]
        return [entry("plain", self.upstream.url), *faulty]

    def host(self, models: list[dict], ready: bool = True, environment: dict | None = None, **config):
        self.environment = {"KIMI_STATE_DIR": str(self.state)} | (environment or {})
        return self.start_host(
            {"models": models, **config}, ready, plugins=self.plugins, environment=self.environment)

    def run(self, *arguments):
        return hostprocess.run(*arguments, cwd=self.plugins.parent, KIMI_STATE_DIR=str(self.state))

    @property
    def crash_files(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in sorted(self.state.glob("crashes/crash-*.json"))]


@pytest.fixture
def place(tmp_path, built, start_host, upstream):
    upstream.always(replies.auto)
    return Place(tmp_path, built, start_host, upstream)


def ask(host, model: str, path: str = "/v1/chat/completions", **more):
    return wire.exchange(host.port, "POST", path, {"model": model, **DIALECTS[path], **more})


def provoke(host, model: str, identifier: str = "req-of-doom"):
    """A request that nobody answers."""
    try:
        wire.chat(host.port, {"model": model, **DIALECTS["/v1/chat/completions"]}, {"x-request-id": identifier})
    except (OSError, EOFError, ValueError, IndexError):
        pass


def fatal_line(host) -> str:
    lines = [line for line in host.output.splitlines() if line.startswith("kimi-host: fatal: ")]
    assert len(lines) == 1, host.output[-3000:]
    return lines[0]


def assert_works(host, model: str = "plain"):
    for path in DIALECTS:
        answer = ask(host, model, path)
        assert answer.status == 200, answer.body[:500]


def assert_quarantined(host, model: str, handle: str = ID, *words: str):
    for path in DIALECTS:
        for stream in (False, True):
            answer = ask(host, model, path, stream=stream)
            assert answer.status == 503, (path, answer.status, answer.body[:500])
            message = answer.json["error"]["message"]
            assert f"kimi-host plugins unquarantine {handle}" in message, message
            assert all(word in message for word in words), message
            if path == "/v1/messages":
                assert answer.json["type"] == "error"


def metrics(host) -> str:
    return wire.exchange(host.port, "GET", "/metrics").body.decode()


# -- crashes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", CRASHES)
def test_a_crash_is_named_and_kept(place, fault):
    number, function = CRASHES[fault]
    place.put("crasher")
    host = place.host(place.models(fault))
    assert place.state.stat().st_mode & 0o777 == 0o700
    provoke(host, fault)
    assert host.wait_end() == -number, "the default action follows"
    line = fatal_line(host)
    name = signal.Signals(number).name
    for word in (f"plugin '{ID}' 1.0.0", "crasher.so", f"crashed in {function}", name, "request req-of-doom",
                 f"kimi-host plugins unquarantine {ID}", "replace the file"):  # fmt: skip
        assert word in line, line
    (kept,) = place.crash_files
    assert kept["plugin"] == ID and kept["version"] == "1.0.0" and kept["function"] == function
    assert kept["signal"] == name and kept["request"] == "req-of-doom" and kept["kind"] == "crash"
    assert re.fullmatch("[0-9a-f]{64}", kept["sha256"]) and abs(kept["time"] - time.time()) < 60
    (file,) = place.state.glob("crashes/crash-*.json")
    assert file.stat().st_mode & 0o777 == 0o600 and file.name in line


def test_a_quarantined_library_works_in_a_process_of_its_own(place):
    """It is neither probed nor kept away there, and its crash costs one exchange."""
    place.put("crasher")
    models = place.models("feed_segv", "none")
    first = place.host(models)
    provoke(first, "feed_segv")
    first.wait_end()
    assert_quarantined(place.host(models), "none")
    (place.plugins / "crasher.yaml").write_text("isolation: process\n")
    (place.state / "probed.json").unlink()
    third = place.host(models)
    assert_works(third, "none")
    failed = ask(third, "feed_segv")
    assert failed.status == 500 and "SIGSEGV" in failed.json["error"]["message"], failed.body
    assert_works(third)
    assert_works(third, "none")
    assert third.alive and "kimi_plugin_quarantined{" not in metrics(third)
    assert "crasher" not in (place.state / "probed.json").read_text()
    assert len(place.crash_files) == 1


def test_the_whole_way_of_a_quarantine(place):
    place.put("crasher")
    models = place.models("feed_segv", "none")
    models.append(entry("both", place.upstream.url, transforms=[{"plugin": "crasher", "config": {"fault": "none"}}]))
    models.append(entry("both", place.upstream.url, model="second"))
    first = place.host(models)
    assert_works(first, "none")
    provoke(first, "feed_segv")
    first.wait_end()

    second = place.host(models)
    assert_quarantined(second, "feed_segv", ID, "crashed in feed", "SIGSEGV", "req-of-doom")
    assert_quarantined(second, "none")
    assert_works(second)
    assert_works(second, "both")
    assert json.loads(place.upstream.requests[-1].body)["model"] == "second", "the other entry of the name"
    assert ID in second.output and "answers 503" in second.output
    assert f'kimi_plugin_quarantined{{plugin="{ID}"}} 1' in metrics(second)
    listed = place.run("plugins", "list", "--plugins-dir", place.plugins)
    assert listed.returncode == 0, listed.stderr
    assert re.search(rf"\({ID}\).* QUARANTINED$", listed.stdout, re.MULTILINE) and "crashed in feed" in listed.stderr
    second.stop()

    unknown = place.run("plugins", "unquarantine", "test.nobody")
    assert unknown.returncode == 1 and "these are: test.crasher" in unknown.stderr
    freed = place.run("plugins", "unquarantine", ID)
    assert freed.returncode == 0 and "free again" in freed.stdout, freed.stderr
    third = place.host(models)
    assert_works(third, "none")
    assert "QUARANTINED" not in place.run("plugins", "list", "--plugins-dir", place.plugins).stdout
    provoke(third, "feed_segv")
    third.wait_end()
    assert len(place.crash_files) == 2


def test_another_content_is_free_of_it(place):
    place.put("crasher")
    host = place.host(place.models("feed_segv"))
    provoke(host, "feed_segv")
    host.wait_end()
    place.put("crasher2", under="crasher")
    again = place.host(place.models("feed_segv"))
    assert_works(again, "feed_segv")
    again.stop()
    place.put("crasher")
    assert_quarantined(place.host(place.models("feed_segv")), "feed_segv")


def test_old_crash_files_do_not_count(place):
    place.put("crasher")
    models = place.models("feed_segv", "none")
    host = place.host(models)
    provoke(host, "feed_segv")
    host.wait_end()
    none = place.host(models, plugins={"quarantine_window": 0})
    assert_works(none, "none")
    none.stop()
    assert_quarantined(place.host(models), "none")
    (file,) = place.state.glob("crashes/*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "time": int(time.time()) - 4000}))
    assert_works(place.host(models), "none")
    short = place.host(models, plugins={"quarantine_window": 8000})
    assert_quarantined(short, "none")


def test_unquarantine_all_and_broken_files(place):
    place.put("crasher")
    host = place.host(place.models("feed_segv", "none"))
    provoke(host, "feed_segv")
    host.wait_end()
    for name, text in (("crash-1-1.json", "{"), ("crash-2-2.json", "[]"), ("other.txt", "x")):
        (place.state / "crashes" / name).write_text(text)
    for name in ("quarantine.json", "probed.json"):
        (place.state / name).write_text("{half a")
    assert_quarantined(place.host(place.models("none")), "none")
    assert place.run("plugins", "unquarantine").returncode != 0
    freed = place.run("plugins", "unquarantine", "--all")
    assert freed.returncode == 0 and ID in freed.stdout
    assert "nothing is quarantined" in place.run("plugins", "unquarantine", "--all").stdout
    assert_works(place.host(place.models("none")), "none")


def test_a_crash_in_create_does_not_loop(place):
    place.put("crasher")
    models = place.models("create_segv")
    first = place.host(models, ready=False)
    assert first.wait_end() == -signal.SIGSEGV
    assert f"plugin '{ID}' 1.0.0" in fatal_line(first) and "crashed in create" in fatal_line(first)
    second = place.host(models)
    assert_works(second)
    assert_quarantined(second, "create_segv", ID, "crashed in create")


@pytest.mark.parametrize("library,words", [
    ("constructor_segv", ["crashed in dlopen", "SIGSEGV", "it printed: about to crash in the constructor"]),
    ("entry_segv", ["crashed in entry", "SIGSEGV"]),
    ("constructor_exits", ["crashed in dlopen", "exit with status 7"]),
    ("constructor_hangs", ["hung in dlopen", "no return within 5 s"]),
])  # fmt: skip
def test_a_crash_as_it_is_loaded_takes_a_child_process_only(place, library, words):
    place.put(library)
    place.put("crasher")
    models = place.models("none") + place.models("fault", transform=library)[1:]
    for _ in range(2):
        host = place.host(models)
        assert_works(host, "none")
        assert_quarantined(host, "fault", f"{library}.so", *words[:2])
        assert f"{library}.so: probe: " in host.output and all(word in host.output for word in words[:1]), host.output
        host.stop()
        assert len(place.crash_files) == 1, "the second start knows it without a try"
        words = words[:2]
    checked = place.run("check", "--config", host.config, "--plugins-dir", place.plugins)
    assert checked.returncode == 1 and f"{library}.so" in checked.stdout
    assert place.run("plugins", "list", "--plugins-dir", place.plugins).returncode == 1
    assert place.run("plugins", "unquarantine", f"{library}.so").returncode == 0


def test_probes_are_remembered(place):
    place.put("crasher")
    place.host(place.models("none")).stop()
    probed = json.loads((place.state / "probed.json").read_text())["libraries"]
    assert {found["manifest"]["id"] for found in probed.values()} == {ID, "dev.kimi-host.openai"}
    stamp = (place.state / "probed.json").stat().st_mtime_ns
    place.host(place.models("none")).stop()
    assert (place.state / "probed.json").stat().st_mtime_ns == stamp


def test_memory_that_a_plugin_handed_over(place):
    place.put("crasher")
    host = place.host(place.models("feed:wild"))
    provoke(host, "feed:wild")
    assert host.wait_end() == -signal.SIGSEGV
    line = fatal_line(host)
    assert "crashed in feed (in the host, with memory that it handed over)" in line and ID in line


def test_a_thread_of_the_plugins_own(place):
    place.put("crasher")
    host = place.host(place.models("feed_thread"))
    provoke(host, "feed_thread")
    assert host.wait_end() == -signal.SIGSEGV
    assert f"plugin '{ID}'" in fatal_line(host) and "a thread of its own" in fatal_line(host)
    assert place.crash_files[0]["sha256"]


def test_a_library_that_takes_the_signals(place):
    """Its handler is asked first; what it passes on is told as ever."""
    place.put("crasher")
    place.put("bystander")
    host = place.host(place.models("feed_segv") + place.models("ok", transform="bystander")[1:])
    assert_works(host, "ok")
    provoke(host, "feed_segv")
    assert host.wait_end() == -signal.SIGSEGV
    assert ID in fatal_line(host) and "bystander" not in fatal_line(host)


def test_crashes_elsewhere_are_nobodys(place):
    place.put("crasher")
    # Swift's backtrace, which follows, takes long.
    host = place.host(place.models("none"), environment={"SWIFT_BACKTRACE": "enable=no"})
    assert_works(host, "none")
    host.process.send_signal(signal.SIGSEGV)
    assert host.wait_end() == -signal.SIGSEGV
    assert "outside of plugins" in fatal_line(host) and ID not in fatal_line(host)
    assert place.crash_files == []
    assert_works(place.host(place.models("none")), "none")


def test_a_state_dir_that_cannot_be_written(place):
    place.put("crasher")
    place.state.write_text("a file stands in its way")
    host = place.host(place.models("feed_segv", "none"))
    assert host.output.count("warning: state_dir cannot be used") == 1 and "KIMI_STATE_DIR" in host.output
    assert_works(host, "none")
    provoke(host, "feed_segv")
    host.wait_end()
    assert "no crash file was written" in fatal_line(host)
    assert_works(place.host(place.models("none")), "none")


def test_state_dir_by_configuration(place):
    folder = place.plugins.parent / "elsewhere" / "state"
    host = place.start_host({"models": place.models(), "state_dir": str(folder)}, plugins=place.plugins)
    assert (folder / "probed.json").exists() and folder.stat().st_mode & 0o777 == 0o700
    assert not (host.config.parent / "data").exists()
    usual = place.start_host({"models": place.models()}, plugins=place.plugins)
    assert (usual.config.parent / "data" / "probed.json").exists()


def test_a_native_route_is_blocked_too(place):
    """Embeddings pass no transform, and the route is blocked all the same: it is not known what it was for."""
    place.put("crasher")
    host = place.host(place.models("feed_segv"))
    provoke(host, "feed_segv")
    host.wait_end()
    again = place.host(place.models("feed_segv"))
    answer = wire.exchange(again.port, "POST", "/v1/embeddings", {"model": "feed_segv", "input": "x"})
    assert answer.status == 503 and ID in answer.json["error"]["message"]


# -- hangs ------------------------------------------------------------------------------------------------------------


def in_background(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("fault", ["feed_hang", "feed:busy", "begin_hang"])
def test_a_hang_ends_the_host(place, fault):
    place.put("crasher")
    models = place.models(fault, "none")
    if fault == "feed:busy":  # The call inside it comes and goes: it is not the one to blame.
        models[1]["transforms"].insert(0, {"plugin": "bystander", "config": {}})
        place.put("bystander")
    host = place.host(models, plugins={"slow_call": 0.3, "hang": 1})
    in_background(provoke, host, fault)
    assert host.wait_end(20) == -signal.SIGABRT
    function = "begin" if fault == "begin_hang" else "feed"
    line = fatal_line(host)
    assert f"plugin '{ID}'" in line and f"hangs in {function}" in line and "req-of-doom" in line, line
    assert re.search(rf"warning.*{ID}.* has been in {function} for \d+ ms", host.output), host.output
    (kept,) = place.crash_files
    assert kept["kind"] == "hang" and kept["function"] == function and kept["request"] == "req-of-doom"
    again = place.host(models)
    assert_works(again)
    assert_quarantined(again, "none", ID, f"hung in {function}")


def test_hang_0_waits_for_ever(place):
    place.put("crasher")
    host = place.host(place.models("feed_hang"), plugins={"slow_call": 0.2, "hang": 0})
    in_background(provoke, host, "feed_hang")
    time.sleep(3)
    assert host.alive and host.output.count("has been in feed") == 1
    host.process.kill()


# -- metrics ----------------------------------------------------------------------------------------------------------


def sample(text: str, name: str, **labels) -> float:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"^{name}{{{re.escape(inside)}}} (\S+)$", text, re.MULTILINE)
    assert found, f"{name}{{{inside}}} is not in\n{text}"
    return float(found[1])


def test_metrics(place):
    place.put("crasher")
    host = place.host(place.models("none", "feed_lazy", "feed_slow", "begin_fails"), plugins={"slow_call": 0.2})
    for _ in range(3):
        assert ask(host, "none").status == 200
    assert ask(host, "feed_lazy").status == 200
    assert ask(host, "feed_slow").status == 200
    assert ask(host, "begin_fails").status == 500
    text = metrics(host)
    begun = sample(text, "kimi_plugin_calls_total", plugin=ID, function="begin")
    assert begun == 6 and sample(text, "kimi_plugin_calls_total", plugin=ID, function="create") == 4
    assert sample(text, "kimi_plugin_call_seconds_count", plugin=ID, function="begin") == 6
    assert sample(text, "kimi_plugin_call_seconds_bucket", plugin=ID, function="begin", le="+Inf") == 6
    feeds = sample(text, "kimi_plugin_calls_total", plugin=ID, function="feed")
    buckets = [sample(text, "kimi_plugin_call_seconds_bucket", plugin=ID, function="feed", le=bound)
               for bound in ("0.00001", "0.0001", "0.001", "0.01", "0.1", "+Inf")]  # fmt: skip
    assert buckets == sorted(buckets) and buckets[-1] == feeds and buckets[4] < feeds
    assert 0.4 < sample(text, "kimi_plugin_call_seconds_sum", plugin=ID, function="feed") < 60
    assert sample(text, "kimi_plugin_slow_calls_total", plugin=ID, function="feed") >= 2
    assert sample(text, "kimi_plugin_stalls_total", plugin=ID) >= 1
    assert sample(text, "kimi_plugin_errors_total", plugin=ID, function="begin", category="config") == 1
    # The time of a transform is not its provider's.
    provider = "dev.kimi-host.openai"
    assert sample(text, "kimi_plugin_call_seconds_sum", plugin=provider, function="feed") < 0.3
    end = time.monotonic() + 10
    while "calls took over ten times its manifest's max_call_us" not in host.output:
        assert time.monotonic() < end, host.output
        time.sleep(0.1)
