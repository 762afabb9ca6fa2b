"""OpenAI Responses through the official package: streaming helper, tool runner, stored conversations, errors as its
exceptions."""

from __future__ import annotations

import json

import openai
import pytest
from openai.lib.responses_tool_runner import RegisteredFunction, ResponsesToolRunner
from openai.types.responses import Response
from pydantic import BaseModel

import dialects
import replies
import wire
from mock_upstream import Hang, Wait
from replies import chunk

WEATHER = {
    "type": "function", "name": "weather", "description": "Tells the weather.", "parameters": dialects.SCHEMA,
    "strict": False,
}  # fmt: skip


def case(name: str) -> dialects.Case:
    return next(one for one in dialects.CASES if one.name == name)


def strict(response: Response) -> Response:
    """The response, after its JSON went through the package's types once more, strictly."""
    Response.model_validate(response.to_dict(mode="python"), strict=True)
    return response


def sent(upstream, number: int = 0) -> dict:
    return json.loads(upstream.wait_request(number).body)


def call_reply(name: str, arguments: str, stream: bool, identifier: str = "call_1", pieces: int = 3) -> list[bytes]:
    """The upstream calls one function."""
    if not stream:
        call = replies.call(0, name, arguments, identifier)
        return [replies.response(replies.completion(None, "tool_calls", tool_calls=[call]))]
    size = len(arguments) // pieces + 1
    parts = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    deltas = [{"role": "assistant"}, *replies.call_deltas(0, name, parts, identifier)]
    return replies.stream([*map(chunk, deltas), chunk({}, "tool_calls"), replies.usage_chunk()])


both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def respond(client, stream: bool, **more) -> Response:
    """A response by `create` or by the streaming helper; every event is checked on the way."""
    if not stream:
        return strict(client.responses.create(model="mock", **more))
    with client.responses.stream(model="mock", **more) as events:
        for event in events:
            assert event.type
        return strict(events.get_final_response())


# -- Texts, thoughts, calls -------------------------------------------------------------------------------------------


@both_ways
def test_create(client, upstream, stream):
    upstream.reply(*dialects.upstream_steps(case("thinking"), stream))
    response = respond(client, stream, input="hi")
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output[0].content[0].text == "Let me see.\n" and response.output_text == "Hello 🌍."
    assert (response.status, response.usage.input_tokens, response.usage.total_tokens) == ("completed", 30, 42)
    identifiers = [response.id, *(item.id for item in response.output)]
    assert len(set(identifiers)) == 3 and response.id.startswith("resp_")


