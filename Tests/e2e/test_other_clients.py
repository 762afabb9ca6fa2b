"""Clients that others wrote, litellm and pydantic-ai: a short conversation with a tool call in each API they speak.

They stand in requirements-clients.txt, because they bring many packages. Without them these tests are skipped.
"""

from __future__ import annotations

import json
import os

import pytest

import dialects
import replies

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

HI = {"role": "user", "content": "Weather in Bern?"}
FUNCTION = {"name": "weather", "description": "Tells the weather.", "parameters": dialects.SCHEMA}
ONE_TOOL = next(case for case in dialects.CASES if case.name == "one-tool")
TEXT = next(case for case in dialects.CASES if case.name == "text")

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture
def answers(upstream):
    """The upstream calls the tool, and then says its text; streamed if it is asked so."""

    def fitting(case):
        def answer(request):
            return dialects.upstream_steps(case, bool(json.loads(request.body).get("stream")))

        return answer

    upstream.reply(fitting(ONE_TOOL))
    upstream.reply(fitting(TEXT))
    return upstream


def assert_second_turn(upstream):
    """The call and its result went up."""
    messages = json.loads(upstream.wait_request(1).body)["messages"]
    *_, assistant, tool = messages
    assert [message["role"] for message in messages if message["role"] != "system"] == ["user", "assistant", "tool"]
    call = assistant["tool_calls"][0]
    assert (call["id"], call["function"]["name"]) == ("call_a1", "weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "Bern"}
    assert tool["tool_call_id"] == "call_a1" and "rain" in json.dumps(tool["content"])


# -- litellm ----------------------------------------------------------------------------------------------------------


def litellm_model(host, api: str) -> dict:
    root = host.url.removesuffix("/v1")
    prefix, base = {"chat": ("openai/", host.url), "messages": ("anthropic/", root)}[api]
    return {"model": prefix + "mock", "api_base": base, "api_key": "sk-client", "num_retries": 0, "timeout": 15}


@both_ways
@pytest.mark.parametrize("api", ["chat", "messages"])
def test_litellm_completion(host, answers, api, stream):
    litellm = pytest.importorskip("litellm")
    tools = [{"type": "function", "function": FUNCTION}]

    def ask(messages):
        more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        got = litellm.completion(**litellm_model(host, api), messages=messages, tools=tools, max_tokens=64, **more)
        if not stream:
            return got
        chunks = list(got)
        whole = litellm.stream_chunk_builder(chunks, messages=messages)
        # The builder of this version forgets the reason when a chunk with the usage follows it.
        whole.choices[0].finish_reason = next(
            chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason
        )
        return whole

    first = ask([HI])
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    call = choice.message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Bern"})
    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (30, 12)
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    second = ask([HI, choice.message.model_dump(), result])
    assert (second.choices[0].message.content, second.choices[0].finish_reason) == ("Hello 🌍.", "stop")
    assert_second_turn(answers)


@both_ways
def test_litellm_responses(host, answers, stream):
    litellm = pytest.importorskip("litellm")
    tools = [{"type": "function", **FUNCTION, "strict": False}]
    model = {"model": "openai/mock", "api_base": host.url, "api_key": "sk-client", "timeout": 15}

    def ask(items, **more):
        got = litellm.responses(**model, input=items, tools=tools, stream=stream, **more)
        return list(got)[-1].response if stream else got

    first = ask([HI])
    call = first.output[0]
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "weather", {"city": "Bern"})
    item = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    second = ask([HI, item, {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}])
    assert second.output[0].content[0].text == "Hello 🌍."
    assert_second_turn(answers)


def test_litellm_errors(host, upstream):
    litellm = pytest.importorskip("litellm")
    for api in ("chat", "messages"):
        upstream.reply(replies.response({"error": {"message": "slow down"}}, 429, "No"))
        with pytest.raises(litellm.RateLimitError):
            litellm.completion(**litellm_model(host, api), messages=[HI], max_tokens=64, max_retries=0)


# -- pydantic-ai ------------------------------------------------------------------------------------------------------


def pydantic_model(host, api: str):
    if api == "messages":
        import anthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        client = anthropic.AsyncAnthropic(base_url=host.url.removesuffix("/v1"), api_key="sk-client", max_retries=0)
        return AnthropicModel("mock", provider=AnthropicProvider(anthropic_client=client))
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIChatModel if api == "chat" else OpenAIResponsesModel
    return kind("mock", provider=OpenAIProvider(base_url=host.url, api_key="sk-client"))


@both_ways
@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
def test_pydantic_ai(host, answers, api, stream):
    pydantic_ai = pytest.importorskip("pydantic_ai")
    agent = pydantic_ai.Agent(pydantic_model(host, api), system_prompt="Be brief.")
    asked = []

    @agent.tool_plain
    def weather(city: str) -> str:
        """Tells the weather."""
        asked.append(city)
        return f"rain in {city}"

    if stream:
        got = agent.run_stream_sync("Weather in Bern?")
        text, usage = "".join(got.stream_text(delta=True)), got.usage
    else:
        run = agent.run_sync("Weather in Bern?")
        text, usage = run.output, run.usage
    assert (text, asked) == ("Hello 🌍.", ["Bern"])
    assert (usage.input_tokens, usage.output_tokens, usage.requests) == (60, 24, 2)
    assert_second_turn(answers)
