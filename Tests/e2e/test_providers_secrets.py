"""Configuration of the providers without variables, what is missing in it, keys in turn, tokens over TLS, what the log
tells of usage; and that no secret is printed anywhere."""

from __future__ import annotations

import concurrent.futures
import json
import ssl
import time

import anthropic
import openai
import pytest
import trustme

import hostprocess
import replies
from fakes import anthropic as claude
from fakes.openai import KEY, FakeOpenAI, Turn
from fakes.openrouter import KEY as ROUTER_KEY
from fakes.openrouter import FakeOpenRouter
from fakes.vertex import FakeVertex
from hostprocess import Host
from mock_upstream import MockUpstream

ASK = [{"role": "user", "content": "x"}]


def check(folder, entries, **environment):
    config = folder / "config.yaml"
    config.write_text(json.dumps({"models": entries}, indent=1))
    return hostprocess.run(
        "check", "--config", config, "--plugins-dir", hostprocess.PLUGINS, cwd=folder, **environment)


def model(provider: str, name: str = "m", upstream: str = "u", **config) -> dict:
    return {"name": name, "provider": provider, "model": upstream, "provider_config": config}


def say(host: Host, name: str) -> str:
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=20) as client:
        return client.chat.completions.create(model=name, messages=ASK).choices[0].message.content


def gemini(text: str = "Hi") -> dict:
    return {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
    }  # fmt: skip


@pytest.fixture
def vertex():
    fake = FakeVertex()
    yield fake
    fake.stop()


def at_vertex(fake: FakeVertex, **config) -> dict:
    return model("vertex", "v", "gemini-2.5-flash", geminiEndpoint=fake.origin, **config)


# -- Inline ---------------------------------------------------------------------------------------------------------


def test_each_provider_needs_nothing_but_its_config(vertex, start_host):
    """The environment that the host starts with has no keys (`clean_environment`)."""
    strict, router, mock = FakeOpenAI(), FakeOpenRouter(), MockUpstream()
    try:
        anthropics = claude.Fake(mock)
        host = start_host({"models": [
            model("openai", "o", apiKey=KEY, baseUrl=strict.url),
            model("openrouter", "r", apiKey=ROUTER_KEY, baseUrl=router.base),
            model("anthropic", "a", "claude-opus-4-6", apiKey="sk-ant-test", baseUrl=anthropics.url),
            at_vertex(vertex, projectId="p1", credentials=vertex.credentials),
        ]})  # fmt: skip
        strict.say(Turn("one"))
        anthropics.reply(claude.text("three"))
        vertex.reply(gemini("four"))
        assert [say(host, name) for name in "orav"] == ["one", "Hello.", "three", "four"]
        assert strict.complaints + router.complaints + anthropics.faults + vertex.complaints == []
        printed = host.output
        for secret in (KEY, ROUTER_KEY, "sk-ant-test", "PRIVATE KEY", "ya29.", "sk-client"):
            assert secret not in printed
    finally:
        for one in (strict, router, mock):
            one.stop()


# -- Missing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry, words",
    [
        (model("openai"), ["apiKey", "OPENAI_API_KEY"]),
        (model("openrouter"), ["apiKey", "OPENROUTER_API_KEY"]),
        (model("anthropic"), ["apiKey", "ANTHROPIC_API_KEY"]),
        (model("vertex"), ["projectId", "VERTEX_PROJECT_ID"]),
        (model("openai", apiKey="$NOT_THERE"), ["NOT_THERE"]),
        (model("anthropic", authToken="$NOT_THERE"), ["NOT_THERE"]),
    ],
    ids=lambda one: one["provider"] if isinstance(one, dict) else None,
)
def test_a_missing_key_is_named_by_check_and_by_the_start(tmp_path, start_host, entry, words):
    found = check(tmp_path, [entry])
    assert found.returncode != 0
    host = start_host({"models": [entry]}, ready=False)
    assert host.wait_end() != 0
    for word in words:
        assert word in found.stdout + found.stderr
        assert word in host.output


def without(credentials: dict, name: str) -> dict:
    return {key: value for key, value in credentials.items() if key != name}


def broken_credentials(fake: FakeVertex) -> list[tuple[str, dict, str]]:
    service, user = fake.credentials, fake.user
    return [
        *((f"service {name}", without(service, name), name) for name in ("type", "private_key", "client_email")),
        *((f"user {name}", without(user, name), name) for name in ("client_id", "client_secret", "refresh_token")),
        ("no PEM", {**service, "private_key": "sk-secret-no-pem"}, "private_key"),
        ("cut PEM", {**service, "private_key": service["private_key"][:400]}, "private_key"),
        ("wrong kind", {**service, "client_email": 7}, "client_email"),
        ("unknown type", {**service, "type": "robot"}, "type"),
        ("token_uri", {**service, "token_uri": "ftp://h/x"}, "token_uri"),
    ]


