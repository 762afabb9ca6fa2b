#!/usr/bin/env python3
"""What plugins that do nothing cost: CPU per request of stream-64 (compare.py) with no transform, one and five.

    bench/plugins.py [--rounds 8] [--seconds 3] [--shared ../shared/bench]

One host serves the same upstream as three models; they are asked in turn, forth and back, so that a drifting machine
drifts for all. Quote the ratios: each is taken within a round. Then `plugin bench` measures the ABI alone: ns per event
of a C plugin that passes everything on. The plugins are five libraries, built here from bench/transform/noop.c.
KIMI_HOST_BINARY and KIMI_HOST_PLUGINS choose another build. Ends with 1 if a target is missed:
five no-op plugins <= 3 % (the median, less half the spread that a quiet pair of runs has: see `noise`).
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import types

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("KIMI_HOST_BINARY", str(ROOT / ".build/release/kimi-host"))
PLUGINS = pathlib.Path(os.environ.get("KIMI_HOST_PLUGINS", ROOT / "plugins.d"))
#: Models by the number of their transforms. "again" is the first once more: what differs there is noise.
MODELS = {"none": 0, "again": 0, "one": 1, "five": 5}
MOST_PERCENT = 3.0
MOST_NS = {1: 100.0, 64: 10.0}


def build(folder: pathlib.Path) -> pathlib.Path:
    """The usual plugins, and no-ops noop-1 to noop-5."""
    plugins = folder / "plugins.d"
    plugins.mkdir(mode=0o755)
    for library in PLUGINS.glob("*.so"):
        shutil.copy2(library, plugins)
    source = (ROOT / "bench/transform/noop.c").read_text()
    for n in range(1, 6):
        one = source.replace("bench.noop", f"bench.noop-{n}").replace('\\"name\\":\\"noop\\"', f'\\"name\\":\\"noop-{n}\\"')
        subprocess.run(
            ["cc", "-std=c99", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-I", ROOT / "Sources/PluginABI/include",
             "-o", plugins / f"libNoop{n}.so", "-x", "c", "-"],
            input=one, text=True, check=True,
        )  # fmt: skip
    return plugins


def measure(compare, folder: pathlib.Path, plugins: pathlib.Path, rounds: int, seconds: int) -> dict:
    """CPU microseconds per request by model, one for each round."""
    started, mock, floor, port = [], compare.free_port(), compare.free_port(), compare.free_port()
    try:
        conf = (pathlib.Path(compare.HERE) / "mock-upstream.conf").read_text()
        conf = conf.replace("@DIR@", str(folder)).replace("@MOCK@", str(mock)).replace("@FLOOR@", str(floor))
        (folder / "mock.conf").write_text(conf.split("  upstream mock", 1)[0] + "}\n")
        started.append(subprocess.Popen(["nginx", "-c", folder / "mock.conf", "-g", "daemon off;"]))
        compare.wait_for(f"http://127.0.0.1:{mock}/health", 10, started[-1])
        upstream = {"apiKey": "sk-bench", "baseUrl": f"http://127.0.0.1:{mock}/v1"}
        models = [
            {"name": name, "provider": "openai", "model": "mock", "provider_config": upstream,
             "transforms": [f"noop-{i}" for i in range(1, n + 1)]} for name, n in MODELS.items()
        ]  # fmt: skip
        (folder / "config.yaml").write_text(json.dumps({"models": models}))
        command = [BINARY, "serve", "--config", "config.yaml", "--plugins-dir", plugins, "--port", str(port)]
        started.append(subprocess.Popen(command, cwd=folder, stderr=(folder / "host.log").open("w")))
        host = started[-1]
        compare.wait_for(f"http://127.0.0.1:{port}/healthz", 30, host)
        for name in MODELS:
            (folder / name).write_text(json.dumps(compare.chat(name, True)))
            compare.wrk(port, compare.CHAT, str(folder / name), 32, 1)
        figures = {name: [] for name in MODELS}
        for turn in range(rounds):
            for name in list(MODELS)[:: 1 if turn % 2 == 0 else -1]:
                before = compare.cpu_seconds(host.pid)
                requests, _, _, bad = compare.wrk(port, compare.CHAT, str(folder / name), 32, seconds)
                if bad:
                    sys.exit(f"{bad} requests failed; the host's log is {folder}/host.log")
                figures[name].append(1e6 * (compare.cpu_seconds(host.pid) - before) / requests)
        return figures
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared/bench")
    given = parser.parse_args()
    path = given.shared.resolve() / "compare.py"
    compare = types.SimpleNamespace(__file__=str(path))
    # It is a program: all of it but its last line, which runs it.
    exec(compile(re.sub(r"\nmain\(\)\s*$", "\n", path.read_text()), path, "exec"), compare.__dict__)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-plugins-"))
    os.umask(0o022)
    plugins = build(folder)
    missed = False

    bench = subprocess.run([BINARY, "plugin", "bench", plugins / "libNoop1.so"], capture_output=True, text=True, check=True)
    for batch, most in MOST_NS.items():
        found = [float(ns) for ns in re.findall(rf"batches of {batch}: ([\d.]+) ns", bench.stdout)]
        print(f"one no-op transform, batches of {batch}: {min(found):.1f} to {max(found):.1f} ns per event (target {most:.0f})")
        missed |= statistics.median(found) > most

    figures = measure(compare, folder, plugins, given.rounds, given.seconds)
    print(f"stream-64, 32 connections, {given.rounds} rounds of {given.seconds} s; load {os.getloadavg()[0]:.0f}")
    base = figures["none"]
    percents = {}
    for name, values in figures.items():
        percent = sorted(100 * (value / one - 1) for value, one in zip(values, base))
        percents[name] = percent
        print(f"  {name:6}{statistics.median(values):9.1f} CPU us/request   {statistics.median(percent):+6.1f} % "
              f"(rounds {percent[0]:+.1f} to {percent[-1]:+.1f})")  # fmt: skip
    noise = max(abs(value) for value in percents["again"]) / 2
    print(f"  noise: half the worst of 'again', {noise:.1f} %")
    missed |= statistics.median(percents["five"]) - noise > MOST_PERCENT
    shutil.rmtree(folder)
    print("a target is missed" if missed else "all targets are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