@both_ways
def test_truncation(client, upstream, stream):
    upstream.reply(*dialects.upstream_steps(case("truncation"), stream))
    response = client.responses.create(model="mock", input="hi", max_output_tokens=16, stream=stream)
    if stream:
        *_, last = response
        assert last.type == "response.incomplete"
        response = last.response
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_sequence_numbers_and_ids(client, upstream):
    upstream.reply(*dialects.upstream_steps(case("parallel-tools"), True))
    events = list(client.responses.create(model="mock", input="hi", tools=[WEATHER], stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    added = [event.item.id for event in events if event.type == "response.output_item.added"]
    done = [event.item.id for event in events if event.type == "response.output_item.done"]
    final = events[-1].response
    assert added == done == [item.id for item in final.output] and len(set(added)) == 4
    assert {event.response.id for event in events if hasattr(event, "response")} == {final.id}


@both_ways
def test_structured_output(client, upstream, stream):
    class City(BaseModel):
        name: str

    text = '{"name": "Bern"}'
    upstream.reply(*dialects.upstream_steps(dialects.Case("json", text=[text[:5], text[5:]]), stream))
    if stream:
        with client.responses.stream(model="mock", input="hi", text_format=City) as events:
            parsed = events.get_final_response().output_parsed
    else:
        parsed = client.responses.parse(model="mock", input="hi", text_format=City).output_parsed
    assert parsed == City(name="Bern")
    schema = sent(upstream)["response_format"]["json_schema"]
    assert (schema["name"], schema["strict"], list(schema["schema"]["properties"])) == ("City", True, ["name"])


@both_ways
def test_tool_runner(client, upstream, stream):
    asked = []

    def weather(arguments):
        asked.append(arguments)
        return "rain"

    upstream.reply(*dialects.upstream_steps(case("one-tool"), stream))
    upstream.reply(*dialects.upstream_steps(case("text"), stream))
    runner = ResponsesToolRunner(functions=[RegisteredFunction({**WEATHER, "strict": False}, weather)])
    final = runner.run(client, {"model": "mock", "input": "hi"}, max_steps=3, stream=stream)
    assert asked == [{"city": "Bern"}] and final.output_text == "Hello 🌍."
    messages = sent(upstream, 1)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert (messages[2]["tool_call_id"], messages[2]["content"]) == ("call_a1", "rain")


# -- Tools of other kinds ---------------------------------------------------------------------------------------------


@both_ways
def test_custom_tool(client, upstream, stream):
    grammar = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"'}
    tool = {"type": "custom", "name": "shell_script", "description": "Runs it.", "format": grammar}
    script = 'echo "ü"\nexit 0'
    upstream.reply(*call_reply("shell_script", json.dumps({"input": script}), stream))
    response = respond(client, stream, input="hi", tools=[tool], tool_choice={"type": "custom", "name": "shell_script"})
    call = response.output[0]
    assert (call.type, call.name, call.input, call.call_id) == ("custom_tool_call", "shell_script", script, "call_1")
    up = sent(upstream)
    assert up["tools"][0]["function"]["name"] == "shell_script" and up["tool_choice"]["function"]["name"] == "shell_script"
    assert 'start: "a"' in up["tools"][0]["function"]["description"]
    # Back up: call and output.
    upstream.reply(replies.auto)
    output = {"type": "custom_tool_call_output", "call_id": "call_1", "output": "done"}
    client.responses.create(model="mock", input=[{"role": "user", "content": "hi"}, call.to_dict(), output], tools=[tool])
    messages = sent(upstream, 1)["messages"]
    assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == {"input": script}
    assert (messages[2]["role"], messages[2]["content"]) == ("tool", "done")


def test_custom_tool_input_streams(client, upstream):
    upstream.reply(*call_reply("sh", json.dumps({"input": "one two three"}), True, pieces=6))
    tool = {"type": "custom", "name": "sh"}
    events = list(client.responses.create(model="mock", input="hi", tools=[tool], stream=True))
    deltas = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    assert len(deltas) > 2 and "".join(deltas) == "one two three"


@both_ways
def test_apply_patch(client, upstream, stream):
    operation = {"type": "update_file", "path": "a.txt", "diff": "@@\n-a\n+b\n"}
    upstream.reply(*call_reply("apply_patch", json.dumps(operation), stream))
    response = respond(client, stream, input="hi", tools=[{"type": "apply_patch"}])
    call = response.output[0]
    assert call.type == "apply_patch_call" and call.operation.to_dict() == operation
    upstream.reply(replies.auto)
    output = {"type": "apply_patch_call_output", "call_id": call.call_id, "status": "failed", "output": "no such file"}
    client.responses.create(
        model="mock", input=[{"role": "user", "content": "hi"}, call.to_dict(), output], tools=[{"type": "apply_patch"}]
    )  # fmt: skip
    messages = sent(upstream, 1)["messages"]
    assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == operation
    assert messages[2]["tool_call_id"] == call.call_id and "no such file" in messages[2]["content"]


def test_hosted_tools_are_left_out_by_name(client, upstream):
    upstream.reply(replies.auto)
    got = client.responses.with_raw_response.create(
        model="mock", input="hi", tools=[{"type": "web_search"}, WEATHER], truncation="auto"
    )  # fmt: skip
    assert set(got.headers["x-kimi-dropped"].split(", ")) == {"tools[0]", "truncation"}
    assert [tool["function"]["name"] for tool in sent(upstream)["tools"]] == ["weather"]


# -- Conversations ----------------------------------------------------------------------------------------------------


@both_ways
def test_reasoning_returns(client, upstream, stream):
    """What a client that keeps nothing here sends back makes the thought whole again."""
    thought = {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln"}]}
    if stream:
        deltas = [{"role": "assistant", **thought}, {"content": "Yes."}]
        upstream.reply(*replies.stream([*map(chunk, deltas), chunk({}, "stop"), replies.usage_chunk()]))
    else:
        upstream.reply(replies.response(replies.completion("Yes.", **thought)))
    include = ["reasoning.encrypted_content"]
    response = respond(client, stream, input="hi", store=False, include=include)
    reasoning = response.output[0]
    assert reasoning.type == "reasoning" and reasoning.encrypted_content
    upstream.reply(replies.auto)
    # As Codex does: without the content.
    back = {**reasoning.to_dict(), "content": None}
    items = [{"role": "user", "content": "hi"}, back, response.output[1].to_dict(), {"role": "user", "content": "so?"}]
    client.responses.create(model="mock", input=items, store=False, include=include)
    messages = sent(upstream, 1)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert (messages[1]["reasoning_content"], messages[1]["content"]) == ("Hm.", "Yes.")


@both_ways
def test_three_turns_by_previous_response_id(client, upstream, stream):
    upstream.reply(*call_reply("weather", '{"city": "Bern"}', stream))
    first = respond(client, stream, input="Weather in Bern?", instructions="Be brief.", tools=[WEATHER])
    upstream.reply(*dialects.upstream_steps(case("thinking"), stream))
    output = [{"type": "function_call_output", "call_id": "call_1", "output": "rain"}]
    second = respond(client, stream, input=output, previous_response_id=first.id, tools=[WEATHER])
    assert second.previous_response_id == first.id
    upstream.reply(*dialects.upstream_steps(case("text"), stream))
    third = respond(client, stream, input="And tomorrow?", previous_response_id=second.id)
    assert third.output_text == "Hello 🌍."
    messages = sent(upstream, 2)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "user"], (
        "instructions are of one turn only"
    )
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"] == "call_1"
    assert (messages[3]["reasoning_content"], messages[3]["content"]) == ("Let me see.\n", "Hello 🌍.")
    assert messages[4] == {"role": "user", "content": "And tomorrow?"}
    # An earlier turn may be gone.
    client.responses.delete(first.id)
    upstream.reply(replies.auto)
    respond(client, False, input="Well?", previous_response_id=third.id)
    assert len(sent(upstream, 3)["messages"]) == 7


@both_ways
def test_retrieve_and_delete(client, upstream, stream):
    upstream.reply(*dialects.upstream_steps(case("thinking"), stream))
    made = respond(client, stream, input="hi", metadata={"a": "b"})
    kept = strict(client.responses.retrieve(made.id))
    assert kept.output_text == made.output_text and kept.metadata == {"a": "b"} and kept.usage == made.usage
    assert [item.id for item in kept.output] == [item.id for item in made.output]
    client.responses.delete(made.id)
    for again in (client.responses.retrieve, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            again(made.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="mock", input="hi", previous_response_id=made.id)
    assert caught.value.code == "previous_response_not_found" and caught.value.param == "previous_response_id"


def test_what_delete_says(client, host, upstream):
    upstream.reply(replies.auto)
    made = client.responses.create(model="mock", input="hi")
    gone = wire.exchange(host.port, "DELETE", f"/v1/responses/{made.id}")
    assert gone.status == 200 and gone.json == {"id": made.id, "object": "response", "deleted": True}


@both_ways
def test_store_false_keeps_nothing(client, upstream, stream):
    upstream.reply(*dialects.upstream_steps(case("text"), stream))
    made = respond(client, stream, input="hi", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_failed_replies_are_not_kept(client, host, upstream):
    boom = {"error": {"message": "boom", "type": "server_error"}}
    upstream.reply(
        replies.HEAD, *(replies.http_chunk(replies.event(one)) for one in replies.text_chunks("Hel", finish=None)),
        Wait(0.1), replies.http_chunk(replies.event(boom)), replies.LAST_CHUNK,
    )  # fmt: skip
    *_, error, failed = client.responses.create(model="mock", input="hi", stream=True)
    assert (error.type, error.message) == ("error", "boom")
    assert (failed.type, failed.response.error.message) == ("response.failed", "boom")
    assert wire.exchange(host.port, "GET", f"/v1/responses/{failed.response.id}").status == 404


def test_every_field_arrives(client, upstream):
    upstream.reply(replies.auto)
    got = client.responses.with_raw_response.create(
        model="mock", input="hi", instructions="Be brief.", max_output_tokens=64, temperature=0.5, top_p=0.9,
        reasoning={"effort": "high"}, text={"format": {"type": "json_object"}, "verbosity": "low"}, tools=[WEATHER],
        tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "weather"}]},
        parallel_tool_calls=False, metadata={"a": "b"}, safety_identifier="u1", service_tier="flex", top_logprobs=2,
        include=["message.output_text.logprobs"], prompt_cache_key="k", extra_body={"seed": 7, "top_k": 5},
    )  # fmt: skip
    function = {name: WEATHER[name] for name in ("name", "description", "parameters", "strict")}
    assert sent(upstream) == {
        "model": "upstream-model",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning_effort": "high",
        "response_format": {"type": "json_object"},
        "verbosity": "low",
        "metadata": {"a": "b"},
        "user": "u1",
        "service_tier": "flex",
        "logprobs": True,
        "top_logprobs": 2,
        "prompt_cache_key": "k",
        "seed": 7,
        "top_k": 5,
    }
    assert got.headers.get("x-kimi-dropped") is None
    echo = got.parse()
    assert (echo.max_output_tokens, echo.temperature, echo.metadata) == (64, 0.5, {"a": "b"})


# -- Failures ---------------------------------------------------------------------------------------------------------

FAILURES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    413: openai.APIStatusError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
    529: openai.InternalServerError,
}


