"""Anthropic Messages through the official package: streaming helper, tool runner, errors as its exceptions."""

from __future__ import annotations

import json
import time

import anthropic
import pytest
from anthropic import beta_tool

import dialects
import replies
import wire
from mock_upstream import Hang, Wait
from replies import chunk

HI = [{"role": "user", "content": "hi"}]
TOOL = {"name": "weather", "description": "Tells the weather.", "input_schema": dialects.SCHEMA}


def connect(host, path: str = "", **more) -> anthropic.Anthropic:
    base = host.url.removesuffix("/v1") + path
    return anthropic.Anthropic(base_url=base, api_key="sk-client", max_retries=0, timeout=15, **more)


@pytest.fixture
def claude(host):
    with connect(host) as made:
        yield made


def case(name: str) -> dialects.Case:
    return next(one for one in dialects.CASES if one.name == name)


def strict(message):
    """The message, after its JSON went through the package's types once more, strictly."""
    anthropic.types.Message.model_validate(message.to_dict(mode="python"), strict=True)
    return message


# -- Texts, thoughts, calls -------------------------------------------------------------------------------------------


def test_create(claude, upstream):
    upstream.reply(*dialects.upstream_steps(case("thinking"), False))
    message = strict(claude.messages.create(model="mock", max_tokens=64, messages=HI))
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == "Let me see.\n" and message.content[1].text == "Hello 🌍."
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (22, 8)
    assert message._request_id.startswith("req_")
    assert json.loads(upstream.wait_request().body) == {"model": "upstream-model", "messages": HI, "max_tokens": 64}


def test_stream_helper(claude, upstream):
    upstream.reply(*dialects.upstream_steps(case("parallel-tools"), True))
    with claude.messages.stream(model="mock", max_tokens=64, messages=HI, tools=[TOOL]) as stream:
        kinds = [event.type for event in stream]
        message = strict(stream.get_final_message())
        assert stream.request_id.startswith("req_")
    assert kinds.count("message_start") == kinds.count("message_stop") == 1 and kinds[-1] == "message_stop"
    assert {"thinking", "text", "input_json"} <= set(kinds)
    assert [(block.type) for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert [(one.id, one.name, one.input) for one in message.content[2:]] == [
        ("call_a1", "weather", {"city": "Bern"}),
        ("call_b2", "time", {}),
    ]
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 22, 12)


def test_text_stream_comes_as_it_is_made(claude, upstream):
    chunks = replies.text_chunks(*"abc", finish=None)
    pieces = [replies.http_chunk(replies.event(one)) for one in chunks]
    end = [replies.http_chunk(replies.event(chunk({}, "stop"))), replies.http_chunk(replies.DONE), replies.LAST_CHUNK]
    upstream.reply(replies.HEAD, *[step for piece in pieces for step in (piece, Wait(0.15))], *end)
    arrived = []
    with claude.messages.stream(model="mock", max_tokens=9, messages=HI) as stream:
        for text in stream.text_stream:
            arrived.append((text, time.monotonic()))
    assert [text for text, _ in arrived] == list("abc")
    assert arrived[2][1] - arrived[0][1] > 0.2, "texts are held back"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tool_runner(claude, upstream, stream):
    """The runner asks the server to hold the conversation, and sends it whole when told that this one does not."""
    asked = []

    @beta_tool
    def weather(city: str) -> str:
        """Tells the weather.

        Args:
            city: Where.
        """
        asked.append(city)
        return f"rain in {city}"

    upstream.reply(*dialects.upstream_steps(case("one-tool"), stream))
    upstream.reply(*dialects.upstream_steps(case("text"), stream))
    runner = claude.beta.messages.tool_runner(
        model="mock", max_tokens=64, messages=HI, tools=[weather], stream=stream
    )  # fmt: skip
    final = runner.until_done()
    assert asked == ["Bern"] and final.content[0].text == "Hello 🌍."
    assert len(upstream.requests) == 2
    second = json.loads(upstream.wait_request(1).body)
    call = replies.call(0, "weather", second["messages"][1]["tool_calls"][0]["function"]["arguments"], "call_a1")
    assert second["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_a1", "content": "rain in Bern"},
    ]
    assert json.loads(call["function"]["arguments"]) == {"city": "Bern"}


