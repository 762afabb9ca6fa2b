"""A dashboard to look at: the small server of Tests/DashboardDev, over a log that is filled here.

It serves the same Swift code and files as the host does; test_dashboard_host.py is about the host itself.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import hostprocess

BUILT = hostprocess.BINARY.parent / "DashboardDev"
DEV = os.environ.get("KIMI_DASHBOARD_DEV") or (str(BUILT) if BUILT.exists() else None)
# The page's files from a folder instead of those in the binary, while they are worked on.
STATIC = {name: os.environ[name] for name in ("DASHBOARD_STATIC",) if name in os.environ}
ADMIN = "admin-key"
LOOKER = "look"
CHROMIUM = os.environ.get("KIMI_CHROMIUM", "/usr/bin/chromium")
HERE = Path(__file__).resolve().parent


class Dashboard:
    """A server with a log. `keys` False: without client keys, so that it prints a link."""

    def __init__(self, folder: Path, rows: int = 0, cases: bool = False, keys: bool = True, **environment: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.db = folder / "logs.db"
        self.port = hostprocess.free_port()
        self.environment = environment
        self.log = folder / "dashboard.log"
        self.cases = folder / "cases"
        if cases:
            subprocess.run([sys.executable, str(HERE / "dashboard_cases.py"), str(self.cases)], check=True)
        self.fill(min(rows, 2_000), cases)
        if rows > 2_000:
            self.multiply(rows)
        fixtures = HERE.parent / "DashboardDev/fixtures"
        command = [DEV, str(self.db), str(self.port), str(fixtures)] + (["--keys"] if keys else [])
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command, env=hostprocess.clean_environment(**STATIC, **environment), stdin=subprocess.DEVNULL, stdout=out,
                stderr=out)  # fmt: skip
        self._wait()

    def fill(self, rows: int, cases: bool = False):
        """Adds made-up exchanges that end now, as the host's writer would."""
        words = [DEV, "fill", str(self.db), str(rows)] + ([str(self.cases)] if cases else [])
        subprocess.run(words, check=True, capture_output=True, timeout=60)

    def multiply(self, rows: int):
        """Copies rows until there are so many: what a list does not show is the same in all."""
        with sqlite3.connect(self.db) as db:
            have = db.execute("SELECT count(*), max(sequence) FROM exchange").fetchone()
            columns = [row[1] for row in db.execute("PRAGMA table_info(exchange)") if row[1] != "sequence"]
            names = ", ".join(columns)
            db.execute(
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                f"INSERT INTO exchange (sequence, {names}) SELECT ? + i, {names} FROM n "
                f"JOIN exchange ON sequence = 1 + (i - 1) % ?",
                (rows - have[0], have[1], have[0]),
            )
            db.execute("UPDATE total SET entries = (SELECT count(*) FROM exchange)")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def link(self) -> str:
        found = re.search(r"http://\S+/admin/login\?token=\S+", self.log.read_text(errors="replace"))
        assert found, self.log.read_text(errors="replace")
        return found.group(0)

    def _wait(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            try:
                self.get("/")
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the dashboard does not answer")

    def request(self, method: str, path: str, body=None, headers: dict | None = None):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = json.dumps(body).encode() if body is not None else None
        try:
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str):
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def api(self, path: str, key: str = ADMIN, **more):
        status, _, body = self.request("GET", "/admin/api/" + path, headers={"authorization": f"Bearer {key}", **more})
        return status, json.loads(body)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Feed:
    """A live feed, event by event."""

    def __init__(self, dashboard: Dashboard, path: str = "requests/events", **headers: str):
        self.connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=20)
        self.connection.request("GET", "/admin/api/" + path, headers={"authorization": f"Bearer {ADMIN}", **headers})
        self.response = self.connection.getresponse()

    def next(self, kind: str) -> dict:
        """The next event of that kind: {"id", "data"}."""
        fields: dict = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
            elif fields.get("event") == kind:
                return {"id": int(fields["id"]) if "id" in fields else None, "data": json.loads(fields["data"])}
            else:
                fields = {}

    def close(self):
        self.response.close()
        self.connection.close()