@pytest.mark.parametrize("way", ["file", "variable path", "variable JSON", "object"])
def test_broken_credentials_are_named_by_check(vertex, tmp_path, way):
    """Variable or file, and the JSON member; never a value."""
    for label, credentials, member in broken_credentials(vertex):
        text, config, environment = json.dumps(credentials), {"projectId": "p1"}, {}
        (tmp_path / "key.json").write_text(text)
        named = "credentials"
        if way == "file":
            config["credentials"], named = "key.json", "key.json"
        elif way == "variable path":
            environment["GOOGLE_APPLICATION_CREDENTIALS"], named = str(tmp_path / "key.json"), "key.json"
        elif way == "variable JSON":
            environment["GOOGLE_APPLICATION_CREDENTIALS"], named = text, "GOOGLE_APPLICATION_CREDENTIALS"
        else:
            config["credentials"] = credentials
        found = check(tmp_path, [model("vertex", upstream="gemini-2.5-flash", **config)], **environment)
        printed = found.stdout + found.stderr
        assert found.returncode != 0, (label, printed)
        assert member in printed, (label, printed)
        # What the plugin finds names the variable, whatever way the credentials came; what the host finds, the file.
        assert named in printed or "GOOGLE_APPLICATION_CREDENTIALS" in printed, (label, printed)
        of_key = vertex.credentials["private_key"].splitlines()[1][:24]
        for secret in ("sk-secret-no-pem", of_key, "1//refresh", '"s1"'):
            assert secret not in printed, (label, printed)


@pytest.mark.parametrize("text", ["{", "[1]", "not json", '{"a": "' + "x" * 70_000 + '"}', ""])
def test_credentials_that_are_no_object(tmp_path, text):
    (tmp_path / "key.json").write_text(text)
    entry = model("vertex", upstream="gemini-2.5-flash", projectId="p1", credentials="key.json")
    found = check(tmp_path, [entry])
    assert found.returncode != 0 and "key.json" in found.stdout + found.stderr
    assert "xxxx" not in found.stdout + found.stderr
    missing = check(tmp_path, [{**entry, "provider_config": {"projectId": "p1", "credentials": "nowhere.json"}}])
    assert missing.returncode != 0 and "nowhere.json" in missing.stdout + missing.stderr


# -- Keys in turn ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "provider, header, form",
    [
        ("openai", "authorization", "Bearer {}"), ("openrouter", "authorization", "Bearer {}"),
        ("anthropic", "x-api-key", "{}"),
    ],
)  # fmt: skip
def test_keys_take_turns_by_weight(start_host, upstream, provider, header, form):
    base = upstream.url.removesuffix("/v1") if provider == "anthropic" else upstream.url
    entry = model(provider, "m", "claude-opus-4-6", baseUrl=base)
    entry["keys"] = ["sk-key-one", {"config": {"apiKey": "sk-key-two"}, "weight": 3}]
    host = start_host({"models": [entry]})
    whole = claude.whole_answer(200, claude.message("m", [claude.text("Hi")], "end_turn"))
    upstream.always(whole if provider == "anthropic" else replies.response(replies.completion("Hi")))
    assert {say(host, "m") for _ in range(8)} == {"Hi"}
    sent = [upstream.wait_request(number).header(header) for number in range(8)]
    assert (sent.count(form.format("sk-key-one")), sent.count(form.format("sk-key-two"))) == (2, 6)
    assert "sk-key" not in host.output


def test_vertex_accounts_take_turns(start_host, vertex):
    """Each has a token of its own."""
    entry = at_vertex(vertex, projectId="p1")
    entry["keys"] = [{"config": {"credentials": vertex.credentials}}, {"config": {"credentials": vertex.user}}]
    host = start_host({"models": [entry]})
    for _ in range(4):
        vertex.reply(gemini())
        assert say(host, "v") == "Hi"
    assert (vertex.exchanges, vertex.complaints) == (2, [])


