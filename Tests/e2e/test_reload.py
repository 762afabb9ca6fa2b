"""SIGHUP and changed files: the configuration is loaded anew whole or not at all, and nobody notices who is served."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import ssl
import time

import openai
import trustme

import replies
import wire
from conftest import entry
from mock_upstream import Wait
from test_access import server_files

GOOD = {"model": "mock", "messages": [{"role": "user", "content": "Hello"}]}


def write(host, config):
    """As editors do: a new file in the place of the old one."""
    new = host.config.with_suffix(".new")
    new.write_text(config if isinstance(config, str) else json.dumps(config))
    os.replace(new, host.config)


def hang_up(host):
    host.process.send_signal(signal.SIGHUP)


def names(host, **headers) -> list[str]:
    return [model["id"] for model in wire.exchange(host.port, "GET", "/v1/models", headers=headers).json["data"]]


def wait_for(found, what: str = "", timeout: float = 5):
    end = time.monotonic() + timeout
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def quiet(*models, **more) -> dict:
    """Only SIGHUP reloads it."""
    return {"models": list(models), "server": {"watch": False}, **more}


def test_sighup_takes_a_new_configuration(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host(quiet(entry("mock", upstream.url)))
    write(host, quiet(entry("other", upstream.url), entry("mock", upstream.url, model="newer")))
    time.sleep(1)
    assert names(host) == ["mock"], "without watch nothing happens by itself"
    hang_up(host)
    wait_for(lambda: names(host) == ["other", "mock"], host.output)
    with openai.OpenAI(base_url=host.url, api_key="k", max_retries=0) as client:
        assert client.chat.completions.create(**GOOD).choices[0].message.content
    assert json.loads(upstream.requests[-1].body)["model"] == "newer"
    assert "configuration loaded anew: 2 models" in host.output


def test_a_changed_file_is_taken_and_a_bad_one_is_not(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host({"models": [entry("mock", upstream.url)]})
    write(host, {"models": [entry("second", upstream.url)]})
    wait_for(lambda: names(host) == ["second"], host.output)
    write(host, "models: [{name: third, provider: nobody, model: m}]")
    wait_for(lambda: "not loaded" in host.output, host.output)
    assert names(host) == ["second"] and wire.chat(host.port, {**GOOD, "model": "second"}).status == 200
    lines = [line for line in host.output.splitlines() if "not loaded" in line]
    assert len(lines) == 1 and "models[0].provider" in lines[0] and "the one before goes on" in lines[0]
    host.config.unlink()
    wait_for(lambda: host.output.count("not loaded") == 2, host.output)
    assert names(host) == ["second"]
    write(host, {"models": [entry("fourth", upstream.url)]})
    wait_for(lambda: names(host) == ["fourth"], host.output)


def test_what_a_plugin_refuses_is_not_taken(start_host, upstream):
    host = start_host(quiet(entry("mock", upstream.url)))
    write(host, quiet(entry("mock", "ftp://nowhere")))
    hang_up(host)
    wait_for(lambda: "not loaded" in host.output, host.output)
    assert host.alive and names(host) == ["mock"]


def test_a_stream_under_way_finishes_on_the_old_configuration(start_host, upstream, second_upstream):
    second_upstream.always(replies.auto)
    host = start_host(quiet(entry("mock", upstream.url)))
    upstream.reply(*[step for one in replies.stream(replies.text_chunks(*"abcdefgh")) for step in (one, Wait(0.2))])
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps({**GOOD, "stream": True}).encode())
        assert connection.read_head()[0] == 200
        write(host, quiet(entry("mock", second_upstream.url), entry("new", second_upstream.url)))
        hang_up(host)
        wait_for(lambda: "new" in names(host), host.output)
        assert wire.chat(host.port, GOOD).status == 200 and len(second_upstream.requests) == 1
        body = b""
        while piece := connection.read_chunk():
            body += piece
        frames = wire.sse_data(body)
        text = "".join(
            choice["delta"].get("content") or "" for one in frames[:-1] for choice in json.loads(one)["choices"])
        assert text == "abcdefgh" and frames[-1] == "[DONE]"
        connection.request("POST", "/v1/chat/completions", json.dumps(GOOD).encode())
        assert connection.read_response().status == 200 and len(second_upstream.requests) == 2


def test_keys_come_and_go(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host(quiet(entry("mock", upstream.url)))
    key = "kh-some-key-0123456789"
    found = {"name": "a", "hash": "sha256:" + hashlib.sha256(key.encode()).hexdigest(), "requests_per_minute": 2}
    with wire.Connection(host.port) as kept:
        def ask(**headers):
            kept.request("POST", "/v1/chat/completions", json.dumps(GOOD).encode(), headers)
            return kept.read_response().status

        assert ask() == 200
        write(host, quiet(entry("mock", upstream.url), auth={"keys": [found]}))
        hang_up(host)
        wait_for(lambda: wire.exchange(host.port, "GET", "/v1/models").status == 401, host.output)
        assert [ask(authorization=f"Bearer {key}") for _ in range(3)] == [200, 200, 429]
        assert ask() == 401  # On a connection that was let in before.
    hang_up(host)
    wait_for(lambda: host.output.count("loaded anew") == 2, host.output)
    assert wire.chat(host.port, GOOD, {"x-api-key": key}).status == 429, "a reload does not forget what was used"


def test_many_reloads_under_load_lose_nothing(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host(quiet(entry("mock", upstream.url)))
    for _ in range(8):
        write(host, quiet(entry("mock", upstream.url)))
        count = host.output.count("loaded anew")
        hang_up(host)
        while host.output.count("loaded anew") == count:
            assert wire.chat(host.port, GOOD).status == 200
    files = host.open_files()
    assert files < 100


def test_what_needs_a_restart_is_said(start_host, upstream):
    host = start_host(quiet(entry("mock", upstream.url)))
    write(host, quiet(entry("mock", upstream.url), timeouts={"drain": 3}, limits={"max_connections": 77}))
    hang_up(host)
    wait_for(lambda: "loaded anew" in host.output, host.output)
    assert "taken at the next start only: limits.max_connections, timeouts.drain" in host.output


def test_a_new_certificate_serves_new_connections(start_host, upstream, tmp_path):
    authorities = [trustme.CA(), trustme.CA()]
    files = server_files(authorities[0], tmp_path)
    host = start_host({"models": [entry("mock", upstream.url)], "server": {"tls": files, "watch": False}}, ready=False)

    def trusts(authority) -> bool:
        context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        try:
            with socket.create_connection(("127.0.0.1", host.port), 3) as plain:
                with context.wrap_socket(plain, server_hostname="localhost"):
                    return True
        except (ssl.SSLError, ConnectionRefusedError):
            return False

    wait_for(lambda: trusts(authorities[0]), host.output)
    server_files(authorities[1], tmp_path)
    hang_up(host)
    wait_for(lambda: trusts(authorities[1]), host.output)
    assert not trusts(authorities[0])
    (tmp_path / "key.pem").write_text("broken")
    hang_up(host)
    wait_for(lambda: "not loaded" in host.output, host.output)
    assert trusts(authorities[1]) and "server.tls.key" in host.output
