"""The three client APIs for tests: how each asks, what an upstream gets of it, what each is answered, and whether that
is legal by the official packages' own types.

One conversation (`Case`) is told in each API, so that a test can assert both sides whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import anthropic.types
import openai.types.responses
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

import replies

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
USAGE = {
    "prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42,
    "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 4},
}  # fmt: skip


@dataclass
class Case:
    """What is asked and what the model says, in no API's words."""

    name: str
    text: list[str] = field(default_factory=lambda: ["Hel", "lo 🌍."])
    thought: list[str] = field(default_factory=list)
    #: Name, id and pieces of arguments of each call.
    calls: list[tuple[str, str, list[str]]] = field(default_factory=list)
    image: bool = False
    finish: str = "stop"


ONE = ("weather", "call_a1", ['{"city"', ': "Bern"}'])
TWO = ("time", "call_b2", ["{}"])
CASES = [
    Case("text"),
    Case("thinking", thought=["Let me ", "see.\n"]),
    Case("one-tool", text=[], calls=[ONE], finish="tool_calls"),
    Case("parallel-tools", thought=["Both."], calls=[ONE, TWO], finish="tool_calls"),
    Case("image-in", image=True),
    Case("truncation", text=["Once upon"], finish="length"),
]

# -- The upstream -----------------------------------------------------------------------------------------------------


def upstream_unary(case: Case) -> dict:
    """The chat.completion that the upstream answers with."""
    message: dict[str, Any] = {}
    if case.thought:
        message["reasoning_content"] = "".join(case.thought)
    if case.calls:
        message["tool_calls"] = [
            replies.call(0, name, "".join(pieces), identifier) for name, identifier, pieces in case.calls
        ]
    whole = replies.completion("".join(case.text) or None, case.finish, **message)
    return {**whole, "usage": USAGE}


def upstream_chunks(case: Case) -> list[dict]:
    """The same as chunks."""
    deltas: list[dict] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in case.thought]
    deltas += [{"content": piece} for piece in case.text]
    for number, (name, identifier, pieces) in enumerate(case.calls):
        deltas += replies.call_deltas(number, name, pieces, identifier)
    usage = {**replies.usage_chunk(), "usage": USAGE}
    return [*map(replies.chunk, deltas), replies.chunk({}, case.finish), usage]


def upstream_steps(case: Case, stream: bool) -> list[bytes]:
    return replies.stream(upstream_chunks(case)) if stream else [replies.response(upstream_unary(case))]


def canonical_request(case: Case, stream: bool) -> dict:
    """What the upstream must have been asked, whatever API the client spoke."""
    content: Any = "What is this?"
    if case.image:
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        content = [{"type": "text", "text": "What is this?"}, image]
    asked: dict[str, Any] = {
        "model": "upstream-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [replies.call(0, "weather", '{"city":"Rome"}', "call_z9")],
            },
            {"role": "tool", "tool_call_id": "call_z9", "content": "sunny"},
            {"role": "user", "content": content},
        ],
        "max_tokens": 99,
        "temperature": 0.5,
        "top_p": 0.9,
    }
    asked["tools"] = [
        {"type": "function", "function": {"name": name, "description": f"Tells the {name}.", "parameters": SCHEMA}}
        for name in ("weather", "time")
    ]
    asked["tool_choice"] = "auto"
    asked["parallel_tool_calls"] = True
    if stream:
        asked["stream"] = True
        asked["stream_options"] = {"include_usage": True}
    return asked


# -- The client APIs --------------------------------------------------------------------------------------------------


class Chat:
    """OpenAI Chat Completions."""

    name = "chat"
    path = "/v1/chat/completions"

    def request(self, case: Case, stream: bool, model: str) -> dict:
        return {**canonical_request(case, stream), "model": model}

    def unary(self, case: Case, model: str) -> dict:
        """The answer that the client must get."""
        return upstream_unary(case)

    def stream(self, case: Case, model: str) -> list[tuple[str | None, dict | str]]:
        """Its events: name and data."""
        head = replies.chunk({})
        chunks = []
        for one in upstream_chunks(case)[1:]:
            if one["choices"]:
                delta = one["choices"][0]["delta"]
                if not chunks:
                    delta = {"role": "assistant", **delta}
                chunks.append({**head, "choices": [{**one["choices"][0], "delta": delta}]})
            else:
                chunks.append(one)
        return [*((None, one) for one in chunks), (None, "[DONE]")]

    def error(self, kind: str, message: str, code: str | None, request_id: str) -> dict:
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def check_unary(self, body: dict):
        ChatCompletion.model_validate(body, strict=True)

    def check_event(self, name: str | None, data: dict | str):
        assert name is None
        if data != "[DONE]":
            ChatCompletionChunk.model_validate(data, strict=True)


