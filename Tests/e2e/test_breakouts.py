"""Plugins that work against the host that runs them: out of a process of their own, while they are loaded, replaced and
tried out. Tests/BreakoutPlugins holds them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import hostprocess
import replies
import wire
from conftest import entry
from hostprocess import Host
from swapping import plugins

SOURCES = hostprocess.ROOT / "Tests/BreakoutPlugins"
ISOLATED = "isolation: process\n"
LEAK = Path("/tmp/kimi-breaker-leak")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("breakout-plugins")
    made = subprocess.run(["make", "-s", "-C", SOURCES, f"OUT={folder}"], capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


class Place:
    """A plugins folder, a state_dir, and hosts on them."""

    def __init__(self, folder, built, start, upstream):
        self.built, self.start_host, self.upstream = built, start, upstream
        self.folder, self.plugins, self.state = folder, folder / "plugins.d", folder / "state"
        self.plugins.mkdir(mode=0o755)
        shutil.copy2(hostprocess.PLUGINS / "libOpenAIProvider.so", self.plugins)
        upstream.always(replies.auto)

    def put(self, library: str, sidecar: str | None = None):
        """As breaker.so, by renaming."""
        if sidecar is not None:
            (self.plugins / "breaker.yaml").write_text(sidecar)
        new = self.plugins / ".breaker.new"
        shutil.copy2(self.built / f"{library}.so", new)
        os.replace(new, self.plugins / "breaker.so")

    def models(self, *faults: str) -> list[dict]:
        faulty = [
            entry(fault, self.upstream.url, transforms=[{"plugin": "breaker", "config": {"fault": fault}}])
            for fault in faults
        ]
        return [entry("plain", self.upstream.url), *faulty]

    def host(self, *faults: str, ready: bool = True, models=None, **config) -> Host:
        return self.start_host(
            {"models": models or self.models(*faults), **config}, ready, plugins=self.plugins,
            environment={"KIMI_STATE_DIR": str(self.state)})

    def run(self, *arguments):
        return hostprocess.run(*arguments, cwd=self.folder, KIMI_STATE_DIR=str(self.state))


@pytest.fixture
def place(tmp_path, built, start_host, upstream):
    return Place(tmp_path, built, start_host, upstream)


def ask(host, model: str, timeout: float = 30, **more) -> wire.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
    with wire.Connection(host.port) as connection:
        connection.socket.settimeout(timeout)
        connection.request("POST", "/v1/chat/completions", json.dumps(body).encode())
        return connection.read_response()


def until(condition, seconds: float = 20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def affinities(pid: int) -> set[str]:
    return {
        next(line for line in (task / "status").read_text().splitlines() if line.startswith("Cpus_allowed_list"))
        for task in Path(f"/proc/{pid}/task").iterdir()
    }


# ---------------------------------------------------------------- the wall


def told(upstream) -> dict[str, str]:
    return dict(pair.split("=") for pair in json.loads(upstream.requests[-1].body)["user"].split())


@pytest.mark.parametrize("library", ["breaker", "threaded"])
def test_the_kernel_sends_the_host_no_signals_and_pins_no_thread_of_it(place, upstream, library):
    """Neither from the main thread nor from one that a constructor has started."""
    place.put(library, ISOLATED)
    host = place.host("escape", "fine")
    before = affinities(host.process.pid)
    answer = ask(host, "escape")
    assert answer.status == 200, answer.body
    tried = told(upstream)
    threads = ["main", "thread", "load"] if library == "threaded" else ["main"]
    wanted = {f"{thread}_{what}" for thread in threads for what in ("setsig", "setown", "async", "affinity")}
    assert wanted <= set(tried), tried
    succeeded = {name for name in wanted if tried[name] == "0"}
    assert not succeeded, f"succeeded: {succeeded}"
    assert affinities(host.process.pid) == before
    assert ask(host, "fine").status == 200 and host.alive


def test_loading_makes_no_process_no_socket_and_no_file(place, upstream):
    """What a library does before its first call is done behind the first part of the wall."""
    Path("/tmp/kimi-breaker-was-here").unlink(missing_ok=True)
    place.put("threaded", ISOLATED)
    host = place.host("escape")
    assert ask(host, "escape").status == 200
    tried = told(upstream)
    assert tried["thread"] == "0", "threads are allowed"
    wanted = {"fork", "session", "kill", "socket", "ring", "death", "write", "exec"}
    assert wanted <= set(tried) and all(tried[name] != "0" for name in wanted), tried
    assert not Path("/tmp/kimi-breaker-was-here").exists()


PYTHON_BREAKER = """
import fcntl, os, signal, socket, threading
import kimi_plugin as kimi

