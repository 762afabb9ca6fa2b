"""Ten-turn agents with the official client: what the upstream sees of the history, and what the client sees of ids."""

from __future__ import annotations

import json
import re

import openai
import pytest

import replies
import wire
from conftest import entry
from kimi_agent import TOOLS, Agent, canonical, sent, thought
from test_plugin_services import metrics

FORMS = ["structured", "markup", "foreign", "restarting", "empty"]
MODELS = {
    "k25": "kimi-k2.5", "thinking": "moonshotai/kimi-k2-thinking", "k3": "kimi-k3", "instruct": "kimi-k2-instruct",
}  # fmt: skip


def models(url: str) -> list[dict]:
    made = [entry(name, url, transforms=["kimi-k2"]) | {"model": model} for name, model in MODELS.items()]
    configs = {
        "off": {"repairs": {"history_ids": False, "history_reasoning": False, "history_placeholder": False}},
        "moonshot": {"schemas": "moonshot", "maxTools": 1}, "dot": {"placeholderText": "."},
        "no-thinking": {"toolChoice": "no-thinking"}, "keep": {"schemas": "keep", "toolChoice": "keep"},
    }  # fmt: skip
    for name, config in configs.items():
        made.append(entry(name, url, transforms=[{"plugin": "kimi-k2", "config": config}]) | {"model": "kimi-k2.5"})
    return made


@pytest.fixture
def serve(start_host, upstream):
    """Starts a host with all models; further keys of the configuration by keyword."""

    def start(**more):
        return start_host({"models": models(upstream.url), **more})

    return start


@pytest.fixture
def agents(serve, upstream):
    """Makes agents on one host."""
    host = serve()
    clients = []

    def make(model: str, form: str = "structured", stream: bool = False, key: str = "sk-client", headers=None, **more):
        made = openai.OpenAI(base_url=host.url, api_key=key, max_retries=0, timeout=15, default_headers=headers)
        clients.append(made)
        return Agent(made, upstream, model, form, stream, **more)

    make.host = host
    yield make
    for one in clients:
        one.close()
    assert host.alive, host.output[-4000:]


def history(upstream) -> bytes:
    """The bytes of the last request's messages, without the bracket that ends them."""
    body = upstream.requests[-1].body
    start = body.index(b'"messages":[') + len(b'"messages":[')
    depth, at, quoted = 1, start, False
    while depth:
        byte = body[at]
        if quoted and byte == 0x5C:
            at += 1
        elif byte == 0x22:
            quoted = not quoted
        elif not quoted:
            depth += {0x5B: 1, 0x7B: 1, 0x5D: -1, 0x7D: -1}.get(byte, 0)
        at += 1
    return body[start : at - 1]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("model", ["k25", "thinking"])
def test_ten_turns(agents, upstream, model, form, stream):
    agent = agents(model, form, stream)
    before = b""
    for number in range(10):
        seen = sent(agent.turn(number))
        known = agent.calls[: len(seen["ids"])]
        assert seen["ids"] == canonical(known)
        assert sorted(seen["results"]) == sorted(seen["ids"])
        assert seen["thoughts"] == agent.thoughts[:-1], "the client dropped them, the host has them"
        assert all(content is None for content in seen["contents"])
        assert history(upstream).startswith(before)
        before = history(upstream)
        if number % 4 == 3:
            agent.say("Done.")
            before = history(upstream)
    downward = kept_ids(agent)
    assert len(set(downward)) == len(downward) == len(agent.calls)
    if form in ("structured", "markup"):
        assert downward == [str(number) for number in range(len(downward))]
    assert all(one and len(one) <= 64 for one in downward)
    results_are_those_of_their_calls(agent, json.loads(upstream.requests[-1].body))


def results_are_those_of_their_calls(agent: Agent, body: dict):
    """By what they say: the client answered under its own ids."""
    order = {own: name for own, name in zip(kept_ids(agent), canonical(agent.calls))}
    for one in body["messages"]:
        if one["role"] == "tool":
            own = one["content"].removeprefix("result of ").split(" in ")[0]
            assert one["tool_call_id"] == order[own]


