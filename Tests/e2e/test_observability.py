"""Metrics, traces and the process log where it gets hard: hostile clients, upstreams, collectors and readers."""

import fcntl
import json
import os
import re
import threading
import time

import pytest

import enforcing
import hostprocess
import prometheus
import replies
import wire
from conftest import entry
from mock_upstream import Hang, Reset, Until, Wait
from replies import HEAD, LAST_CHUNK, chunk, event, http_chunk, response
from test_metrics import ASK, ATTEMPT, REQUEST, STREAM, USAGE, error, settled, slow_stream
from test_resume import claude
from test_tracing import TAKEN, TRACEPARENT, collector, server_and_attempts, traced, wait_spans  # noqa: F401 (fixtures)

# -- The process log --------------------------------------------------------------------------------------------------


def full_pipe() -> tuple[int, int]:
    """A pipe that takes nothing more: the ends for reading and writing."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    try:
        while True:
            os.write(writes, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writes, True)
    return reads, writes


def drained(descriptor: int, until: str) -> str:
    """What can be read, until that has come."""
    text, end = "", time.monotonic() + 15
    os.set_blocking(descriptor, False)
    while until not in text:
        assert time.monotonic() < end, text[-2000:]
        try:
            text += os.read(descriptor, 1 << 20).decode()
        except BlockingIOError:
            time.sleep(0.02)
    return text


@pytest.mark.parametrize("format", ["text", "json"])
def test_nobody_reads_the_log(start_host, upstream, format):
    """A reader that hangs holds nothing up; what was lost is told when it reads again."""
    upstream.always(replies.auto)
    reads, writes = full_pipe()
    config = {"models": [entry("m", upstream.url)], "logging": {"level": "debug", "format": format}}
    host = start_host(config, stderr=writes)
    os.close(writes)
    began = time.monotonic()
    for _ in range(50):
        assert wire.chat(host.port, ASK).status == 200
    assert time.monotonic() - began < 8
    lost = prometheus.page(host).value("kimi_process_log_dropped_total")
    assert lost >= 50
    drained(reads, "x" * 1000)
    assert wire.chat(host.port, ASK, {"x-request-id": "after"}).status == 200
    text = drained(reads, "after").lstrip("x")
    told, done = text.splitlines()[-2:]
    assert f"{int(lost)} lines of this log were dropped" in told and "exchange done" in done
    if format == "json":
        assert json.loads(told)["event"] == "log_dropped" and json.loads(done)["request"] == "after"
    os.close(reads)


def test_a_log_whose_reader_is_gone(start_host, upstream):
    upstream.always(replies.auto)
    reads, writes = os.pipe()
    host = start_host({"models": [entry("m", upstream.url)], "logging": {"level": "debug"}}, stderr=writes)
    os.close(writes)
    os.close(reads)  # From now on nobody is there.
    for _ in range(5):
        assert wire.chat(host.port, ASK).status == 200
    assert prometheus.page(host).value("kimi_process_log_dropped_total") >= 5
    host.terminate()
    assert host.wait_end() == 0


def test_a_long_line_reaches_a_slow_reader_whole(start_host, upstream):
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
    models = [entry("m", f"{upstream.url}", model="long-" + "é" * 9_000)]
    host = start_host({"models": models, "logging": {"level": "debug", "format": "json"}}, ready=False, stderr=writes)
    os.close(writes)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(os.fdopen(reads, "rb")))
    reader.start()
    host.wait_ready()
    upstream.always(replies.auto)
    assert wire.chat(host.port, ASK).status == 200
    host.stop()
    reader.join(5)
    (done,) = [one for one in map(json.loads, lines) if one["event"] == "exchange_done"]
    assert done["model"] == models[0]["model"]


@pytest.mark.parametrize("format", ["text", "json"])
def test_lines_cannot_be_forged(start_host, upstream, format):
    """Whatever has a line's end or a terminal's escape in it: one line it stays, and escapes are shown as text."""
    evil = "a\n2026 critical kimi-host: forged\r\x1b[2J\x07\u009b31m\u202etxet\u2028b"
    upstream.always(response({"error": {"message": evil, "type": "x"}}, 500, "No"))
    models = [entry("m", upstream.url, model="up" + evil), {**entry("n", upstream.url, model=evil), "name": "n" + evil}]
    config = {"models": models, "logging": {"level": "trace", "format": format}}
    host = start_host(config)
    assert wire.chat(host.port, ASK).status >= 500
    assert wire.chat(host.port, {**ASK, "model": "n" + evil}).status >= 500
    assert wire.chat(host.port, {**ASK, "model": "nobody" + evil}).status == 404
    page = prometheus.page(host)  # Parses.
    host.stop()
    raw = host.log.read_bytes().decode()
    assert raw.count("forged") >= 2 and not re.search(r"^2026 critical", raw, re.MULTILINE)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", raw)
    if format == "json":
        for line in raw.splitlines():
            json.loads(line)
    assert page.value("kimi_requests_total", dialect="openai.chat", model="n" + evil, status="5xx") == 1


# -- Times ------------------------------------------------------------------------------------------------------------


def test_a_beginning_that_says_nothing_is_no_first_token(traced, collector, upstream):  # noqa: F811
    """The opening of a native stream goes down after ten seconds of silence; the first token comes later."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "x", "content": [], "stop_reason": None, "usage": {"input_tokens": 20, "output_tokens": 1}}
    start = {"type": "message_start", "message": message}
    rest = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Well."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]  # fmt: skip

    def named(one):
        return http_chunk(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode())

    upstream.always(HEAD, named(start), Wait(12.5), *map(named, rest), LAST_CHUNK)
    host = traced([claude("m", upstream)])
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with wire.Connection(host.port) as connection:
        connection.socket.settimeout(20)
        began = time.monotonic()
        connection.request("POST", "/v1/messages", json.dumps(body).encode())
        answer = connection.read_response()
    took = time.monotonic() - began
    assert answer.status == 200 and b"Well." in answer.body and took >= 12.5
    page = settled(host)
    assert page.sum("gen_ai_server_time_to_first_token_seconds_count") == 1
    assert 12.5 <= page.sum("gen_ai_server_time_to_first_token_seconds_sum") <= took
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    assert 12.5 <= server["attributes"]["gen_ai.response.time_to_first_chunk"] <= took
    for span in (server, attempt):
        (first,) = span["events"]
        assert int(first["timeUnixNano"]) - int(server["startTimeUnixNano"]) >= 12.5e9


