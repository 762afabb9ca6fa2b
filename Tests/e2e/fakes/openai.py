"""OpenAI as far as a client can tell: /chat/completions and /responses, which refuse, and remember, every request that
the real ones would not take as it is meant. Answers are turns (`Turn`) from a queue."""

from __future__ import annotations

import collections
import json
from dataclasses import dataclass, field

import replies
from mock_upstream import MockUpstream

KEY = "sk-upstream"
ENCRYPTED = "gAAAAAsealed-by-the-fake=="
CHAT_MEMBERS = {
    "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "stream", "stream_options", "reasoning_effort",
    "max_completion_tokens", "temperature", "top_p", "stop", "seed", "user", "metadata", "response_format", "verbosity",
    "store", "n",
}  # fmt: skip
CHAT_ROLES = {
    "system": {"role", "content", "name"}, "developer": {"role", "content", "name"}, "user": {"role", "content", "name"},
    "assistant": {"role", "content", "tool_calls", "refusal", "name", "annotations", "function_call", "audio"},
    "tool": {"role", "content", "tool_call_id"},
}  # fmt: skip
#: What compatible servers take besides.
COMPATIBLE_MEMBERS = {"max_tokens", "top_k", "thinking"}
COMPATIBLE_ASSISTANT = {
    "reasoning_content", "reasoning_details", "thinking_blocks", "reasoning_items", "tool_call_extras",
}  # fmt: skip
RESPONSES_MEMBERS = {
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "stream", "reasoning", "include",
    "max_output_tokens", "temperature", "top_p", "store", "text", "user", "metadata", "prompt_cache_key",
}  # fmt: skip
ITEMS = {
    "message": {"type", "role", "content", "id", "status"},
    "function_call": {"type", "call_id", "name", "arguments", "id", "status"},
    "function_call_output": {"type", "call_id", "output", "id", "status"},
    "reasoning": {"type", "id", "summary", "encrypted_content", "content", "status"},
}
PARTS = {
    "input_text": {"type", "text"}, "output_text": {"type", "text", "annotations", "logprobs"},
    "input_image": {"type", "image_url", "detail", "file_id"}, "refusal": {"type", "refusal"},
}  # fmt: skip
TOOL = {"type", "name", "parameters", "strict", "description"}


@dataclass
class Turn:
    """What the model says, in no API's words. A call is its id, its name and its arguments."""

    text: str = ""
    thought: str = ""
    calls: list[tuple[str, str, dict]] = field(default_factory=list)


class FakeOpenAI(MockUpstream):
    """`bodies`: what was asked; `complaints`: what was wrong with that. `is_strict`: OpenAI itself, which refuses what
    it does not know and tells no thoughts in Chat."""

    def __init__(self, is_strict: bool = True):
        super().__init__()
        self.is_strict = is_strict
        self.turns: collections.deque[Turn] = collections.deque()
        self.bodies: list[dict] = []
        self.complaints: list[str] = []
        self.always(self._answer)

    def say(self, turn: Turn):
        """The next answer."""
        self.turns.append(turn)

    def _answer(self, request):
        problems = list(self._problems(request))
        if problems:
            self.complaints += problems
            error = {"message": "; ".join(problems), "type": "invalid_request_error", "param": None, "code": None}
            return (replies.response({"error": error}, 400, "Bad Request"),)
        body = json.loads(request.body)
        self.bodies.append(body)
        turn = self.turns.popleft()
        if request.target.endswith("/responses"):
            return _responses(body, turn)
        return _chat(body, turn, thinks=not self.is_strict)

    # -- what is checked ----------------------------------------------------------------------------------------

    def _problems(self, request):
        if request.header("authorization") != f"Bearer {KEY}":
            yield f"Incorrect API key provided ({request.header('authorization')})"
        if request.header("content-type") != "application/json":
            yield "content-type"
        body = json.loads(request.body)
        if (request.method, request.target) == ("POST", "/v1/chat/completions"):
            yield from self._chat_problems(body)
        elif (request.method, request.target) == ("POST", "/v1/responses"):
            yield from _responses_problems(body)
        else:
            yield f"Unknown request URL: {request.method} {request.target}"

    def _chat_problems(self, body):
        known = CHAT_MEMBERS | (set() if self.is_strict else COMPATIBLE_MEMBERS)
        yield from (f"Unrecognized request argument supplied: {name}" for name in body.keys() - known)
        waiting: list[str] = []
        for number, message in enumerate(body["messages"]):
            place = f"messages[{number}]"
            members = CHAT_ROLES.get(message.get("role"), set())
            if message.get("role") == "assistant" and not self.is_strict:
                members = members | COMPATIBLE_ASSISTANT
            yield from (f"Unknown member {place}.{name}" for name in message.keys() - members)
            if message["role"] == "tool":
                if message["tool_call_id"] not in waiting:
                    yield f"{place}: no call {message['tool_call_id']}"
                else:
                    waiting.remove(message["tool_call_id"])
                if not isinstance(message["content"], str):
                    yield f"{place}: a tool's content is text"
            elif waiting:
                yield f"{place}: calls without results: {waiting}"
            for call in message.get("tool_calls") or []:
                waiting.append(call["id"])
                if not isinstance(json.loads(call["function"]["arguments"]), dict):
                    yield f"{place}: arguments are no object"
            content = message.get("content")
            for part in content if isinstance(content, list) else []:
                if part["type"] not in ("text", "image_url") or not part.get(part["type"]):
                    yield f"{place}: part {part}"
        if waiting:
            yield f"calls without results: {waiting}"


