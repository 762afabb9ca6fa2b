"""Is it legal OpenAI Chat Completions output, and what does it say?

`Reply` is what a client understands from a response, streamed or not, so that the two can be compared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass
class Choice:
    """What one choice says in the end."""

    content: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    finish: str | None = None


@dataclass
class Reply:
    """All choices by number, and the usage object if there was one."""

    choices: dict[int, Choice]
    usage: dict | None = None

    @property
    def only(self) -> Choice:
        assert list(self.choices) == [0], f"one choice expected: {self.choices}"
        return self.choices[0]


def is_error(value) -> bool:
    """Has the value the shape of an OpenAI error object?"""
    error = value.get("error") if isinstance(value, dict) else None
    return (
        isinstance(error, dict)
        and isinstance(error.get("message"), str)
        and error["message"] != ""
        and isinstance(error.get("type"), str)
        and "param" in error
        and "code" in error
        and isinstance(error["param"], (str, type(None)))
        and isinstance(error["code"], (str, type(None)))
    )


def assert_error(response, *statuses: int) -> dict:
    """The error object of a whole response, with its headers and status checked."""
    assert response.complete, "the error response breaks off"
    assert response.status in statuses, f"{response.status} is not in {statuses}: {response.body[:500]!r}"
    assert (response.header("content-type") or "").startswith("application/json")
    assert response.header("x-request-id"), "no x-request-id on an error"
    assert is_error(response.json), f"not an OpenAI error: {response.body[:500]!r}"
    return response.json["error"]


def assert_stream_error(response) -> dict:
    """The error of a stream that had begun: its last frame is an error object, and no [DONE] follows."""
    assert response.status == 200
    frames = response.frames
    assert frames, "an empty stream"
    assert "[DONE]" not in frames, "a failed stream must not look complete"
    last = json.loads(frames[-1])
    assert is_error(last), f"the last frame is no error: {frames[-1][:300]}"
    for frame in frames[:-1]:
        assert "error" not in json.loads(frame), "frames follow an error"
    return last["error"]


def unary(body: dict) -> Reply:
    """Checks a chat.completion and says what it means."""
    assert body["object"] == "chat.completion"
    assert isinstance(body["id"], str) and body["id"]
    assert isinstance(body["created"], int)
    assert isinstance(body["model"], str) and body["model"]
    reply = Reply({}, body.get("usage"))
    for one in body["choices"]:
        message = one["message"]
        assert message["role"] == "assistant"
        assert "content" in message
        found = Choice(message["content"] or "", message.get("reasoning_content") or "", [], one["finish_reason"])
        for call in message.get("tool_calls") or []:
            assert call["type"] == "function" and call["id"]
            found.calls.append((call["id"], call["function"]["name"], call["function"]["arguments"]))
        assert isinstance(found.finish, str)
        assert one["index"] not in reply.choices, "an index comes twice"
        reply.choices[one["index"]] = found
    return reply


def streamed(frames: list[str]) -> Reply:
    """Checks the frames of a complete stream and says what they mean together."""
    assert frames and frames[-1] == "[DONE]", f"the stream does not end in [DONE]: {frames[-2:]}"
    assert frames.count("[DONE]") == 1
    reply, identifiers = Reply({}), set()
    for text in frames[:-1]:
        value = json.loads(text)
        assert "error" not in value, f"an error inside a complete stream: {text}"
        assert value["object"] == "chat.completion.chunk"
        assert isinstance(value["created"], int) and isinstance(value["model"], str)
        identifiers.add(value["id"])
        if value.get("usage") is not None:
            assert reply.usage is None, "usage comes twice"
            reply.usage = value["usage"]
        elif reply.usage is not None:
            raise AssertionError("a chunk follows the usage")
        for one in value["choices"]:
            _add_delta(reply.choices.setdefault(one["index"], Choice()), one)
    assert len(identifiers) == 1, f"the id changes within a stream: {identifiers}"
    for number, found in reply.choices.items():
        assert found.finish is not None, f"choice {number} has no finish_reason"
    return reply


def _add_delta(found: Choice, one: dict):
    delta = one["delta"]
    has_content = any(delta.get(key) for key in ("content", "reasoning_content", "tool_calls"))
    assert found.finish is None or not (has_content or one.get("finish_reason")), "output follows a finish_reason"
    found.content += delta.get("content") or ""
    found.reasoning += delta.get("reasoning_content") or ""
    for call in delta.get("tool_calls") or []:
        _add_call(found, call)
    found.finish = one.get("finish_reason") or found.finish


def _add_call(found: Choice, call: dict):
    number, function = call["index"], call.get("function") or {}
    if number == len(found.calls):
        assert call.get("id") and call.get("type") == "function" and function.get("name"), (
            f"a call without head: {call}"
        )
        found.calls.append((call["id"], function["name"], ""))
    assert number < len(found.calls), f"a tool call's index jumps: {call}"
    identifier, name, arguments = found.calls[number]
    assert call.get("id") in (None, identifier) and function.get("name") in (None, "", name), f"a call changes: {call}"
    found.calls[number] = (identifier, name, arguments + (function.get("arguments") or ""))