def test_an_answer_without_content_has_no_first_token(start_host, upstream):
    upstream.always(*replies.stream([chunk({"role": "assistant", "content": ""}), chunk({}, "stop"), replies.usage_chunk()]))
    host = start_host({"models": [entry("m", upstream.url)]})
    assert wire.chat(host.port, STREAM).frames[-1] == "[DONE]"
    page = settled(host)
    assert page.value("gen_ai_server_request_duration_seconds_count", **REQUEST) == 1
    assert page.sum("gen_ai_server_time_to_first_token_seconds_count") == 0


QUESTIONS = {
    "/v1/chat/completions": ASK,
    "/v1/messages": {**ASK, "max_tokens": 99},
    "/v1/responses": {"model": "m", "input": "hi"},
}


@pytest.mark.parametrize("path", QUESTIONS)
def test_times_and_usage_of_each_dialect(traced, collector, upstream, path):  # noqa: F811
    upstream.always(lambda request: [Wait(0.3), *slow_stream(0.2, 0.2)] if json.loads(request.body).get("stream") else [Wait(0.3), response({**replies.completion(), "usage": USAGE})])
    host = traced()
    for stream in (True, False):
        assert wire.exchange(host.port, "POST", path, {**QUESTIONS[path], "stream": stream}).status == 200
    page = settled(host)
    first, gaps = "gen_ai_server_time_to_first_token_seconds", "gen_ai_client_operation_time_per_output_chunk_seconds"
    assert page.value(f"{first}_count", **REQUEST) == 1 and 0.3 <= page.value(f"{first}_sum", **REQUEST) < 5
    assert page.value(f"{gaps}_count", **ATTEMPT) >= 2 and 0.35 <= page.value(f"{gaps}_sum", **ATTEMPT) < 2
    tokens = {kind: page.value("kimi_tokens_total", model="upstream-model", provider="openai", type=kind) for kind in ("fresh", "cache_read", "output", "reasoning")}
    assert tokens == {"fresh": 80, "cache_read": 120, "output": 42, "reasoning": 16}
    spans = wait_spans(collector, 4)
    streamed, whole = (next(span for span in spans if span["kind"] == 2 and span["attributes"]["gen_ai.request.stream"] is stream) for stream in (True, False))
    for span in (streamed, whole):
        counts = {key.removeprefix("gen_ai.usage."): value for key, value in span["attributes"].items() if key.startswith("gen_ai.usage.")}
        assert counts == {"input_tokens": 100, "output_tokens": 21, "cache_read.input_tokens": 60, "reasoning.output_tokens": 8}
    lasted = (int(streamed["endTimeUnixNano"]) - int(streamed["startTimeUnixNano"])) / 1e9
    assert 0.3 <= streamed["attributes"]["gen_ai.response.time_to_first_chunk"] <= lasted - 0.35
    assert "gen_ai.response.time_to_first_chunk" not in whole["attributes"] and "events" not in whole


