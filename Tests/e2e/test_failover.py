"""What follows when an upstream fails: another route, another key, another try, and never a word twice.

Every answer after a failure is compared whole with what it means in the client's API, event by event.
"""

import json
import threading
import time

import pytest

import dialects
import hostprocess
import replies
import wire
from conftest import entry
from dialects import CASES, DIALECTS
from mock_upstream import Finish, Hang, Reset, Until, Wait
from replies import HEAD, LAST_CHUNK, chunk, event, http_chunk, response
from test_plugin_services import metrics

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
TEXT = CASES[0]
TOOLS = next(case for case in CASES if case.name == "parallel-tools")
GOOD = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TIMEOUTS = {"connect": 1, "head": 0.5, "idle": 1, "first_token": 1, "between_tokens": 0.6}
ROLE = http_chunk(event(chunk({"role": "assistant", "content": ""})))


def error(status: int, message: str = "broken", **headers) -> bytes:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return response({"error": {"message": message, "type": "x"}}, status, "No", fields)


def empty(request) -> list:
    """A whole answer with nothing in it."""
    if json.loads(request.body).get("stream"):
        return replies.stream([chunk({"role": "assistant", "content": ""}), chunk({}, "stop")])
    return [response(replies.completion(""))]


def drip(request) -> list:
    """Signs of life for longer than a first token may take, and nothing else."""
    if not json.loads(request.body).get("stream"):
        return [Hang()]
    return [HEAD, ROLE, *[step for _ in range(30) for step in (Wait(0.1), http_chunk(b": processing\n\n"))], Hang()]


#: What the first upstream does, and the category that logs and metrics give it.
FAILURES = {
    "closed": ([Finish()], "network"),
    "reset": ([Reset()], "network"),
    "half a head": ([b"HTTP/1.1 200 OK\r\ncontent-", Finish()], "protocol"),
    "no head": ([Hang()], "timeout"),
    "408": ([error(408)], "timeout"),
    "429": ([error(429)], "rate_limited"),
    "429 for long": ([error(429, retry_after="3600")], "rate_limited"),
    "500": ([error(500)], "upstream"),
    "500 html": ([response("<html>no</html>", 500, "No", kind="text/html")], "upstream"),
    "503": ([error(503)], "overloaded"),
    "529": ([error(529)], "overloaded"),
    "401": ([error(401)], "auth"),
    "403": ([error(403)], "permission"),
    "200 html": ([response("<html>no</html>", kind="text/html")], "protocol"),
    "200 without a body": ([response(b"")], "protocol"),
    "200 with an error": ([response({"error": {"message": "no", "type": "server_error"}})], "upstream"),
    "empty answer": ([empty], "protocol"),
    "head and role, then reset": ([HEAD, ROLE, Wait(0.05), Reset()], None),
    "head and role, then an end": ([HEAD, ROLE, LAST_CHUNK], None),
    "head and role, then an error": ([HEAD, ROLE, http_chunk(event({"error": {"message": "no", "code": 500}})), LAST_CHUNK], None),
    "keep-alives only": ([drip], "timeout"),
}  # fmt: skip


@pytest.fixture
def pair(start_host, upstream, second_upstream):
    """Two routes of one name; `second` is asked when the first fails."""

    def start(**more):
        config = {"models": [entry("mock", upstream.url), entry("mock", second_upstream.url)], **more}
        config.setdefault("timeouts", TIMEOUTS)
        config.setdefault("logging", {"level": "debug"})
        return start_host(config)

    return start


def whole(dialect, case, stream: bool, answer):
    """The answer is the second upstream's, once, as if it had been asked alone."""
    assert answer.status == 200 and answer.complete, answer.body
    if not stream:
        dialect.check_unary(answer.json)
        assert dialects.settled(answer.json) == dialect.unary(case, "mock")
        return
    found = dialects.events(answer.body)
    for name, data in found:
        dialect.check_event(name, data)
    assert [(name, dialects.settled(data)) for name, data in found] == dialect.stream(case, "mock")


def ask(host, dialect, case, stream: bool) -> wire.Response:
    return wire.exchange(host.port, "POST", dialect.path, dialect.request(case, stream, "mock"))


@pytest.fixture(scope="module")
def shared_pair(tmp_path_factory):
    """One host for the whole matrix: nothing is left out, so that each test meets both upstreams."""
    from mock_upstream import MockUpstream

    first, second = MockUpstream(), MockUpstream()
    config = {
        "models": [entry("mock", first.url), entry("mock", second.url)],
        "timeouts": TIMEOUTS, "routing": {"retries": 0, "cooldown": 0}, "logging": {"level": "debug"},
    }  # fmt: skip
    host = hostprocess.Host(tmp_path_factory.mktemp("pair"), config).wait_ready()
    yield host, first, second
    host.stop()
    first.stop()
    second.stop()