class Messages:
    """Anthropic Messages."""

    name = "messages"
    path = "/v1/messages"

    _events = TypeAdapter(anthropic.types.RawMessageStreamEvent)
    _stop = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}
    _usage = {
        "input_tokens": 22, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 8, "output_tokens": 12,
        "output_tokens_details": {"thinking_tokens": 4},
    }  # fmt: skip

    def request(self, case: Case, stream: bool, model: str) -> dict:
        content: Any = "What is this?"
        if case.image:
            source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
            content = [{"type": "text", "text": content}, {"type": "image", "source": source}]
        asked = {
            "model": model,
            "max_tokens": 99,
            "system": "Be brief.",
            "messages": [
                {"role": "user", "content": "Weather?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "call_z9", "name": "weather", "input": {"city": "Rome"}},
                    ],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_z9", "content": "sunny"}]},
                {"role": "user", "content": content},
            ],
            "tools": [
                {"name": name, "description": f"Tells the {name}.", "input_schema": SCHEMA} for name in ("weather", "time")
            ],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": False},
            "temperature": 0.5,
            "top_p": 0.9,
        }
        return {**asked, "stream": True} if stream else asked

    def unary(self, case: Case, model: str) -> dict:
        content: list[dict] = []
        if case.thought:
            content.append({"type": "thinking", "thinking": "".join(case.thought), "signature": ""})
        if case.text:
            content.append({"type": "text", "text": "".join(case.text)})
        for name, identifier, pieces in case.calls:
            content.append({"type": "tool_use", "id": identifier, "name": name, "input": json.loads("".join(pieces))})
        return {**self._message(self._usage), "content": content, "stop_reason": self._stop[case.finish]}

    def _message(self, usage: dict) -> dict:
        return {
            "id": "chatcmpl-mock", "type": "message", "role": "assistant", "model": "upstream-model", "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": usage,
        }  # fmt: skip

    def stream(self, case: Case, model: str) -> list[tuple[str | None, dict | str]]:
        nothing = {
            "input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0,
        }  # fmt: skip
        events: list[dict] = [{"type": "message_start", "message": self._message(nothing)}]
        blocks: list[tuple[dict, list[dict]]] = []
        if case.thought:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in case.thought]
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
        if case.text:
            blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": one} for one in case.text]))
        for name, identifier, pieces in case.calls:
            block = {"type": "tool_use", "id": identifier, "name": name, "input": {}}
            blocks.append((block, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]))
        for index, (block, deltas) in enumerate(blocks):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        delta = {"stop_reason": self._stop[case.finish], "stop_sequence": None}
        events.append({"type": "message_delta", "delta": delta, "usage": self._usage})
        events.append({"type": "message_stop"})
        return [(one["type"], one) for one in events]

    def error(self, kind: str, message: str, code: str | None, request_id: str) -> dict:
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}

    def check_unary(self, body: dict):
        anthropic.types.Message.model_validate(body, strict=True)

    def check_event(self, name: str | None, data: dict | str):
        assert isinstance(data, dict) and name == data["type"]
        if name not in ("ping", "error"):
            self._events.validate_python(data, strict=True)