@both_ways
@pytest.mark.parametrize("status", FAILURES)
def test_failures_are_the_packages_exceptions(client, upstream, status, stream):
    upstream.reply(replies.response({"error": {"message": "no", "code": "why"}}, status, "No"))
    with pytest.raises(FAILURES[status]) as caught:
        client.responses.create(model="mock", input="hi", stream=stream)
    assert caught.value.status_code == status and caught.value.code == "why" and caught.value.request_id
    assert caught.value.body["message"] == "no"


def test_retry_after(client, upstream):
    upstream.reply(replies.response({"error": {"message": "slow"}}, 429, "No", {"retry-after": "7"}))
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model="mock", input="hi")
    assert caught.value.response.headers["retry-after"] == "7" and caught.value.code == "rate_limit_exceeded"


def test_a_body_that_is_too_large(start_host, upstream):
    from conftest import entry

    host = start_host({"models": [entry("mock", upstream.url)], "limits": {"max_body_bytes": 5000}})
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as made:
        with pytest.raises(openai.APIStatusError) as caught:
            made.responses.create(model="mock", input="x" * 9000)
    assert caught.value.status_code == 413 and caught.value.code == "request_too_large"


@pytest.mark.parametrize(
    "body,words",
    [
        (b"{", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"model":"mock"}', "'input' is missing"),
        (b'{"model":"mock","input":5}', "input"),
        (b'{"model":"mock","input":[{"role":"user","content":[{"type":"input_text","text":5}]}]}', "input[0].content[0].text"),
        (b'{"model":"mock","input":[{"type":"function_call","call_id":7}]}', "input[0]."),
        (b'{"model":"mock","input":"hi","tools":{}}', "tools"),
        (b'{"model":"mock","input":"hi","conversation":"c"}', "previous_response_id"),
    ],
)  # fmt: skip
def test_bad_requests_name_the_place(host, upstream, body, words):
    answer = wire.exchange(host.port, "POST", "/v1/responses", body)
    assert answer.status == 400 and answer.json["error"]["type"] == "invalid_request_error", answer.body
    assert words in answer.json["error"]["message"] and not upstream.requests