@every_dialect
@both_ways
@pytest.mark.parametrize("case", [TEXT, TOOLS], ids=lambda case: case.name)
@pytest.mark.parametrize("failure", FAILURES)
def test_the_next_route_answers(shared_pair, dialect, stream, case, failure):
    host, first, second = shared_pair
    first.reset()
    second.reset()
    steps, category = FAILURES[failure]
    if not stream and category is None:
        steps = [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"choices\":", Reset()]
    if len(steps) == 1 and callable(steps[0]):
        first.always(steps[0])
    else:
        first.always(*steps)
    second.always(*dialects.upstream_steps(case, stream))
    before = len(host.output)
    answer = ask(host, dialect, case, stream)
    whole(dialect, case, stream, answer)
    assert len(first.requests) == len(second.requests) == 1
    # Tool loops and all: both were asked the same.
    assert json.loads(first.requests[0].body) == json.loads(second.requests[0].body)
    row = host.output[before:]
    assert "attempts=openai/upstream-model: " in row
    if category and (stream or failure != "keep-alives only"):
        assert f"openai/upstream-model: {category} after" in row


@every_dialect
@both_ways
def test_a_bad_request_stays_where_it_was_refused(pair, upstream, second_upstream, dialect, stream):
    host = pair(timeouts={})  # With short ones a busy machine is a reason to ask the second.
    for status in (400, 404, 413, 422):
        upstream.always(error(status, "your fault"))
        answer = ask(host, dialect, TEXT, stream)
        assert 400 <= answer.status < 500 and "your fault" in answer.body.decode()
    assert len(upstream.requests) == 4 and not second_upstream.requests


@every_dialect
@pytest.mark.parametrize("ending", [[Reset()], [LAST_CHUNK], [http_chunk(event({"error": {"message": "boom"}})), LAST_CHUNK]])
def test_after_the_first_word_there_is_no_other_route(pair, upstream, second_upstream, dialect, ending):
    host = pair()
    begun = [http_chunk(event(one)) for one in dialects.upstream_chunks(TEXT)[:2]]
    upstream.always(HEAD, *begun, Wait(0.2), *ending)
    second_upstream.always(*dialects.upstream_steps(TEXT, True))
    answer = ask(host, dialect, TEXT, True)
    assert answer.status == 200 and not second_upstream.requests
    text = answer.body.decode()
    assert text.count("Hel") == 1 and "error" in text and "lo 🌍" not in text


@every_dialect
def test_nothing_leaves_before_the_first_word(pair, upstream, second_upstream, dialect):
    """Not even the status: it may still become another one."""
    host = pair(timeouts={})
    gate = threading.Event()
    upstream.always(HEAD, ROLE, Until(gate), *replies.stream(dialects.upstream_chunks(TEXT)[1:])[1:])
    with wire.Connection(host.port) as connection:
        connection.request("POST", dialect.path, json.dumps(dialect.request(TEXT, True, "mock")).encode())
        upstream.wait_request()
        connection.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.socket.recv(1)
        connection.socket.settimeout(10)
        gate.set()
        answer = connection.read_response()
    whole(dialect, TEXT, True, answer)


@both_ways
def test_all_fail_and_the_last_error_is_told(pair, upstream, second_upstream, stream):
    host = pair()
    upstream.always(error(500, "first"))
    second_upstream.always(error(503, "second", retry_after="7"))
    answer = wire.chat(host.port, {**GOOD, "model": "mock", "stream": stream})
    assert answer.status == 503 and "second" in answer.body.decode() and answer.header("retry-after") == "7"
    assert (len(upstream.requests), len(second_upstream.requests)) == (1, 1)


def test_nobody_listens_at_the_first(start_host, second_upstream):
    second_upstream.always(replies.auto)
    nobody = f"http://127.0.0.1:{hostprocess.free_port()}/v1"
    host = start_host({"models": [entry("m", nobody), entry("m", second_upstream.url)]})
    wire.chat(host.port, GOOD)
    took = []
    for _ in range(20):
        started = time.monotonic()
        assert wire.chat(host.port, GOOD).status == 200
        took.append(time.monotonic() - started)
    assert min(took) < 0.05