def kept_ids(agent: Agent) -> list[str]:
    return [call["id"] for one in agent.messages for call in one.get("tool_calls") or []]


@pytest.mark.parametrize("form", ["structured", "restarting"])
def test_ten_turns_of_k3(agents, upstream, form):
    """K3 sees all thoughts, also those of answers without calls, and its servers begin every turn at 0."""
    agent = agents("k3", form, True)
    for number in range(10):
        seen = sent(agent.turn(number))
        assert seen["ids"] == canonical(agent.calls[: len(seen["ids"])])
        assert seen["thoughts"] == agent.thoughts[:-1]


def test_no_thought_for_a_model_that_does_not_think(agents):
    agent = agents("instruct")
    for number in range(3):
        seen = sent(agent.turn(number))
        assert seen["thoughts"] == [None] * number
        assert seen["ids"] == canonical(agent.calls[: len(seen["ids"])])


# -- conversations ------------------------------------------------------------------------------------------------


def interleave(first: Agent, second: Agent, turns: int = 4):
    for number in range(turns):
        for agent in (first, second):
            seen = sent(agent.turn(number))
            assert seen["thoughts"] == [thought(turn, agent.who) for turn in range(number)]


def test_conversations_with_other_first_messages_do_not_mix(agents):
    first, second = agents("k25", who="alice"), agents("k25", who="bob")
    second.messages[0]["content"] = "hello"
    interleave(first, second)


SAME = {
    "keys": ({"key": "sk-a"}, {"key": "sk-b"}),
    "users": ({"user": "a"}, {"user": "b"}),
    "cache keys": ({"extra_body": {"prompt_cache_key": "a"}}, {"extra_body": {"prompt_cache_key": "b"}}),
    "sessions": ({"headers": {"x-session-id": "a"}}, {"headers": {"x-session-id": "b"}}),
    "conversations": ({"headers": {"x-conversation-id": "a"}}, {"headers": {"x-conversation-id": "b"}}),
    "metadata": ({"metadata": {"session_id": "a"}}, {"metadata": {"session_id": "b"}}),
}


@pytest.mark.parametrize("told", SAME.values(), ids=SAME.keys())
def test_conversations_that_are_told_apart_do_not_mix(agents, told):
    """The same first message, the same calls under the same ids: only what clients say beside it differs."""
    first, second = (agents("k25", who=who, **more) for who, more in zip(("alice", "bob"), told))
    interleave(first, second)


def test_a_named_conversation_outlives_compaction(agents):
    agent = agents("k25", headers={"x-conversation-id": "a"})
    agent.turn(0)
    agent.turn(1)
    agent.messages[0]["content"] = "summary of what was"
    assert sent(agent.turn(2))["thoughts"] == agent.thoughts[:2]


# -- options ------------------------------------------------------------------------------------------------------


def test_without_memory_there_is_a_placeholder(serve, upstream):
    host = serve(limits={"plugin_memory_bytes": 0})
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as client:
        for model, placeholder in (("k25", " "), ("dot", ".")):
            agent = Agent(client, upstream, model, "structured", True)
            for number in range(3):
                assert sent(agent.turn(number))["thoughts"] == [placeholder] * number
    assert metrics(host)['kimi_plugin_notes_total{plugin="kimi-k2",kind="history_placeholder"}'] == 6


def test_memory_is_bounded_and_the_latest_thoughts_stay(serve, upstream):
    host = serve(limits={"plugin_memory_bytes": 3000})
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as client:
        agent = Agent(client, upstream, "k25", "structured", False)
        for number in range(30):
            seen = sent(agent.turn(number))["thoughts"]
        # A turn looks all its thoughts up, so those of the beginning are the last to be used.
        assert 0 < sum(one != " " for one in seen) < 29
    assert metrics(host)['kimi_plugin_memory_bytes{plugin="dev.kimi-host.kimi-k2"}'] <= 3000


