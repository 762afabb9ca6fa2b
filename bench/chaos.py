#!/usr/bin/env python3
"""Minutes of mixed chaos against the release binary: is anything left behind, does anything grow?

    bench/chaos.py [--minutes 10] [--at-once 200]

Clients of all three APIs, streamed or not, ask for everything that Tests/e2e/fakes/chaos.py knows, alone, with another
entry behind it, and continued; some hang up, some are sound. Each answer must be legal and in time. Prints a line every
ten seconds, and at the end JSON with figures; exit status 1 if a bound is broken. Needs the tests' Python
(.venv-test/bin/python).
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Tests/e2e"))

import hostprocess
import legal
from dialects import DIALECTS
from fakes.chaos import BEHAVIOURS, NOBODY, Chaos
from test_chaos import TIMEOUTS, request
from test_plugin_services import metrics

#: Seconds beyond `timeouts.total` after which an answer is late: the clients' own machine is busy too.
SLACK = 20
#: The most that the memory may grow, in MB a minute, over the second half of the run.
MAX_SLOPE = 1.0
#: Descriptors that may be open for a moment, such as that of the last look at /metrics.
FEW_FILES = 4
HELD = ("kimi_exchanges_active", "kimi_upstream_transfers", "kimi_route_active", "kimi_route_queued")


class Run:
    def __init__(self, host, seed: int):
        self.host = host
        self.random = random.Random(seed)
        self.counts: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []
        self.slowest = 0.0
        self.samples: list[dict] = []
        self.end = 0.0

    def pick(self) -> tuple:
        name = self.random.choice([*BEHAVIOURS, *NOBODY])
        model = self.random.choice(["", "or-", "on-"]) + name
        text = "healthy" if self.random.random() < 0.3 else None
        hang_up = self.random.uniform(0, 2) if self.random.random() < 0.1 else None
        return model, self.random.choice(DIALECTS), self.random.random() < 0.6, text, hang_up

    async def client(self):
        while time.monotonic() < self.end:
            model, dialect, stream, text, hang_up = self.pick()
            began = time.monotonic()
            try:
                body = request(dialect, stream, model, text)
                answer = await legal.ask(self.host.port, dialect.path, body, TIMEOUTS["total"] + SLACK, hang_up)
                kind = "gone" if answer is None else "answer" if legal.check(dialect, stream, answer) else "error"
                self.counts[kind] += 1
            except Exception as error:  # Whatever it is, it is what is looked for.
                self.counts["illegal"] += 1
                if len(self.problems) < 50:
                    self.problems.append(f"{model} {dialect.name} {stream=} {text=} {hang_up=}: {error!r}"[:600])
            self.slowest = max(self.slowest, time.monotonic() - began)

    async def watch(self):
        began = time.monotonic()
        while time.monotonic() < self.end:
            await asyncio.sleep(10)
            found = await asyncio.to_thread(metrics, self.host)
            sample = {
                "s": round(time.monotonic() - began), "rss_mb": round(self.host.resident_mb(), 1),
                "files": self.host.open_files(), **{name: total(found, name) for name in HELD},
            }  # fmt: skip
            self.samples.append(sample)
            print(json.dumps({**sample, **self.counts}), flush=True)

    async def go(self, minutes: float, at_once: int):
        self.end = time.monotonic() + minutes * 60
        await asyncio.gather(self.watch(), *(self.client() for _ in range(at_once)))


def kept(host, port: int) -> int:
    """Connections of the host to that port: those that are kept for further requests."""
    folder = Path(f"/proc/{host.process.pid}/fd")
    sockets = {os.readlink(one) for one in folder.iterdir() if one.is_symlink()}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for line in lines if int(line[2].split(":")[1], 16) == port and f"socket:[{line[9]}]" in sockets)


def total(found: dict, name: str) -> int:
    return sum(value for key, value in found.items() if key.startswith(name))


def slope(samples: list[dict]) -> float:
    """MB a minute, by least squares over the second half."""
    half = samples[len(samples) // 2 :]
    if len(half) < 3:
        return 0.0
    times, sizes = [one["s"] / 60 for one in half], [one["rss_mb"] for one in half]
    mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
    square = sum((one - mean_time) ** 2 for one in times)
    return sum((t - mean_time) * (s - mean_size) for t, s in zip(times, sizes, strict=True)) / square


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    upstream = Chaos(keeps=False)
    config = {
        "models": upstream.models(), "timeouts": TIMEOUTS, "limits": {"max_response_bytes": 1 << 20},
        "routing": {"retries": 1, "backoff": 0.05, "max_retry_after": 1, "cooldown": 1, "max_cooldown": 2},
        "logging": {"level": "error"},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        host = hostprocess.Host(Path(folder), config).wait_ready()
        first = {"files": host.open_files(), "rss_mb": round(host.resident_mb(), 1)}
        run = Run(host, options.seed)
        try:
            asyncio.run(run.go(options.minutes, options.at_once))
            time.sleep(8)
            found = metrics(host)
            alive = host.alive
            last = {"files": host.open_files(), "rss_mb": round(host.resident_mb(), 1), "kept": kept(host, upstream.port)}
        finally:
            host.stop()
            upstream.stop()
    held = {name: total(found, name) for name in HELD}
    grown = slope(run.samples)
    leaked = last["files"] - last["kept"] - first["files"]
    broken = [
        *(["the host died"] if not alive else []), *([f"held: {held}"] if any(held.values()) else []),
        *([f"{leaked} descriptors more than before, kept connections left out"] if leaked > FEW_FILES else []),
        *([f"memory grows by {grown:.2f} MB a minute"] if grown > MAX_SLOPE else []), *run.problems,
    ]  # fmt: skip
    result = {
        "minutes": options.minutes, "at_once": options.at_once, **run.counts, "slowest_s": round(run.slowest, 1),
        "before": first, "after": last, "peak_rss_mb": max([one["rss_mb"] for one in run.samples] or [0]),
        "slope_mb_per_minute": round(grown, 3), "held": held, "broken": broken,
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
