"""Every field that today's official packages can send is converted, passed on, answered by the host, refused, or told.

The fields are read from the packages' own types when the test runs: one that a later package adds is a failure here, and
says that somebody has to decide what becomes of it.
"""

import json
import time
import typing

import pytest
from anthropic.types import message_create_params as messages_params
from anthropic.types.beta import message_create_params as beta_params
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import response_create_params as responses_params

import replies
import wire

#: The upstream gets the value under this path ("a.b"); UP: under the field's own name.
UP = "UP"
#: In x-kimi-dropped.
DROPPED = "DROPPED"
#: The request is refused by name.
REFUSED = "REFUSED"
#: The host acts upon it itself, or it says what is the case anyway.
HOST = "HOST"
#: The canonical request has it; what the provider's upstream cannot take is told in the exchange's row of the log.
NOTED = "NOTED"

FUNCTION = {"type": "object", "properties": {"q": {"type": "string"}}}

CHAT = {
    "messages": ([{"role": "user", "content": "hi"}], UP), "model": ("mock", HOST),
    "audio": ({"voice": "alloy", "format": "wav"}, UP), "frequency_penalty": (0.5, UP), "presence_penalty": (0.5, UP),
    "function_call": ("auto", UP), "functions": ([{"name": "f", "parameters": FUNCTION}], UP),
    "logit_bias": ({"50256": -100}, UP), "logprobs": (True, UP), "top_logprobs": (3, UP),
    "max_completion_tokens": (77, UP), "max_tokens": (78, UP), "metadata": ({"k": "v"}, UP), "modalities": (["text"], UP),
    "moderation": ({"model": "m"}, UP), "n": (2, UP), "parallel_tool_calls": (False, UP),
    "prediction": ({"type": "content", "content": "x"}, UP), "prompt_cache_key": ("key", UP),
    "prompt_cache_options": ({"mode": "explicit"}, UP), "prompt_cache_retention": ("24h", UP), "reasoning_effort": ("low", UP),
    "response_format": ({"type": "json_object"}, UP), "safety_identifier": ("s", UP), "seed": (7, UP),
    "service_tier": ("flex", UP), "stop": (["x"], UP), "store": (True, UP), "stream_options": ({"include_usage": True}, HOST),
    "temperature": (0.3, UP), "tool_choice": ("auto", UP),
    "tools": ([{"type": "function", "function": {"name": "f", "parameters": FUNCTION}}], UP), "top_p": (0.9, UP),
    "user": ("u", UP), "verbosity": ("low", UP), "web_search_options": ({"search_context_size": "low"}, UP),
}  # fmt: skip

RESPONSES = {
    "input": ("hi", "messages.0.content"), "model": ("mock", HOST), "access_programs": ([{"id": "x"}], DROPPED),
    "background": (True, DROPPED), "background_options": ({"x": 1}, DROPPED),
    "context_management": ([{"type": "compaction"}], DROPPED), "conversation": ("conv_1", REFUSED),
    "image": ({"x": 1}, DROPPED), "include": (["message.output_text.logprobs"], "logprobs"),
    "instructions": ("be", "messages.0.content"), "max_output_tokens": (77, "max_tokens"), "max_tool_calls": (3, DROPPED),
    "metadata": ({"k": "v"}, UP), "moderation": ({"model": "m"}, DROPPED), "parallel_tool_calls": (False, UP),
    "previous_response_id": ("resp_unknown", REFUSED), "prompt": ({"id": "pmpt"}, REFUSED), "prompt_cache_key": ("key", UP),
    "prompt_cache_options": ({"mode": "explicit"}, DROPPED), "prompt_cache_retention": ("24h", DROPPED),
    "reasoning": ({"effort": "low"}, "reasoning_effort"), "safety_identifier": ("s", "user"), "service_tier": ("flex", UP),
    "store": (False, HOST), "stream_options": ({"include_obfuscation": True}, "DROPPED:stream_options.include_obfuscation"),
    "temperature": (0.3, UP), "text": ({"verbosity": "low"}, "verbosity"), "tool_choice": ("auto", UP),
    "tools": ([{"type": "function", "name": "f", "parameters": FUNCTION}], "tools.0.function.name"),
    "top_logprobs": (3, UP), "top_p": (0.9, UP), "truncation": ("auto", DROPPED), "user": ("u", UP),
}  # fmt: skip

MESSAGES = {
    "max_tokens": (77, UP), "messages": ([{"role": "user", "content": "hi"}], "messages.0.content"), "model": ("mock", HOST),
    "cache_control": ({"type": "ephemeral"}, NOTED), "container": ("c_1", DROPPED), "diagnostics": ({"x": True}, DROPPED),
    "inference_geo": ("us", DROPPED), "metadata": ({"user_id": "u"}, "user"),
    "output_config": ({"effort": "low"}, "reasoning_effort"), "service_tier": ("standard_only", UP), "speed": ("fast", DROPPED),
    "stop_sequences": (["x"], "stop"), "system": ("be", "messages.0.content"),
    "thinking": ({"type": "enabled", "budget_tokens": 2048}, NOTED), "tool_choice": ({"type": "any"}, UP),
    "tools": ([{"name": "f", "input_schema": FUNCTION}], "tools.0.function.name"), "user_profile_id": ("p", DROPPED),
    "workspace_id": ("w", DROPPED),
}  # fmt: skip

