"""A fake Anthropic: it refuses what the real Messages API refuses, and answers by script.

It sits on `MockUpstream`. `Fake(upstream).reply(script)` answers the next request: the request is checked first, and a
wrong one gets the API's own error body with status 400, so that the client sees what a user would see. What was checked
is kept in `bodies` and `headers`.
"""

from __future__ import annotations

import json
import re

MEMBERS = {
    "model", "messages", "max_tokens", "system", "stream", "temperature", "top_p", "top_k", "stop_sequences", "tools",
    "tool_choice", "thinking", "metadata", "service_tier", "output_config", "cache_control", "container",
    "context_management", "mcp_servers", "inference_geo", "speed", "diagnostics", "user_profile_id",
}  # fmt: skip
BLOCKS = {
    "text": {"text", "citations"}, "image": {"source"}, "document": {"source", "title", "context", "citations"},
    "search_result": {"source", "title", "content", "citations"}, "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"}, "tool_use": {"id", "name", "input"},
    "tool_result": {"tool_use_id", "content", "is_error"},
}  # fmt: skip
USER_BLOCKS = {"text", "image", "document", "search_result", "tool_result"}
ASSISTANT_BLOCKS = {"text", "thinking", "redacted_thinking", "tool_use"}
SIGNATURE = "c2lnbmVkIGJ5IHRoZSBmYWtl"


class Refused(Exception):
    """What the API says of a wrong request."""


def need(condition, message: str):
    if not condition:
        raise Refused(message)


def known(value, names, place: str):
    need(isinstance(value, dict), f"{place}: Input should be an object")
    for name in value:
        need(name in names, f"{place}.{name}: Extra inputs are not permitted".removeprefix("."))


# -- What a request must be -------------------------------------------------------------------------------------------


def check_headers(request):
    need(request.header("content-type") == "application/json", "content-type: must be application/json")
    need(request.header("anthropic-version") == "2023-06-01", "anthropic-version: header is required")
    keys = [request.header("x-api-key"), request.header("authorization")]
    need(keys in (["sk-ant-test", None], [None, "Bearer token-test"]), f"invalid x-api-key ({keys})")


def check_body(body: dict):
    known(body, MEMBERS, "")
    need(isinstance(body.get("model"), str) and body["model"], "model: Field required")
    need(type(body.get("max_tokens")) is int and body["max_tokens"] > 0, "max_tokens: Field required")
    need(isinstance(body.get("messages"), list) and body["messages"], "messages: at least one message is required")
    check_thinking(body)
    names = check_tools(body)
    for block in body.get("system", []):
        check_text(block, "system")
    check_turns(body["messages"], names)
    if body.get("thinking", {}).get("type") == "enabled":
        check_last_thought(body["messages"])


def check_thinking(body):
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    names = {"enabled": {"type", "budget_tokens", "display"}, "adaptive": {"type", "display"}}
    known(thinking, names.get(kind, {"type"}), "thinking")
    need(kind in ("enabled", "adaptive", "disabled", "between_tools"), "thinking.type: unknown")
    if kind == "enabled":
        need(thinking.get("budget_tokens", 0) >= 1024, "thinking.budget_tokens: must be at least 1024")
        need(thinking["budget_tokens"] < body["max_tokens"], "max_tokens must be greater than thinking.budget_tokens")
    if kind in ("enabled", "adaptive"):
        need(body.get("temperature", 1) == 1, "temperature may only be set to 1 when thinking is enabled")
        need("top_k" not in body, "top_k must be unset when thinking is enabled")
        forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
        need(not forced, "Thinking may not be enabled when tool_choice forces tool use.")


