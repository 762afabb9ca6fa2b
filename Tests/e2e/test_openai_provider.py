"""The provider openai: Azure, Responses upstreams, extra members and headers, keys."""

import json

import pytest

import hostprocess
import replies
import wire
from test_openrouter import MODES, PATHS, ask, blocks, request

ENVIRONMENT = {"OPENAI_ORGANIZATION": "org-1", "OPENAI_PROJECT": "proj-1"}


def model(upstream, name, path="/v1", **config) -> dict:
    url = f"http://127.0.0.1:{upstream.port}{path}"
    return {"name": name, "provider": "openai", "model": f"up-{name}", "provider_config": {"baseUrl": url, **config}}


@pytest.fixture(scope="module")
def running(shared_upstream, tmp_path_factory):
    config = {
        "models": [
            model(shared_upstream, "azure", "", apiKey="az", flavour="azure", api_version="2024-10-21"),
            model(shared_upstream, "extra", apiKey="k", flavour="vllm",
                  extra_body={"/chat_template_kwargs/preserve": True, "/seed": None},
                  extra_headers={"X-Gateway": "g", "OpenAI-Project": None}),
            model(shared_upstream, "keyless"),
            model(shared_upstream, "responses", apiKey="k", api="responses"),
            {**model(shared_upstream, "groq", apiKey="k"), "transforms": ["kimi-k2"]},
        ]
    }  # fmt: skip
    host = hostprocess.Host(tmp_path_factory.mktemp("openai"), config, environment=ENVIRONMENT).wait_ready()
    yield host
    host.stop()


@pytest.fixture
def host(running, upstream):
    yield running
    assert running.alive, running.output[-4000:]


def test_azure(host, upstream):
    upstream.reply(replies.response(replies.completion()))
    assert ask(host, PATHS["chat"], request("chat", "azure", False)).status == 200
    sent = upstream.wait_request()
    assert sent.target == "/openai/deployments/up-azure/chat/completions?api-version=2024-10-21"
    assert sent.header("api-key") == "az" and sent.header("authorization") is None


def test_extra_members_and_headers(host, upstream):
    upstream.reply(replies.response(replies.completion()))
    body = request("chat", "extra", False) | {"seed": 7, "thinking": {"type": "disabled"}}
    assert ask(host, PATHS["chat"], body).status == 200
    sent = upstream.wait_request()
    got = json.loads(sent.body)
    assert got["chat_template_kwargs"] == {"thinking": False, "enable_thinking": False, "preserve": True}
    assert "seed" not in got and "thinking" not in got
    assert sent.header("x-gateway") == "g" and sent.header("openai-project") is None
    assert sent.header("openai-organization") == "org-1"


def test_a_local_server_needs_no_key(host, upstream):
    upstream.reply(replies.response(replies.completion()))
    assert ask(host, PATHS["chat"], request("chat", "keyless", False)).status == 200
    sent = upstream.wait_request()
    assert sent.header("authorization") is None and sent.header("openai-project") == "proj-1"


ITEM = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "gAAA"}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a":1}', "status": "completed"}
DONE = {
    "id": "resp_1", "object": "response", "created_at": 1700000000, "model": "up", "status": "completed",
    "output": [ITEM, CALL], "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
}  # fmt: skip