def test_repairs_can_be_switched_off(agents):
    agent = agents("off", "foreign")
    for number in range(3):
        body = agent.turn(number)
        seen = sent(body)
        assert seen["ids"] == [own for own, _, _ in agent.calls[: len(seen["ids"])]]
        assert seen["thoughts"] == [None] * number


def body_of(host, upstream, model: str, **request) -> dict:
    upstream.reply(replies.response(replies.completion("ok")))
    before = len(upstream.requests)
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "tools": TOOLS, **request}
    assert wire.chat(host.port, body).status == 200
    return json.loads(upstream.wait_request(before).body)


NAMED = {"type": "function", "function": {"name": "read_file"}}


def test_tool_choice(agents, upstream):
    host = agents.host
    for choice in ("required", NAMED):
        assert body_of(host, upstream, "k25", tool_choice=choice)["tool_choice"] == "auto"
        assert body_of(host, upstream, "keep", tool_choice=choice)["tool_choice"] == choice
        assert body_of(host, upstream, "instruct", tool_choice=choice)["tool_choice"] == choice
        off = body_of(host, upstream, "no-thinking", tool_choice=choice)
        assert off["tool_choice"] == choice and off["thinking"] == {"type": "disabled"}
    assert body_of(host, upstream, "k3", tool_choice=NAMED)["tool_choice"] == "required"
    assert metrics(host)['kimi_plugin_notes_total{plugin="kimi-k2",kind="tool_choice"}'] == 5


def test_schemas(agents, upstream):
    point = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}
    either = {"type": "integer", "anyOf": [{"minimum": 1}, {"type": "null"}]}
    properties = {"at": {"$ref": "#/$defs/p"}, "n": either}
    parameters = {"type": "object", "$defs": {"p": point}, "properties": properties}
    tools = [{"type": "function", "function": {"name": "go", "parameters": parameters}}, TOOLS[0]]

    def seen(model: str) -> list[dict]:
        return body_of(agents.host, upstream, model, tools=tools)["tools"]

    made = seen("k25")[0]["function"]["parameters"]
    assert made["properties"]["at"] == point
    assert made["properties"]["n"] == {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}
    assert seen("k25")[1] == TOOLS[0]
    assert seen("keep") == tools
    assert len(seen("moonshot")) == 1
    lines = [line for line in agents.host.output.splitlines() if "exchange done" in line]
    assert any("tool_schemas=" in line and "go" in line for line in lines)


# -- what is told of it -------------------------------------------------------------------------------------------


def test_counters_in_the_log_and_in_metrics(agents, upstream):
    agent = agents("k25", "foreign")
    agent.turn(0)
    agent.turn(1)
    [line] = [one for one in agents.host.output.splitlines() if "exchange done" in one and "history_ids" in one]
    assert "history_ids=2" in line and "history_reasoning=1" in line and "history_text=1" in line
    assert "functions.read_file:0" in line
    found = metrics(agents.host)
    assert found['kimi_plugin_notes_total{plugin="kimi-k2",kind="history_ids"}'] == 2
    assert found['kimi_plugin_notes_total{plugin="kimi-k2",kind="history_reasoning"}'] == 1


HOSTILE = "x\nlevel=error forged\r\u2028\x1b[31m) names=99 (\x85"


def test_no_name_of_a_client_writes_lines_or_labels(agents, upstream):
    calls = [call(f"call_{n}", f"{HOSTILE}{n}") for n in range(100)]
    results = [{"role": "tool", "tool_call_id": f"call_{n}", "content": HOSTILE} for n in range(101)]
    functions = [{"name": f"{HOSTILE}{n}", "parameters": {"$ref": f"#/{HOSTILE}"}} for n in range(5)]
    tools = [{"type": "function", "function": one} for one in functions]
    messages = [{"role": "user", "content": "hi"}, assistant(*calls), *results]
    for model in ("k25", "moonshot"):
        body_of(agents.host, upstream, model, messages=messages, tools=tools, user=HOSTILE)
    [*lines] = [one for one in agents.host.output.split("\n") if "exchange done" in one]
    assert len(lines) == 2 and all("history_ids=200" in one and "orphan_result=1" in one for one in lines)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", agents.host.output)
    assert not any(one.startswith("level=error") for one in re.split("[\n\r\u2028\x85]", agents.host.output))
    assert "forged" not in wire.exchange(agents.host.port, "GET", "/metrics").body.decode()


