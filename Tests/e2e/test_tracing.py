"""Traces: what a collector gets, what upstreams are told, and that neither ever holds an exchange up."""

import json
import re
import threading
import time

import pytest

import hostprocess
import prometheus
import replies
import wire
from conftest import entry
from mock_upstream import Finish, Hang, MockUpstream, Until, Wait
from replies import HEAD, chunk, event, http_chunk, response

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
TAKEN = response({"partialSuccess": {}})


@pytest.fixture
def collector():
    server = MockUpstream()
    server.always(TAKEN)
    yield server
    server.stop()


@pytest.fixture
def traced(start_host, collector, upstream):
    """Starts a host that exports to the collector."""

    def start(models=None, environment=None, **more):
        settings = {"endpoint": f"http://127.0.0.1:{collector.port}/v1/traces", **more.pop("tracing", {})}
        config = {"models": models or [entry("m", upstream.url)], "tracing": settings, **more}
        return start_host(config, environment=environment)

    return start


def plain(value: dict):
    """An OTLP value as a Python one; fails on what the JSON encoding does not allow."""
    ((kind, held),) = value.items()
    if kind == "arrayValue":
        return [plain(one) for one in held["values"]]
    types = {"stringValue": str, "intValue": str, "doubleValue": (int, float), "boolValue": bool}
    assert isinstance(held, types[kind]), value
    return int(held) if kind == "intValue" else held


def attributes(holder: dict) -> dict:
    pairs = [(one["key"], plain(one["value"])) for one in holder["attributes"]]
    assert len(dict(pairs)) == len(pairs), "an attribute comes twice"
    return dict(pairs)


def spans_of(body: bytes) -> list[dict]:
    """The spans of one request, with `attributes` as a dict, after a check of the whole shape."""
    found = []
    for resource in json.loads(body)["resourceSpans"]:
        of_process = attributes(resource["resource"])
        assert of_process["service.name"]
        for scope in resource["scopeSpans"]:
            assert scope["scope"]["name"] == "kimi-host"
            for span in scope["spans"]:
                assert re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"])
                assert re.fullmatch("[0-9a-f]{16}", span.get("parentSpanId", "0" * 16))
                assert int(span["traceId"], 16) and int(span["spanId"], 16)
                assert span["kind"] in (2, 3) and span["name"] and isinstance(span["status"].get("code", 0), int)
                for key in ("startTimeUnixNano", "endTimeUnixNano"):
                    assert re.fullmatch("[0-9]+", span[key])
                assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
                assert abs(int(span["endTimeUnixNano"]) / 1e9 - time.time()) < 60
                found.append({**span, "attributes": attributes(span), "resource": of_process})
    return found


def wait_spans(collector, count: int, timeout: float = 10) -> list[dict]:
    end = time.monotonic() + timeout
    while True:
        found = [span for one in collector.requests for span in spans_of(one.body)]
        if len(found) >= count:
            return found
        assert time.monotonic() < end, f"{len(found)} of {count} spans came"
        time.sleep(0.05)