# -- Connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/v1", "/special/v1", "/special/v1/v1", "/any/v1"])
def test_paths(host, upstream, path):
    """A base URL with /v1 twice, and profiles."""
    model = "mock-special" if "special" in path else "mock"
    base = host.url.removesuffix("/v1") + path
    with openai.OpenAI(base_url=base, api_key="sk-client", max_retries=0, timeout=15) as made:
        upstream.always(replies.auto)
        first = made.responses.create(model=model, input="hi")
        assert made.responses.retrieve(first.id).output_text == "Hello there."
        assert made.responses.create(model=model, input="hi", previous_response_id=first.id).output_text
        made.responses.delete(first.id)
        assert model in [one.id for one in made.models.list()] and made.models.retrieve(model).id == model


@both_ways
def test_rate_limits_and_request_ids(client, upstream, stream):
    steps = dialects.upstream_steps(case("text"), stream)
    head, rest = steps[0].split(b"\r\n", 1)
    upstream.reply(head + b"\r\nX-RateLimit-Remaining-Tokens: 99\r\n" + rest, *steps[1:])
    got = client.responses.with_raw_response.create(
        model="mock", input="hi", stream=stream, extra_headers={"x-request-id": "mine-1"}
    )  # fmt: skip
    assert got.headers["x-ratelimit-remaining-tokens"] == "99" and got.headers["x-request-id"] == "mine-1"


def test_a_client_that_goes_cancels_the_upstream(client, upstream):
    first = [replies.http_chunk(replies.event(one)) for one in replies.text_chunks("a", finish=None)]
    upstream.reply(replies.HEAD, *first, Hang())
    stream = client.responses.create(model="mock", input="hi", stream=True)
    next(iter(stream))
    stream.close()
    assert upstream.wait_request().closed.wait(1), "the upstream's connection stayed open"