# -- hostile requests ---------------------------------------------------------------------------------------------


def assistant(*calls: dict, **more) -> dict:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def call(call_id, name="read_file", arguments="{}") -> dict:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def raw(host, upstream, text: str) -> wire.Response:
    upstream.reply(replies.response(replies.completion("ok")))
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", text.encode("utf-8", "surrogatepass"))
        return connection.read_response()


def result(call_id, content="") -> dict:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


HUGE = "9" * 1_000_000
ODD_CALLS = [5, None, [], {}, {"function": 5}, {"function": {"name": 5}}, call({}), call([])]
MESSAGES = {
    "huge id": [assistant(call(HUGE)), result(HUGE)],
    "huge name": [assistant(call("0", HUGE)), result("0")],
    "odd kinds": [assistant(*ODD_CALLS), result({"a": 1}), result([1]), result(True)],
    "deep arguments": [assistant(call("0", arguments="[" * 100_000)), result("0")],
    "surrogates": [assistant(call("\ud800", "\udc00\ud800")), result("\ud800", "\udfff")],
    "markers": [{"role": "assistant", "content": "<|tool_call_begin|>" * 50_000}, result("")],
    "one id for all": [assistant(*[call("a")] * 20_000), *[result("a")] * 20_000],
    "results only": [result("a")] * 50_000,
}


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES.keys())
def test_hostile_messages(agents, upstream, messages):
    for model in ("k25", "k3"):
        answer = raw(agents.host, upstream, json.dumps({"model": model, "messages": messages, "tools": TOOLS}))
        assert answer.status in (200, 400), answer.body[:300]
    upstream.reset()


def test_a_hundred_thousand_messages(agents, upstream):
    messages = [{"role": "user", "content": "hi"}]
    for n in range(33_000):
        messages += [assistant(call(f"call_{n}")), result(f"call_{n}"), {"role": "user", "content": "go"}]
    answer = raw(agents.host, upstream, json.dumps({"model": "k25", "messages": messages}))
    assert answer.status == 200
    seen = sent(json.loads(upstream.requests[-1].body))
    assert seen["ids"] == seen["results"] == [f"functions.read_file:{n}" for n in range(33_000)]
    assert agents.host.resident_mb() < 600


ANSWER = '{"role":"assistant",%s}'
TWO_IDS = ANSWER % '"tool_calls":[{"id":"a","id":"b","function":{"name":"x","name":"y","arguments":"{}"}}]'
TWO_CONTENTS = ANSWER % (
    '"content":"<think>a</think>b","content":"","content":[{"type":"text","text":""}],'
    '"tool_calls":[{"id":"a","function":{"name":"x"}}],"tool_calls":[]'
)
TWO_TOOLS = '"tools":[],"tools":[{"type":"function","function":{"name":"x","parameters":{"$ref":"#"}}}]'
TEXTS = {
    "two messages": '"messages":[{"role":"user","content":"a"}],"messages":[REST]',
    "escaped keys": '"mess\\u0061ges":[REST]',
    "two ids": f'"messages":[{TWO_IDS},REST]',
    "two contents": f'"messages":[{TWO_CONTENTS},REST]',
    "two tools": f'{TWO_TOOLS},"messages":[REST]',
    "deep": '"messages":[REST],"x":' + "[" * 400 + "]" * 400,
    "too deep": '"messages":[REST],"x":' + "[" * 100_000 + "]" * 100_000,
}
REST = '{"role":"tool","tool_call_id":"b","content":"r"},{"role":"user","content":"q"}'


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_hostile_texts(agents, upstream, text):
    answer = raw(agents.host, upstream, '{"model":"k25",' + text.replace("REST", REST) + "}")
    assert answer.status in (200, 400)
    if answer.status == 200:
        json.loads(upstream.requests[-1].body)
    upstream.reset()