@pytest.mark.parametrize("path", QUESTIONS)
def test_a_client_that_goes_in_the_middle(traced, collector, upstream, path):  # noqa: F811
    upstream.always(*slow_stream()[:2], Hang())
    host = traced()
    with wire.Connection(host.port) as connection:
        connection.request("POST", path, json.dumps({**QUESTIONS[path], "stream": True}).encode())
        while b"word" not in connection.buffer:
            assert connection.fill()
    page = settled(host)
    assert counted(page) == (1, 1) and page.sum("kimi_errors_total") == 0
    assert page.value("gen_ai_server_request_duration_seconds_count", **REQUEST, error_type="cancelled") == 1
    assert page.sum("gen_ai_server_time_to_first_token_seconds_count") == 0
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    assert server["attributes"]["error.type"] == attempt["attributes"]["error.type"] == "cancelled"
    assert server["attributes"]["http.response.status_code"] == 200 and server["status"] == {} == attempt["status"]
    assert [len(span["events"]) for span in (server, attempt)] == [1, 1]


# -- Attempts ---------------------------------------------------------------------------------------------------------


def counted(page) -> tuple[float, float]:
    """Attempts, as both families that count them say."""
    durations = page.sum("gen_ai_client_operation_duration_seconds_count")
    return page.sum("kimi_attempts_total"), durations


def test_a_request_that_waits_for_its_turn_is_no_attempt(traced, collector, upstream):  # noqa: F811
    gate = threading.Event()
    upstream.always(Until(gate), *replies.stream(replies.text_chunks("done")))
    host = traced([entry("m", upstream.url, max_concurrent=1)])
    first, second = wire.Connection(host.port), wire.Connection(host.port)
    first.request("POST", "/v1/chat/completions", json.dumps(STREAM).encode())
    upstream.wait_request()
    second.request("POST", "/v1/chat/completions", json.dumps(STREAM).encode())
    end = time.monotonic() + 5
    while prometheus.page(host).value("kimi_route_queued") < 1:
        assert time.monotonic() < end
    second.close()
    while prometheus.page(host).value("kimi_exchanges_total", model="upstream-model", provider="openai", outcome="cancelled") < 1:
        assert time.monotonic() < end
    gate.set()
    assert first.read_response().status == 200
    page = settled(host)
    assert counted(page) == (1, 1)
    assert len(wait_spans(collector, 3)) == 3 and len(upstream.requests) == 1


def test_a_pause_between_attempts_is_no_attempt(start_host, upstream):
    upstream.always(error(500))
    routing = {"retries": 1, "retry_budget": 1, "backoff": 3, "cooldown": 0}
    host = start_host({"models": [entry("m", upstream.url)], "routing": routing})
    connection = wire.Connection(host.port)
    connection.request("POST", "/v1/chat/completions", json.dumps(ASK).encode())
    upstream.wait_request()
    time.sleep(0.3)
    connection.close()
    page = settled(host)
    assert counted(page) == (1, 1) and page.value("kimi_attempts_total", model="upstream-model", provider="openai", outcome="upstream") == 1


