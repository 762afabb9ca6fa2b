"""Client keys: who is let in, what each key opens, what it may use in a minute. Official clients and plain sockets."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading

import anthropic
import httpx2
import openai
import pytest
import trustme

import hostprocess
import replies
import wire
from conftest import entry
from mock_upstream import Wait

ALICE, BOB = "kh-alice-0123456789abcdef", "kh-bob-0123456789abcdefgh"
GOOD = {"model": "mock", "messages": [{"role": "user", "content": "Hello"}]}


def digest(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def config(upstream, *, alice=None, bob=None, **more) -> dict:
    keys = [{"name": "alice", "hash": digest(ALICE), **(alice or {})}, {"name": "bob", "key": "$BOB_KEY", **(bob or {})}]
    models = [entry("mock", upstream.url), entry("secret", upstream.url), entry("quick", upstream.url, profile="fast")]
    return {"models": models, "auth": {"keys": keys}, **more}


@pytest.fixture
def guarded(start_host, upstream):
    """Starts a host with the keys of Alice and Bob."""
    upstream.always(replies.auto)
    return lambda **more: start_host(config(upstream, **more), environment={"BOB_KEY": BOB})


def bearer(key: str) -> dict:
    return {"authorization": f"Bearer {key}"}


def test_official_clients_with_and_without_a_key(guarded, upstream):
    host = guarded()
    with openai.OpenAI(base_url=host.url, api_key=ALICE, max_retries=0) as client:
        assert client.chat.completions.create(**GOOD).choices[0].message.content
        assert [model.id for model in client.models.list()] == ["mock", "secret"]
    with openai.OpenAI(base_url=host.url, api_key="sk-wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(**GOOD)
        assert caught.value.code == "invalid_api_key" and "operator" in caught.value.message
        with pytest.raises(openai.AuthenticationError):
            client.responses.create(model="mock", input="Hello")
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
    root = host.url.removesuffix("/v1")
    message = {"model": "mock", "max_tokens": 50, "messages": GOOD["messages"]}
    with anthropic.Anthropic(base_url=root, api_key=BOB, max_retries=0) as client:
        assert client.messages.create(**message).content
    with anthropic.Anthropic(base_url=root, auth_token=BOB, max_retries=0) as client:
        assert client.messages.create(**message).content
    with anthropic.Anthropic(base_url=root, api_key="sk-wrong", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            client.messages.create(**message)
        assert caught.value.body["error"]["type"] == "authentication_error"
        with pytest.raises(anthropic.AuthenticationError):
            client.models.list()
    for request in upstream.requests:
        assert all(ALICE not in value and BOB not in value for _, value in request.headers)
        assert ALICE.encode() not in request.body and BOB.encode() not in request.body


def test_nothing_but_health_is_open(guarded):
    host = guarded()
    for path in ("/healthz", "/readyz"):
        assert wire.exchange(host.port, "GET", path).status == 200
    for path in ("/metrics", "/v1/models", "/v1/responses/resp_1", "/nowhere", "/fast/v1/models"):
        found = wire.exchange(host.port, "GET", path)
        assert found.status == 401 and found.header("www-authenticate") == "Bearer", path
        assert "x-api-key" in found.json["error"]["message"]
        assert wire.exchange(host.port, "GET", path, headers=bearer(BOB)).status in (200, 404), path
    for path in ("/v1/completions", "/v1/embeddings", "/v1/messages/count_tokens", "/v1/responses"):
        assert wire.exchange(host.port, "POST", path, b"{}").status == 401, path
    assert 'refused_total{reason="key"} 9' in wire.exchange(host.port, "GET", "/metrics", headers=bearer(BOB)).body.decode()


@pytest.mark.parametrize("headers", [
    {"authorization": f"bearer   {ALICE} "}, {"x-api-key": ALICE}, {"x-api-key": "dummy", **bearer(ALICE)},
    {"authorization": "Bearer dummy", "x-api-key": ALICE},
])  # fmt: skip
def test_either_header_will_do(guarded, headers):
    assert wire.chat(guarded().port, GOOD, headers).status == 200


@pytest.mark.parametrize("headers", [
    {"authorization": ALICE}, {"authorization": f"Basic {ALICE}"}, bearer(ALICE[:-1]), bearer(ALICE + "x"),
    bearer(ALICE.upper()), bearer(digest(ALICE)), {"x-api-key": ""}, bearer("alice"),
])  # fmt: skip
def test_what_is_no_key_is_none(guarded, headers):
    assert wire.chat(guarded().port, GOOD, headers).status == 401


def test_models_and_profiles_of_a_key(guarded):
    host = guarded(alice={"models": ["mo*"], "profiles": [""]}, bob={"profiles": ["fast"]})
    found = wire.chat(host.port, {**GOOD, "model": "secret"}, bearer(ALICE))
    assert found.status == 404 and found.json["error"]["code"] == "model_not_found"
    near = wire.chat(host.port, {**GOOD, "model": "secre"}, bearer(ALICE))
    assert near.status == 404 and "'secret'" not in near.json["error"]["message"]
    listed = wire.exchange(host.port, "GET", "/v1/models", headers=bearer(ALICE)).json["data"]
    assert [model["id"] for model in listed] == ["mock"]
    assert wire.exchange(host.port, "GET", "/v1/models/secret", headers=bearer(ALICE)).status == 404
    assert wire.exchange(host.port, "GET", "/v1/models/mock", headers=bearer(ALICE)).status == 200
    assert wire.chat(host.port, GOOD, bearer(ALICE), "/fast/v1/chat/completions").status == 403
    assert wire.exchange(host.port, "GET", "/fast/v1/models", headers=bearer(ALICE)).status == 403
    assert wire.chat(host.port, GOOD, bearer(BOB)).status == 403
    assert wire.chat(host.port, {**GOOD, "model": "quick"}, bearer(BOB), "/fast/v1/chat/completions").status == 200


def test_stored_responses_belong_to_their_key(guarded):
    host = guarded()
    alice = openai.OpenAI(base_url=host.url, api_key=ALICE, max_retries=0)
    bob = openai.OpenAI(base_url=host.url, api_key=BOB, max_retries=0)
    with alice, bob:
        made = alice.responses.create(model="mock", input="Hello")
        with pytest.raises(openai.NotFoundError):
            bob.responses.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            bob.responses.delete(made.id)
        with pytest.raises(openai.BadRequestError) as caught:
            bob.responses.create(model="mock", input="And?", previous_response_id=made.id)
        assert caught.value.code == "previous_response_not_found"
        assert alice.responses.retrieve(made.id).id == made.id
        assert alice.responses.create(model="mock", input="And?", previous_response_id=made.id).id
        alice.responses.delete(made.id)


def test_keys_are_not_logged(guarded):
    host = guarded()
    wire.chat(host.port, {**GOOD, "model": "none"}, bearer(ALICE))
    wire.chat(host.port, GOOD, bearer("kh-a-stranger-0123456789"))
    host.stop()
    assert all(key not in host.output for key in (ALICE, BOB, "kh-a-stranger", digest(ALICE)))


def test_requests_a_minute(guarded):
    host = guarded(alice={"requests_per_minute": 2})
    assert [wire.chat(host.port, GOOD, bearer(ALICE)).status for _ in range(2)] == [200, 200]
    refused = wire.chat(host.port, GOOD, bearer(ALICE))
    assert refused.status == 429 and 0 < int(refused.header("retry-after")) <= 30
    assert wire.chat(host.port, GOOD, bearer(BOB)).status == 200
    message = {"model": "mock", "max_tokens": 5, "messages": GOOD["messages"]}
    found = wire.exchange(host.port, "POST", "/v1/messages", json.dumps(message).encode(), bearer(ALICE))
    assert found.status == 429 and found.json["error"]["type"] == "rate_limit_error"
    with openai.OpenAI(base_url=host.url, api_key=ALICE, max_retries=0) as client:
        with pytest.raises(openai.RateLimitError):
            client.responses.create(model="mock", input="Hello")


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_a_minute_are_charged_afterwards(guarded, upstream, stream):
    host = guarded(alice={"tokens_per_minute": 20})
    chunks = [*replies.text_chunks("Hi"), replies.usage_chunk()]
    whole = [replies.response({**replies.completion(), "usage": replies.USAGE})]
    for _ in range(2):  # 15 tokens each: the second begins with 5 left, and leaves a debt.
        upstream.reply(*(replies.stream(chunks) if stream else whole))
        assert wire.chat(host.port, {**GOOD, "stream": stream}, bearer(ALICE)).status == 200
    refused = wire.chat(host.port, GOOD, bearer(ALICE))
    assert refused.status == 429 and "20 tokens a minute" in refused.json["error"]["message"]
    assert 25 <= int(refused.header("retry-after")) <= 33


def in_background(host, key: str, results: list) -> threading.Thread:
    thread = threading.Thread(target=lambda: results.append(wire.chat(host.port, GOOD, bearer(key)).status))
    thread.start()
    return thread


def test_one_at_a_time_and_a_queue(guarded, upstream):
    host = guarded(alice={"max_exchanges": 1}, limits={"max_queued": 1}, timeouts={"queue": 5})
    results: list[int] = []
    upstream.reply(Wait(1.0), replies.response(replies.completion()))
    first = in_background(host, ALICE, results)
    upstream.wait_request(0)
    second = in_background(host, ALICE, results)
    wait_metric(host, "kimi_requests_queued 1")
    third = wire.chat(host.port, GOOD, bearer(ALICE))
    assert third.status == 429 and third.header("retry-after") == "1"
    assert wire.chat(host.port, GOOD, bearer(BOB)).status == 200, "others pass those who wait for themselves"
    assert len(results) == 0
    first.join(5), second.join(5)
    assert results == [200, 200]
    wait_metric(host, "kimi_requests_queued 0")


def test_the_queue_has_a_deadline(guarded, upstream):
    host = guarded(limits={"max_exchanges": 1}, timeouts={"queue": 0.2})
    results: list[int] = []
    upstream.reply(Wait(1.5), replies.response(replies.completion()))
    first = in_background(host, ALICE, results)
    upstream.wait_request(0)
    refused = wire.chat(host.port, GOOD, bearer(BOB))
    assert refused.status == 503 and "timeouts.queue" in refused.json["error"]["message"]
    message = {"model": "mock", "max_tokens": 5, "messages": GOOD["messages"]}
    found = wire.exchange(host.port, "POST", "/v1/messages", json.dumps(message).encode(), bearer(BOB))
    assert found.status == 529 and found.json["error"]["type"] == "overloaded_error"
    with wire.Connection(host.port) as gone:  # One that goes while it waits leaves no trace.
        gone.request("POST", "/v1/chat/completions", json.dumps(GOOD).encode(), bearer(BOB))
    first.join(5)
    assert results == [200] and wire.chat(host.port, GOOD, bearer(BOB)).status == 200
    wait_metric(host, "kimi_requests_queued 0")


def wait_metric(host, line: str):
    for _ in range(200):
        if line in wire.exchange(host.port, "GET", "/metrics", headers=bearer(BOB)).body.decode():
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"{line} did not come")


def check(tmp_path, settings: dict, **environment):
    (tmp_path / "c.yaml").write_text(json.dumps({"models": [entry("mock", "http://127.0.0.1:1/v1")], **settings}))
    return hostprocess.run(
        "check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **environment)


def test_an_open_host_listens_on_loopback_only(tmp_path, start_host):
    exposed = {"server": {"host": "0.0.0.0"}}
    found = check(tmp_path, exposed)
    assert found.returncode > 0 and "auth: none" in found.stdout and "server.host" in found.stdout
    assert check(tmp_path, {}, HOST="0.0.0.0").returncode > 0
    assert check(tmp_path, {**exposed, "auth": "none"}).returncode == 0
    assert check(tmp_path, {**exposed, "auth": {"keys": [{"name": "a", "hash": digest(ALICE)}]}}).returncode == 0
    for host in ("127.0.0.1", "127.9.9.9", "localhost", "::1"):
        assert check(tmp_path, {"server": {"host": host}}).returncode == 0, host
    found = hostprocess.run(
        "serve", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, "--host", "0.0.0.0", cwd=tmp_path)
    assert found.returncode > 0 and "auth: none" in found.stderr


def test_mistakes_in_keys_are_named(tmp_path):
    keys = [
        {"name": "a", "hash": "sha256:abc"}, {"name": "b"}, {"name": "c", "key": "kh-in-the-file-itself"},
        {"name": "d", "key": "$NOT_SET"}, {"name": "e", "hash": digest(ALICE)}, {"name": "e", "hash": digest(ALICE)},
    ]  # fmt: skip
    found = check(tmp_path, {"auth": {"keys": keys}})
    assert found.returncode > 0
    for words in ("auth.keys[0].hash", "auth.keys[1]: needs", "auth.keys[2].key", "NOT_SET", "is taken", "same key"):
        assert words in found.stdout, words
    assert "kh-in-the-file-itself" not in found.stdout + found.stderr


def test_commands_make_and_hash_keys(tmp_path):
    made = dict(line.split(": ") for line in hostprocess.run("auth", "new", cwd=tmp_path).stdout.splitlines())
    assert digest(made["key"]) == made["hash"] and len(made["key"]) >= 50
    hashed = hostprocess.subprocess.run(
        [hostprocess.BINARY, "auth", "hash"], input=made["key"] + "\n", capture_output=True, text=True, timeout=10)
    assert hashed.stdout.strip() == made["hash"] and hashed.stderr == ""
    short = hostprocess.subprocess.run(
        [hostprocess.BINARY, "auth", "hash"], input="secret\n", capture_output=True, text=True, timeout=10)
    assert short.stdout.strip() == digest("secret") and "kimi-host auth new" in short.stderr


def test_https(tmp_path, start_host, upstream):
    upstream.always(replies.auto)
    authority = trustme.CA()
    files = server_files(authority, tmp_path)
    host = start_host({"models": [entry("mock", upstream.url)], "server": {"tls": files}}, ready=False)
    trust = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with httpx2.Client(verify=trust, base_url=f"https://localhost:{host.port}") as plain:
        wait_https(plain, host)
        with openai.OpenAI(base_url=f"https://localhost:{host.port}/v1", api_key="k", http_client=plain) as client:
            assert client.chat.completions.create(**GOOD).choices[0].message.content
            events = list(client.chat.completions.create(**GOOD, stream=True))
            assert len(events) > 1
    assert f"https://127.0.0.1:{host.port}" in host.output
    with wire.Connection(host.port) as unencrypted:
        unencrypted.request("GET", "/healthz")
        assert not unencrypted.socket.recv(100).startswith(b"HTTP")
    assert host.alive


def server_files(authority, folder) -> dict:
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return {"certificate": str(certificate), "key": str(key)}


def wait_https(client, host):
    for _ in range(200):
        assert host.alive, host.output
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx2.ConnectError:
            pass
        threading.Event().wait(0.05)
    raise AssertionError(host.output)


def test_bad_certificates_are_mistakes(tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    found = check(tmp_path, {"server": {"tls": {"certificate": str(broken), "key": str(broken)}}})
    assert found.returncode > 0 and "server.tls.certificate" in found.stdout and "broken.pem" in found.stdout


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_pages_of_other_sites_may_not_use_an_open_host(start_host, upstream, path):
    upstream.always(replies.auto)
    host = start_host({"models": [entry("mock", upstream.url)]})

    def ask(**headers):
        body = json.dumps({**GOOD, "max_tokens": 5, "input": "Hello"}).encode()
        return wire.exchange(host.port, "POST", path, body, headers={"content-type": "text/plain", **headers})

    for origin in ("https://evil.example", "http://127.0.0.1.evil.example:8000", "http://192.168.1.5", "null", "HTTPS://EVIL.EXAMPLE"):
        refused = ask(origin=origin)
        assert refused.status == 403 and b"auth.keys" in refused.body, origin
    assert not upstream.requests
    here = ("http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443", "chrome-extension://abc", "vscode-webview://x")
    for origin in here:
        assert ask(origin=origin).status != 403, origin
    assert ask().status != 403


def test_a_key_for_some_models_does_not_see_what_others_use(guarded, start_host, upstream):
    host = guarded(alice={"models": ["mock"]})
    for path in ("/metrics", "//metrics/", "/admin/routes", "/admin/plugins"):
        refused = wire.exchange(host.port, "GET", path, headers=bearer(ALICE))
        assert refused.status == 403 and refused.json["error"]["code"] == "key_is_limited", path
        assert wire.exchange(host.port, "GET", path, headers=bearer(BOB)).status == 200, path
    admin = "kh-admin-0123456789abcdef"
    limited = config(upstream, alice={"models": ["mock"]}, bob={"profiles": ["fast"]})
    limited["auth"]["admin_key"] = digest(admin)
    host = start_host(limited, environment={"BOB_KEY": BOB})
    assert wire.exchange(host.port, "GET", "/metrics", headers=bearer(BOB)).status == 403
    assert wire.exchange(host.port, "GET", "/metrics", headers=bearer("kh-wrong")).status == 401
    assert wire.exchange(host.port, "GET", "/metrics", headers=bearer(admin)).status == 200
    assert wire.exchange(host.port, "GET", "/v1/models", headers=bearer(admin)).status == 401


def test_with_keys_the_key_decides(guarded):
    host = guarded()
    headers = {**bearer(ALICE), "origin": "https://app.example"}
    assert wire.exchange(host.port, "POST", "/v1/chat/completions", json.dumps(GOOD).encode(), headers=headers).status == 200