# -- Keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 402, 429])
def test_a_refused_key_gives_way_to_the_next_and_rests(start_host, upstream, status):
    def by_key(request):
        bad = request.header("authorization") == "Bearer sk-bad"
        return [error(status, "not with this key")] if bad else replies.auto(request)

    upstream.always(by_key)
    one = {**entry("m", upstream.url), "keys": ["sk-bad", "sk-good"]}
    host = start_host({"models": [one], "routing": {"retries": 0, "cooldown": 1, "max_cooldown": 2}})
    for _ in range(6):
        assert wire.chat(host.port, GOOD).status == 200
    assert [r.header("authorization") for r in upstream.requests].count("Bearer sk-bad") == 1
    time.sleep(1.1)
    for _ in range(4):
        assert wire.chat(host.port, GOOD).status == 200
    # One of the four was the probe.
    assert [r.header("authorization") for r in upstream.requests].count("Bearer sk-bad") == 2
    found = metrics(host)
    assert found['kimi_cooldowns_total{model="upstream-model",provider="openai",of="key"}'] == 2


# -- Cooldowns --------------------------------------------------------------------------------------------------------


def test_a_route_that_fails_is_left_out_and_probed(pair, upstream, second_upstream):
    host = pair(routing={"retries": 0, "cooldown_after": 3, "cooldown": 1})
    upstream.always(error(500))
    second_upstream.always(replies.auto)
    for _ in range(8):
        assert wire.chat(host.port, {**GOOD, "model": "mock"}).status == 200
    assert len(upstream.requests) == 3
    upstream.always(replies.auto)
    time.sleep(1.1)
    for _ in range(5):
        assert wire.chat(host.port, {**GOOD, "model": "mock"}).status == 200
    assert len(upstream.requests) == 8 and len(second_upstream.requests) == 8
    found = metrics(host)
    assert found['kimi_attempts_total{model="upstream-model",provider="openai",outcome="upstream"}'] == 3
    assert found['kimi_attempts_total{model="upstream-model",provider="openai",outcome="ok"}'] == 13
    assert found['kimi_cooldowns_total{model="upstream-model",provider="openai",of="route"}'] == 1


def test_if_all_are_cold_one_is_tried_all_the_same(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)], "routing": {"retries": 0, "cooldown": 60}})
    upstream.always(error(429, retry_after="3600"))
    for _ in range(5):
        assert wire.chat(host.port, GOOD).status == 429
    upstream.always(replies.auto)
    assert wire.chat(host.port, GOOD).status == 200
    assert len(upstream.requests) == 6


# -- Retries ----------------------------------------------------------------------------------------------------------


@every_dialect
@both_ways
def test_the_same_route_is_tried_again(start_host, upstream, dialect, stream):
    host = start_host({"models": [entry("mock", upstream.url)], "routing": {"retries": 2, "backoff": 0.1}})
    upstream.reply(error(500))
    upstream.reply(HEAD, ROLE, LAST_CHUNK) if stream else upstream.reply(response(b"half"))
    upstream.reply(*dialects.upstream_steps(TEXT, stream))
    started = time.monotonic()
    whole(dialect, TEXT, stream, ask(host, dialect, TEXT, stream))
    assert 0.15 <= time.monotonic() - started < 2
    assert len(upstream.requests) == 3 and metrics(host)["kimi_retries_total"] == 2


def test_retry_after_is_obeyed(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)], "routing": {"retries": 1, "backoff": 0}})
    upstream.reply(error(429, retry_after="1"))
    upstream.always(replies.auto)
    assert wire.chat(host.port, GOOD).status == 200
    first, second = upstream.requests
    assert 1.0 <= second.arrived - first.arrived < 1.6


@pytest.mark.parametrize("bounds", [{"routing": {"retries": 1, "max_retry_after": 5}}, {"timeouts": {"total": 5}, "routing": {"retries": 1}}])
def test_a_retry_after_that_is_too_long_goes_to_the_client(start_host, upstream, bounds):
    host = start_host({"models": [entry("m", upstream.url)], **bounds})
    upstream.always(error(429, retry_after="6"))
    started = time.monotonic()
    answer = wire.chat(host.port, GOOD)
    assert answer.status == 429 and answer.header("retry-after") == "6" and time.monotonic() - started < 1
    assert len(upstream.requests) == 1


def test_retries_are_a_share_of_the_traffic(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)], "routing": {"retries": 1, "backoff": 0, "retry_budget": 0.1}})
    upstream.always(error(500))
    for _ in range(60):
        assert wire.chat(host.port, GOOD).status == 500
    # Ten that are always there, and a tenth of the rest.
    assert 60 + 10 <= len(upstream.requests) <= 60 + 10 + 6


def test_a_client_that_goes_ends_the_pause(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)], "routing": {"retries": 1, "backoff": 1}})
    upstream.always(error(500))
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(GOOD).encode())
        upstream.wait_request()
    time.sleep(1.5)
    assert len(upstream.requests) == 1 and metrics(host)["kimi_exchanges_active"] == 0


# -- Deadlines --------------------------------------------------------------------------------------------------------


