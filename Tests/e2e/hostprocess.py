"""The release binary as a child process, on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("KIMI_HOST_BINARY", ROOT / ".build/release/kimi-host"))
PLUGINS = Path(os.environ.get("KIMI_HOST_PLUGINS", ROOT / "plugins.d"))
START_TIMEOUT = 10.0
STOP_TIMEOUT = 10.0

# Tests run in several processes: each has ports of its own, below those that the system gives to clients.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS_EACH = 1_500
_ports = itertools.cycle(random.sample(range(PORTS_EACH), PORTS_EACH))


def free_port() -> int:
    for offset in itertools.islice(_ports, PORTS_EACH):
        port = 20_000 + WORKER % 8 * PORTS_EACH + offset
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def clean_environment(**more: str) -> dict[str, str]:
    """Only what a process needs to run: no keys, proxies or configuration of whoever starts the tests."""
    kept = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def run(*arguments, cwd, timeout: float = 20, **environment) -> subprocess.CompletedProcess:
    """One command of the binary, to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)],
        cwd=cwd, env=clean_environment(**environment), capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


class Host:
    """A running `kimi-host serve`. Its output goes to `log`; `stop` ends it by its process id."""

    def __init__(
        self, folder: Path, config, environment: dict | None = None, plugins: Path = PLUGINS, port: int = 0,
        address: str | None = "127.0.0.1", stderr: int | None = None,
    ):  # fmt: skip
        """`address`: where it listens; None: where the configuration says. `stderr`: a descriptor in place of the log."""
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(config, dict):
            # Most tests look at one attempt; those of retries say so.
            config = {"routing": {"retries": 0}, **config}
        self.config = folder / "config.yaml"
        # JSON is YAML, so a test's configuration needs no YAML writer.
        self.config.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))
        self.log = folder / "host.log"
        self.port = port or free_port()
        command = [BINARY, "serve", "--config", self.config, "--plugins-dir", plugins, "--port", self.port]
        command += ["--host", address] if address else []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder, env=clean_environment(**(environment or {})),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log if stderr is None else stderr,
            )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_ready(self):
        """Returns when /readyz answers 200; fails when the process ends or takes too long."""
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"kimi-host ended with {self.process.returncode}:\n{self.output}")
            if self._answers("/readyz"):
                return self
            time.sleep(0.02)
        self.stop()
        raise AssertionError(f"kimi-host was not ready in {START_TIMEOUT} s:\n{self.output}")

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def wait_end(self, timeout: float = STOP_TIMEOUT) -> int:
        """The exit code, when the process ends by itself."""
        return self.process.wait(timeout)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Ends the process, in a hurry if it does not listen."""
        if self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
