"""/metrics: each figure moves by as much as the traffic says, the page is valid, and it stays bounded."""

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
from mock_upstream import Finish, Until, Wait
from replies import HEAD, LAST_CHUNK, chunk, event, http_chunk, response

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}
ROUTE = {"model": "upstream-model", "provider": "openai"}
ATTEMPT = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai", "gen_ai_request_model": "upstream-model"}
REQUEST = {**ATTEMPT, "gen_ai_request_model": "m", "gen_ai_response_model": "upstream-model"}
USAGE = {
    "prompt_tokens": 100, "completion_tokens": 21, "total_tokens": 121,
    "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 8},
}  # fmt: skip


def settled(host) -> prometheus.Page:
    """The page, when no exchange is under way any more."""
    end = time.monotonic() + 5
    while (page := prometheus.page(host)).value("kimi_exchanges_active") > 0:
        assert time.monotonic() < end
        time.sleep(0.02)
    return page


def slow_stream(*pauses: float, usage=USAGE) -> list:
    """A piece of text, and one more after each pause."""
    steps = [HEAD, http_chunk(event(chunk({"role": "assistant", "content": "word "})))]
    for pause in pauses:
        steps += [Wait(pause), http_chunk(event(chunk({"content": "word "})))]
    steps.append(http_chunk(event(chunk({}, "stop"))))
    steps.append(http_chunk(event({**chunk({}), "choices": [], "usage": usage})))
    return [*steps, http_chunk(replies.DONE), LAST_CHUNK]


def error(status: int) -> bytes:
    return response({"error": {"message": "broken", "type": "x"}}, status, "No")


def test_a_whole_reply(start_host, upstream):
    upstream.always(response({**replies.completion(), "usage": USAGE}))
    host = start_host({"models": [entry("m", upstream.url)]})
    before = prometheus.page(host)
    assert before.sum("kimi_requests_total") == 0 and before.sum("kimi_tokens_total") == 0
    for _ in range(3):
        assert wire.chat(host.port, ASK).status == 200
    page = settled(host)
    assert page.value("kimi_requests_total", dialect="openai.chat", model="m", status="2xx") == 3
    assert page.sum("kimi_requests_total") == 3 and page.sum("kimi_errors_total") == 0
    assert page.value("gen_ai_server_request_duration_seconds_count", **REQUEST) == 3
    assert page.value("gen_ai_client_operation_duration_seconds_count", **ATTEMPT) == 3
    tokens = {kind: page.value("kimi_tokens_total", **ROUTE, type=kind)
              for kind in ("fresh", "cache_read", "cache_write", "output", "reasoning")}  # fmt: skip
    assert tokens == {"fresh": 120, "cache_read": 180, "cache_write": 0, "output": 63, "reasoning": 24}
    for kind, count in (("input", 100), ("output", 21)):
        assert page.value("gen_ai_client_token_usage_sum", **ATTEMPT, gen_ai_token_type=kind) == 3 * count
        assert page.value("gen_ai_client_token_usage_count", **ATTEMPT, gen_ai_token_type=kind) == 3
    assert page.value("gen_ai_client_token_usage_bucket", **ATTEMPT, gen_ai_token_type="input", le="64") == 0
    assert page.value("gen_ai_client_token_usage_bucket", **ATTEMPT, gen_ai_token_type="input", le="256") == 3
    assert page.value("kimi_overhead_seconds_count", dialect="openai.chat") == 3
    # It was no stream: there was no first token to wait for.
    assert page.sum("gen_ai_server_time_to_first_token_seconds_count") == 0
    assert page.sum("gen_ai_client_operation_time_to_first_chunk_seconds_count") == 0