BETA = MESSAGES | {
    "billing_policy": ({"x": 1}, DROPPED), "compaction": ({"x": 1}, DROPPED), "context_management": ({"edits": []}, DROPPED),
    "fallback_credit_token": ("t", DROPPED), "fallbacks": ([{"model": "m"}], DROPPED),
    "mcp_servers": ([{"type": "url", "url": "https://x", "name": "n"}], DROPPED), "thread": ({"type": "create"}, REFUSED),
    "betas": (["output-128k"], NOTED),
}  # fmt: skip

#: Older and other clients' members that no type of the packages lists today.
MORE = {
    "chat": {"top_k": (5, UP), "unheard_of": ({"a": [1, 2.50]}, UP)},
    "responses": {
        "max_completion_tokens": (5, "max_tokens"), "max_tokens": (5, "max_tokens"), "seed": (7, UP), "stop": (["x"], UP),
        "logit_bias": ({"1": 2}, UP), "frequency_penalty": (0.5, UP), "presence_penalty": (0.5, UP), "unheard_of": ([1], UP),
    },
    "messages": {
        "temperature": (0.3, UP), "top_p": (0.9, UP), "top_k": (5, UP), "seed": (7, UP), "logit_bias": ({"1": 2}, UP),
        "unheard_of": ([1], UP), "output_format": ({"type": "json_schema", "schema": FUNCTION}, "response_format"),
    },
}  # fmt: skip

BASES = {
    "chat": ("/v1/chat/completions", {"model": "mock", "messages": [{"role": "user", "content": "hi"}]}),
    "responses": ("/v1/responses", {"model": "mock", "input": "hi"}),
    "messages": ("/v1/messages", {"model": "mock", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
}

TYPES = {
    "chat": (chat_params.CompletionCreateParamsBase, CHAT, "chat"),
    "responses": (responses_params.ResponseCreateParamsBase, RESPONSES, "responses"),
    "messages": (messages_params.MessageCreateParamsBase, MESSAGES, "messages"),
    "beta": (beta_params.MessageCreateParamsBase, BETA, "messages"),
}

#: What must be sent beside a field for it to make sense.
COMPANIONS = {
    "tool_choice": {"tools": None}, "parallel_tool_calls": {"tools": None}, "top_logprobs": {"logprobs": True},
    "function_call": {"functions": None},
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_every_field_of_the_package_is_decided_upon(name):
    fields = set(typing.get_type_hints(TYPES[name][0]))
    table = set(TYPES[name][1])
    assert fields - table == set(), "new fields of the package: decide what becomes of them"
    assert table - fields == set(), "the package has no such fields any more: move them to MORE"


def cases():
    for name, (_, table, dialect) in TYPES.items():
        for field, (value, fate) in table.items():
            yield pytest.param(dialect, table, field, value, fate, id=f"{name}-{field}")
    for dialect, table in MORE.items():
        for field, (value, fate) in table.items():
            yield pytest.param(dialect, TYPES[dialect][1], field, value, fate, id=f"{dialect}-more-{field}")


def at(body, path: str):
    """The value at a path such as `messages.0.content`; None if it is not there."""
    for step in path.split("."):
        if isinstance(body, list):
            body = body[int(step)] if int(step) < len(body) else None
        else:
            body = body.get(step) if isinstance(body, dict) else None
    return body


def rows(host, request_id: str) -> list[str]:
    """Lines of the log about one exchange, once there are any; at most two seconds."""
    for _ in range(40):
        if found := [line for line in host.output.splitlines() if request_id in line]:
            return found
        time.sleep(0.05)
    return []


@pytest.mark.parametrize(["dialect", "table", "field", "value", "fate"], cases())
def test_field(host, upstream, dialect, table, field, value, fate):
    path, base = BASES[dialect]
    body = dict(base)
    for companion, given in COMPANIONS.get(field, {}).items():
        if companion in table:
            body[companion] = table[companion][0] if given is None else given
    body[field] = value
    upstream.reply(replies.response(replies.completion("ok")))
    answer = wire.exchange(host.port, "POST", path, body)
    if fate == REFUSED:
        assert answer.status in (400, 404), answer.body
        assert field in answer.body.decode()
        return
    assert answer.status == 200, answer.body
    sent = json.loads(upstream.wait_request().body)
    told = (answer.header("x-kimi-dropped") or "").split(", ")
    if fate == HOST:
        assert field not in told
    elif fate == NOTED:
        noted = "anthropic_beta" if field == "betas" else field
        assert noted in sent or any(noted in line for line in rows(host, answer.header("x-request-id"))), host.output[-900:]
    elif fate.startswith(DROPPED):
        wanted = fate.partition(":")[2] or field
        assert wanted in told or any(one.startswith(f"{wanted}[") for one in told), told
        assert field not in sent
    else:
        found = at(sent, field if fate == UP else fate)
        assert found is not None, (sent, told)
        if fate == UP and (dialect == "chat" or field not in ("tool_choice", "service_tier")):
            assert found == value