def check_tools(body) -> set:
    names = set()
    for number, tool in enumerate(body.get("tools", [])):
        place = f"tools.{number}"
        known(tool, {"name", "description", "input_schema", "strict", "cache_control", "type"}, place)
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool.get("name", "")), f"{place}.name: bad")
        need(tool.get("input_schema", {}).get("type") == "object", f"{place}.input_schema.type: Field required")
        names.add(tool["name"])
    choice = body.get("tool_choice")
    if choice is not None:
        need(names, "tool_choice: may only be specified while providing tools")
        known(choice, {"type", "name", "disable_parallel_tool_use"}, "tool_choice")
        need(choice["type"] in ("auto", "any", "none", "tool"), "tool_choice.type: unknown")
        need(choice["type"] != "tool" or choice.get("name") in names, "tool_choice.name: unknown tool")
    return names


def check_turns(messages, names):
    waiting: list[str] = []
    previous = None
    for number, message in enumerate(messages):
        place = f"messages.{number}"
        known(message, {"role", "content"}, place)
        role = message["role"]
        need(role in ("user", "assistant"), f"{place}.role: unexpected '{role}'")
        need(role != previous, f"{place}.role: roles must alternate")
        previous = role
        blocks = content(message["content"], place)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        need(sorted(results) == sorted(waiting), f"{place}: tool_use ids {waiting} need tool_result, found {results}")
        need([b["type"] for b in blocks[: len(results)]] == ["tool_result"] * len(results), f"{place}: results first")
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        for block in blocks:
            allowed = USER_BLOCKS if role == "user" else ASSISTANT_BLOCKS
            need(block["type"] in allowed, f"{place}.content: {block['type']} is not for the {role}")
            if block["type"] == "tool_use":
                need(block["name"] in names, f"{place}: tool {block['name']} is not defined")
    need(messages[0]["role"] == "user", "messages: first message must use the user role")


def content(value, place) -> list[dict]:
    if isinstance(value, str):
        value = [{"type": "text", "text": value}]
    need(isinstance(value, list) and value, f"{place}.content: must not be empty")
    for block in value:
        kind = block.get("type")
        need(kind in BLOCKS, f"{place}.content: Input tag '{kind}' is unknown")
        known(block, BLOCKS[kind] | {"type", "cache_control"}, f"{place}.content")
        CHECKS.get(kind, lambda *_: None)(block, place)
    return value


def check_text(block, place):
    known(block, {"type", "text", "citations", "cache_control"}, place)
    need(block["text"], f"{place}: text content blocks must be non-empty")


def check_source(block, place):
    source = block["source"]
    members = {"base64": {"media_type", "data"}, "url": {"url"}, "file": {"file_id"}, "text": {"media_type", "data"}}
    known(source, members.get(source["type"], set()) | {"type"}, f"{place}.source")
    if source["type"] == "base64":
        need(re.fullmatch(r"[A-Za-z0-9+/=]+", source["data"]), f"{place}.source.data: not base64")
    if block["type"] == "image" and source["type"] == "base64":
        kinds = ["image/" + kind for kind in ("png", "jpeg", "gif", "webp")]
        need(source["media_type"] in kinds, f"{place}.source.media_type: unknown")


def check_thought(block, place):
    need(block["signature"] == SIGNATURE, f"{place}: Invalid `signature` in `thinking` block")


def check_call(block, place):
    need(re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]), f"{place}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    need(isinstance(block["input"], dict), f"{place}.input: Input should be an object")


def check_result(block, place):
    inner = block.get("content")
    if inner is not None:
        content(inner, place)


CHECKS = {
    "text": check_text, "image": check_source, "document": check_source, "thinking": check_thought,
    "tool_use": check_call, "tool_result": check_result,
}  # fmt: skip


def check_last_thought(messages):
    """Within a loop of calls, the turn that called must begin with a thought."""
    last = next((message for message in reversed(messages) if message["role"] == "assistant"), None)
    if last is None or isinstance(last["content"], str):
        return
    kinds = [block["type"] for block in last["content"]]
    if "tool_use" in kinds:
        need(kinds[0] in ("thinking", "redacted_thinking"), "Expected `thinking` or `redacted_thinking`")


# -- What it answers --------------------------------------------------------------------------------------------------