tried, go, done = {}, threading.Event(), threading.Event()

def attempt(name, body):
    try:
        body()
        tried[name] = "succeeded"
    except Exception as error:
        tried[name] = type(error).__name__

def arm(when):
    attempt(when + "_setsig", lambda: fcntl.fcntl(3, 10, signal.SIGKILL))
    attempt(when + "_setown", lambda: fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid()))
    attempt(when + "_async", lambda: fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC))
    attempt(when + "_affinity", lambda: os.sched_setaffinity(os.getppid(), {0}))
    attempt(when + "_socket", lambda: socket.socket())
    attempt(when + "_fork", lambda: os.fork() or os._exit(0))
    attempt(when + "_kill", lambda: os.kill(os.getppid(), 0))

def on_thread():
    go.wait()
    arm("thread")
    attempt("thread_open", lambda: open("/etc/hostname"))
    done.set()

threading.Thread(target=on_thread, daemon=True).start()
arm("load")

class Breaker(kimi.Transform):
    def begin(self, note):
        arm("main")
        go.set()
        done.wait(5)
        return {"user": " ".join(f"{k}={v}" for k, v in tried.items())}

    def feed(self, events, sink):
        for event in events:
            sink.emit(event)

kimi.plugin(id="test.breaker", name="Breaker", version="1.0.0", word="breaker", transform=Breaker,
            config_schema={"type": "object", "properties": {"fault": {"type": "string"}}})