@every_dialect
def test_keep_alives_do_not_put_the_next_token_off(pair, upstream, dialect):
    host = pair()
    begun = [http_chunk(event(one)) for one in dialects.upstream_chunks(TEXT)[:2]]
    alive = [step for _ in range(40) for step in (Wait(0.1), http_chunk(b": processing\n\n"))]
    upstream.always(HEAD, *begun, *alive, Hang())
    started = time.monotonic()
    answer = ask(host, dialect, TEXT, True)
    assert 0.5 < time.monotonic() - started < 2
    assert "timeouts.between_tokens" in answer.body.decode() and answer.status == 200


def test_the_total_is_for_all_attempts_together(pair, upstream, second_upstream):
    host = pair(timeouts={"head": 0.6, "total": 1}, routing={"retries": 5, "backoff": 0})
    upstream.always(Hang())
    second_upstream.always(Hang())
    started = time.monotonic()
    answer = wire.chat(host.port, {**GOOD, "model": "mock"})
    assert answer.status == 504 and time.monotonic() - started < 1.6
    assert (len(upstream.requests), len(second_upstream.requests)) == (1, 1)


# -- Native answers ---------------------------------------------------------------------------------------------------

NATIVE = {
    "messages": (
        "/v1/messages", {"max_tokens": 9},
        [b'event: message_start\ndata: {"type":"message_start","n":1}\n\n', b'event: ping\ndata: {"type":"ping"}\n\n'],
        [b'event: message_start\ndata: {"type":"message_start","n":2}\n\n', b'event: content_block_delta\ndata: {"n":2}\n\n'],
    ),
    "responses": (
        "/v1/responses", {"input": "hi"},
        [b'event: response.created\ndata: {"sequence_number":0}\n\n', b'event: response.in_progress\ndata: {"sequence_number":1}\n\n'],
        [b'event: response.created\ndata: {"n":2}\n\n', b'event: response.output_text.delta\ndata: {"n":2}\n\n'],
    ),
    "chat": (
        "/v1/chat/completions", {},
        [b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n'],
        [b'data: {"choices":[{"delta":{"role":"assistant"}}],"n":2}\n\n', b'data: {"choices":[{"delta":{"content":"2"}}]}\n\n'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", NATIVE)
@pytest.mark.parametrize("ending", [[Reset()], [Finish()], [Hang()], [LAST_CHUNK]], ids=["reset", "finish", "hang", "end"])
def test_the_beginning_of_a_native_answer_is_held(
    start_host, runtime_plugins, upstream, second_upstream, dialect, ending
):
    """What the first upstream began leaves no trace, though the provider knows nothing of what passes."""
    path, members, opening, answer = NATIVE[dialect]
    one = {"name": "m", "provider": "native", "model": "up"}
    models = [{**one, "provider_config": {"url": each.url}} for each in (upstream, second_upstream)]
    host = start_host({"models": models, "timeouts": {"first_token": 0.6}}, plugins=runtime_plugins)
    upstream.always(HEAD, *map(http_chunk, opening), Wait(0.1), *ending)
    second_upstream.always(HEAD, *map(http_chunk, answer), http_chunk(replies.DONE), LAST_CHUNK)
    found = wire.exchange(host.port, "POST", path, {**GOOD, **members, "stream": True})
    assert found.status == 200 and found.body == b"".join([*answer, replies.DONE])
    assert (len(upstream.requests), len(second_upstream.requests)) == (1, 1)


# -- Sticky and fast --------------------------------------------------------------------------------------------------


@every_dialect
def test_sticky_conversations_stay_where_they_are(start_host, upstream, second_upstream, dialect):
    """Also after a restart."""
    for one in (upstream, second_upstream):
        one.always(*dialects.upstream_steps(TEXT, False))
    models = [entry("mock", upstream.url), entry("mock", second_upstream.url)]
    homes = []
    for _ in range(2):
        host = start_host({"models": models, "default_strategy": "sticky"})
        for number in range(16):
            before = len(upstream.requests)
            asked = dialect.request(TEXT, False, "mock")
            for turn in range(3):
                more = {"x-session-id": f"s{number}", "authorization": f"Bearer {turn}"}
                assert wire.exchange(host.port, "POST", dialect.path, asked, more).status == 200
            homes.append(len(upstream.requests) - before)
        host.stop()
    assert homes[:16] == homes[16:] and set(homes) == {0, 3}


def test_the_fastest_gets_the_requests(start_host, upstream, second_upstream):
    upstream.always(Wait(0.1), replies.response(replies.completion()))
    second_upstream.always(replies.response(replies.completion()))
    models = [entry("m", upstream.url), entry("m", second_upstream.url)]
    host = start_host({"models": models, "default_strategy": "least_latency"})
    for _ in range(40):
        assert wire.chat(host.port, GOOD).status == 200
    assert len(upstream.requests) <= 8 and len(second_upstream.requests) >= 32
