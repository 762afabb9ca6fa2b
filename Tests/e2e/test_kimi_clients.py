"""A sample of the examples, read with the official client, says the same as the bytes do."""

from __future__ import annotations

import openai
import pytest

import kimi_cases
from chatshape import Choice
from kimi_line import TEXTS, check, cuts, line, route, shared_line, stream_body, whole_body  # noqa: F401

SAMPLE = [case for case in TEXTS if case["expect"]["tool_calls"]][::12] + TEXTS[::40]


@pytest.fixture
def client(line):  # noqa: F811
    with openai.OpenAI(base_url=line.host.url, api_key="sk-client", max_retries=0, timeout=15) as made:
        yield made


def from_message(choice) -> Choice:
    calls = [(one.id, one.function.name, one.function.arguments) for one in choice.message.tool_calls or []]
    thought = getattr(choice.message, "reasoning_content", None) or ""
    return Choice(choice.message.content or "", thought, calls, choice.finish_reason)


def from_stream(chunks) -> Choice:
    """Puts a stream together the way clients do: by `index`, names set once, arguments appended."""
    found, calls = Choice(), {}
    for choice in (choice for chunk in chunks for choice in chunk.choices):
        found.content += choice.delta.content or ""
        found.reasoning += getattr(choice.delta, "reasoning_content", None) or ""
        found.finish = choice.finish_reason or found.finish
        for one in choice.delta.tool_calls or []:
            call = calls.setdefault(one.index, [one.id, one.function.name, ""])
            call[2] += one.function.arguments or ""
    assert sorted(calls) == list(range(len(calls)))
    found.calls = [tuple(calls[number]) for number in sorted(calls)]
    return found


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case["name"])
def test_official_client(line, client, case):  # noqa: F811
    line.upstream.reply(whole_body(case))
    whole = client.chat.completions.create(**kimi_cases.request(case, route(case), False))
    check(case, from_message(whole.choices[0]), "whole")
    *_, (how, parts) = cuts(case).items()
    line.upstream.reply(*stream_body(case, parts))
    stream = client.chat.completions.create(**kimi_cases.request(case, route(case), True))
    check(case, from_stream(stream), how)