"""


def test_the_same_for_a_plugin_in_python(place, upstream):
    (place.plugins / "breaker.py").write_text(PYTHON_BREAKER)
    (place.plugins / "breaker.yaml").write_text(ISOLATED)
    host = place.host("escape")
    before = affinities(host.process.pid)
    answer = ask(host, "escape")
    assert answer.status == 200, answer.body
    tried = told(upstream)
    assert len(tried) == 22 and "succeeded" not in tried.values(), tried
    assert affinities(host.process.pid) == before and host.alive


# ---------------------------------------------------------------- pins


def test_what_is_not_pinned_is_not_tried_either(place):
    """The child that tries libraries out first runs code too."""
    LEAK.unlink(missing_ok=True)
    place.put("leaker")
    assert place.run("plugins", "pin", "libOpenAIProvider", "--plugins-dir", place.plugins).returncode == 0
    (place.folder / "config.yaml").write_text(json.dumps({"models": place.models()}))
    started = hostprocess.run(
        "serve", "--config", "config.yaml", "--plugins-dir", place.plugins, "--require-pins", "--port",
        hostprocess.free_port(), cwd=place.folder, KIMI_STATE_DIR=str(place.state), BREAKER_KEY="s3cret")
    assert started.returncode == 1 and "pins are required" in started.stderr, started.stderr
    assert not LEAK.exists(), LEAK.read_text()


def test_the_child_that_tries_libraries_out_sees_no_keys(place):
    """It writes down what it sees when it is mapped, and dies in its entry: so it is the child that has written."""
    LEAK.unlink(missing_ok=True)
    place.put("leaker")
    host = place.start_host(
        {"models": place.models()}, plugins=place.plugins,
        environment={"KIMI_STATE_DIR": str(place.state), "BREAKER_KEY": "s3cret"})
    assert "not loaded" in host.output and host.alive
    assert LEAK.read_text() == "ran"


# ---------------------------------------------------------------- children that die, block and flood


@pytest.mark.parametrize("change", ["mode", "gone"])
def test_a_child_that_cannot_be_started_again_is_told_and_the_next_route_answers(place, change):
    """A request may fail; it may not wait for ever, and another route takes its place."""
    place.put("breaker", ISOLATED)
    models = place.models("fine", "crash")
    models += [{**models[1], "name": "two"}, {**models[0], "name": "two"}]
    host = place.host(models=models, server={"watch": False})
    assert ask(host, "fine").status == 200
    if change == "mode":
        (place.plugins / "breaker.so").chmod(0o700)
    else:
        (place.plugins / "breaker.so").unlink()
    assert ask(host, "crash").status == 500
    for _ in range(3):
        began = time.monotonic()
        answer = ask(host, "two", timeout=15)
        assert answer.status == 200, answer.body
        answer = ask(host, "fine", timeout=15)
        assert answer.status in (200, 500, 503), answer.body
        assert time.monotonic() - began < 12
    assert ask(host, "plain").status == 200
    host.terminate()
    assert host.wait_end(15) == 0


@pytest.mark.parametrize("fault", ["create-get", "create-hang"])
def test_a_child_that_blocks_while_an_instance_is_made_is_ended(place, fault):
    """At a reload: refused, and the next reload and the end work."""
    place.put("breaker", ISOLATED)
    host = place.host("fine")
    host.config.write_text(json.dumps({"models": place.models("fine", fault)}))
    until(lambda: "configuration not loaded" in host.output, 25)
    assert "did not answer in time" in host.output, host.output[-2000:]
    assert ask(host, "fine").status == 200
    host.config.write_text(json.dumps({"models": [*place.models("fine"), entry("more", place.upstream.url)]}))
    until(lambda: ask(host, "more").status == 200, 25)
    host.terminate()
    assert host.wait_end(15) == 0


def test_the_same_at_the_start(place):
    place.put("breaker", ISOLATED)
    host = place.host("create-get", ready=False)
    assert host.wait_end(30) == 1 and "did not answer in time" in host.output, host.output[-2000:]


def test_the_end_does_not_wait_for_a_child_that_is_loaded(place):
    """A library that hangs in its entry may take 20 s to be given up, the host's end not."""
    place.put("breaker", ISOLATED)
    host = place.host("fine")
    place.put("entry_hangs")
    host.process.send_signal(signal.SIGHUP)
    until(lambda: len(children(host.process.pid)) >= 2)
    time.sleep(1)
    began = time.monotonic()
    host.terminate()
    assert host.wait_end(15) == 0 and time.monotonic() - began < 8


@pytest.mark.parametrize("fault, words", [
    ("flood-get", "asked for more of its memory"), ("flood-events", "more than 65536 events"),
])
def test_what_a_child_sends_does_not_fill_the_host(place, fault, words):
    """Neither its memory nor its time: others are answered meanwhile."""
    place.put("breaker", ISOLATED)
    host = place.host("fine", fault)
    assert ask(host, "fine").status == 200
    before = host.resident_mb()
    answers, most, slowest = [], 0.0, 0.0
    thread = threading.Thread(target=lambda: answers.append(ask(host, fault)))
    thread.start()
    while thread.is_alive():
        began = time.monotonic()
        assert ask(host, "plain").status == 200
        slowest = max(slowest, time.monotonic() - began)
        most = max(most, host.resident_mb())
        time.sleep(0.02)
    thread.join()
    assert answers[0].status == 500 and words in answers[0].json["error"]["message"], answers[0].body
    # One reply of 64 MiB may be there twice while it grows.
    assert most - before < 300, (before, most)
    assert slowest < 4, slowest
    # After its flood it hangs, which costs one more request its five seconds.
    until(lambda: ask(host, "fine").status == 200)


