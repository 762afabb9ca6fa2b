"""Tokens: Tests/RuntimePlugins/tokens.c asks for one and fetches it, a token endpoint on TCP gives it.

The endpoint is the mock upstream; requests whose target ends in /token are the fetches, all others what the provider
sends. Tokens are "tok-secret-N", so that every test can look whether one is in the log.
"""

import concurrent.futures
import json
import re
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import chatshape
import hostprocess
import replies
import wire
from mock_upstream import Hang, Reset, Wait

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
TRADITIONAL, PLAIN = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, form=PKCS8) -> str:
    return key.private_bytes(PEM, form, PLAIN).decode()


class Endpoint:
    """Plays the token endpoint and the upstream behind it; `token` and `chat` may be replaced by a test."""

    def __init__(self, server):
        self.server = server
        self.lock = threading.Lock()
        self.granted = 0
        self.life = {"expires_in": 3600}
        self.token = self.grant
        self.chat = lambda request: (replies.response({"ok": True}),)
        server.always(lambda request: (self.token if self.is_fetch(request) else self.chat)(request))

    @staticmethod
    def is_fetch(request) -> bool:
        return request.target.endswith("/token")

    def grant(self, _request, *before):
        with self.lock:
            self.granted += 1
            token = f"tok-secret-{self.granted}"
        return (*before, replies.response({"access_token": token, **self.life}))

    @property
    def fetches(self):
        return [request for request in self.server.requests if self.is_fetch(request)]

    @property
    def bearers(self) -> list[str]:
        """The tokens that requests went up with."""
        return [request.header("authorization") for request in self.server.requests if not self.is_fetch(request)]


@pytest.fixture
def endpoint(upstream):
    return Endpoint(upstream)


def model(url: str, **config) -> dict:
    return {"name": "m", "provider": "tokens", "model": "m", "provider_config": {"url": url, **config}}


@pytest.fixture
def serve(start_host, runtime_plugins, upstream):
    """Starts a host with one model of the tokens provider. At the end: alive, each exchange ended once, no token told."""
    started = []

    def start(timeouts: dict | None = None, level: str = "trace", **config):
        configuration = {"models": [model(upstream.url, **config)], "timeouts": timeouts or {}}
        started.append(start_host({**configuration, "logging": {"level": level}}, plugins=runtime_plugins))
        return started[-1]

    yield start
    for host in started:
        assert host.alive, host.output[-4000:]
        eventually(lambda host=host: lives(host, "begun") == lives(host, "ended"))
        assert "tokens wrong" not in host.output
        assert "tok-secret" not in host.output and "PRIVATE KEY" not in host.output


def lives(host, what: str) -> list[str]:
    return sorted(re.findall(rf"((?:auth|provider)) {what} \S+ why \d", host.output))


def eventually(holds, within: float = 5.0):
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def ask(host, **more):
    return wire.chat(host.port, {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more})


def served(host):
    answer = ask(host)
    assert answer.status == 200, answer.body
    assert chatshape.unary(answer.json).only.content == "served"


def refused(host, *statuses: int) -> str:
    return chatshape.assert_error(ask(host), *(statuses or range(400, 600)))["message"]


def many(host, count: int):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: ask(host), range(count)))


# -- the cache --------------------------------------------------------------------------------------------------------


def test_a_hundred_first_requests_are_one_fetch(serve, endpoint):
    endpoint.token = lambda request: endpoint.grant(request, Wait(0.5))
    host = serve()
    assert [answer.status for answer in many(host, 100)] == [200] * 100
    assert len(endpoint.fetches) == 1
    assert endpoint.bearers == ["Bearer tok-secret-1"] * 100


def test_a_token_is_used_until_it_expires_and_no_longer(serve, endpoint):
    endpoint.life = {"expires_in": 1.2, "refresh_in": 9}
    host = serve()
    served(host), served(host)
    assert len(endpoint.fetches) == 1
    time.sleep(1.3)
    served(host)
    assert endpoint.bearers == ["Bearer tok-secret-1"] * 2 + ["Bearer tok-secret-2"]