def test_what_the_host_answers_itself_is_no_attempt(traced, collector, upstream):  # noqa: F811
    host = traced()
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert wire.exchange(host.port, "POST", "/v1/messages/count_tokens", body).status == 200
    page = settled(host)
    assert upstream.requests == [] and counted(page) == (0, 0)
    assert page.value("kimi_exchanges_total", model="upstream-model", provider="openai", outcome="ok") == 1
    server, attempts = server_and_attempts(wait_spans(collector, 1))
    assert attempts == [] and server["attributes"]["kimi.attempts"] == 0
    assert server["attributes"]["gen_ai.operation.name"] == "count_tokens"


def test_an_attempt_with_a_stale_token_has_failed(start_host, runtime_plugins, collector, upstream):  # noqa: F811
    grants = iter(range(100))

    def answers(request):
        if request.target.endswith("/token"):
            return [response({"access_token": f"tok-{next(grants)}", "expires_in": 3600})]
        return [response({"ok": True}) if request.header("authorization") == "Bearer tok-1" else response({}, 401, "No")]

    upstream.always(answers)
    model = {"name": "m", "provider": "tokens", "model": "m", "provider_config": {"url": upstream.url}}
    tracing = {"endpoint": f"http://127.0.0.1:{collector.port}/"}
    host = start_host({"models": [model], "tracing": tracing}, plugins=runtime_plugins)
    assert wire.chat(host.port, ASK).status == 200
    page = settled(host)
    assert page.value("kimi_attempts_total", model="m", provider="tokens", outcome="auth") == 1
    assert page.value("kimi_attempts_total", model="m", provider="tokens", outcome="ok") == 1
    assert counted(page) == (2, 2) and page.value("kimi_retries_total") == 1
    server, (stale, well) = server_and_attempts(wait_spans(collector, 3))
    assert stale["attributes"]["error.type"] == "auth" and stale["status"] == {"code": 2}
    assert stale["attributes"]["http.response.status_code"] == 401
    assert well["status"] == {} == server["status"] and well["attributes"]["kimi.attempt"] == 2