def responses_reply(stream: bool) -> bytes:
    """What a Responses upstream says: a thought and a call."""
    if not stream:
        return replies.response(DONE)
    events = [
        {"type": "response.created", "response": {**DONE, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "summary": []}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Hm"},
        {"type": "response.output_item.done", "output_index": 0, "item": ITEM},
        {"type": "response.output_item.added", "output_index": 1, "item": {**CALL, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"a":'},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "1}"},
        {"type": "response.output_item.done", "output_index": 1, "item": CALL},
        {"type": "response.completed", "response": DONE},
    ]
    body = b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)
    return replies.response(body, kind="text/event-stream")


@MODES
@pytest.mark.parametrize("dialect", PATHS)
def test_a_responses_upstream_takes_its_thought_back(host, upstream, dialect, stream):
    upstream.always(responses_reply(stream))
    parameters = {"type": "object", "properties": {"a": {"type": "integer"}}}
    first = request(dialect, "responses", stream)
    if dialect == "messages":
        first |= {"tools": [{"name": "f", "input_schema": parameters}], "thinking": {"type": "enabled", "budget_tokens": 1024}}
    elif dialect == "responses":
        first |= {"tools": [{"type": "function", "name": "f", "parameters": parameters}], "include": ["reasoning.encrypted_content"]}
    else:
        first |= {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}
    answer = ask(host, PATHS[dialect], first)
    assert answer.status == 200, answer.body
    sent = upstream.wait_request()
    up = json.loads(sent.body)
    assert sent.target == "/v1/responses" and up["store"] is False and "messages" not in up
    assert up["include"] == ["reasoning.encrypted_content"] and up["tools"][0]["name"] == "f"
    assert up["input"][0]["role"] == "user" and up.get("stream", False) is stream
    second = {**first, **again(dialect, first, answer, stream)}
    assert ask(host, PATHS[dialect], second).status == 200
    items = json.loads(upstream.wait_request(1).body)["input"]
    assert [i["type"] for i in items] == ["message", "reasoning", "function_call", "function_call_output"]
    assert items[1] == {k: ITEM[k] for k in ("type", "id", "summary", "encrypted_content")}
    assert (items[2]["call_id"], json.loads(items[2]["arguments"])) == ("call_1", {"a": 1})
    assert (items[3]["call_id"], items[3]["output"]) == ("call_1", "ok")


def again(dialect, first, answer, stream) -> dict:
    """The next turn's history, as a client of that API makes it."""
    if dialect == "messages":
        content = blocks(answer, stream)
        assert [b["type"] for b in content] == ["thinking", "tool_use"] and content[0]["thinking"] == "Hm"
        result = {"type": "tool_result", "tool_use_id": content[1]["id"], "content": "ok"}
        messages = [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
        return {"messages": first["messages"] + messages}
    if dialect == "responses":
        done = [json.loads(f) for f in answer.frames if '"response.completed"' in f][-1]["response"] if stream else answer.json
        call = next(item for item in done["output"] if item["type"] == "function_call")
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "ok"}
        return {"input": [{"role": "user", "content": "Hi"}, *done["output"], output]}
    message = {"role": "assistant", "content": None, **chat_message(answer, stream)}
    return {"messages": first["messages"] + [message, {"role": "tool", "tool_call_id": "call_1", "content": "ok"}]}


def chat_message(answer, stream) -> dict:
    if not stream:
        message = answer.json["choices"][0]["message"]
        return {k: message[k] for k in ("tool_calls", "reasoning_items")}
    deltas = [c["delta"] for f in answer.frames if f != "[DONE]" for c in json.loads(f)["choices"]]
    arguments = "".join(c["function"].get("arguments", "") for d in deltas for c in d.get("tool_calls", []))
    items = [i for d in deltas for i in d.get("reasoning_items", [])]
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"tool_calls": [call], "reasoning_items": items}


@MODES
def test_a_refused_call_is_recovered_from_the_models_text(host, upstream, stream):
    text = (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>"
        '{"a":1}<|tool_call_end|><|tool_calls_section_end|>'
    )
    error = {"error": {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": text}}
    upstream.reply(replies.response(error, 400, "Bad Request"))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    answer = ask(host, PATHS["chat"], request("chat", "groq", stream) | {"tools": [tool]})
    assert answer.status == 200, answer.body
    assert b'\\"a\\":1' in answer.body and b'"tool_calls"' in answer.body and b"tool_call_begin" not in answer.body


@pytest.mark.parametrize(
    "config,environment,says",
    [
        ({}, {}, "OPENAI_API_KEY"),
        ({"baseUrl": "https://api.moonshot.ai/v1"}, {}, "OPENAI_API_KEY"),
        ({"baseUrl": "http://localhost:1"}, {}, None),
        ({}, {"OPENAI_API_KEY": "k"}, None),
        ({"apiKey": "k", "flavour": "vlm"}, {}, "flavour"),
    ],
)
def test_a_missing_key_is_a_mistake_with_its_variable(tmp_path, config, environment, says):
    file = tmp_path / "c.yaml"
    file.write_text(json.dumps({"models": [{"name": "a", "provider": "openai", "model": "m", "provider_config": config}]}))
    found = hostprocess.run("check", "--config", file, "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path, **environment)
    assert (found.returncode > 0) == (says is not None), found.stdout + found.stderr
    assert says is None or says in found.stdout + found.stderr


def test_an_optional_entry_without_its_key_is_left_out(tmp_path):
    entries = [
        {"name": "a", "provider": "openai", "model": "m", "optional": True},
        {"name": "b", "provider": "demo", "model": "demo"},
    ]
    file = tmp_path / "c.yaml"
    file.write_text(json.dumps({"models": entries}))
    found = hostprocess.run("check", "--config", file, "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path)
    assert found.returncode == 0 and "OPENAI_API_KEY" in found.stdout + found.stderr


@pytest.mark.parametrize("key,says", [("/stream", "client's choice"), ("/messages/0", "points into an array")])
def test_a_pointer_that_cannot_work_refuses_the_start(start_host, key, says):
    config = {"apiKey": "k", "baseUrl": "http://127.0.0.1:1", "extra_body": {key: 1}}
    host = start_host({"models": [{"name": "a", "provider": "openai", "model": "m", "provider_config": config}]}, ready=False)
    assert host.wait_end() > 0 and says in host.output and key in host.output