def thinking(text: str) -> dict:
    return {"type": "thinking", "thinking": text, "signature": SIGNATURE}


def text(value: str) -> dict:
    return {"type": "text", "text": value}


def call(identifier: str, name: str, **arguments) -> dict:
    return {"type": "tool_use", "id": identifier, "name": name, "input": arguments}


def usage(output: int) -> dict:
    return {
        "input_tokens": 20, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": output,
    }  # fmt: skip


def message(model: str, blocks: list[dict], reason: str, sequence=None) -> dict:
    return {
        "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": blocks,
        "stop_reason": reason, "stop_sequence": sequence, "usage": usage(9),
    }  # fmt: skip


def events(whole: dict):
    """The message as the API streams it."""
    head = {**whole, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage(1)}
    yield {"type": "message_start", "message": head}
    for index, block in enumerate(whole["content"]):
        first, deltas = pieces(block)
        yield {"type": "content_block_start", "index": index, "content_block": first}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}
    yield {"type": "message_stop"}


def pieces(block: dict):
    kind = block["type"]
    if kind == "text":
        return {"type": kind, "text": ""}, [{"type": "text_delta", "text": part} for part in halves(block["text"])]
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": part} for part in halves(block["thinking"])]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": kind, "thinking": "", "signature": ""}, [*deltas, signed]
    if kind == "tool_use":
        arguments = halves(json.dumps(block["input"]))
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ["", *arguments]]
        return {**block, "input": {}}, deltas
    return block, []


def halves(value: str) -> list[str]:
    middle = max(1, len(value) // 2)
    return [part for part in (value[:middle], value[middle:]) if part]


def sse(event: dict) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def whole_answer(status: int, body: dict, **headers) -> bytes:
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Fake", "content-type: application/json", f"content-length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def error(kind: str, text: str) -> dict:
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_fake"}


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"


class Fake:
    """Scripts of answers over a `MockUpstream`; `faults` holds why requests were refused."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.bodies: list[dict] = []
        self.requests: list = []
        self.faults: list[str] = []

    @property
    def url(self) -> str:
        """The base URL, without /v1."""
        return self.upstream.url.removesuffix("/v1")

    def reply(self, *blocks: dict, reason: str = "end_turn", sequence=None):
        """A message of these blocks, streamed if the request wants that."""
        self._next(lambda body: message(body["model"], list(blocks), reason, sequence))

    def fail(self, status: int, kind: str, text: str, **headers):
        """An error in place of an answer."""
        self._next(lambda _: whole_answer(status, error(kind, text), **headers))

    def break_off(self, *blocks: dict, event: dict | None):
        """A stream that ends with an error event, or with nothing at all, in place of its last two events."""
        self._next(lambda body: (message(body["model"], list(blocks), "end_turn"), event))

    def _next(self, answer):
        self.upstream.reply(lambda request: self._answer(request, answer))

    def _answer(self, request, answer):
        from mock_upstream import Finish, Wait

        self.requests.append(request)
        try:
            check_headers(request)
            body = json.loads(request.body)
            self.bodies.append(body)
            if request.target == "/v1/messages/count_tokens":
                return [whole_answer(200, {"input_tokens": 123})]
            need(request.target == "/v1/messages", f"not found: {request.target}")
            check_body(body)
        except (Refused, KeyError, TypeError, ValueError) as fault:
            self.faults.append(str(fault))
            return [whole_answer(400, error("invalid_request_error", str(fault)))]
        made = answer(body)
        if isinstance(made, bytes):
            return [made]
        if isinstance(made, tuple):
            whole, event = made
            kept = [sse(one) for one in events(whole)][:-2]
            # A pause: an error that comes with the first words is answered with a status instead.
            return [STREAM_HEAD + b"".join(kept), Wait(0.2), *([sse(event)] if event else []), Finish()]
        if not body.get("stream"):
            return [whole_answer(200, made)]
        return [STREAM_HEAD, *(sse(event) for event in events(made)), Finish()]
