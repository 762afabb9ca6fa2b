"""Reads a host's request log by the host's own commands."""

from __future__ import annotations

import json
import time

import hostprocess


def database(host):
    return host.config.parent / "data/logs.db"


def command(host, *words) -> str:
    done = hostprocess.run("logs", *words, "--db", database(host), cwd=host.config.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(host, *words) -> list[dict]:
    return [json.loads(line) for line in command(host, "list", "--json", "--limit", 1000, *words).splitlines()]


def wait_rows(host, count: int, *words, timeout: float = 10) -> list[dict]:
    """Newest first, when there are at least so many."""
    end = time.monotonic() + timeout
    while True:
        try:
            found = rows(host, *words)
        except AssertionError:
            found = []  # The file may not be there yet.
        if len(found) >= count:
            return found
        assert time.monotonic() < end, f"{len(found)} of {count} exchanges were logged:\n{host.output[-2000:]}"
        time.sleep(0.05)


def show(host, identifier: str) -> dict:
    return json.loads(command(host, "show", identifier, "--json"))


def body(exchange: dict, kind: str, attempt: int | None = None) -> str:
    for entry in exchange["bodies"]:
        if entry["kind"] == kind and entry.get("attempt") == attempt:
            return entry["text"]
    raise AssertionError(f"no body {kind} of attempt {attempt} among {[(e['kind'], e.get('attempt')) for e in exchange['bodies']]}")