def server_and_attempts(spans: list[dict]) -> tuple[dict, list[dict]]:
    """The span of the one request among these, and those of its attempts in order."""
    (server,) = [span for span in spans if span["kind"] == 2]
    attempts = sorted((span for span in spans if span["kind"] == 3), key=lambda span: int(span["startTimeUnixNano"]))
    for span in attempts:
        assert span["traceId"] == server["traceId"] and span["parentSpanId"] == server["spanId"]
        assert int(server["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
        assert int(span["endTimeUnixNano"]) <= int(server["endTimeUnixNano"])
    assert len({span["spanId"] for span in spans}) == len(spans)
    return server, attempts


# -- What a collector gets --------------------------------------------------------------------------------------------


def test_a_request_and_its_attempt(traced, collector, upstream):
    upstream.always(replies.auto)
    host = traced(tracing={"service_name": "my-host", "headers": {"x-team": "blue"}})
    answer = wire.chat(host.port, STREAM, {"x-request-id": "req-42"})
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    sent = collector.requests[0]
    assert (sent.method, sent.target) == ("POST", "/v1/traces")
    assert sent.header("content-type") == "application/json" and sent.header("x-team") == "blue"
    assert server["resource"] == {"service.name": "my-host"}
    assert server["name"] == "chat m" and attempt["name"] == "chat upstream-model"
    assert "parentSpanId" not in server and server["status"] == {} and attempt["status"] == {}
    own = server["attributes"]
    assert own["gen_ai.operation.name"] == "chat" and own["gen_ai.provider.name"] == "openai"
    assert own["gen_ai.request.model"] == "m" and own["gen_ai.response.model"] == "upstream-model"
    assert own["gen_ai.request.stream"] is True and own["http.response.status_code"] == 200
    assert own["gen_ai.usage.input_tokens"] == 10 and own["gen_ai.usage.output_tokens"] == 5
    assert own["gen_ai.response.finish_reasons"] == ["stop"] and own["kimi.attempts"] == 1
    assert own["kimi.request.id"] == "req-42" == answer.header("x-request-id")
    assert 0 <= own["gen_ai.response.time_to_first_chunk"] < 5
    theirs = attempt["attributes"]
    assert theirs["server.address"] == "127.0.0.1" and theirs["server.port"] == upstream.port
    assert theirs["gen_ai.request.model"] == "upstream-model" and theirs["http.response.status_code"] == 200
    for span in (server, attempt):
        (first,) = span["events"]
        assert first["name"] == "first_token"
        assert int(span["startTimeUnixNano"]) <= int(first["timeUnixNano"]) <= int(span["endTimeUnixNano"])
    assert "error.type" not in own and "error.type" not in theirs
    # The upstream hangs on the attempt.
    assert upstream.requests[0].header("traceparent") == f"00-{server['traceId']}-{attempt['spanId']}-01"
    page = prometheus.page(host)
    assert page.value("kimi_otlp_spans_exported_total") == 2 and page.sum("kimi_otlp_spans_dropped_total") == 0


def test_attempts_that_fail(traced, collector, upstream, second_upstream):
    upstream.always(response({"error": {"message": "SECRET words", "type": "x"}}, 500, "No"))
    second_upstream.always(replies.auto)
    host = traced([entry("m", upstream.url, model="one"), entry("m", second_upstream.url, model="two")])
    assert wire.chat(host.port, ASK).status == 200
    server, (failed, well) = server_and_attempts(wait_spans(collector, 3))
    assert failed["attributes"]["error.type"] == "upstream" and failed["status"] == {"code": 2}
    assert failed["attributes"]["http.response.status_code"] == 500 and failed["attributes"]["kimi.attempt"] == 1
    assert well["status"] == {} and well["attributes"]["kimi.attempt"] == 2
    assert server["status"] == {} and server["attributes"]["kimi.attempts"] == 2
    told = [request.header("traceparent").split("-")[2] for request in (upstream.requests[0], second_upstream.requests[0])]
    assert told == [failed["spanId"], well["spanId"]]
    assert b"SECRET" not in b"".join(one.body for one in collector.requests)


def test_requests_that_fail(traced, collector, upstream):
    host = traced()
    upstream.always(HEAD, http_chunk(event(chunk({"role": "assistant", "content": "Half a"}))), Finish())
    assert wire.chat(host.port, STREAM).status == 200
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    assert server["status"] == attempt["status"] == {"code": 2} and server["attributes"]["error.type"]
    collector.reset()
    collector.always(TAKEN)
    assert wire.chat(host.port, {**ASK, "model": "no-such-name"}).status == 404
    server, attempts = server_and_attempts(wait_spans(collector, 1))
    assert attempts == [] and server["status"] == {} and server["name"] == "chat"
    assert server["attributes"]["error.type"] == "not_found" and server["attributes"]["http.response.status_code"] == 404
    assert "no-such-name" not in json.dumps(server)


def test_a_client_that_goes(traced, collector, upstream):
    gate = threading.Event()
    upstream.always(Until(gate), *replies.stream(replies.text_chunks("late")))
    host = traced()
    connection = wire.Connection(host.port)
    connection.request("POST", "/v1/chat/completions", json.dumps(STREAM).encode())
    upstream.wait_request()
    connection.close()
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    gate.set()
    assert server["attributes"]["error.type"] == attempt["attributes"]["error.type"] == "cancelled"
    assert server["status"] == {} == attempt["status"] and "http.response.status_code" not in server["attributes"]


def test_nothing_secret_is_in_spans(traced, collector, upstream):
    upstream.always(replies.auto)
    config = {"auth": {"keys": [{"name": "a", "key": "$KEY"}]}}
    host = traced(
        environment={"KEY": "kh-PLANTED-client-key", "COLLECTOR": "Bearer PLANTED-collector"},
        tracing={"headers": {"authorization": "$COLLECTOR"}}, **config,
    )  # fmt: skip
    body = {**ASK, "messages": [{"role": "user", "content": "PLANTED-words"}], "user": "PLANTED-user"}
    headers = {"authorization": "Bearer kh-PLANTED-client-key", "cookie": "PLANTED-cookie"}
    assert wire.chat(host.port, body, headers).status == 200
    wait_spans(collector, 2)
    assert collector.requests[0].header("authorization") == "Bearer PLANTED-collector"
    sent = b"".join(one.body for one in collector.requests)
    assert b"PLANTED" not in sent and b"sk-upstream" not in sent and b"Hello there" not in sent
    assert "PLANTED" not in host.output


# -- traceparent ------------------------------------------------------------------------------------------------------


def test_a_clients_trace_goes_on(traced, collector, upstream):
    upstream.always(replies.auto)
    host = traced()
    headers = {"traceparent": TRACEPARENT, "tracestate": "vendor=a:b,other@x=1"}
    assert wire.chat(host.port, ASK, headers).status == 200
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    assert server["traceId"] == TRACE and server["parentSpanId"] == PARENT
    assert server["traceState"] == "vendor=a:b,other@x=1" and server["flags"] & 0x301 == 0x301
    assert attempt["flags"] & 0x301 == 0x101
    assert upstream.requests[0].header("traceparent") == f"00-{TRACE}-{attempt['spanId']}-01"
    assert upstream.requests[0].header("tracestate") == "vendor=a:b,other@x=1"


@pytest.mark.parametrize(
    "header",
    [
        "nonsense", f"00-{TRACE}-{PARENT}", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-0x", f"00_{TRACE}_{PARENT}_01", "", "00-" + "é" * 40, TRACEPARENT + "0" * 600,
    ],
)  # fmt: skip
def test_a_traceparent_that_is_none_begins_a_new_trace(shared_traced, header):
    host, collector, upstream = shared_traced
    wire.exchange(host.port, "POST", "/v1/chat/completions", ASK, {"traceparent": header, "tracestate": "a=1"})
    server, (attempt,) = server_and_attempts(wait_spans(collector, 2))
    assert server["traceId"] != TRACE and "parentSpanId" not in server and "traceState" not in server
    assert upstream.requests[0].header("traceparent").split("-")[1] == server["traceId"]
    assert upstream.requests[0].header("tracestate") is None


@pytest.fixture(scope="module")
def module_traced(tmp_path_factory):
    collector, upstream = MockUpstream(), MockUpstream()
    endpoint = {"endpoint": f"http://127.0.0.1:{collector.port}/v1/traces"}
    config = {"models": [entry("m", upstream.url)], "tracing": endpoint}
    host = hostprocess.Host(tmp_path_factory.mktemp("traced"), config).wait_ready()
    yield host, collector, upstream
    host.stop()
    collector.stop()
    upstream.stop()


@pytest.fixture
def shared_traced(module_traced):
    _, collector, upstream = module_traced
    collector.reset()
    upstream.reset()
    collector.always(TAKEN)
    upstream.always(replies.auto)
    return module_traced


def test_a_later_version_of_traceparent(shared_traced):
    host, collector, _ = shared_traced
    wire.chat(host.port, ASK, {"traceparent": f"cc-{TRACE}-{PARENT}-01-what-the-future-brings"})
    server, _ = server_and_attempts(wait_spans(collector, 2))
    assert server["traceId"] == TRACE and server["parentSpanId"] == PARENT


@pytest.mark.parametrize("state", ["no equals sign", "Upper=1", ",".join(f"k{n}=1" for n in range(40)), "a=" + "x" * 3000])
def test_a_tracestate_that_is_none_is_left_out(shared_traced, state):
    host, collector, upstream = shared_traced
    wire.chat(host.port, ASK, {"traceparent": TRACEPARENT, "tracestate": state})
    server, _ = server_and_attempts(wait_spans(collector, 2))
    assert server["traceId"] == TRACE and "traceState" not in server
    assert upstream.requests[0].header("tracestate") is None


def test_what_a_client_does_not_sample_is_carried_on_only(shared_traced):
    host, collector, upstream = shared_traced
    header = TRACEPARENT[:-1] + "0"
    assert wire.chat(host.port, ASK, {"traceparent": header, "tracestate": "a=1"}).status == 200
    assert upstream.requests[0].header("traceparent") == header and upstream.requests[0].header("tracestate") == "a=1"
    assert wire.chat(host.port, ASK, {"x-request-id": "second"}).status == 200
    server, _ = server_and_attempts(wait_spans(collector, 2))
    assert server["attributes"]["kimi.request.id"] == "second"


def test_without_a_collector(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host({"models": [entry("m", upstream.url)]})
    assert wire.chat(host.port, ASK).status == 200
    assert upstream.requests[0].header("traceparent") is None  # There is no trace to tell of.
    assert wire.chat(host.port, ASK, {"traceparent": TRACEPARENT, "tracestate": "a=1"}).status == 200
    assert upstream.requests[1].header("traceparent") == TRACEPARENT and upstream.requests[1].header("tracestate") == "a=1"
    assert wire.chat(host.port, ASK, {"traceparent": "nonsense", "tracestate": "a=1"}).status == 200
    assert upstream.requests[2].header("traceparent") is None and upstream.requests[2].header("tracestate") is None
    assert "kimi_otlp" not in prometheus.page(host).text


def test_upstreams_need_not_be_told(traced, start_host, collector, upstream):
    upstream.always(replies.auto)
    host = traced(tracing={"propagate": False})
    assert wire.chat(host.port, ASK, {"traceparent": TRACEPARENT}).status == 200
    server, _ = server_and_attempts(wait_spans(collector, 2))
    assert server["traceId"] == TRACE and upstream.requests[0].header("traceparent") is None
    host = start_host({"models": [entry("m", upstream.url)], "tracing": {"propagate": False}})
    assert wire.chat(host.port, ASK, {"traceparent": TRACEPARENT}).status == 200
    assert upstream.requests[1].header("traceparent") is None


def test_a_ratio_of_nothing(traced, collector, upstream):
    upstream.always(replies.auto)
    host = traced(tracing={"ratio": 0})
    for _ in range(20):
        assert wire.chat(host.port, ASK).status == 200
    assert wire.chat(host.port, ASK, {"traceparent": TRACEPARENT}).status == 200
    assert len(wait_spans(collector, 2)) == 2
    assert [request.header("traceparent") for request in upstream.requests[:20]] == [None] * 20


# -- The environment --------------------------------------------------------------------------------------------------


def test_opentelemetrys_variables(start_host, collector, upstream):
    upstream.always(replies.auto)
    base = f"http://127.0.0.1:{collector.port}"
    cases = [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": base}, "/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": base + "/in/"}, "/in/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": base + "/as/it/is"}, "/as/it/is"),
    ]  # fmt: skip
    for environment, target in cases:
        collector.reset()
        collector.always(TAKEN)
        more = {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=PLANTED%20value, x-other=b", "OTEL_SERVICE_NAME": "by-name",
                "OTEL_RESOURCE_ATTRIBUTES": "service.name=not-this,deployment.environment.name=test"}  # fmt: skip
        config = {"models": [entry("m", upstream.url)], "tracing": {"headers": {"X-Key": "from the file"}}}
        host = start_host(config, environment={**environment, **more})
        assert wire.chat(host.port, ASK).status == 200
        (span, _) = wait_spans(collector, 2)
        assert collector.requests[0].target == target
        assert collector.requests[0].header("x-key") == "PLANTED value" and collector.requests[0].header("x-other") == "b"
        assert span["resource"] == {"service.name": "by-name", "deployment.environment.name": "test"}
        assert "PLANTED" not in host.output


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_switched_off_by_the_environment(traced, collector, upstream, off):
    upstream.always(replies.auto)
    host = traced(environment=off)
    assert wire.chat(host.port, ASK).status == 200
    host.stop()
    assert collector.requests == [] and upstream.requests[0].header("traceparent") is None


@pytest.mark.parametrize(
    "tracing, environment, words",
    [
        ({"endpoint": "127.0.0.1:4318"}, {}, "tracing.endpoint: must be a URL that begins with http:// or https://"),
        ({"endpoint": "$NOT_SET"}, {}, "tracing.endpoint: the environment variable NOT_SET is not set"),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://x"}, "OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL"),
        ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be a URL"),
        ({}, {"OTEL_EXPORTER_OTLP_HEADERS": "PLANTED"}, "OTEL_EXPORTER_OTLP_HEADERS: must be name=value pairs"),
        ({"headers": {"bad name": "x"}}, {}, "a header's name is letters, digits and dashes"),
        ({"headers": {"x": "PLANTED\r\ny: z"}}, {}, "a header's name is letters, digits and dashes"),
        ({"ratio": 2}, {}, "tracing.ratio"), ({"endpiont": "x"}, {}, "endpoint"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, tracing, environment, words):
    config = {"models": [entry("m", "http://127.0.0.1:1/v1")], "tracing": tracing}
    (tmp_path / "c.yaml").write_text(json.dumps(config))
    done = hostprocess.run(
        "check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **environment)
    assert done.returncode == 1 and words in done.stdout and "PLANTED" not in done.stdout + done.stderr


def test_what_is_not_spoken_is_said(tmp_path):
    config = {"models": [entry("m", "http://127.0.0.1:1/v1")], "tracing": {"endpoint": "http://127.0.0.1:1/"}}
    (tmp_path / "c.yaml").write_text(json.dumps(config))
    environment = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_SAMPLER": "always_off", "OTEL_EXPORTER_OTLP_TIMEOUT": "x"}
    done = hostprocess.run("check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **environment)
    assert done.returncode == 0, done.stdout
    for name in environment:
        assert f"{name}: " in done.stderr


# -- A collector with troubles ----------------------------------------------------------------------------------------


def test_a_busy_collector_is_asked_again(traced, collector, upstream):
    upstream.always(replies.auto)
    for answer in (response({}, 503, "No"), response({}, 429, "No", {"retry-after": "1"}), (b"HTTP/1.1 200 OK\r\ncontent-", Finish()), response({}, 502, "No")):
        collector.reply(*(answer if isinstance(answer, tuple) else (answer,)))
    host = traced()
    assert wire.chat(host.port, ASK).status == 200
    end = time.monotonic() + 20
    while (page := prometheus.page(host)).value("kimi_otlp_spans_exported_total") < 2:
        assert time.monotonic() < end, host.output
        time.sleep(0.1)
    assert len(collector.requests) == 5 and len({one.body for one in collector.requests}) == 1
    assert page.value("kimi_otlp_export_failures_total") == 4 and page.sum("kimi_otlp_spans_dropped_total") == 0
    assert collector.requests[2].arrived - collector.requests[1].arrived >= 0.95  # retry-after
    assert host.output.count("spans are not exported") == 1 and "spans are exported again" in host.output


@pytest.mark.parametrize("status", [400, 401, 413, 500])
def test_what_a_collector_refuses_is_not_sent_again(traced, collector, upstream, status):
    upstream.always(replies.auto)
    collector.always(response({"message": "no"}, status, "No"))
    host = traced()
    assert wire.chat(host.port, ASK).status == 200
    end = time.monotonic() + 10
    while prometheus.page(host).value("kimi_otlp_spans_dropped_total", reason="refused") < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(1)
    assert len(collector.requests) == 1


def test_spans_that_a_collector_rejects_are_counted(traced, collector, upstream):
    upstream.always(replies.auto)
    collector.always(response({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "one was bad"}}))
    host = traced()
    assert wire.chat(host.port, ASK).status == 200
    end = time.monotonic() + 10
    while (page := prometheus.page(host)).value("kimi_otlp_spans_exported_total") < 1:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert page.value("kimi_otlp_spans_dropped_total", reason="refused") == 1


def test_a_collector_that_is_down_costs_nothing_but_spans(start_host, upstream):
    upstream.always(replies.auto)
    down = f"http://127.0.0.1:{hostprocess.free_port()}/v1/traces"
    host = start_host({"models": [entry("m", upstream.url)], "tracing": {"endpoint": down, "queue_spans": 64}})
    began = time.monotonic()
    with wire.Connection(host.port) as connection:
        for _ in range(200):
            connection.request("POST", "/v1/chat/completions", json.dumps(ASK).encode())
            assert connection.read_response().status == 200
    assert time.monotonic() - began < 20
    page = prometheus.page(host)
    dropped = page.value("kimi_otlp_spans_dropped_total", reason="full")
    assert page.value("kimi_otlp_queue_spans") <= 64 and page.value("kimi_otlp_spans_exported_total") == 0
    assert dropped >= 400 - 64 - 512 and dropped + page.value("kimi_otlp_queue_spans") <= 400
    began = time.monotonic()
    host.terminate()
    assert host.wait_end(10) == 0 and time.monotonic() - began < 8


def test_a_collector_that_hangs(traced, collector, upstream):
    upstream.always(replies.auto)
    collector.always(Hang())
    host = traced(tracing={"timeout": 0.3})
    for _ in range(5):
        assert wire.chat(host.port, ASK).status == 200
    end = time.monotonic() + 15
    while (page := prometheus.page(host)).value("kimi_otlp_export_failures_total") < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert "no answer within 300 ms" in host.output
    began = time.monotonic()
    host.terminate()
    assert host.wait_end(10) == 0 and time.monotonic() - began < 8


def test_what_waits_is_sent_at_the_end(traced, collector, upstream):
    upstream.always(replies.auto)
    host = traced()
    for _ in range(7):
        assert wire.chat(host.port, ASK).status == 200
    host.terminate()
    assert host.wait_end() == 0
    assert len(wait_spans(collector, 14)) == 14


def test_many_spans_go_in_batches(traced, collector, upstream):
    upstream.always(replies.auto)
    collector.always(Wait(0.2), TAKEN)
    host = traced()
    with wire.Connection(host.port) as connection:
        for _ in range(700):
            connection.request("POST", "/v1/chat/completions", json.dumps(ASK).encode())
            assert connection.read_response().status == 200
    host.terminate()
    assert host.wait_end() == 0
    spans = wait_spans(collector, 1400)
    assert len(spans) == 1400 == len({span["spanId"] for span in spans})
    assert len({span["traceId"] for span in spans}) == 700
    assert max(len(spans_of(one.body)) for one in collector.requests) <= 512 and len(collector.requests) < 20
