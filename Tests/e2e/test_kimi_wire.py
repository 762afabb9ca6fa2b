"""The shared examples at the level of bodies, SSE events, network reads and requests, through the real binary."""

from __future__ import annotations

import base64
import json

import pytest

import kimi_cases
import replies
from kimi_line import WIRE, check, line, read, route, shared_line  # noqa: F401
from mock_upstream import Wait


def wire_steps(case: dict) -> tuple[bool, list]:
    """Does the client ask for a stream, and what does the upstream answer?"""
    if case["kind"] == "response":
        return False, [replies.response(case["upstream"], case.get("status", 200))]
    if case["kind"] == "stream":
        return True, replies.stream(case["upstream_events"], case.get("send_done", True))
    reads = [base64.b64decode(one) for one in case["upstream_bytes_b64"]]
    pause = Wait(0.0005)
    steps = [step for data in reads for step in (replies.http_chunk(data), pause)]
    return True, [replies.HEAD, *steps, replies.LAST_CHUNK]


def upstream_fails(case: dict) -> bool:
    """Some examples accept an error beside, or in place of, an answer."""
    return any("error" in one for one in kimi_cases.accepted(case))


@pytest.mark.parametrize("case", [one for one in WIRE if "expect" in one], ids=lambda case: case["name"])
def test_wire(line, case):  # noqa: F811
    stream, steps = wire_steps(case)
    response = line.ask(kimi_cases.request(case, route(case), stream), *steps)
    if upstream_fails(case) and b'"error"' in response.body:
        return
    found = read(response)
    check(case, found, case["kind"])
    if "indices" in case:
        assert len(found.calls) == len(case["indices"])


@pytest.mark.parametrize("case", [one for one in WIRE if one["kind"] == "stream"], ids=lambda case: case["name"])
def test_wire_stream_in_one_write(line, case):  # noqa: F811
    """The same bytes in one network read."""
    _, steps = wire_steps(case)
    response = line.ask(kimi_cases.request(case, route(case), True), b"".join(steps))
    if not (upstream_fails(case) and b'"error"' in response.body):
        check(case, read(response), "in one write")


# -- requests -----------------------------------------------------------------------------------------------------


def sent_upstream(messages: list[dict]) -> dict:
    """What `expect_upstream` speaks of, read from the messages that reached the upstream."""
    assistant = [one for one in messages if one["role"] == "assistant"]
    results = [one for one in messages if one["role"] == "tool"]
    return {
        "ids": [call["id"] for one in assistant for call in one.get("tool_calls") or []],
        "tool_message_ids": [one.get("tool_call_id") for one in results],
        "tool_message_contents": [one.get("content") for one in results],
        "assistant_reasoning_content": [one.get("reasoning_content") for one in assistant],
        "assistant_content": [one.get("content") for one in assistant],
        "user_content": [one.get("content") for one in messages if one["role"] == "user"],
    }


@pytest.mark.parametrize("case", [one for one in WIRE if one["kind"] == "request"], ids=lambda case: case["name"])
@pytest.mark.parametrize("stream", [False, True])
def test_request(line, case, stream):  # noqa: F811
    body = case["client_request"] | {"model": route(case), "stream": stream}
    answer = replies.stream(replies.text_chunks("ok")) if stream else [replies.response(replies.completion("ok"))]
    check({"expect": plain_answer("ok")}, read(line.ask(body, *answer)), "the answer")
    sent = json.loads(line.upstream.wait_request().body)
    got = sent_upstream(sent["messages"])
    for what, expected in case["expect_upstream"].items():
        if what == "tool_choice":
            assert sent.get("tool_choice", "auto") in expected
        else:
            assert got[what] == expected, what


def plain_answer(text: str) -> dict:
    return {"content": text, "thinking": "", "tool_calls": [], "finish_reason": "stop"}