def test_a_resumed_reply_is_one_request_of_two_attempts(traced, collector, upstream, second_upstream):  # noqa: F811
    text = "This sentence is longer than thirty-two bytes, and it breaks off here:"
    upstream.always(*slow_stream()[:1], http_chunk(event(chunk({"role": "assistant", "content": text}))), Wait(0.3), Reset())
    second_upstream.always(Wait(0.3), *replies.stream([*replies.text_chunks(" and", " on it goes."), replies.usage_chunk()]))
    models = [entry("m", upstream.url, resume="prefix"), entry("m", second_upstream.url, resume="prefix", model="second")]
    host = traced(models)
    assert wire.chat(host.port, STREAM).frames[-1] == "[DONE]"
    page = settled(host)
    assert counted(page) == (2, 2) and page.sum("kimi_resumed_total") == 1 and page.sum("kimi_errors_total") == 0
    # The client's first token came of the first attempt; each attempt has a first chunk of its own.
    whole = page.sum("gen_ai_server_request_duration_seconds_sum")
    assert page.sum("gen_ai_server_time_to_first_token_seconds_sum") <= whole - 0.55
    assert page.sum("gen_ai_client_operation_time_to_first_chunk_seconds_count") == 2
    server, (broken, rest) = server_and_attempts(wait_spans(collector, 3))
    assert broken["status"] == {"code": 2} and broken["attributes"]["error.type"] == "network"
    assert rest["status"] == {} == server["status"] and server["attributes"]["kimi.attempts"] == 2
    assert [len(span.get("events", [])) for span in (server, broken, rest)] == [1, 1, 0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_usage_of_a_reply_of_several_attempts(traced, collector, upstream, path, stream):  # noqa: F811
    """A rejected attempt of a route that ensures tool calls has cost tokens too."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 4},
             "completion_tokens_details": {"reasoning_tokens": 2}}  # fmt: skip
    upstream.reply(enforcing.say("No tool here.", usage=usage))
    upstream.always(enforcing.say("", enforcing.WEATHER, usage=usage))
    host = traced([entry("m", upstream.url, ensure_tool_call=True)])
    tool = {"name": "weather", "description": "x"}
    body = {
        "/v1/chat/completions": {**ASK, "tools": [{"type": "function", "function": {**tool, "parameters": enforcing.SCHEMA}}]},
        "/v1/messages": {**ASK, "max_tokens": 99, "tools": [{**tool, "input_schema": enforcing.SCHEMA}]},
        "/v1/responses": {"model": "m", "input": "hi", "tools": [{"type": "function", **tool, "parameters": enforcing.SCHEMA}]},
    }[path]
    assert wire.exchange(host.port, "POST", path, {**body, "stream": stream}).status == 200
    page = settled(host)
    assert len(upstream.requests) == 2 and counted(page) == (2, 2)
    route = {"model": "upstream-model", "provider": "openai"}
    tokens = {kind: page.value("kimi_tokens_total", **route, type=kind) for kind in ("fresh", "cache_read", "output", "reasoning")}
    assert tokens == {"fresh": 12, "cache_read": 8, "output": 10, "reasoning": 4}
    server, attempts = server_and_attempts(wait_spans(collector, 3))
    own = server["attributes"]
    assert own["gen_ai.usage.input_tokens"] == 20 and own["gen_ai.usage.output_tokens"] == 10
    assert own["gen_ai.usage.cache_read.input_tokens"] == 8 and own["gen_ai.usage.reasoning.output_tokens"] == 4
    assert [span["status"] for span in attempts] == [{}, {}] and own["gen_ai.request.stream"] is stream


# -- Spans ------------------------------------------------------------------------------------------------------------


def test_a_key_as_the_request_id_is_not_in_spans(traced, collector, upstream):  # noqa: F811
    upstream.always(replies.auto)
    key = "my-PLANTED-client-key"
    host = traced(auth={"keys": [{"name": "a", "key": "$KEY"}]}, environment={"KEY": key})
    for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}):
        assert wire.chat(host.port, ASK, {**headers, "x-request-id": f"id-{key}"}).status == 200
    assert wire.chat(host.port, ASK, {"x-request-id": "sk-PLANTED0123456789abcdef"}).status == 401
    spans = wait_spans(collector, 5)
    assert "PLANTED" not in b"".join(one.body for one in collector.requests).decode()
    assert {span["attributes"].get("kimi.request.id") for span in spans} == {None, "id-***", "***"}


def test_the_method_is_the_clients(traced, collector):  # noqa: F811
    host = traced()
    for method in ("GET", "BREW"):
        assert wire.exchange(host.port, method, "/v1/chat/completions").status in (400, 405)
    methods = [span["attributes"]["http.request.method"] for span in wait_spans(collector, 1)]
    assert methods[0] == "GET" and set(methods) <= {"GET", "_OTHER"}


def test_a_senseless_cost_is_not_in_spans(traced, collector, upstream):  # noqa: F811
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    body = json.dumps({**replies.completion(), "usage": {**usage, "cost": 0.5}})
    for cost in ("1e300", "-3", "0.5"):
        text = body.replace("0.5", cost).encode()
        upstream.reply(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))
    host = traced([{**entry("m", upstream.url), "provider": "openrouter"}])
    for _ in range(3):
        assert wire.chat(host.port, ASK).status == 200
    costs = [span["attributes"].get("kimi.cost") for span in wait_spans(collector, 6) if span["kind"] == 2]
    assert costs == [1e9, None, 0.5]


def test_the_random_flag_is_carried_on(traced, collector, upstream, start_host):  # noqa: F811
    upstream.always(replies.auto)
    host = traced()
    assert wire.chat(host.port, ASK, {"traceparent": TRACEPARENT[:-1] + "3"}).status == 200
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    assert server["flags"] == 0x303 and attempt["flags"] == 0x103
    assert upstream.requests[0].header("traceparent").endswith("-03")
    host = start_host({"models": [entry("m", upstream.url)]})
    assert wire.chat(host.port, ASK, {"traceparent": TRACEPARENT[:-1] + "2"}).status == 200
    assert upstream.requests[1].header("traceparent") == TRACEPARENT[:-1] + "2"


# -- Collectors -------------------------------------------------------------------------------------------------------


def wait_counter(host, name: str, count: int, within: float = 15, **labels) -> prometheus.Page:
    end = time.monotonic() + within
    while (page := prometheus.page(host)).value(name, **labels) < count:
        assert time.monotonic() < end, page.text[-3000:]
        time.sleep(0.05)
    return page


@pytest.mark.parametrize(
    "steps",
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", Hang()),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", *[step for _ in range(60) for step in (b" ", Wait(0.05))], Hang()),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n", *[b" " * (1 << 20)] * 300, Hang()),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", Reset()),
    ],
    ids=["hangs", "drips", "never ends", "breaks off"],
)
def test_spans_that_were_taken_are_not_sent_again(traced, collector, upstream, steps):  # noqa: F811
    upstream.always(replies.auto)
    collector.always(*steps)
    host = traced(tracing={"timeout": 1})
    before = host.resident_mb()
    assert wire.chat(host.port, ASK).status == 200
    page = wait_counter(host, "kimi_otlp_spans_exported_total", 2)
    time.sleep(1.5)
    assert len(collector.requests) == 1 and page.sum("kimi_otlp_spans_dropped_total") == 0
    assert collector.requests[0].written < 64 << 20 and host.resident_mb() - before < 32
    # It goes on.
    collector.always(TAKEN)
    assert wire.chat(host.port, ASK).status == 200
    wait_counter(host, "kimi_otlp_spans_exported_total", 4)


def test_a_collector_that_redirects(traced, collector, second_upstream, upstream):  # noqa: F811
    upstream.always(replies.auto)
    second_upstream.always(TAKEN)
    collector.always(response({}, 302, "Found", {"location": f"http://127.0.0.1:{second_upstream.port}/v1/traces"}))
    host = traced(tracing={"headers": {"authorization": "Bearer collectors-key"}})
    assert wire.chat(host.port, ASK).status == 200
    wait_counter(host, "kimi_otlp_spans_dropped_total", 2, reason="refused")
    assert "it answers 302" in host.output and second_upstream.requests == []


def test_a_wrong_path_is_told_with_its_cure(traced, collector, upstream):  # noqa: F811
    upstream.always(replies.auto)
    collector.always(response({}, 404, "No"))
    secret = f"http://user:PLANTED@127.0.0.1:{collector.port}/?token=PLANTED"
    host = traced(tracing={"endpoint": secret})
    assert wire.chat(host.port, ASK).status == 200
    wait_counter(host, "kimi_otlp_spans_dropped_total", 2, reason="refused")
    assert f"spans are not exported to http://127.0.0.1:{collector.port}/: it answers 404; collectors take traces at /v1/traces" in host.output
    assert "PLANTED" not in host.output


def test_an_end_with_a_collector_that_hangs_drops_and_counts(traced, collector, upstream):  # noqa: F811
    """Three seconds, whatever the collector does; the host ends well."""
    upstream.always(replies.auto)
    collector.always(Hang())
    host = traced(tracing={"timeout": 600})
    for _ in range(600):
        assert wire.chat(host.port, ASK).status == 200
    began = time.monotonic()
    host.terminate()
    assert host.wait_end(10) == 0 and 2 < time.monotonic() - began < 7


def test_what_is_not_used_is_told(tmp_path):
    config = {"models": [entry("m", "http://127.0.0.1:1/v1")], "tracing": {"endpoint": "http://127.0.0.1:4317/v1/traces"}}
    (tmp_path / "c.yaml").write_text(json.dumps(config))
    environment = {
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/x.pem", "OTEL_PROPAGATORS": "b3",
        "OTEL_TRACES_EXPORTER": "jaeger", "OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/y.pem",
    }  # fmt: skip
    done = hostprocess.run("check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **environment)
    assert done.returncode == 0, done.stdout
    for name in environment:
        assert done.stderr.count(f"{name}: ") == 1, done.stderr
    assert "tracing.endpoint: port 4317 is where collectors take gRPC" in done.stderr
    fine = {"OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_PROPAGATORS": "tracecontext,baggage", "OTEL_TRACES_EXPORTER": "otlp"}
    done = hostprocess.run("check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **fine)
    assert "OTEL_" not in done.stderr
