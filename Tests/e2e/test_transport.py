"""How the host reaches upstreams: TLS, HTTP/2, proxies, and the environment's say in them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
import replies
import trustme
from conftest import entry
from hostprocess import free_port

MESSAGES = [{"role": "user", "content": "Hello?"}]


@pytest.fixture
def authority(tmp_path):
    """A certificate authority that no system knows."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


@pytest.fixture
def tls_upstream(authority, tmp_path):
    """(port, log of protocol versions) of a TLS server with a certificate for 127.0.0.1."""
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(tmp_path / "cert.pem", append=number > 0)
    port, log = free_port(), tmp_path / "versions.log"
    server = Path(__file__).parent / "tls_upstream.py"
    command = [sys.executable, server, port, tmp_path / "cert.pem", tmp_path / "key.pem", log]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port, log
    process.kill()
    process.wait(10)


def official(host) -> openai.OpenAI:
    return openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15)


def ask(client: openai.OpenAI) -> str:
    stream = client.chat.completions.create(model="mock", messages=MESSAGES, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_http2_over_tls_with_the_environments_authority(start_host, tls_upstream, tmp_path, variable):
    port, log = tls_upstream
    host = start_host(
        {"models": [entry("mock", f"https://127.0.0.1:{port}/v1")]},
        environment={variable: str(tmp_path / "ca.pem")},
    )
    with official(host) as client, ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: ask(client), range(8))) == {"Hello there."}
        reply = client.chat.completions.create(model="mock", messages=MESSAGES)
        assert reply.choices[0].message.content == "Hello there."
    assert log.read_text().split() == ["2"] * 9


def test_an_unknown_authority_is_refused(start_host, tls_upstream):
    port, log = tls_upstream
    host = start_host({"models": [entry("mock", f"https://127.0.0.1:{port}/v1")]})
    with official(host) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="mock", messages=MESSAGES)
    assert caught.value.status_code == 502
    assert "certificate" in str(caught.value).lower() or "ssl" in str(caught.value).lower()
    assert not log.exists()


def test_the_environments_proxy_is_used(start_host, upstream):
    upstream.always(replies.auto)
    proxy = upstream.url.removesuffix("/v1")
    host = start_host(
        {"models": [entry("mock", "http://upstream.invalid/v1")]}, environment={"http_proxy": proxy}
    )
    with official(host) as client:
        assert ask(client) == "Hello there."
    assert upstream.requests[-1].target == "http://upstream.invalid/v1/chat/completions"


def test_no_proxy_is_honoured(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host(
        {"models": [entry("mock", upstream.url)]},
        environment={"http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"},
    )
    with official(host) as client:
        assert ask(client) == "Hello there."