def test_a_token_is_refreshed_ahead_while_the_old_one_serves(serve, endpoint):
    endpoint.life = {"expires_in": 8, "refresh_in": 1}  # no sooner than half its life: after 4 s
    host = serve()
    served(host)
    endpoint.token = lambda request: endpoint.grant(request, Wait(1.0))
    eventually(lambda: len(endpoint.fetches) == 2, within=7)
    started = time.monotonic()
    served(host)
    assert time.monotonic() - started < 0.8, "a request waited for a refresh"
    assert endpoint.bearers[-1] == "Bearer tok-secret-1"
    time.sleep(1.2)
    served(host)
    assert endpoint.bearers[-1] == "Bearer tok-secret-2" and len(endpoint.fetches) == 2


def test_a_token_that_nobody_used_is_not_refreshed(serve, endpoint):
    endpoint.life = {"expires_in": 2, "refresh_in": 0}
    host = serve()
    served(host)
    eventually(lambda: len(endpoint.fetches) == 2)  # used: refreshed once
    time.sleep(3)
    assert len(endpoint.fetches) == 2


def test_a_failed_refresh_harms_nobody_while_the_old_token_lives(serve, endpoint):
    endpoint.life = {"expires_in": 6, "refresh_in": 0}
    host = serve()
    served(host)
    endpoint.token = lambda _: (replies.response({"error": "no"}, status=500),)
    eventually(lambda: len(endpoint.fetches) == 2)
    served(host)
    endpoint.token = endpoint.grant
    eventually(lambda: len(endpoint.fetches) == 3)
    eventually(lambda: (served(host), endpoint.bearers[-1] == "Bearer tok-secret-2")[1])


def test_the_client_of_a_waiter_goes(serve, endpoint):
    endpoint.token = lambda request: endpoint.grant(request, Wait(0.8))
    host = serve()
    with wire.Connection(host.port) as connection:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
        connection.request("POST", "/v1/chat/completions", body)
        eventually(lambda: len(endpoint.fetches) == 1)
    served(host)  # waits for the same fetch
    assert len(endpoint.fetches) == 1 and endpoint.bearers == ["Bearer tok-secret-1"]
    eventually(lambda: len(re.findall("provider ended", host.output)) == 2)


def test_a_machine_may_wait(serve, endpoint):
    host = serve(mode="waits_first")
    started = time.monotonic()
    served(host)
    assert time.monotonic() - started > 0.19 and len(endpoint.fetches) == 1


# -- endpoints that fail ----------------------------------------------------------------------------------------------


def test_the_endpoint_is_down(serve, endpoint, upstream, tmp_path, rsa_key):
    nobody = f"http://localhost:{hostprocess.free_port()}/token"
    host = serve(credentials={"private_key": pem(rsa_key), "token_uri": nobody})
    message = refused(host)
    assert nobody in message and "provider 'tokens'" in message, message
    assert endpoint.fetches == [] and endpoint.bearers == []


def test_the_endpoint_is_slow(serve, endpoint, upstream):
    endpoint.token = lambda _: (Hang(),)
    host = serve(timeouts={"token": 0.5})
    started = time.monotonic()
    answers = many(host, 10)
    assert time.monotonic() - started < 3
    for answer in answers:
        message = chatshape.assert_error(answer, 504)["message"]
        assert f"{upstream.url}/token" in message and "500 ms" in message and "timeouts.token" in message, message
    assert len(endpoint.fetches) == 1
    assert endpoint.fetches[0].closed.wait(3), "the connection to the endpoint stayed"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (replies.response("<html>hello</html>", kind="text/html"), "no JSON with access_token"),
        (replies.response({"error": "invalid_grant"}, status=400), "answered 400"),
        (replies.response({"error": "oops"}, status=500), "answered 500"),
        (replies.response({"access_token": "tok-secret-9", "expires_in": -60}), "already expired, 60 s ago"),
        (replies.response(b"x" * (5 << 20)), "larger than"),
        (b"", "no answer from"),
    ],
)
def test_the_endpoint_lies(serve, endpoint, upstream, answer, words):
    endpoint.token = lambda _: (answer,) if answer else (Reset(),)
    host = serve()
    message = refused(host)
    assert words in message and "tokens" in message, message
    if "expired" not in words:
        assert "/token" in message, message
    assert endpoint.bearers == []


