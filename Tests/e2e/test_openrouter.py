"""The provider openrouter against a fake that asserts what it receives."""

import json

import pytest

import hostprocess
import wire
from fakes.openrouter import KEY, FakeOpenRouter

ENVIRONMENT = {
    "OPENROUTER_API_KEY": KEY, "OPENROUTER_PROVIDERS": "moonshotai, fireworks", "OPENROUTER_ORDER": "fireworks,moonshotai",
    "OPENROUTER_SORT": "throughput", "OPENROUTER_ALLOW_FALLBACKS": "false", "OPENROUTER_MODEL_SHORTCUT": "nitro",
}  # fmt: skip
MODES = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


def model(fake, name, upstream="moonshotai/kimi-k2", **config) -> dict:
    return {"name": name, "provider": "openrouter", "model": upstream, "provider_config": {"baseUrl": fake.base, **config}}


@pytest.fixture(scope="module")
def fake():
    server = FakeOpenRouter()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def running(fake, tmp_path_factory):
    config = {
        "models": [
            model(fake, "env"),
            model(fake, "own", order=["z"], allow_fallbacks=True, shortcut="floor",
                  provider={"only": ["a"], "zdr": True, "max_price": {"prompt": 1}}, models=["x/y"], transforms=[],
                  referer="https://me.example", title="Me"),
            model(fake, "claude", "anthropic/claude"),
            model(fake, "gemini", "google/gemini"),
            model(fake, "kimi"),
        ]
    }  # fmt: skip
    host = hostprocess.Host(tmp_path_factory.mktemp("openrouter"), config, environment=ENVIRONMENT).wait_ready()
    yield host
    host.stop()


@pytest.fixture
def host(running, fake):
    fake.deltas, fake.finish, fake.error = [{"content": "Hello."}], "stop", None
    fake.bodies.clear()
    fake.complaints.clear()
    yield running
    assert running.alive, running.output[-4000:]
    assert fake.complaints == []


def ask(host, path, body) -> wire.Response:
    return wire.exchange(host.port, "POST", path, json.dumps(body).encode(), {"anthropic-version": "2023-06-01"})


def request(dialect, name, stream, text="Hi") -> dict:
    if dialect == "responses":
        return {"model": name, "input": text, "stream": stream}
    return {"model": name, "messages": [{"role": "user", "content": text}], "stream": stream, "max_tokens": 2000}


@MODES
@pytest.mark.parametrize("dialect", PATHS)
def test_the_environment_routes(host, fake, dialect, stream):
    answer = ask(host, PATHS[dialect], request(dialect, "env", stream))
    assert answer.status == 200, answer.body
    assert b"Hello." in answer.body
    assert fake.bodies[0]["provider"] == {
        "order": ["fireworks", "moonshotai"], "only": ["moonshotai", "fireworks"], "sort": "throughput",
        "allow_fallbacks": False,
    }  # fmt: skip
    assert fake.bodies[0]["model"] == "moonshotai/kimi-k2:nitro"


def test_the_config_wins(host, fake):
    assert ask(host, PATHS["chat"], request("chat", "own", False)).status == 200
    body = fake.bodies[0]
    assert body["provider"] == {
        "order": ["z"], "sort": "throughput", "allow_fallbacks": True, "only": ["a"], "zdr": True,
        "max_price": {"prompt": 1},
    }  # fmt: skip
    assert (body["models"], body["transforms"], body["model"]) == (["x/y"], [], "moonshotai/kimi-k2:floor")
    sent = fake.requests[-1]
    assert (sent.header("http-referer"), sent.header("x-title")) == ("https://me.example", "Me")


@MODES
def test_the_cost_reaches_a_chat_client(host, stream):
    body = request("chat", "kimi", stream) | ({"stream_options": {"include_usage": True}} if stream else {})
    answer = ask(host, PATHS["chat"], body)
    usage = [json.loads(f) for f in answer.frames if f != "[DONE]"][-1]["usage"] if stream else answer.json["usage"]
    assert usage["cost"] == 0.00042 and usage["prompt_tokens"] == 11