class Responses:
    """OpenAI Responses."""

    name = "responses"
    path = "/v1/responses"

    _events = TypeAdapter(openai.types.responses.ResponseStreamEvent)
    _usage = {
        "input_tokens": 30, "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0}, "output_tokens": 12,
        "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 42,
    }  # fmt: skip

    @property
    def _tools(self) -> list[dict]:
        return [
            {"type": "function", "name": name, "description": f"Tells the {name}.", "parameters": SCHEMA, "strict": False}
            for name in ("weather", "time")
        ]

    def request(self, case: Case, stream: bool, model: str) -> dict:
        content: Any = "What is this?"
        if case.image:
            image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
            content = [{"type": "input_text", "text": content}, image]
        asked = {
            "model": model,
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": "Weather?"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
                {"type": "function_call", "call_id": "call_z9", "name": "weather", "arguments": '{"city":"Rome"}'},
                {"type": "function_call_output", "call_id": "call_z9", "output": "sunny"},
                {"role": "user", "content": content},
            ],
            "tools": self._tools,
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "max_output_tokens": 99,
            "temperature": 0.5,
            "top_p": 0.9,
            "store": False,
        }
        return {**asked, "stream": True} if stream else asked

    def unary(self, case: Case, model: str) -> dict:
        return self._response(case, self._items(case))

    def _response(self, case: Case | None, items: list[dict], error: dict | None = None) -> dict:
        """A response in one of its states; `case` is None while it is in progress."""
        status = "in_progress" if case is None else "incomplete" if case.finish == "length" else "completed"
        if error:
            status = "failed"
        details = {"reason": "max_output_tokens"} if status == "incomplete" else None
        is_short = status == "in_progress"
        return {
            "id": "resp_0", "object": "response", "created_at": 1700000000, "status": status, "error": error,
            "incomplete_details": details, "model": "upstream-model", "output": items,
            "usage": None if case is None or error else self._usage,
            "instructions": None if is_short else "Be brief.", "tools": [] if is_short else self._tools,
            "background": False, "max_output_tokens": 99, "max_tool_calls": None, "metadata": {},
            "parallel_tool_calls": True, "previous_response_id": None, "prompt_cache_key": None,
            "reasoning": {"effort": None, "summary": None}, "safety_identifier": None, "temperature": 0.5,
            "text": {"format": {"type": "text"}}, "tool_choice": "auto", "top_logprobs": 0, "top_p": 0.9,
            "truncation": "disabled", "user": None, "store": False,
        }  # fmt: skip

    def _items(self, case: Case) -> list[dict]:
        items: list[dict] = []
        cut = "incomplete" if case.finish == "length" else "completed"
        if case.thought:
            content = [{"type": "reasoning_text", "text": "".join(case.thought)}]
            items.append({"id": "rs_0", "type": "reasoning", "summary": [], "content": content})
        if case.text:
            text = {"type": "output_text", "text": "".join(case.text), "annotations": [], "logprobs": []}
            items.append({"id": "msg_0", "type": "message", "status": cut, "role": "assistant", "content": [text]})
        for name, identifier, pieces in case.calls:
            call = {"id": "fc_0", "type": "function_call", "status": "completed", "call_id": identifier, "name": name}
            items.append({**call, "arguments": "".join(pieces)})
        return items

    def stream(self, case: Case, model: str) -> list[tuple[str | None, dict | str]]:
        events: list[dict] = [
            {"type": "response.created", "response": self._response(None, [])},
            {"type": "response.in_progress", "response": self._response(None, [])},
        ]
        items = self._items(case)
        pieces = ([case.thought] if case.thought else []) + ([case.text] if case.text else [])
        pieces += [call[2] for call in case.calls]
        for index, (item, parts) in enumerate(zip(items, pieces, strict=True)):
            events += getattr(self, "_" + item["type"])(index, item, parts)
        end = "response.incomplete" if case.finish == "length" else "response.completed"
        events.append({"type": end, "response": self._response(case, items)})
        return [(one["type"], {**one, "sequence_number": number}) for number, one in enumerate(events)]

    def _reasoning(self, index: int, item: dict, pieces: list[str]) -> list[dict]:
        begun = {**item, "content": []}
        return self._content(index, item, begun, "response.reasoning_text", pieces, {})

    def _message(self, index: int, item: dict, pieces: list[str]) -> list[dict]:
        begun = {**item, "status": "in_progress", "content": []}
        return self._content(index, item, begun, "response.output_text", pieces, {"logprobs": []})

    def _content(self, index: int, item: dict, begun: dict, kind: str, pieces: list[str], more: dict) -> list[dict]:
        whole = item["content"][0]
        place = {"output_index": index, "item_id": item["id"], "content_index": 0}
        return [
            {"type": "response.output_item.added", "output_index": index, "item": begun},
            {"type": "response.content_part.added", **place, "part": {**whole, "text": ""}},
            *({"type": f"{kind}.delta", **place, "delta": piece, **more} for piece in pieces),
            {"type": f"{kind}.done", **place, "text": whole["text"], **more},
            {"type": "response.content_part.done", **place, "part": whole},
            {"type": "response.output_item.done", "output_index": index, "item": item},
        ]

    def _function_call(self, index: int, item: dict, pieces: list[str]) -> list[dict]:
        begun = {**item, "status": "in_progress", "arguments": ""}
        place = {"output_index": index, "item_id": item["id"]}
        kind = "response.function_call_arguments"
        done = {"name": item["name"], "arguments": item["arguments"]}
        return [
            {"type": "response.output_item.added", "output_index": index, "item": begun},
            *({"type": f"{kind}.delta", **place, "delta": piece} for piece in pieces),
            {"type": f"{kind}.done", **place, **done},
            {"type": "response.output_item.done", "output_index": index, "item": item},
        ]

    def error(self, kind: str, message: str, code: str | None, request_id: str) -> dict:
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def check_unary(self, body: dict):
        openai.types.responses.Response.model_validate(body, strict=True)

    def check_event(self, name: str | None, data: dict | str):
        assert isinstance(data, dict) and name == data["type"]
        self._events.validate_python(data, strict=True)


DIALECTS = [Chat(), Messages(), Responses()]

# -- What came back ---------------------------------------------------------------------------------------------------


def events(body: bytes) -> list[tuple[str | None, Any]]:
    """Name and data of each server-sent event; JSON data is parsed."""
    found = []
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if not lines:
            continue
        name = next((line[7:] for line in lines if line.startswith("event: ")), None)
        data = "\n".join(line[6:] for line in lines if line.startswith("data: "))
        found.append((name, data if data == "[DONE]" else json.loads(data)))
    return found


def settled(value: Any, key: str | None = None) -> Any:
    """The value with the host's own ids of responses and their items made equal; their forms and uniqueness are checked
    elsewhere."""
    if isinstance(value, dict):
        return {name: settled(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [settled(one) for one in value]
    if key in ("id", "item_id") and isinstance(value, str):
        head = value.split("_")[0]
        return f"{head}_0" if head in ("resp", "rs", "msg", "fc", "ctc", "apc") else value
    return value