def test_after_a_failure_requests_fail_at_once_until_the_pause_is_over(serve, endpoint):
    endpoint.token = lambda _: (replies.response({"error": "oops"}, status=500),)
    host = serve()
    assert "answered 500" in refused(host)
    answers = many(host, 20)
    messages = [chatshape.assert_error(answer, 401)["message"] for answer in answers]
    assert all("answered 500" in message and "next try is in 1 s" in message for message in messages), messages
    assert all(answer.header("retry-after") for answer in answers)
    assert len(endpoint.fetches) == 1
    endpoint.token = endpoint.grant
    time.sleep(1.1)
    served(host)
    assert len(endpoint.fetches) == 2


# -- machines that break rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("begin_fails", "the machine does not start"),
        ("next_fails", "the machine is stuck"),
        ("no_step", "planned no step in auth next (rule S07)"),
        ("waits", "more than 32 steps"),
        ("forbidden", "host 'forbidden.example'"),
        ("wrong_steps", "SEND:-9 TOKEN:-9 LOCAL_REPLY:-9 PATCH:-1 GRANT:-1"),
    ],
)
def test_a_machine_breaks_a_rule(serve, endpoint, mode, words):
    host = serve(mode=mode)
    message = refused(host)
    assert words in message and "no token for provider 'tokens'" in message, message
    assert endpoint.fetches == []


# -- upstreams that refuse a token ------------------------------------------------------------------------------------


def test_a_refused_token_is_replaced_once(serve, endpoint):
    host = serve()
    served(host)
    stale = "Bearer tok-secret-1"
    endpoint.chat = lambda request: (
        replies.response({"error": "stale"}, status=401)
        if request.header("authorization") == stale
        else replies.response({"ok": True}),
    )
    answers = many(host, 20)
    assert [answer.status for answer in answers] == [200] * 20
    assert len(endpoint.fetches) == 2
    assert set(endpoint.bearers) == {stale, "Bearer tok-secret-2"}


def test_an_upstream_that_refuses_every_token_costs_one_retry(serve, endpoint):
    endpoint.chat = lambda _: (replies.response({"error": "never"}, status=401),)
    host = serve()
    assert "never" in refused(host, 401)
    assert len(endpoint.fetches) == 2 and len(endpoint.bearers) == 2
    for _ in range(5):  # A moment ago a new token did not help either.
        assert "never" in refused(host, 401)
    assert len(endpoint.fetches) == 2 and len(endpoint.bearers) == 7


def test_other_refusals_are_no_matter_of_the_token(serve, endpoint):
    endpoint.chat = lambda _: (replies.response({"error": "forbidden"}, status=403),)
    host = serve()
    refused(host)
    assert len(endpoint.fetches) == 1 and len(endpoint.bearers) == 1


def test_an_upstream_that_repeats_the_token_does_not_give_it_away(serve, endpoint):
    endpoint.chat = lambda request: (replies.response({"error": request.header("authorization")}, status=403),)
    host = serve()
    message = refused(host)
    assert "Bearer ***" in message and "tok-secret" not in message


# -- signatures -------------------------------------------------------------------------------------------------------


def sent_assertion(endpoint) -> str:
    [fetch] = endpoint.fetches
    return fetch.body.decode()


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize("form", [PKCS8, TRADITIONAL], ids=["pkcs8", "pkcs1"])
def test_rsa_signatures(serve, endpoint, upstream, rsa_key, algorithm, form):
    uri = f"http://localhost:{upstream.port}/token"  # allowed by the nested x-host only
    host = serve(alg=algorithm, credentials={"private_key": pem(rsa_key, form), "token_uri": uri})
    served(host)
    claims = jwt.decode(sent_assertion(endpoint), rsa_key.public_key(), algorithms=[algorithm])
    assert claims["iss"] == "me"


