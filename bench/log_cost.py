#!/usr/bin/env python3
"""What the request log costs: a host with it and one without, in the same rounds, with compare.py's scenarios.

Every measurement begins when the spool is empty, so that what an earlier one left to be packed is not counted.
Needs nginx (with lua), wrk and a release build.  bench/log_cost.py [--distinct] [--only unary-4k ...]
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import types
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
COMPARE = HERE.parent.parent / "shared" / "bench" / "compare.py"
VARIANTS = 64


def load():
    if not COMPARE.exists():
        sys.exit(f"{COMPARE} is not there: the scenarios and the mock upstream are its")
    # It measures when it is imported; all but its last call is wanted.
    source = COMPARE.read_text()
    module = types.ModuleType("compare")
    module.__file__ = str(COMPARE)
    exec(compile(source[: source.rindex("main()")] + "pass", COMPARE, "exec"), module.__dict__)
    return module


def varied(node, source):
    """The same with every fourth word of long texts replaced, so that no two bodies share more than some bytes."""
    if isinstance(node, dict):
        return {key: varied(value, source) for key, value in node.items()}
    if isinstance(node, list):
        return [varied(value, source) for value in node]
    if isinstance(node, str) and len(node) > 100:
        words = node.split(" ")
        words[::4] = [f"{source.getrandbits(32):x}" for _ in words[::4]]
        return " ".join(words)
    return node


class Run:
    def __init__(self, compare, options):
        self.compare, self.options = compare, options
        self.work = tempfile.mkdtemp(prefix="log-cost-")
        self.processes = []
        self.hosts = {}

    def spawn(self, words, **more):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=open(f"{self.work}/log", "a"), **more)
        self.processes.append(process)
        return process

    def start(self):
        mock, floor = self.compare.free_port(), self.compare.free_port()
        text = COMPARE.with_name("mock-upstream.conf").read_text()
        text = text.replace("@DIR@", self.work).replace("@MOCK@", str(mock)).replace("@FLOOR@", str(floor))
        pathlib.Path(f"{self.work}/mock.conf").write_text(text.split("  upstream mock", 1)[0] + "}\n")
        nginx = self.spawn(["nginx", "-c", f"{self.work}/mock.conf", "-g", "daemon off;"])
        self.compare.wait_for(f"http://127.0.0.1:{mock}/health", 10, nginx)
        for log in ("false", "true"):
            port = self.compare.free_port()
            words = [str(HERE / "serve.sh"), str(port), f"http://127.0.0.1:{mock}/v1"]
            host = self.spawn(words, env={**os.environ, "KIMI_BENCH_LOG": log})
            self.compare.wait_for(f"http://127.0.0.1:{port}/healthz", 20, host)
            self.hosts[log] = (port, host.pid)

    def counter(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.hosts['true'][0]}/metrics") as answer:
            return int(re.search(rf"^{name} (\d+)", answer.read().decode(), re.M)[1])

    def settle(self):
        end = time.monotonic() + 120
        while self.counter("kimi_log_spool_bytes") or self.counter("kimi_log_queue_entries"):
            if time.monotonic() > end:
                sys.exit("the spool is not empty after two minutes")
            time.sleep(0.2)

    def bodies(self, body):
        if not self.options.distinct:
            pathlib.Path(f"{self.work}/body").write_text(json.dumps(body))
            return
        source = random.Random(1)
        for number in range(VARIANTS):
            pathlib.Path(f"{self.work}/body.{number}").write_text(json.dumps(varied(body, source)))

    def wrk(self, port, path, connections, seconds):
        if not self.options.distinct:
            return self.compare.wrk(port, path, f"{self.work}/body", connections, seconds)[0]
        words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(HERE / "posts.lua")]
        environment = {**os.environ, "BODIES": f"{self.work}/body", "COUNT": str(VARIANTS)}
        said = subprocess.run(
            [*words, f"http://127.0.0.1:{port}{path}"], env=environment, capture_output=True, text=True, check=True)
        if "Non-2xx" in said.stdout:
            sys.exit(said.stdout)
        return int(re.search(r"(\d+) requests in", said.stdout)[1])

    def measure(self, scenario):
        path, _, body, connections, _ = self.compare.SCENARIOS[scenario]
        self.bodies(body)
        rows = {log: [] for log in self.hosts}
        for port, _ in self.hosts.values():
            self.wrk(port, path, connections, 1)
        for _ in range(self.options.rounds):
            for log, (port, pid) in self.hosts.items():
                self.settle()
                began = self.compare.cpu_seconds(pid)
                count = self.wrk(port, path, connections, self.options.seconds)
                rows[log].append(1e6 * (self.compare.cpu_seconds(pid) - began) / count)
        off, on = (statistics.median(rows[log]) for log in ("false", "true"))
        print(f"{scenario:12} without {off:7.1f} us, with {on:7.1f} us: {on / off:.2f}x", flush=True)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--distinct", action="store_true", help="no two requests are alike")
    compare = load()
    parser.add_argument("--only", nargs="*", choices=compare.SCENARIOS, default=list(compare.SCENARIOS))
    run = Run(compare, parser.parse_args())
    try:
        run.start()
        for scenario in run.options.only:
            run.measure(scenario)
        print(f"dropped: {run.counter('kimi_log_dropped_total')}")
    finally:
        run.stop()


if __name__ == "__main__":
    main()
