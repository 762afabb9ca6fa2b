"""Versions of plugins, and how they are put into a running host's folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time

import chatshape
import hostprocess
import wire

SOURCES = hostprocess.ROOT / "Tests/SwapPlugins"
#: What the plugins call themselves as they are built.
PLACEHOLDER = b"77777"


def build(out, versions):
    """provider-N.so and transform-N.so for each version, and bad ones: refusing.so and strict.so."""
    made = subprocess.run(["make", "-s", "-C", SOURCES, f"OUT={out}"], capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    for kind in ("provider", "transform"):
        content = (out / f"{kind}.so").read_bytes()
        assert PLACEHOLDER in content
        for number in versions:
            (out / f"{kind}-{number}.so").write_bytes(content.replace(PLACEHOLDER, b"%05d" % number))


def plain(text: str) -> str:
    """Without the zeros in front of versions."""
    return re.sub(r"\b([pt])0*(\d)", r"\1\2", text)


class Folder:
    """A plugins.d of its own, with libswap.so and libmark.so of version 1."""

    def __init__(self, path, built):
        self.path, self.built = path, built
        path.mkdir(mode=0o755, parents=True)
        self.rename("provider-1", "libswap")
        self.rename("transform-1", "libmark")

    def library(self, name: str):
        return self.path / f"{name}.so"

    def rename(self, source, name: str):
        """The good way: a new file in the place of the old one. `source`: the name of a built one, or bytes."""
        new = self.path / f".{name}.new"
        self._write(source, new)
        os.replace(new, self.library(name))

    def in_place(self, source, name: str):
        """The bad way: the file that is there is cut to nothing and written anew."""
        self._write(source, self.library(name))

    def sidecar(self, name: str, text: str):
        new = self.path / f".{name}.yaml.new"
        new.write_text(text)
        os.replace(new, self.path / f"{name}.yaml")

    def _write(self, source, target):
        if isinstance(source, bytes):
            target.write_bytes(source)
        else:
            shutil.copyfile(self.built / f"{source}.so", target)
        target.chmod(0o755)

    def content(self, source: str) -> bytes:
        return (self.built / f"{source}.so").read_bytes()


def models(word: str = "w", pace: int = 0, ticks: int = 3, transforms=("mark",)) -> list[dict]:
    config = {"word": word, "paceMs": str(pace), "ticks": str(ticks)}
    return [
        {"name": "plain", "provider": "swap", "model": "m", "provider_config": config},
        {"name": "marked", "provider": "swap", "model": "m", "provider_config": config, "transforms": list(transforms)},
        {"name": "count", "provider": "swap", "model": "count", "provider_config": config},
    ]


def ask(host, model: str = "plain") -> str:
    answer = wire.chat(host.port, {"model": model, "messages": [{"role": "user", "content": "hi"}]})
    assert answer.status == 200, answer.body
    return plain(chatshape.unary(answer.json).only.content)


def plugins(host) -> dict:
    answer = wire.exchange(host.port, "GET", "/admin/plugins", headers={"host": f"127.0.0.1:{host.port}"})
    assert answer.status == 200, answer.body
    return answer.json


def active(host, identifier: str = "test.swap") -> dict | None:
    found = [one for one in plugins(host)["plugins"] if one["id"] == identifier and one["state"] == "active"]
    assert len(found) < 2
    return found[0] if found else None


def version(host, identifier: str = "test.swap") -> str | None:
    """`7` for version 00007.0.0."""
    one = active(host, identifier)
    return one["version"].split(".")[0].lstrip("0") if one else None


def metric(host, name: str) -> int:
    text = wire.exchange(host.port, "GET", "/metrics").body.decode()
    return int(re.search("^" + re.escape(name) + r" (\d+)$", text, re.MULTILINE)[1])


def refused(host) -> int:
    return metric(host, 'kimi_reloads_total{outcome="refused"}')


def refusals(host) -> list[str]:
    return [line for line in host.output.splitlines() if "not loaded" in line]


def hang_up(host):
    host.process.send_signal(signal.SIGHUP)


def configure(host, config):
    """As editors do: a new file in the place of the old one."""
    new = host.config.with_suffix(".new")
    new.write_text(json.dumps(config))
    os.replace(new, host.config)


def wait_for(found, host, timeout: float = 15):
    end = time.monotonic() + timeout
    while not found():
        assert host.alive, f"the host died:\n{host.output[-4000:]}"
        assert time.monotonic() < end, host.output[-4000:]
        time.sleep(0.02)


def instances(host, kind: str) -> tuple[int, int]:
    """How many were created and destroyed, by what the plugin logs."""
    output = host.output
    return tuple(len(re.findall(rf"{kind} \d+ {what}", output)) for what in ("created", "destroyed"))


def maps(host) -> str:
    with open(f"/proc/{host.process.pid}/maps") as lines:
        return lines.read()