def test_ecdsa_signatures(serve, endpoint, upstream):
    key = ec.generate_private_key(ec.SECP256R1())
    uri = f"http://localhost:{upstream.port}/token"
    host = serve(alg="ES256", credentials={"private_key": pem(key), "token_uri": uri})
    served(host)
    assert jwt.decode(sent_assertion(endpoint), key.public_key(), algorithms=["ES256"])["iss"] == "me"


def test_shared_secret_signatures(serve, endpoint):
    secret = "a-shared-secret-of-32-bytes-or-so"
    host = serve(alg="HS256", shared=secret, sign_with="shared")
    served(host)
    assert jwt.decode(sent_assertion(endpoint), secret, algorithms=["HS256"])["iss"] == "me"
    assert secret not in host.output


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"alg": "RS512"}, "does not sign with 'RS512'"),
        ({"alg": "ES256"}, "the key is an RSA key, which signs RS256 or PS256, not ES256"),
        ({"alg": "RS256", "mode": "x", "sign_with": "mode"}, "there is no key 'x'"),
    ],
)
def test_signatures_that_cannot_be(serve, endpoint, upstream, rsa_key, config, words):
    uri = f"http://localhost:{upstream.port}/token"
    host = serve(credentials={"private_key": pem(rsa_key), "token_uri": uri}, **config)
    message = refused(host)
    assert words in message, message
    assert endpoint.fetches == []


# -- configuration ----------------------------------------------------------------------------------------------------


def check(tmp_path, plugins, config: dict, **environment):
    file = tmp_path / "c.yaml"
    file.write_text(json.dumps({"models": [model("http://127.0.0.1:1/v1", **config)]}))
    return hostprocess.run("check", "--config", file, "--plugins-dir", plugins, cwd="/", **environment)


def test_credentials_from_a_file_named_by_a_variable(serve, endpoint, upstream, rsa_key, tmp_path, start_host,
                                                     runtime_plugins):  # fmt: skip
    uri = f"http://localhost:{upstream.port}/token"
    (tmp_path / "key.json").write_text(json.dumps({"private_key": pem(rsa_key), "token_uri": uri, "type": "x"}))
    config = {"models": [model(upstream.url, alg="RS256")]}
    for value in (str(tmp_path / "key.json"), (tmp_path / "key.json").read_text(), "../key.json"):
        upstream.requests.clear()
        host = start_host(config, plugins=runtime_plugins, environment={"TOKENS_CREDENTIALS": value})
        served(host)
        assert jwt.decode(sent_assertion(endpoint), rsa_key.public_key(), algorithms=["RS256"])["iss"] == "me"


def test_broken_credentials_are_named_by_check(runtime_plugins, tmp_path, rsa_key):
    good = {"private_key": pem(rsa_key), "token_uri": "https://localhost/token"}
    file = tmp_path / "key.json"
    secret = good["private_key"].splitlines()[3]

    def mistakes(content, **config) -> str:
        if content is not None:
            file.write_text(content if isinstance(content, str) else json.dumps(content))
        found = check(tmp_path, runtime_plugins, config, TOKENS_CREDENTIALS="" if config else str(file))
        assert found.returncode != 0
        assert secret not in found.stdout + found.stderr
        return found.stdout

    missing = mistakes(None)
    assert str(file) in missing and "No such file" in missing and "TOKENS_CREDENTIALS" in missing
    no_json = mistakes(good["private_key"])
    assert str(file) in no_json and "is not JSON" in no_json and "TOKENS_CREDENTIALS" in no_json
    no_member = mistakes({"token_uri": good["token_uri"]})
    assert "private_key" in no_member and str(file) in no_member and "TOKENS_CREDENTIALS" in no_member
    cut = mistakes({**good, "private_key": good["private_key"][:300]})
    assert "credentials.private_key" in cut and "is cut off" in cut and str(file) in cut
    inline = mistakes(None, credentials={**good, "private_key": "hello"})
    assert "models[0].provider_config.credentials.private_key" in inline and "is not PEM" in inline
