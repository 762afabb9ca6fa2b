#!/usr/bin/env python3
"""Exchanges a second that the host logs without dropping one: real requests of 4 kB through the release binary.

    bench/log_rate.py [--rate 2000] [--seconds 30] [--unique 1000] [--log off] [--shared ../shared/bench]

wrk asks at about that rate (a pause between each connection's requests), an nginx mock answers. `--unique`: bytes of each
request that no other has; the rest is what agents repeat. What is counted: what was answered, what the log wrote and what
it dropped (/metrics), the most that waited, and the host's CPU. Ends with 1 if one was dropped, or the rate was missed by a tenth.
Needs nginx and wrk. The writer alone, without HTTP: .build/release/LogBench rate /tmp/x.db 2000 30.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("KIMI_HOST_BINARY", str(ROOT / ".build/release/kimi-host"))
PLUGINS = os.environ.get("KIMI_HOST_PLUGINS", str(ROOT / "plugins.d"))
CONNECTIONS = 64


def counters(port: int) -> dict[str, float]:
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return {name: float(value) for name, value in re.findall(r"^(kimi_log_\w+)\S* ([\d.e+]+)$", text, re.M)}


def wrk(port: int, folder: pathlib.Path, seconds: int, unique: int, delay: int) -> tuple[int, int]:
    """(requests, failures)"""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s", "-s", ROOT / "bench/log_rate.lua",
               f"http://127.0.0.1:{port}/v1/chat/completions"]  # fmt: skip
    environment = {**os.environ, "BODY": str(folder / "body"), "UNIQUE": str(unique), "DELAY": str(delay)}
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    bad = sum(map(int, re.findall(r"Non-2xx.*?(\d+)", out))) + sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", out)))
    return int(re.search(r"(\d+) requests in", out)[1]), bad


def measure(compare, given, folder: pathlib.Path) -> bool:
    started, mock, floor, port = [], compare.free_port(), compare.free_port(), compare.free_port()
    try:
        conf = (given.shared / "mock-upstream.conf").read_text()
        conf = conf.replace("@DIR@", str(folder)).replace("@MOCK@", str(mock)).replace("@FLOOR@", str(floor))
        (folder / "mock.conf").write_text(conf.split("  upstream mock", 1)[0] + "}\n")
        started.append(subprocess.Popen(["nginx", "-c", folder / "mock.conf", "-g", "daemon off;"]))
        compare.wait_for(f"http://127.0.0.1:{mock}/health", 10, started[-1])
        upstream = {"apiKey": "sk-bench", "baseUrl": f"http://127.0.0.1:{mock}/v1"}
        config = {"models": [{"name": "mock", "provider": "openai", "model": "mock", "provider_config": upstream}],
                  "log": {"enabled": given.log == "on"}}  # fmt: skip
        (folder / "config.yaml").write_text(json.dumps(config))
        (folder / "body").write_text(json.dumps(compare.chat("mock", False, extra="@NEW@"))[: 1 << 20])
        command = [BINARY, "serve", "--config", "config.yaml", "--plugins-dir", PLUGINS, "--port", str(port)]
        environment = {**os.environ, "KIMI_STATE_DIR": str(folder / "data")}
        started.append(subprocess.Popen(command, cwd=folder, env=environment, stderr=(folder / "host.log").open("w")))
        host = started[-1]
        compare.wait_for(f"http://127.0.0.1:{port}/healthz", 30, host)
        delay = max(0, round(1000 * CONNECTIONS / given.rate) - 2)
        for _ in range(3):  # What a request takes by itself is not known beforehand.
            requests, _ = wrk(port, folder, 3, given.unique, delay)
            if requests / 3 < given.rate:
                delay = max(0, delay - max(1, round(1000 * CONNECTIONS * (3 / requests - 1 / given.rate))))
        time.sleep(2)
        before, cpu, waiting, over = counters(port), compare.cpu_seconds(host.pid), [0.0], threading.Event()

        def watch():
            while not over.wait(0.5):
                waiting.append(counters(port).get("kimi_log_queue_entries", 0))

        watcher = threading.Thread(target=watch)
        watcher.start()
        requests, bad = wrk(port, folder, given.seconds, given.unique, delay)
        cpu = compare.cpu_seconds(host.pid) - cpu
        end = time.monotonic() + 30
        while (after := counters(port)).get("kimi_log_queue_entries", 0) and time.monotonic() < end:
            time.sleep(0.2)
        over.set()
        watcher.join()
        written = after.get("kimi_log_written_total", 0) - before.get("kimi_log_written_total", 0)
        dropped = after.get("kimi_log_dropped_total", 0) - before.get("kimi_log_dropped_total", 0)
        size = len((folder / "body").read_text()) + given.unique
        print(
            f"{requests / given.seconds:.0f} exchanges/s of {size} bytes ({given.unique} new in each) for {given.seconds} s, {bad} failed: "
            f"{written:.0f} written, {dropped:.0f} dropped, at most {max(waiting):.0f} waited; {1e6 * cpu / requests:.0f} us of CPU "
            f"each; load {os.getloadavg()[0]:.1f}"
        )
        return not bad and not dropped and requests / given.seconds > 0.9 * given.rate
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--unique", type=int, default=1000)
    parser.add_argument("--log", choices=["on", "off"], default="on")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared/bench")
    given = parser.parse_args()
    path = given.shared.resolve() / "compare.py"
    compare = types.SimpleNamespace(__file__=str(path))
    # It is a program: all of it but its last line, which runs it.
    exec(compile(re.sub(r"\nmain\(\)\s*$", "\n", path.read_text()), path, "exec"), compare.__dict__)
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="bench-log-") as folder:
        return 0 if measure(compare, given, pathlib.Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