def test_the_times_of_a_stream(start_host, upstream):
    upstream.always(Wait(0.3), *slow_stream(0.1, 0.1, 0.5))
    host = start_host({"models": [entry("m", upstream.url)]})
    assert wire.chat(host.port, STREAM).frames[-1] == "[DONE]"
    page = settled(host)
    whole = page.value("gen_ai_server_request_duration_seconds_sum", **REQUEST)
    first = page.value("gen_ai_server_time_to_first_token_seconds_sum", **REQUEST)
    assert 1.0 <= whole < 5 and 0.3 <= first < 2 and whole - first >= 0.65
    assert page.value("gen_ai_server_time_to_first_token_seconds_bucket", **REQUEST, le="0.25") == 0
    # 21 tokens: 20 of them behind the first.
    assert page.value("gen_ai_server_time_per_output_token_seconds_sum", **REQUEST) == pytest.approx(
        (whole - first) / 20, abs=0.001)  # fmt: skip
    chunk_first = page.value("gen_ai_client_operation_time_to_first_chunk_seconds_sum", **ATTEMPT)
    assert 0.3 <= chunk_first <= first + 0.01
    gaps = "gen_ai_client_operation_time_per_output_chunk_seconds"
    assert page.value(f"{gaps}_count", **ATTEMPT) >= 3 and 0.6 <= page.value(f"{gaps}_sum", **ATTEMPT) < 4
    long = page.value(f"{gaps}_count", **ATTEMPT) - page.value(f"{gaps}_bucket", **ATTEMPT, le="0.32")
    assert 1 <= long <= 2
    # What the upstream took is no overhead.
    assert page.value("kimi_overhead_seconds_count", dialect="openai.chat") == 1
    assert page.value("kimi_overhead_seconds_sum", dialect="openai.chat") < 0.25


def test_times_of_dialects_and_operations(start_host, upstream):
    upstream.always(lambda request: [response({"object": "list", "data": [], "model": "e", "usage": {"prompt_tokens": 4, "total_tokens": 4}})]
                    if request.target.endswith("/embeddings") else replies.auto(request))  # fmt: skip
    host = start_host({"models": [entry("m", upstream.url)]})
    assert wire.exchange(host.port, "POST", "/v1/embeddings", {"model": "m", "input": "x"}).status == 200
    messages = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    assert wire.exchange(host.port, "POST", "/v1/messages", messages).status == 200
    assert wire.exchange(host.port, "POST", "/v1/responses", {"model": "m", "input": "hi"}).status == 200
    page = settled(host)
    for dialect in ("openai.embeddings", "anthropic.messages", "openai.responses"):
        assert page.value("kimi_requests_total", dialect=dialect, model="m", status="2xx") == 1
        assert page.value("kimi_overhead_seconds_count", dialect=dialect) == 1
    counted = "gen_ai_client_operation_duration_seconds_count"
    assert page.value(counted, **{**ATTEMPT, "gen_ai_operation_name": "embeddings"}) == 1
    assert page.value(counted, **ATTEMPT) == 2


# -- What goes wrong --------------------------------------------------------------------------------------------------


def test_errors_retries_and_fallbacks(start_host, upstream, second_upstream):
    first, second = entry("m", upstream.url, model="first"), entry("m", second_upstream.url, model="second")
    routing = {"retries": 1, "retry_budget": 1, "backoff": 0.3, "cooldown": 0}
    host = start_host({"models": [first, second], "routing": routing})
    upstream.always(error(500))
    second_upstream.always(replies.auto)
    assert wire.chat(host.port, STREAM).status == 200  # The first fails, the second answers.
    second_upstream.always(error(503))
    assert wire.chat(host.port, ASK).status >= 500  # Both fail, and one more try.
    page = settled(host)
    assert page.value("kimi_retries_total") == 1
    attempt = {**ATTEMPT, "gen_ai_request_model": "second"}
    assert page.value("gen_ai_client_operation_duration_seconds_count", **attempt) == 1
    for model in ("first", "second"):
        counted = page.sum("gen_ai_client_operation_duration_seconds_count", gen_ai_request_model=model)
        assert counted == page.sum("kimi_attempts_total", model=model) >= 2
    assert page.sum("gen_ai_client_operation_duration_seconds_count") == page.sum("kimi_attempts_total") == 5
    assert page.sum("gen_ai_server_request_duration_seconds_count") == 2
    kinds = {labels.get("error_type") for labels in page.of("gen_ai_server_request_duration_seconds_count")}
    assert None in kinds and len(kinds) == 2
    assert page.sum("kimi_errors_total") == 1 and page.value("kimi_requests_total", dialect="openai.chat", model="m", status="5xx") == 1
    # Pauses between attempts are no overhead.
    assert page.value("kimi_overhead_seconds_sum", dialect="openai.chat") < 0.25