# -- Tokens ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls_vertex(tmp_path):
    """The whole fake behind a certificate that only `ca.pem` vouches for: token endpoint and models."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    fake = FakeVertex()
    fake.server.socket = context.wrap_socket(fake.server.socket, server_side=True)
    fake.origin = f"https://{fake.host}"
    yield fake
    fake.stop()


def test_a_conversation_over_tls(tls_vertex, tmp_path, start_host):
    entry = at_vertex(tls_vertex, projectId="p1", credentials=tls_vertex.credentials)
    host = start_host({"models": [entry]}, environment={"SSL_CERT_FILE": str(tmp_path / "ca.pem")})
    for number in range(3):
        tls_vertex.reply(gemini(f"answer {number}"))
        assert say(host, "v") == f"answer {number}"
    assert (tls_vertex.exchanges, tls_vertex.complaints) == (1, [])
    # A host that does not know the authority asks nobody.
    other = start_host({"models": [entry]})
    with pytest.raises(openai.APIStatusError) as caught:
        say(other, "v")
    assert "certificate" in caught.value.message.lower() and len(tls_vertex.requests) == 3


def test_a_hundred_first_requests_over_tls_make_one_exchange(tls_vertex, tmp_path, start_host):
    tls_vertex.token_delay = 0.3
    entry = at_vertex(tls_vertex, projectId="p1", credentials=tls_vertex.credentials)
    host = start_host({"models": [entry]}, environment={"SSL_CERT_FILE": str(tmp_path / "ca.pem")})
    for _ in range(100):
        tls_vertex.reply(gemini())
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        assert set(pool.map(lambda _: say(host, "v"), range(100))) == {"Hi"}
    assert (tls_vertex.exchanges, tls_vertex.complaints) == (1, [])


def test_an_endpoint_that_lies_about_the_lifetime(vertex, start_host):
    """It says an hour, and the token dies at once: a new one, unseen by the client. If that dies as well, the upstream's
    words reach the client, and the endpoint is left in peace."""
    host = start_host({"models": [at_vertex(vertex, projectId="p1", credentials=vertex.credentials)]})
    vertex.reply(gemini())
    assert (say(host, "v"), vertex.exchanges) == ("Hi", 1)
    vertex.revoke()
    vertex.reply(gemini())
    assert (say(host, "v"), vertex.exchanges) == ("Hi", 2)
    for _ in range(10):
        vertex.revoke()
        with pytest.raises(openai.AuthenticationError, match="invalid authentication credentials"):
            say(host, "v")
    assert vertex.exchanges <= 3
    assert "ya29." not in host.output


@pytest.mark.parametrize("lifetime", [-5, 0, 2, 10**12])
def test_odd_lifetimes_do_not_hurt(vertex, start_host, lifetime):
    """Past, none, short, endless: requests are served, and the endpoint is not asked more often than they come."""
    vertex.lifetime = lifetime
    grant = vertex.grant

    def honest() -> dict:
        told = grant()
        vertex.tokens[told["access_token"]] = time.time() + 60
        return told

    vertex.grant = honest
    host = start_host({"models": [at_vertex(vertex, projectId="p1", credentials=vertex.credentials)]})
    served = 0
    for _ in range(3):
        vertex.reply(gemini())
        try:
            served += say(host, "v") == "Hi"
        except openai.APIStatusError as error:
            assert "expires_in" in error.message or "token" in error.message
            vertex.replies.clear()
    assert vertex.exchanges <= 3
    assert served == 3 or lifetime <= 0


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_a_clock_that_is_wrong_is_told(vertex, start_host, skew):
    """Google refuses assertions from another hour; its words reach the client."""
    genuine = vertex.check_assertion

    def skewed(jwt: str):
        from unittest import mock

        now = time.time() + skew
        with mock.patch("fakes.vertex.time.time", lambda: now):
            genuine(jwt)

    vertex.check_assertion = skewed
    host = start_host({"models": [at_vertex(vertex, projectId="p1", credentials=vertex.credentials)]})
    with pytest.raises(openai.APIStatusError) as caught:
        say(host, "v")
    assert "iat and exp" in caught.value.message
    assert "PRIVATE" not in caught.value.message + host.output


# -- The log --------------------------------------------------------------------------------------------------------


def row(host: Host) -> str:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        found = [line for line in host.output.splitlines() if "exchange done" in line]
        if found:
            return found[-1]
        time.sleep(0.02)
    raise AssertionError(host.output)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_cost_reaches_the_log(start_host, stream):
    router = FakeOpenRouter()
    try:
        host = start_host({"models": [model("openrouter", "r", apiKey=ROUTER_KEY, baseUrl=router.base)]})
        with openai.OpenAI(base_url=host.url, api_key="k", max_retries=0, timeout=15) as client:
            answer = client.chat.completions.create(model="r", messages=ASK, stream=stream)
            list(answer) if stream else None
        line = row(host)
        assert "cost=0.00042" in line and "input_tokens=11" in line and "output_tokens=7" in line
    finally:
        router.stop()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tokens_of_native_answers_reach_the_log(start_host, upstream, stream):
    fake = claude.Fake(upstream)
    fake.reply(claude.text("Hi"))
    entry = model("anthropic", "a", "claude-opus-4-6", apiKey="sk-ant-test", baseUrl=fake.url)
    host = start_host({"models": [entry], "logging": {"level": "debug"}})
    url = host.url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0, timeout=15) as client:
        answer = client.messages.create(model="a", max_tokens=9, messages=ASK, stream=stream)
        list(answer) if stream else None
    line = row(host)
    assert "input_tokens=32" in line and "output_tokens=9" in line and "cached_tokens=7" in line and "cost" not in line