def test_tool_errors_and_images_in_results(claude, upstream):
    upstream.reply(replies.auto)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": dialects.PIXEL}}
    text = {"type": "text", "text": "no such city", "cache_control": {"type": "ephemeral"}}
    result = {"type": "tool_result", "tool_use_id": "call_1", "is_error": True, "content": [text, image]}
    use = {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Atlantis"}}
    messages = [*HI, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    claude.messages.create(model="mock", max_tokens=64, messages=messages, tools=[TOOL])
    # How an upstream is told of errors and images in results is its provider's to know.
    tool, *_ = after = json.loads(upstream.wait_request().body)["messages"][2:]
    assert (tool["role"], tool["tool_call_id"]) == ("tool", "call_1")
    assert "no such city" in json.dumps(tool["content"])
    assert tool.get("is_error") is True or tool["content"].lower().startswith("error")
    assert f"data:image/png;base64,{dialects.PIXEL}" in json.dumps(after)


def test_ids_of_calls_that_anthropic_would_refuse_come_back_as_they_were(claude, upstream):
    """Kimi's ids, such as `functions.weather:0`, are no ids in Anthropic's API."""
    call = replies.call(0, "weather", '{"city":"Bern"}', "functions.weather:0")
    upstream.reply(replies.response(replies.completion(None, "tool_calls", tool_calls=[call])))
    message = claude.messages.create(model="mock", max_tokens=64, messages=HI, tools=[TOOL])
    use = message.content[0]
    assert use.type == "tool_use" and use.id.replace("_", "").replace("-", "").isalnum()
    upstream.reply(replies.auto)
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "rain"}
    turns = [*HI, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    claude.messages.create(model="mock", max_tokens=64, messages=turns, tools=[TOOL])
    up = json.loads(upstream.wait_request(1).body)["messages"]
    assert up[1]["tool_calls"][0]["id"] == up[2]["tool_call_id"] == "functions.weather:0"


def test_thoughts_go_back(claude, upstream):
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln"}]
    message = {"reasoning": "Hm.", "reasoning_details": details}
    upstream.reply(replies.response(replies.completion("Yes.", **message)))
    got = claude.messages.create(model="mock-openrouter", max_tokens=64, messages=HI)
    assert (got.content[0].thinking, got.content[0].signature) == ("Hm.", "c2ln")
    upstream.reply(replies.auto)
    turns = [*HI, {"role": "assistant", "content": got.content}, *HI]
    claude.messages.create(model="mock-openrouter", max_tokens=64, messages=turns)
    assistant = json.loads(upstream.wait_request(1).body)["messages"][1]
    assert assistant["reasoning_details"] == [{**details[0], "index": 0}]


def test_every_field_arrives(claude, upstream):
    upstream.reply(replies.auto)
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    got = claude.messages.with_raw_response.create(
        model="mock", max_tokens=64, messages=HI, tools=[TOOL], stop_sequences=["END"],
        metadata={"user_id": "u1"}, thinking={"type": "enabled", "budget_tokens": 1024}, service_tier="standard_only",
        tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": schema}},
        extra_body={"seed": 7, "logit_bias": {"5": 1}, "top_k": 5, "temperature": 0.5}, extra_headers={"anthropic-beta": "one-2025,two-2025"},
        cache_control={"type": "ephemeral"},
    )  # fmt: skip
    up = json.loads(upstream.wait_request().body)
    for name in ("anthropic_beta", "cache_control"):
        up.pop(name, None)  # Not every upstream may see them.
    assert up.pop("thinking")["type"] == "enabled"
    function = {"name": "weather", "description": TOOL["description"], "parameters": dialects.SCHEMA}
    assert up == {
        "model": "upstream-model",
        "messages": HI,
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
        "max_tokens": 64,
        "stop": ["END"],
        "temperature": 0.5,
        "top_k": 5,
        "user": "u1",
        "reasoning_effort": "high",
        "response_format": {"type": "json_schema", "json_schema": {"name": "output", "strict": True, "schema": schema}},
        "service_tier": "default",
        "seed": 7,
        "logit_bias": {"5": 1},
    }
    # What an OpenAI-compatible upstream cannot be told is said by its provider.
    assert set(got.headers["x-kimi-dropped"].split(", ")) == {"thinking", "anthropic_beta", "cache_control"}


def test_what_is_dropped_is_named(claude, upstream):
    upstream.reply(replies.auto)
    got = claude.messages.with_raw_response.create(
        model="mock", max_tokens=64, messages=HI, extra_body={"container": "c1", "mcp_servers": [{"type": "url"}]},
        tools=[TOOL, {"type": "web_search_20250305", "name": "web_search"}],
    )  # fmt: skip
    named = got.headers["x-kimi-dropped"].split(", ")
    assert {"container", "mcp_servers", "tools[1]"} == set(named)
    up = json.loads(upstream.wait_request().body)
    assert [tool["function"]["name"] for tool in up["tools"]] == ["weather"] and "container" not in up


# -- Counting and models ----------------------------------------------------------------------------------------------


def test_count_tokens(claude, upstream):
    counted = claude.messages.with_raw_response.count_tokens(model="mock", messages=HI, system="x" * 3500, tools=[TOOL])
    assert 1200 < counted.parse().input_tokens < 1600
    assert counted.headers["x-kimi-token-count"] == "estimated"
    assert not upstream.requests, "counting asks no upstream"


def test_count_tokens_of_an_unknown_model(claude):
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.count_tokens(model="nobody", messages=HI)


def test_models(claude, host):
    listed = claude.models.list()
    names = [model.id for model in listed]
    assert {"mock", "mock-openrouter", "demo"} <= set(names)
    # Times are strings in JSON; the package's strict reading is that of JSON.
    for model in listed.data:
        anthropic.types.ModelInfo.model_validate_json(model.to_json(), strict=True)
    assert claude.models.retrieve("mock").id == "mock"
    with pytest.raises(anthropic.NotFoundError) as error:
        claude.models.retrieve("nobody")
    assert error.value.type == "not_found_error"
    openai_shape = wire.exchange(host.port, "GET", "/v1/models").json
    assert openai_shape["object"] == "list" and [model["id"] for model in openai_shape["data"]] == names


def test_models_by_pages(claude):
    names = [model.id for model in claude.models.list()]
    assert [model.id for model in claude.models.list(limit=2)] == names, "the package follows the pages by itself"
    page = claude.models.list(limit=1, after_id=names[0])
    assert [model.id for model in page.data] == [names[1]]


@pytest.mark.parametrize("path", ["/v1", "/special", "/special/v1", "/any"])
def test_paths(host, upstream, path):
    """A base URL with /v1 already in it, and profiles."""
    model = "mock-special" if "special" in path else "mock"
    with connect(host, path) as made:
        upstream.always(replies.auto)
        assert made.messages.create(model=model, max_tokens=9, messages=HI).content[0].text == "Hello there."
        assert made.messages.count_tokens(model=model, messages=HI).input_tokens > 0
        assert model in [one.id for one in made.models.list()]
        assert made.models.retrieve(model).id == model
    if "special" in path:
        assert json.loads(upstream.wait_request().body)["model"] == "special-model"


# -- Failures ---------------------------------------------------------------------------------------------------------

FAILURES = {
    400: (anthropic.BadRequestError, "invalid_request_error"),
    401: (anthropic.AuthenticationError, "authentication_error"),
    403: (anthropic.PermissionDeniedError, "permission_error"),
    404: (anthropic.NotFoundError, "not_found_error"),
    413: (anthropic.APIStatusError, "request_too_large"),
    429: (anthropic.RateLimitError, "rate_limit_error"),
    500: (anthropic.InternalServerError, "api_error"),
    503: (anthropic.OverloadedError, "overloaded_error"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("status", FAILURES)
def test_failures_are_the_packages_exceptions(claude, upstream, status, stream):
    kind, word = FAILURES[status]
    error = {"message": "no", "type": "overloaded_error" if status == 503 else "x"}
    upstream.reply(replies.response({"error": error}, status, "No"))
    with pytest.raises(kind) as caught:
        claude.messages.create(model="mock", max_tokens=9, messages=HI, stream=stream)
    assert caught.value.status_code == (529 if status == 503 else status)
    assert caught.value.request_id and caught.value.body["request_id"] == caught.value.request_id
    assert caught.value.body == {
        "type": "error", "error": {"type": word, "message": "no"}, "request_id": caught.value.request_id,
    }  # fmt: skip


def test_retry_after(claude, upstream):
    upstream.reply(replies.response({"error": {"message": "slow"}}, 429, "No", {"retry-after": "7"}))
    with pytest.raises(anthropic.RateLimitError) as caught:
        claude.messages.create(model="mock", max_tokens=9, messages=HI)
    assert caught.value.response.headers["retry-after"] == "7"


def test_the_package_tries_again(host, upstream):
    upstream.reply(replies.response({"error": {"message": "slow"}}, 429, "No", {"retry-after-ms": "5"}))
    upstream.reply(replies.auto)
    with connect(host).with_options(max_retries=1) as made:
        assert made.messages.create(model="mock", max_tokens=9, messages=HI).content[0].text == "Hello there."


def test_a_body_that_is_too_large(start_host, upstream):
    from conftest import entry

    host = start_host({"models": [entry("mock", upstream.url)], "limits": {"max_body_bytes": 5000}})
    with connect(host) as made, pytest.raises(anthropic.APIStatusError) as caught:
        made.messages.create(model="mock", max_tokens=9, messages=[{"role": "user", "content": "x" * 9000}])
    assert caught.value.status_code == 413 and caught.value.body["error"]["type"] == "request_too_large"
    assert not upstream.requests


@pytest.mark.parametrize(
    "body,words",
    [
        (b"{", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"model":"mock","max_tokens":9,"messages":"hi"}', "messages"),
        (b'{"model":"mock","max_tokens":"9","messages":[{"role":"user","content":"hi"}]}', "max_tokens"),
        (b'{"model":"mock","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":1}]}]}', "messages[0].content[0].source"),
        (b'{"model":"mock","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":5}]}]}', "messages[0].content[0].text"),
    ],
)  # fmt: skip
def test_bad_requests_name_the_place(host, upstream, body, words):
    answer = wire.exchange(host.port, "POST", "/v1/messages", body)
    assert answer.status == 400 and answer.json["type"] == "error", answer.body
    assert answer.json["error"]["type"] == "invalid_request_error" and words in answer.json["error"]["message"]
    assert answer.header("request-id") == answer.json["request_id"] and not upstream.requests


def test_a_failure_in_the_stream(claude, upstream):
    boom = {"error": {"message": "boom", "type": "server_error"}}
    upstream.reply(
        replies.HEAD, *(replies.http_chunk(replies.event(one)) for one in replies.text_chunks("Hel", finish=None)),
        Wait(0.1), replies.http_chunk(replies.event(boom)), replies.LAST_CHUNK,
    )  # fmt: skip
    texts = []
    with pytest.raises(anthropic.APIStatusError) as caught:
        with claude.messages.stream(model="mock", max_tokens=9, messages=HI) as stream:
            texts.extend(stream.text_stream)
    assert texts == ["Hel"] and caught.value.body["error"] == {"type": "api_error", "message": "boom"}


# -- Connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_rate_limits_are_relayed(claude, upstream, stream):
    limits = {"x-ratelimit-remaining-tokens": "99", "anthropic-ratelimit-requests-limit": "50", "x-secret": "1"}
    steps = dialects.upstream_steps(case("text"), stream)
    head, rest = steps[0].split(b"\r\n", 1)
    more = "".join(f"{name}: {value}\r\n" for name, value in limits.items()).encode()
    upstream.reply(head + b"\r\n" + more + rest, *steps[1:])
    got = claude.messages.with_raw_response.create(model="mock", max_tokens=9, messages=HI, stream=stream)
    assert got.headers["x-ratelimit-remaining-tokens"] == "99"
    assert got.headers["anthropic-ratelimit-requests-limit"] == "50"
    assert "x-secret" not in got.headers


def test_request_ids(claude, upstream):
    upstream.always(replies.auto)
    got = claude.messages.with_raw_response.create(
        model="mock", max_tokens=9, messages=HI, extra_headers={"x-request-id": "mine-1"}
    )  # fmt: skip
    assert got.headers["request-id"] == got.headers["x-request-id"] == "mine-1"


def test_a_client_that_goes_cancels_the_upstream(claude, upstream):
    first = [replies.http_chunk(replies.event(one)) for one in replies.text_chunks("a", finish=None)]
    upstream.reply(replies.HEAD, *first, Hang())
    with claude.messages.stream(model="mock", max_tokens=9, messages=HI) as stream:
        next(iter(stream.text_stream))
        stream.close()
    assert upstream.wait_request().closed.wait(1), "the upstream's connection stayed open"
