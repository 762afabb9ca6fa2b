#!/usr/bin/env python3
"""The request log with a million exchanges: lists, filters, pages, searches, retention, and the same through the dashboard.

    bench/log_million.py [--rows 1000000] [--folder /tmp/kimi-million] [--keep]

Fills a log through the host's own writer once (a few minutes, 1.8 GB; the index takes longest), measures the reader
(LogBench read), then the release binary's API over HTTP, then what halving the log costs (LogBench keep, on a copy). The
folder stays with --keep, and is used again. Ends with 1 if a list takes more than 20 ms, a search more than 200 ms, or an
exchange waits for more than 2 s while old ones are removed. Measure on a quiet machine.
"""

import argparse
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("KIMI_HOST_BINARY", str(ROOT / ".build/release/kimi-host"))
PLUGINS = os.environ.get("KIMI_HOST_PLUGINS", str(ROOT / "plugins.d"))
BENCH = pathlib.Path(BINARY).parent / "LogBench"
KEY = "kh-bench-0123456789abcdef"
#: Path, and the most milliseconds that its median may take; None: only shown.
PATHS = {
    "requests?limit=50": 20, "requests?limit=50&before=500000": 20, "requests?limit=50&before=2000": 20,
    "requests?model=rare-model": 20, "requests?client=rare-client": 20, "requests?status=4xx": 20, "requests?error=1": 20,
    "requests?repaired=1": 20, "requests?since=6h": 20, "requests?q=needle500": 200, "requests?q=bamufu": 200,
    "requests?q=bamufu&client=rare-client": 200, "requests?q=nowhere": 200, "facets": 20, "overview?since=24h": None,
    "overview?since=30d": None,
}  # fmt: skip


def over_http(folder: pathlib.Path, database: pathlib.Path) -> bool:
    config = {
        "models": [{"name": "m", "provider": "openai", "model": "m", "provider_config": {"apiKey": "sk", "baseUrl": "http://127.0.0.1:9/v1"}}],
        "auth": {"admin_key": "sha256:" + hashlib.sha256(KEY.encode()).hexdigest()},
        "log": {"path": str(database), "max_entries": 10_000_000, "max_bytes": 64 << 30},
    }  # fmt: skip
    (folder / "config.yaml").write_text(json.dumps(config))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [BINARY, "serve", "--config", "config.yaml", "--plugins-dir", PLUGINS, "--port", str(port)]
    with (folder / "host.log").open("wb") as log:
        host = subprocess.Popen(command, cwd=folder, stderr=log)
    fine = True
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for path, most in PATHS.items():
            times = []
            for _ in range(7):
                began = time.perf_counter()
                connection.request("GET", "/admin/api/" + path, headers={"authorization": "Bearer " + KEY})
                answer = connection.getresponse()
                body = answer.read()
                times.append(1000 * (time.perf_counter() - began))
                assert answer.status == 200, body
            slow = most is not None and statistics.median(times) > most
            fine &= not slow
            print(f"  {path:44}{statistics.median(times):8.1f} ms, longest {max(times):7.1f}{'  TOO SLOW' if slow else ''}")
    finally:
        host.send_signal(signal.SIGTERM)
        host.wait(30)
    return fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/tmp/kimi-million"))
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database, copy = given.folder / f"{given.rows}.db", given.folder / "copy.db"
    if not database.exists():
        subprocess.run([BENCH, "fill", database, str(given.rows)], check=True)
    fine = subprocess.run([BENCH, "read", database]).returncode == 0
    print("through the dashboard's API:")
    fine &= over_http(given.folder, database)
    shutil.copyfile(database, copy)
    fine &= subprocess.run([BENCH, "keep", copy, str(given.rows // 2)]).returncode == 0
    for file in given.folder.glob("copy.db*") if given.keep else given.folder.iterdir():
        if file.is_file():
            file.unlink()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