@MODES
def test_a_budget_and_a_signed_thought_make_the_round(host, fake, stream):
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    fake.deltas = [
        {"reasoning": "Hm", "reasoning_details": [{**detail, "text": "Hm", "signature": "c2ln"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "ZGF0YQ", "format": "anthropic-claude-v1", "index": 1}]},
        {"tool_calls": [{"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
    ]  # fmt: skip
    fake.finish = "tool_calls"
    first = request("messages", "claude", stream) | {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    content = blocks(ask(host, PATHS["messages"], first), stream)
    assert [b["type"] for b in content] == ["thinking", "redacted_thinking", "tool_use"]
    assert content[0] == {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    assert fake.bodies[0]["reasoning"] == {"max_tokens": 1024}
    assert "thinking" not in fake.bodies[0]
    second = {**first, "messages": first["messages"] + [
        {"role": "assistant", "content": content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": content[2]["id"], "content": "ok"}]},
    ]}  # fmt: skip
    assert ask(host, PATHS["messages"], second).status == 200
    details = fake.bodies[1]["messages"][1]["reasoning_details"]
    assert [d["type"] for d in details] == ["reasoning.text", "reasoning.encrypted"]
    assert (details[0]["text"], details[0]["signature"], details[1]["data"]) == ("Hm", "c2ln", "ZGF0YQ")


def blocks(answer, stream) -> list[dict]:
    """The content of a Messages answer."""
    assert answer.status == 200, answer.body
    if not stream:
        return answer.json["content"]
    content: list[dict] = []
    for event in map(json.loads, answer.frames):
        if event["type"] == "content_block_start":
            content.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            for name, value in event["delta"].items():
                if name == "partial_json":
                    content[-1]["partial"] = content[-1].get("partial", "") + value
                elif name != "type":
                    content[-1][name] = content[-1].get(name, "") + value
    for block in content:
        if "partial" in block:
            block["input"] = json.loads(block.pop("partial") or "{}")
    return content


@MODES
@pytest.mark.parametrize("dialect", ["messages", "responses", "chat"])
def test_a_sealed_thought_of_another_maker_comes_back_as_it_was(host, fake, dialect, stream):
    sealed = {"type": "reasoning.encrypted", "data": "eA==", "id": "call_1", "format": "google-gemini-v1", "index": 0}
    fake.deltas = [{"reasoning_details": [sealed]}, {"content": "A"}]
    first = request(dialect, "gemini", stream)
    if dialect == "responses":
        first["include"] = ["reasoning.encrypted_content"]
    answer = ask(host, PATHS[dialect], first)
    assert answer.status == 200
    user = {"role": "user", "content": "more"}
    if dialect == "messages":
        content = blocks(answer, stream)
        second = {**first, "messages": first["messages"] + [{"role": "assistant", "content": content}, user]}
    elif dialect == "responses":
        done = [json.loads(f) for f in answer.frames if "response.completed" in f][-1]["response"] if stream else answer.json
        second = {**first, "input": [{"role": "user", "content": "Hi"}, *done["output"], user]}
    else:
        message = {"role": "assistant", "content": "A", "reasoning_details": details(answer, stream)}
        second = {**first, "messages": first["messages"] + [message, user]}
    assert ask(host, PATHS[dialect], second).status == 200
    assert fake.bodies[1]["messages"][1]["reasoning_details"] == [sealed]


def details(answer, stream) -> list[dict]:
    if not stream:
        return answer.json["choices"][0]["message"]["reasoning_details"]
    deltas = [c["delta"] for f in answer.frames if f != "[DONE]" for c in json.loads(f)["choices"]]
    return [d for delta in deltas for d in delta.get("reasoning_details", [])]


@pytest.mark.parametrize("dialect", PATHS)
def test_an_error_in_the_middle_is_told_in_the_clients_way(host, fake, dialect):
    fake.error = {"code": 502, "message": "Provider disconnected", "metadata": {"provider_name": "Fake"}}
    answer = ask(host, PATHS[dialect], request(dialect, "kimi", True))
    assert answer.status == 200 and b"Hello." in answer.body
    assert b"Provider disconnected (Fake)" in answer.body


@pytest.mark.parametrize(
    "environment,says",
    [
        ({}, "OPENROUTER_API_KEY"),
        ({"OPENROUTER_API_KEY": "k", "OPENROUTER_ALLOW_FALLBACKS": "maybe"}, "OPENROUTER_ALLOW_FALLBACKS"),
        ({"OPENROUTER_API_KEY": "k", "OPENROUTER_SORT": "cheap"}, "OPENROUTER_SORT"),
        ({"OPENROUTER_API_KEY": "k", "OPENROUTER_MODEL_SHORTCUT": "a b"}, "OPENROUTER_MODEL_SHORTCUT"),
    ],
)
def test_mistakes_in_the_environment_are_named(tmp_path, environment, says):
    config = tmp_path / "c.yaml"
    config.write_text("models:\n  - {name: a, provider: openrouter, model: m}\n")
    found = hostprocess.run("check", "--config", config, "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **environment)
    assert found.returncode > 0 and says in found.stdout + found.stderr
