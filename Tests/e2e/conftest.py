"""Fixtures: the mock upstream, a host in front of it, and the official client."""

from __future__ import annotations

import shutil
import subprocess

import openai
import pytest

import hostprocess
from hostprocess import Host
from mock_upstream import MockUpstream

RUNTIME_PLUGINS = hostprocess.ROOT / "Tests/RuntimePlugins"


def entry(name: str, upstream_url: str, **more) -> dict:
    """A model entry on the openai provider."""
    return {
        "name": name, "provider": "openai", "model": "upstream-model",
        "provider_config": {"apiKey": "sk-upstream", "baseUrl": upstream_url}, **more,
    }  # fmt: skip


def usual_models(url: str) -> list[dict]:
    """What the shared host serves."""
    return [
        entry("mock", url),
        entry("mock-kimi", url, transforms=["kimi-k2"]),
        entry("mock-nobody-listens", f"http://127.0.0.1:{hostprocess.free_port()}/v1"),
        entry("mock-special", url, profile="special", model="special-model"),
        {**entry("mock-openrouter", url), "provider": "openrouter"},
        {"name": "demo", "provider": "demo", "model": "demo", "transforms": ["kimi-k2"]},
    ]


@pytest.fixture(scope="session")
def shared_upstream():
    server = MockUpstream()
    yield server
    server.stop()


@pytest.fixture
def upstream(shared_upstream):
    """The mock upstream, with no replies yet."""
    shared_upstream.reset()
    yield shared_upstream
    shared_upstream.reset()


@pytest.fixture
def second_upstream():
    server = MockUpstream()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_host(shared_upstream, tmp_path_factory):
    if not hostprocess.BINARY.exists():
        pytest.fail(f"{hostprocess.BINARY} is not there: run `make build` first")
    config = {"models": usual_models(shared_upstream.url)}
    running = Host(tmp_path_factory.mktemp("host"), config).wait_ready()
    yield running
    running.stop()


@pytest.fixture
def host(shared_host, upstream):
    """The host that most tests share, in front of `upstream`. Every test leaves it alive."""
    yield shared_host
    assert shared_host.alive, f"the host died:\n{shared_host.output[-4000:]}"


@pytest.fixture(scope="session")
def runtime_plugins(tmp_path_factory):
    """A plugins folder with the usual plugins and those that misbehave."""
    folder = tmp_path_factory.mktemp("runtime-plugins") / "plugins.d"
    folder.mkdir(mode=0o755)
    made = subprocess.run(["make", "-C", RUNTIME_PLUGINS, f"OUT={folder}"], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stdout + made.stderr
    for library in hostprocess.PLUGINS.glob("*.so"):
        shutil.copy2(library, folder)
    return folder


@pytest.fixture
def start_host(tmp_path):
    """Starts hosts of a test's own: start_host(config, environment=..., plugins=..., port=...)."""
    started = []

    def start(config, ready: bool = True, **more) -> Host:
        one = Host(tmp_path / f"host{len(started)}", config, **more)
        started.append(one)
        return one.wait_ready() if ready else one

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def client(host):
    """The official client on the shared host, without retries of its own."""
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as made:
        yield made
