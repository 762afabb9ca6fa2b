"""The provider `anthropic` in front of a fake that refuses what Anthropic refuses, from each client's API."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest

import hostprocess
import wire
from fakes import anthropic as fakes
from fakes.anthropic import Fake, call, text, thinking

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION = "What is on the picture, and how is the weather there?"


def entry(name: str, url: str, **config) -> dict:
    settings = {"baseUrl": url, "native": False, "apiKey": "sk-ant-test"} | config
    settings = {key: value for key, value in settings.items() if value is not None}
    return {"name": name, "provider": "anthropic", "model": name, "provider_config": settings}


@pytest.fixture(scope="module")
def claude_host(shared_upstream, tmp_path_factory):
    url = shared_upstream.url.removesuffix("/v1")
    models = [
        entry("claude-opus-4-6", url), entry("claude-sonnet-4-5", url + "/v1/"),
        entry("claude-opus-5-5", url, apiKey=None, authToken="token-test"),
    ]  # fmt: skip
    running = hostprocess.Host(tmp_path_factory.mktemp("anthropic"), {"models": models}).wait_ready()
    yield running
    running.stop()


@pytest.fixture
def fake(upstream, claude_host):
    made = Fake(upstream)
    yield made
    assert made.faults == []
    assert claude_host.alive, claude_host.output[-4000:]


@pytest.fixture
def chat(claude_host):
    with openai.OpenAI(base_url=claude_host.url, api_key="sk-client", max_retries=0, timeout=15) as made:
        yield made


@pytest.fixture
def messages(claude_host):
    url = claude_host.url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=url, api_key="sk-client", max_retries=0, timeout=15) as made:
        yield made


both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


# -- Agents: a picture, two calls with a thought before, results with a picture, an answer ----------------------------

CALLS = [thinking("I look it up."), text("Wait."), call("toolu_1", "weather", city="Bern"), call("toolu_2", "map")]
ANSWER = [thinking("Now."), text("It rains "), text("in Bern.")]


def expected_turns(signed: bool, image_result: bool) -> list:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}
    second = [text("a map"), picture] if image_result else "a map"
    return [
        {"role": "user", "content": [text(QUESTION), picture]},
        {"role": "assistant", "content": CALLS if signed else CALLS[1:]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": second},
                text("Go on."),
            ],
        },
    ]


def chat_turn(chat, stream: bool, **request) -> dict:
    """One answer of Chat as the message that a client sends back."""
    if not stream:
        answer = chat.chat.completions.create(**request).to_dict()
        assert answer["usage"]["prompt_tokens"] == 32 and answer["usage"]["completion_tokens"] == 9
        return {**answer["choices"][0]["message"], "finish_reason": answer["choices"][0]["finish_reason"]}
    made = {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": []}
    for chunk in chat.chat.completions.create(**request, stream=True, stream_options={"include_usage": True}):
        data = chunk.to_dict()
        if data.get("usage"):
            assert data["usage"]["prompt_tokens"] == 32 and data["usage"]["completion_tokens"] == 9
        for choice in data["choices"]:
            gather(made, choice["delta"])
            made["finish_reason"] = choice["finish_reason"] or made.get("finish_reason")
    return made


def gather(made: dict, delta: dict):
    for name in ("content", "reasoning_content"):
        made[name] += delta.get(name) or ""
    if "thinking_blocks" in delta:
        made["thinking_blocks"] = delta["thinking_blocks"]
    for piece in delta.get("tool_calls", []):
        if "id" in piece:
            made["tool_calls"].append(json.loads(json.dumps(piece)))
        else:
            made["tool_calls"][-1]["function"]["arguments"] += piece["function"]["arguments"]


@both_ways
@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-4-5", "claude-opus-5-5"])
def test_agent_over_chat(chat, fake, stream, model):
    fake.reply(*CALLS, reason="tool_use")
    fake.reply(*ANSWER)
    parts = [
        {"type": "text", "text": QUESTION},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
    ]
    names = ("weather", "map")
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in names]
    history = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}]
    request = {"model": model, "tools": tools, "reasoning_effort": "high", "user": "u"}
    first = chat_turn(chat, stream, messages=history, **request)
    assert first.pop("finish_reason") == "tool_calls"
    assert (first["content"], first["reasoning_content"]) == ("Wait.", "I look it up.")
    assert [one["id"] for one in first["tool_calls"]] == ["toolu_1", "toolu_2"]
    assert [json.loads(one["function"]["arguments"]) for one in first["tool_calls"]] == [{"city": "Bern"}, {}]
    assert first["thinking_blocks"] == [thinking("I look it up.")]
    for one in first["tool_calls"]:
        one.pop("index", None)
    history += [
        first, {"role": "tool", "tool_call_id": "toolu_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": "a map"}, {"role": "user", "content": "Go on."},
    ]  # fmt: skip
    second = chat_turn(chat, stream, messages=history, **request)
    assert (second["content"], second["finish_reason"]) == ("It rains in Bern.", "stop")
    body = fake.bodies[1]
    assert body["messages"] == expected_turns(True, False)
    assert body["system"] == [text("Be brief.")] and body["metadata"] == {"user_id": "u"}
    assert body["tools"] == [{"name": name, "input_schema": SCHEMA} for name in names]
    thought = {
        "claude-opus-4-6": {"type": "adaptive"}, "claude-sonnet-4-5": {"type": "enabled", "budget_tokens": 16384},
        "claude-opus-5-5": {"type": "adaptive", "display": "summarized"},
    }  # fmt: skip
    assert body["thinking"] == thought[model]


@both_ways
def test_agent_over_messages(messages, fake, stream):
    fake.reply(*CALLS, reason="tool_use")
    fake.reply(*ANSWER)
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}
    tools = [{"name": name, "input_schema": SCHEMA} for name in ("weather", "map")]
    history = [{"role": "user", "content": [text(QUESTION), picture]}]
    request = {
        "model": "claude-sonnet-4-5", "max_tokens": 4096, "tools": tools, "system": [text("Be brief.")],
        "thinking": {"type": "enabled", "budget_tokens": 2000}, "extra_headers": {"anthropic-beta": "one-1,two-2"},
    }  # fmt: skip

    def turn():
        if not stream:
            return messages.messages.create(messages=history, **request)
        with messages.messages.stream(messages=history, **request) as running:
            return running.get_final_message()

    first = turn()
    content = first.to_dict(mode="json")["content"]
    for block in content:
        block.pop("citations", None)
        block.pop("caller", None)
    assert content == CALLS
    assert (first.stop_reason, first.usage.input_tokens, first.usage.cache_read_input_tokens) == ("tool_use", 20, 7)
    assert (first.usage.cache_creation_input_tokens, first.usage.output_tokens) == (5, 9)
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": [text("a map"), picture]},
        text("Go on."),
    ]
    history += [{"role": "assistant", "content": content}, {"role": "user", "content": results}]
    second = turn()
    # Neighbouring texts are one for clients of the canonical form.
    assert [block.type for block in second.content] == ["thinking", "text"]
    assert (second.content[1].text, second.stop_reason) == ("It rains in Bern.", "end_turn")
    body = fake.bodies[1]
    assert body["messages"] == expected_turns(True, True)
    assert body["thinking"] == request["thinking"] and body["max_tokens"] == 4096
    assert fake.requests[1].header("anthropic-beta") == "one-1,two-2"


@both_ways
def test_agent_over_responses(chat, fake, stream):
    fake.reply(*CALLS, reason="tool_use")
    fake.reply(*ANSWER)
    names = ("weather", "map")
    tools = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in names]
    parts = [
        {"type": "input_text", "text": QUESTION},
        {"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}", "detail": "auto"},
    ]
    request = {
        "model": "claude-sonnet-4-5", "tools": tools, "instructions": "Be brief.", "reasoning": {"effort": "medium"},
        "include": ["reasoning.encrypted_content"], "store": False,
    }  # fmt: skip
    history: list = [{"role": "user", "content": parts}]

    def turn() -> dict:
        if not stream:
            return chat.responses.create(input=history, **request).to_dict()
        with chat.responses.stream(input=history, **request) as running:
            return running.get_final_response().to_dict()

    first = turn()
    assert [item["type"] for item in first["output"]] == ["reasoning", "message", "function_call", "function_call"]
    assert first["usage"]["input_tokens"] == 32 and first["usage"]["output_tokens"] == 9
    history += first["output"]
    for identifier, output in (("toolu_1", "rain"), ("toolu_2", "a map")):
        history.append({"type": "function_call_output", "call_id": identifier, "output": output})
    history.append({"role": "user", "content": "Go on."})
    second = turn()
    texts = [part["text"] for item in second["output"] if item["type"] == "message" for part in item["content"]]
    assert "".join(texts) == "It rains in Bern."
    body = fake.bodies[1]
    assert body["messages"] == expected_turns(True, False)
    assert body["system"] == [text("Be brief.")]
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 8192}


# -- What a thought needs ---------------------------------------------------------------------------------------------


@both_ways
def test_a_client_that_loses_thoughts_gets_none_in_the_loop(chat, fake, stream):
    """Chat clients that send no thinking_blocks back would be refused by models with a budget."""
    fake.reply(text("ok"))
    made = [{"id": "functions.map:0", "type": "function", "function": {"name": "map", "arguments": "{"}}]
    history = [
        {"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": made},
        {"role": "tool", "tool_call_id": "functions.map:0", "content": "y"},
    ]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "map"}}]
    answer = chat.chat.completions.create(
        model="claude-sonnet-4-5", messages=history, tools=tools, reasoning_effort="high", stream=stream)
    assert len(list(answer) if stream else answer.choices) > 0
    body = fake.bodies[0]
    assert "thinking" not in body
    block = body["messages"][1]["content"][0]
    assert (block["id"], block["input"]) == ("k1_functions_2emap_3a0", {"_raw": "{"})


@both_ways
def test_parameters(chat, fake, stream):
    fake.reply(text("ok"), reason="stop_sequence", sequence="END")
    shape = {"type": "json_schema", "json_schema": {"name": "o", "schema": SCHEMA}}
    answer = chat.chat.completions.create(
        model="claude-sonnet-4-5", messages=[{"role": "user", "content": "x"}], max_completion_tokens=10,
        temperature=1.5, top_p=0.5, stop=["END", " "], seed=1, logprobs=True, response_format=shape, stream=stream)
    reasons = [one.choices[0].finish_reason for one in answer if one.choices] if stream else [
        answer.choices[0].finish_reason]
    assert reasons[-1] == "stop"
    assert fake.bodies[0] == {
        "model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": [text("x")]}], "max_tokens": 10,
        "temperature": 1, "stop_sequences": ["END"],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}, **({"stream": True} if stream else {}),
    }  # fmt: skip


# -- Errors -----------------------------------------------------------------------------------------------------------

ERRORS = [
    (401, "authentication_error", "invalid x-api-key", openai.AuthenticationError, 401),
    (403, "permission_error", "not yours", openai.PermissionDeniedError, 403),
    (404, "not_found_error", "model: claude-9", openai.NotFoundError, 404),
    (429, "rate_limit_error", "slow down", openai.RateLimitError, 429),
    (400, "invalid_request_error", "prompt is too long: 3 > 2", openai.BadRequestError, 400),
    (529, "overloaded_error", "Overloaded", openai.InternalServerError, None),
    (500, "api_error", "Internal server error", openai.InternalServerError, None),
]


@both_ways
@pytest.mark.parametrize("status, kind, said, raised, seen", ERRORS, ids=[one[1] for one in ERRORS])
def test_errors(chat, fake, stream, status, kind, said, raised, seen):
    fake.fail(status, kind, said, retry_after=7)
    with pytest.raises(raised) as caught:
        chat.chat.completions.create(
            model="claude-opus-4-6", messages=[{"role": "user", "content": "x"}], stream=stream)
    assert said in str(caught.value)
    assert seen is None or caught.value.status_code == seen
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "7"


def test_an_error_in_the_middle(chat, fake):
    fake.break_off(text("Hello"), event=fakes.error("overloaded_error", "Overloaded"))
    seen = ""
    with pytest.raises(openai.APIError, match="Overloaded"):
        for chunk in chat.chat.completions.create(
            model="claude-opus-4-6", messages=[{"role": "user", "content": "x"}], stream=True
        ):
            seen += chunk.choices[0].delta.content or ""
    assert seen == "Hello"


def test_a_stream_that_breaks_off(messages, fake):
    fake.break_off(text("Hello"), event=None)
    seen = ""
    with pytest.raises(anthropic.APIStatusError):
        with messages.messages.stream(
            model="claude-opus-4-6", max_tokens=9, messages=[{"role": "user", "content": "x"}]
        ) as stream:
            for piece in stream.text_stream:
                seen += piece
    assert seen == "Hello"


@pytest.mark.parametrize(
    "more, said",
    [
        ({"n": 2}, "n: the upstream answers with one choice"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "takes no 'input_audio'"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(claude_host, upstream, more, said):
    body = {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "x"}]} | more
    answer = wire.exchange(claude_host.port, "POST", "/v1/chat/completions", json.dumps(body).encode())
    assert answer.status == 400 and said in answer.json["error"]["message"], answer.body
    assert upstream.requests == []


# -- Configuration ----------------------------------------------------------------------------------------------------


def check(tmp_path, config: dict, **environment):
    (tmp_path / "c.yaml").write_text(json.dumps({"models": [
        {"name": "c", "provider": "anthropic", "model": "claude-opus-4-6", "provider_config": config}]}))
    return hostprocess.run(
        "check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **environment)


def test_a_missing_key_is_named(tmp_path):
    result = check(tmp_path, {})
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "provider_config.apiKey: is missing; add it or authToken, or set the environment variable" in said
    assert "ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN" in said


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_a_key_of_the_environment_is_enough(tmp_path, name):
    result = check(tmp_path, {}, **{name: "sk-x"})
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_optional_entry_without_a_key_is_left_out(tmp_path):
    entries = [
        {"name": "c", "provider": "anthropic", "model": "m", "optional": True},
        {"name": "demo", "provider": "demo", "model": "demo"},
    ]
    (tmp_path / "c.yaml").write_text(json.dumps({"models": entries}))
    result = hostprocess.run("check", "--config", "c.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "left out: ANTHROPIC_API_KEY is not set" in result.stdout + result.stderr


def test_a_key_of_the_environment_does_not_go_beside_a_token_of_the_file(upstream, start_host):
    fake = Fake(upstream)
    fake.reply(text("ok"))
    config = {"models": [entry("claude-opus-4-6", fake.url, apiKey=None, authToken="token-test")]}
    host = start_host(config, environment={"ANTHROPIC_API_KEY": "sk-of-somebody-else"})
    body = {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "x"}]}
    answer = wire.exchange(host.port, "POST", "/v1/chat/completions", json.dumps(body).encode())
    assert answer.status == 200 and fake.faults == [], answer.body
    assert fake.requests[0].header("x-api-key") is None
