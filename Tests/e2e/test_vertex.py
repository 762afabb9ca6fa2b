"""The provider `vertex` against a fake of Vertex AI that asserts what it receives."""

from __future__ import annotations

import concurrent.futures
import json

import anthropic
import openai
import pytest

from fakes.vertex import FakeVertex
from hostprocess import Host

TOOLS = [{"type": "function", "function": {"name": "ns/weather", "parameters": {
    "type": "object", "properties": {"city": {"$ref": "#/$defs/City"}}, "required": ["city"],
    "$defs": {"City": {"type": ["string", "null"], "format": "city"}}}}}]  # fmt: skip


@pytest.fixture
def vertex():
    fake = FakeVertex()
    yield fake
    fake.stop()


def start(folder, fake: FakeVertex, environment: dict | None = None, **config) -> Host:
    provider_config = {
        "projectId": "p1", "endpointOverride": fake.origin, "geminiEndpoint": fake.origin, **config,
    }  # fmt: skip
    models = [
        {"name": name, "provider": "vertex", "model": model, "provider_config": provider_config}
        for name, model in {
            "gemini": "gemini-2.5-flash", "gemini-3": "gemini-3-pro-preview", "kimi": "moonshotai/kimi-k2-maas",
        }.items()
    ]  # fmt: skip
    return Host(folder, {"models": models}, environment).wait_ready()


def chat(host: Host, **more):
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{host.port}/v1", api_key="x", max_retries=0)
    return client.chat.completions.create(**more)


def answer(*parts: dict, reason: str = "STOP") -> dict:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1},
        "responseId": "r1", "modelVersion": "gemini",
    }  # fmt: skip


@pytest.fixture
def host(vertex, tmp_path):
    running = start(tmp_path, vertex, accessToken="static-token")
    yield running
    running.stop()


def test_chat_with_tools_in_two_turns(vertex, host):
    call = {"functionCall": {"name": "ns_weather", "args": {"city": "Köln"}}, "thoughtSignature": "c2ln"}
    vertex.reply(answer({"text": "thinking", "thought": True}, call))
    messages = [{"role": "user", "content": "Weather?"}]
    first = chat(host, model="gemini-3", messages=messages, tools=TOOLS)
    (made,) = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert (made.function.name, json.loads(made.function.arguments)) == ("ns/weather", {"city": "Köln"})
    assert first.usage.completion_tokens == 3
    vertex.reply(answer({"text": "Rain."}))
    messages += [
        {"role": "assistant", "content": None, "tool_calls": [made.model_dump()]},
        {"role": "tool", "tool_call_id": made.id, "content": "rain"},
    ]
    second = chat(host, model="gemini-3", messages=messages, tools=TOOLS)
    assert second.choices[0].message.content == "Rain."
    # The signature survived a client that kept nothing of it.
    assert vertex.requests[1][1]["contents"][1]["parts"][-1]["thoughtSignature"] == "c2ln"
    assert vertex.complaints == []


def test_streamed_with_an_image(vertex, host):
    vertex.reply(
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "A "}]}}]}, answer({"text": "cat."}))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}
    stream = chat(
        host, model="gemini", stream=True,
        messages=[{"role": "user", "content": [{"type": "text", "text": "What?"}, picture]}],
    )  # fmt: skip
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "A cat."
    path, request = vertex.requests[0]
    assert path.endswith(":streamGenerateContent?alt=sse")
    assert request["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "iVBORw0="}}
    assert vertex.complaints == []


def test_an_anthropic_client_carries_the_signature(vertex, host):
    call = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"}
    vertex.reply(answer({"text": "hm", "thought": True}, call))
    client = anthropic.Anthropic(base_url=f"http://127.0.0.1:{host.port}", api_key="x", max_retries=0)
    tools = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
    messages = [{"role": "user", "content": "Look."}]
    first = client.messages.create(model="gemini-3", max_tokens=100, messages=messages, tools=tools)
    assert [block.type for block in first.content] == ["thinking", "tool_use"]
    assert first.content[0].signature == "gemini1:0:c2ln"
    vertex.reply(answer({"text": "Seen."}))
    result = {"type": "tool_result", "tool_use_id": first.content[1].id, "content": "x"}
    messages += [
        {"role": "assistant", "content": [block.model_dump() for block in first.content]},
        {"role": "user", "content": [result]},
    ]
    client.messages.create(model="gemini-3", max_tokens=100, messages=messages, tools=tools)
    assert vertex.requests[1][1]["contents"][1]["parts"] == [call]
    assert vertex.complaints == []


def test_open_models_at_the_chat_endpoint(vertex, host):
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "kimi"}
    vertex.reply(
        {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    )
    stream = chat(host, model="kimi", stream=True, messages=[{"role": "user", "content": "x"}])
    assert "".join(part.choices[0].delta.content or "" for part in stream if part.choices) == "Hi"
    assert vertex.requests[0][1]["model"] == "moonshotai/kimi-k2-maas"
    assert vertex.complaints == []


def test_errors_keep_their_words(vertex, host):
    with pytest.raises(openai.APIStatusError) as caught:
        chat(host, model="gemini", messages=[{"role": "user", "content": "x"}])
    assert "the test has no reply" in caught.value.message


# From here on the host fetches tokens.


@pytest.mark.parametrize("kind", ["file", "variable path", "variable JSON", "object", "user", "metadata"])
def test_tokens(vertex, tmp_path, kind):
    text = json.dumps(vertex.credentials)
    (tmp_path / "key.json").write_text(text)
    config, environment = {}, {}
    if kind == "file":
        config["credentials"] = "key.json"
    elif kind == "variable path":
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(tmp_path / "key.json")
    elif kind == "variable JSON":
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = text
    elif kind == "metadata":
        environment["GCE_METADATA_HOST"] = vertex.host
    else:
        config["credentials"] = vertex.user if kind == "user" else vertex.credentials
    host = start(tmp_path, vertex, environment, **config)
    try:
        for _ in range(3):
            vertex.reply(answer({"text": "a"}))
            chat(host, model="gemini", messages=[{"role": "user", "content": "x"}])
        assert vertex.exchanges == 1
        # An upstream 401: one more token, and the client does not notice.
        vertex.revoke()
        vertex.reply(answer({"text": "b"}))
        assert chat(host, model="gemini", messages=[{"role": "user", "content": "x"}]).choices[0].message.content == "b"
        assert vertex.exchanges == 2
        assert vertex.key and "PRIVATE KEY" not in host.log.read_text()
    finally:
        host.stop()


def test_a_hundred_first_requests_make_one_exchange(vertex, tmp_path):
    vertex.token_delay = 0.3
    host = start(tmp_path, vertex, credentials=vertex.credentials)
    try:
        for _ in range(100):
            vertex.reply(answer({"text": "a"}))
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            made = [
                pool.submit(chat, host, model="gemini", messages=[{"role": "user", "content": "x"}])
                for _ in range(100)
            ]
            assert {one.result().choices[0].message.content for one in made} == {"a"}
        assert (vertex.exchanges, vertex.complaints) == (1, [])
    finally:
        host.stop()


def test_a_refused_key_names_the_field_and_not_the_secret(vertex, tmp_path):
    host = start(tmp_path, vertex, credentials={**vertex.user, "refresh_token": "1//other-secret"})
    try:
        with pytest.raises(openai.APIStatusError) as caught:
            chat(host, model="gemini", messages=[{"role": "user", "content": "x"}])
        assert "invalid_grant" in caught.value.message and "refresh_token" in caught.value.message
        assert "other-secret" not in caught.value.message + host.log.read_text()
    finally:
        host.stop()