def test_a_plugin_is_told_that_a_reply_has_events_enough(place):
    """The host's table refuses what the host would not take; what came before counts."""
    place.put("breaker", ISOLATED)
    host = place.host("many-events")
    answer = ask(host, "many-events")
    assert answer.status == 200 and answer.body.count(b"x") > 60_000, answer.body[:500]


@pytest.mark.parametrize("fault, sidecar", [("flood-log", ISOLATED), ("log", ISOLATED), ("log", "{}\n")])
def test_a_plugin_does_not_fill_the_log(place, fault, sidecar):
    place.put("breaker", sidecar)
    host = place.host("fine", fault)
    assert ask(host, fault, timeout=60).status == 200
    until(lambda: "lines of plugin breaker were dropped" in host.output)
    assert host.log.stat().st_size < 4 << 20
    assert ask(host, "fine").status == 200


# ---------------------------------------------------------------- replaced


def test_the_children_of_the_first_version_end(place):
    place.put("breaker", ISOLATED)
    host = place.host("fine")
    for _ in range(8):
        assert ask(host, "fine").status == 200
    first = set(children(host.process.pid))
    assert first
    place.put("breaker2")
    until(lambda: "replaced by 2.0.0" in host.output)
    for _ in range(8):
        assert ask(host, "fine").status == 200
    until(lambda: not first & set(children(host.process.pid)))


def test_a_quiesce_that_hangs_holds_up_nothing(place):
    place.put("quiesce_hangs")
    host = place.host("fine", plugins={"slow_call": 1, "hang": 3})
    assert ask(host, "fine").status == 200
    place.put("breaker2")
    until(lambda: "has been in quiesce" in host.output)
    time.sleep(4)
    place.put("breaker")
    until(lambda: "2.0.0 (sha256" in host.output and "replaced by 1.0.0" in host.output)
    assert ask(host, "fine").status == 200
    host.terminate()
    assert host.wait_end(15) == 0


def test_a_crash_in_quiesce_names_plugin_and_function(place):
    place.put("quiesce_crashes")
    host = place.host("fine")
    assert ask(host, "fine").status == 200
    place.put("breaker2")
    assert host.wait_end(15) == -signal.SIGABRT
    assert "'test.breaker' 1.0.0" in host.output and "quiesce" in host.output, host.output[-1500:]
    crash, = (json.loads(file.read_text()) for file in (place.state / "crashes").glob("crash-*.json"))
    assert (crash["plugin"], crash["function"], crash["version"]) == ("test.breaker", "quiesce", "1.0.0")


@pytest.mark.parametrize("when", ["loaded", "ready"])
def test_a_library_that_is_replaced_while_the_host_starts_is_taken(place, when):
    place.put("breaker")
    shutil.copy2(place.built / "breaker2.so", place.plugins / ".next")
    host = place.host("fine", ready=False)
    if when == "loaded":
        until(lambda: "loaded Breaker" in host.output)
    else:
        host.wait_ready()
    os.replace(place.plugins / ".next", place.plugins / "breaker.so")
    host.wait_ready()
    until(lambda: [one["version"] for one in plugins(host)["plugins"]
                   if one["id"] == "test.breaker" and one["state"] == "active"] == ["2.0.0"])


# ---------------------------------------------------------------- what is left from before


@pytest.mark.parametrize("stamp", [2**63 - 1, -(2**63), 4_000_000_000_000_000])
def test_a_crash_file_with_a_senseless_time_stops_nothing(place, stamp):
    place.put("breaker")
    (place.state / "crashes").mkdir(parents=True)
    digest = place.run("plugins", "list", "--plugins-dir", place.plugins)
    (place.state / "crashes/crash-1.json").write_text(json.dumps({"time": stamp, "sha256": "ab" * 32, "plugin": "x"}))
    listed = place.run("plugins", "list", "--plugins-dir", place.plugins)
    assert (listed.returncode, listed.stdout) == (digest.returncode, digest.stdout) and listed.returncode == 0
    assert "quarantined" not in listed.stdout + listed.stderr
    assert ask(place.host("fine"), "fine").status == 200