def test_a_stream_that_breaks_off(start_host, upstream):
    upstream.always(HEAD, http_chunk(event(chunk({"role": "assistant", "content": "Half a"}))), Finish())
    host = start_host({"models": [entry("m", upstream.url)]})
    assert wire.chat(host.port, STREAM).status == 200
    page = settled(host)
    assert page.value("kimi_requests_total", dialect="openai.chat", model="m", status="2xx") == 1
    category = page.of("kimi_errors_total")[0]["category"]
    assert page.value("kimi_errors_total", category=category) == 1
    assert page.value("gen_ai_server_request_duration_seconds_count", **REQUEST, error_type=category) == 1
    assert page.sum("gen_ai_server_time_to_first_token_seconds_count") == 0


def test_a_client_that_goes(start_host, upstream):
    gate = threading.Event()
    upstream.always(Until(gate), *replies.stream(replies.text_chunks("late")))
    host = start_host({"models": [entry("m", upstream.url)]})
    connection = wire.Connection(host.port)
    connection.request("POST", "/v1/chat/completions", json.dumps(STREAM).encode())
    upstream.wait_request()
    connection.close()
    page = settled(host)
    gate.set()
    assert page.value("kimi_requests_total", dialect="openai.chat", model="m", status="cancelled") == 1
    assert page.value("gen_ai_server_request_duration_seconds_count", **REQUEST, error_type="cancelled") == 1
    assert page.value("gen_ai_client_operation_duration_seconds_count", **ATTEMPT, error_type="cancelled") == 1
    assert page.sum("kimi_errors_total") == 0


def test_requests_that_are_refused(start_host, upstream):
    upstream.always(replies.auto)
    config = {"models": [entry("m", upstream.url)], "auth": {"keys": [{"name": "a", "key": "$KEY"}]}, "limits": {"max_body_bytes": 5000}}
    host = start_host(config, environment={"KEY": "kh-0123456789abcdef"})
    key = {"authorization": "Bearer kh-0123456789abcdef"}
    assert wire.chat(host.port, ASK).status == 401
    assert wire.chat(host.port, {**ASK, "model": "nobody"}, key).status == 404
    assert wire.chat(host.port, b"{", key).status == 400
    assert wire.chat(host.port, b"x" * 6000, key).status == 413
    assert wire.chat(host.port, ASK, key).status == 200
    page = prometheus.page(host, key)
    assert page.value("kimi_requests_total", dialect="openai.chat", model="other", status="4xx") == 4
    assert page.value("kimi_requests_total", dialect="openai.chat", model="m", status="2xx") == 1
    assert page.sum("kimi_requests_total") == 5 and page.sum("kimi_errors_total") == 4
    assert page.value("kimi_errors_total", category="auth") == 1 and page.value("kimi_errors_total", category="not_found") == 1
    assert page.sum("gen_ai_server_request_duration_seconds_count") == 1


# -- Money ------------------------------------------------------------------------------------------------------------


def test_cost_by_the_price_table_and_by_the_upstream(start_host, upstream):
    upstream.always(response({**replies.completion(), "usage": USAGE}))
    prices = [{"model": "upstream-*", "input": 2.0, "output": 10.0, "cache_read": 0.5}]
    for log in ({"prices": prices}, {"prices": prices, "enabled": False}):
        host = start_host({"models": [entry("m", upstream.url)], "log": log})
        assert wire.chat(host.port, ASK).status == 200
        cost = settled(host).value("kimi_cost_total", **ROUTE, source="prices")
        assert cost == pytest.approx((40 * 2.0 + 60 * 0.5 + 21 * 10.0) / 1_000_000)
    upstream.always(response({**replies.completion(), "usage": {**USAGE, "cost": 0.0125}}))
    host = start_host({"models": [{**entry("m", upstream.url), "provider": "openrouter"}]})
    for _ in range(2):
        assert wire.chat(host.port, ASK).status == 200
    page = settled(host)
    assert page.value("kimi_cost_total", model="upstream-model", provider="openrouter", source="upstream") == 0.025