def _responses_problems(body):
    yield from (f"Unknown parameter: '{name}'." for name in body.keys() - RESPONSES_MEMBERS)
    for tool in body.get("tools") or []:
        yield from (f"Unknown parameter: 'tools.{name}'." for name in tool.keys() - TOOL)
    calls, results = [], []
    items = body["input"] if isinstance(body["input"], list) else []
    for number, item in enumerate(items):
        kind = item.get("type", "message")
        yield from (f"Unknown parameter: 'input[{number}].{name}'." for name in item.keys() - ITEMS.get(kind, set()))
        if kind == "function_call":
            calls.append(item["call_id"])
        elif kind == "function_call_output":
            results.append(item["call_id"])
        elif kind == "reasoning":
            if item.get("encrypted_content") != ENCRYPTED:
                yield f"The encrypted content {item.get('encrypted_content')} could not be verified."
            if number + 1 == len(items):
                yield "Item of type 'reasoning' was provided without its required following item."
        for part in item["content"] if kind == "message" and isinstance(item["content"], list) else []:
            yield from (f"Unknown 'input[{number}]...{name}'" for name in part.keys() - PARTS.get(part["type"], set()))
    if sorted(calls) != sorted(results):
        yield f"No tool output found for function call: {calls}, {results}"


# -- what is answered ---------------------------------------------------------------------------------------------


def _halves(text: str) -> list[str]:
    return [part for part in (text[: len(text) // 2], text[len(text) // 2 :]) if part]


def _chat(body: dict, turn: Turn, thinks: bool):
    finish = "tool_calls" if turn.calls else "stop"
    if not body.get("stream"):
        more: dict = {"reasoning_content": turn.thought} if thinks and turn.thought else {}
        if turn.calls:
            more["tool_calls"] = [replies.call(0, name, json.dumps(args), one) for one, name, args in turn.calls]
        return (replies.response(replies.completion(turn.text or None, finish, **more)),)
    deltas: list[dict] = [{"role": "assistant", "content": ""}]
    if thinks:
        deltas += [{"reasoning_content": piece} for piece in _halves(turn.thought)]
    deltas += [{"content": piece} for piece in _halves(turn.text)]
    for number, (identifier, name, args) in enumerate(turn.calls):
        deltas += replies.call_deltas(number, name, _halves(json.dumps(args)), identifier)
    chunks = [*map(replies.chunk, deltas), replies.chunk({}, finish)]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append(replies.usage_chunk())
    return replies.stream(chunks)


def _items(turn: Turn) -> list[dict]:
    items: list[dict] = []
    if turn.thought:
        summary = [{"type": "summary_text", "text": turn.thought}]
        items.append({"id": "rs_f", "type": "reasoning", "summary": summary, "encrypted_content": ENCRYPTED})
    if turn.text:
        text = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
        items.append({"id": "msg_f", "type": "message", "status": "completed", "role": "assistant", "content": [text]})
    for identifier, name, args in turn.calls:
        call = {"id": f"fc_{identifier}", "type": "function_call", "status": "completed", "call_id": identifier}
        items.append({**call, "name": name, "arguments": json.dumps(args)})
    return items


def _responses(body: dict, turn: Turn):
    usage = {
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 15,
    }  # fmt: skip
    head = {
        "id": "resp_fake", "object": "response", "created_at": 1700000000, "model": body["model"], "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
        "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
    }  # fmt: skip
    items = _items(turn)
    whole = {**head, "status": "completed", "output": items, "usage": usage}
    if not body.get("stream"):
        return (replies.response(whole),)
    begun = {**head, "status": "in_progress", "output": [], "usage": None}
    events: list[dict] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(items):
        events += _item_events(index, item)
    events.append({"type": "response.completed", "response": whole})
    out = b"".join(
        f"event: {one['type']}\n".encode() + replies.event({**one, "sequence_number": number})
        for number, one in enumerate(events)
    )
    return [replies.HEAD, replies.http_chunk(out), replies.LAST_CHUNK]


def _item_events(index: int, item: dict) -> list[dict]:
    place = {"output_index": index, "item_id": item["id"]}
    added = {"type": "response.output_item.added", "output_index": index}
    done = {"type": "response.output_item.done", "output_index": index, "item": item}
    if item["type"] == "reasoning":
        text, at = item["summary"][0]["text"], {**place, "summary_index": 0}
        kind, part = "response.reasoning_summary", {"type": "summary_text", "text": text}
        return [
            {**added, "item": {**item, "summary": []}},
            {"type": f"{kind}_part.added", **at, "part": {**part, "text": ""}},
            *({"type": f"{kind}_text.delta", **at, "delta": piece} for piece in _halves(text)),
            {"type": f"{kind}_text.done", **at, "text": text},
            {"type": f"{kind}_part.done", **at, "part": part},
            done,
        ]
    if item["type"] == "message":
        part, at = item["content"][0], {**place, "content_index": 0}
        return [
            {**added, "item": {**item, "status": "in_progress", "content": []}},
            {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
            *({"type": "response.output_text.delta", **at, "delta": one, "logprobs": []} for one in _halves(part["text"])),
            {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
            done,
        ]
    kind = "response.function_call_arguments"
    return [
        {**added, "item": {**item, "status": "in_progress", "arguments": ""}},
        *({"type": f"{kind}.delta", **place, "delta": piece} for piece in _halves(item["arguments"])),
        {"type": f"{kind}.done", **place, "arguments": item["arguments"], "name": item["name"]},
        done,
    ]