# ---------------------------------------------------------------- tried before it is taken


def test_a_new_version_that_crashes_in_create_is_refused(place):
    """Its instances are made in another process first."""
    place.put("breaker")
    host = place.host("fine")
    place.put("create_crashes")
    until(lambda: "configuration not loaded" in host.output, 30)
    assert "SIGABRT" in host.output and "crashed in create" in host.output, host.output[-1500:]
    assert host.alive and ask(host, "fine").status == 200
    place.put("breaker2")
    until(lambda: "replaced by 2.0.0" in host.output, 30)
    assert ask(host, "fine").status == 200


def test_a_name_that_is_not_plain_text_is_refused_and_does_not_reach_the_terminal(place):
    place.put("loud_name")
    host = place.host(models=place.models(), ready=False)
    assert host.wait_end(15) == 1 and "'name' is" in host.output
    listed = place.run("plugins", "list", "--plugins-dir", place.plugins)
    for text in (host.output, listed.stdout + listed.stderr):
        assert "\x1b" not in text and "\nerror: fake" not in text, text
    assert "name" in listed.stdout + listed.stderr


@pytest.mark.parametrize("mode", [0o777, 0o700])
def test_a_state_dir_that_everybody_may_write_to_is_not_used(place, mode):
    place.put("breaker")
    place.state.mkdir()
    place.state.chmod(mode)
    host = place.host("fine")
    assert ("everybody may write to it" in host.output) == (mode == 0o777), host.output
    assert (place.state / "crashes").exists() == (mode == 0o700)


def test_a_python_interpreter_for_a_library_is_a_mistake(place):
    place.put("breaker", "python: /bin/sh\nisolation: process\n")
    host = place.host("fine", ready=False)
    assert host.wait_end(15) == 1
    assert "'python' names an interpreter" in host.output, host.output


@pytest.mark.parametrize("arguments, words", [
    (["check", "{library}", "--config", "{bad"], "--config is not JSON: "),
    (["check", "{library}", "--seconds", "0"], "--seconds must be from 1"),
    (["check", "{library}", "--only", "R95", "--transcripts", "{folder}"], "there is no transcript in it"),
    (["run", "{library}", "--in", "{folder}"], "there is no transcript in it"),
    (["check", "{folder}/nofile.so"], "nofile.so: there is no such file"),
    (["check", "{folder}"], "is a folder"),
])
def test_unusable_input_of_the_kit_is_told_in_a_sentence(place, arguments, words):
    place.put("breaker")
    folder = place.folder / "empty"
    folder.mkdir()
    names = {"{library}": str(place.plugins / "breaker.so"), "{folder}": str(folder)}
    line = [next((word.replace(key, value) for key, value in names.items() if key in word), word) for word in arguments]
    ran = place.run("plugin", *line)
    output = ran.stdout + ran.stderr
    assert words in output and "ConfigParse" not in output and len(output.splitlines()) < 6, output
    assert ran.returncode in ((64,) if "--seconds" in arguments else (2,))


def test_what_a_dead_child_has_started_dies_with_it(place, upstream):
    """Where the kernel has no filter for it, a library could leave processes behind: its group goes with it."""
    place.put("threaded", ISOLATED)
    host = place.host("escape", "crash")
    assert ask(host, "escape").status == 200
    groups = set(children(host.process.pid))
    assert ask(host, "crash").status == 500
    host.terminate()
    assert host.wait_end(15) == 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            assert int(status.read_text().rsplit(") ", 1)[1].split()[2]) not in groups
        except OSError:
            continue