def test_bodies_that_the_log_cuts(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host({"models": [entry("m", upstream.url)], "log": {"max_body_bytes": 2000}})
    assert wire.chat(host.port, ASK).status == 200
    assert settled(host).value("kimi_log_bodies_cut_total") == 0
    long = {**ASK, "messages": [{"role": "user", "content": "x" * 5000}]}
    assert wire.chat(host.port, long).status == 200
    page = settled(host)
    assert page.value("kimi_log_bodies_cut_total") == 2  # As it came, and as it went up.
    assert page.value("kimi_log_memory_bytes") == 0


# -- The page ---------------------------------------------------------------------------------------------------------


def test_names_that_clients_make_up_are_no_labels(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)]})
    for number in range(300):
        assert wire.chat(host.port, {**ASK, "model": f"made-up-{number}"}).status == 404
    page = prometheus.page(host)
    assert "made-up" not in page.text
    assert page.value("kimi_requests_total", dialect="openai.chat", model="other", status="4xx") == 300
    assert page.value("kimi_errors_total", category="not_found") == 300


def test_hundreds_of_models_are_bounded(start_host, upstream):
    upstream.always(replies.auto)
    count = 700
    models = [entry(f"name-{number}", upstream.url, model=f"up-{number}") for number in range(count)]
    host = start_host({"models": models, "log": {"enabled": False}})
    with wire.Connection(host.port) as connection:
        for number in range(count):
            body = json.dumps({**ASK, "model": f"name-{number}"}).encode()
            connection.request("POST", "/v1/chat/completions", body)
            assert connection.read_response().status == 200
    page = settled(host)
    asked = {labels["model"] for labels in page.of("kimi_requests_total")}
    assert len(asked) == 201 and "other" in asked
    assert page.value("kimi_requests_total", dialect="openai.chat", model="other", status="2xx") == count - 200
    routes = {labels["model"] for labels in page.of("kimi_exchanges_total")}
    assert len(routes) == 101
    assert page.sum("kimi_exchanges_total") == page.sum("kimi_attempts_total") == count
    assert page.value("kimi_exchanges_total", model="other", provider="other", outcome="ok") == count - 100
    for name in ("gen_ai_server_request_duration_seconds_count", "gen_ai_client_operation_duration_seconds_count"):
        assert page.sum(name) == count and len(page.of(name)) <= 301
    entries = page.of("kimi_route_active")
    assert len(entries) == 501 and entries[-1]["route"] == "other"
    assert len(page.text) < 2_000_000


def table() -> dict[str, tuple[str, set[str]]]:
    """The metrics that docs/observability.md lists: name, type, labels."""
    text = (hostprocess.ROOT / "docs/observability.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([^|]*) \|", text, re.MULTILINE)
    assert len(rows) == len({name for name, _, _ in rows})
    return {name: (kind, set(re.findall(r"`([a-z_]+)`", labels))) for name, kind, labels in rows}


def test_the_documentation_lists_what_there_is(start_host, upstream, second_upstream, runtime_plugins):
    """Traffic of every kind, so that every family has samples, and its labels can be compared."""
    second_upstream.always(response({}))
    cost = {"log": {"prices": [{"model": "*", "input": 1, "output": 1}]}, "tracing": {"endpoint": second_upstream.url}}
    tools = entry("tools", upstream.url, ensure_tool_call=True)
    models = [entry("m", upstream.url, resume="prefix"), tools, entry("kimi", upstream.url, transforms=["services"])]
    routing = {"retries": 0, "cooldown_after": 1, "cooldown": 1}
    host = start_host({"models": models, "routing": routing, **cost}, plugins=runtime_plugins)
    upstream.always(lambda request: slow_stream(0.02) if json.loads(request.body).get("stream") else replies.auto(request))
    for name in ("m", "tools", "kimi"):
        assert wire.chat(host.port, {**STREAM, "model": name}).status == 200
    upstream.always(error(500))
    assert wire.chat(host.port, {**ASK, "model": "tools"}).status >= 500
    assert wire.chat(host.port, {**ASK, "model": "nobody"}).status == 404
    page = settled(host)
    documented = table()
    assert set(documented) == set(page.families)
    for name, (kind, labels) in documented.items():
        assert page.families[name] == kind, name
        if page.labels[name]:
            assert page.labels[name] <= labels and labels - page.labels[name] <= {"error_type"}, name
