"""OpenRouter as far as a client can tell: a TCP server that refuses, and remembers, every request that the real one
would not take as it is meant."""

from __future__ import annotations

import json

import replies
from mock_upstream import MockUpstream, Wait

KEY = "sk-or-v1-test"
MEMBERS = {
    "model", "models", "messages", "tools", "tool_choice", "parallel_tool_calls", "stream", "stream_options", "provider",
    "route", "transforms", "plugins", "usage", "reasoning", "reasoning_effort", "max_tokens", "max_completion_tokens",
    "temperature", "top_p", "top_k", "stop", "seed", "user", "metadata", "response_format", "verbosity",
}  # fmt: skip
ROUTING = {
    "order", "only", "ignore", "allow_fallbacks", "require_parameters", "data_collection", "zdr", "sort", "quantizations",
    "max_price", "preferred_min_throughput", "preferred_max_latency", "enforce_distillable_text",
}  # fmt: skip
ROLES = {
    "system": {"role", "content", "cache_control"},
    "user": {"role", "content", "cache_control"},
    # The last three are what chat clients of this host send back; OpenRouter skips what it does not know.
    "assistant": {
        "role", "content", "tool_calls", "reasoning", "reasoning_content", "reasoning_details", "refusal",
        "thinking_blocks", "reasoning_items", "tool_call_extras",
    },
    "tool": {"role", "content", "tool_call_id", "cache_control"},
}
DETAILS = {"reasoning.text": "text", "reasoning.summary": "summary", "reasoning.encrypted": "data"}
USAGE = {
    "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "cost": 0.00042, "is_byok": False,
    "cost_details": {"upstream_inference_cost": None},
}  # fmt: skip


class FakeOpenRouter(MockUpstream):
    """`deltas`: what it answers with; `bodies`: what was asked; `complaints`: what was wrong with that."""

    def __init__(self):
        super().__init__()
        self.deltas: list[dict] = [{"content": "Hello."}]
        self.finish = "stop"
        self.error: dict | None = None
        self.bodies: list[dict] = []
        self.complaints: list[str] = []
        self.always(self._answer)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def _answer(self, request):
        problems = list(self._problems(request))
        if problems:
            self.complaints += problems
            body = {"error": {"code": 400, "message": "; ".join(problems)}, "user_id": "u"}
            return (replies.response(body, 400, "Bad Request"),)
        body = json.loads(request.body)
        self.bodies.append(body)
        return self._stream(body) if body.get("stream") else (self._whole(body),)

    # -- what is checked ----------------------------------------------------------------------------------------

    def _problems(self, request):
        if (request.method, request.target) != ("POST", "/api/v1/chat/completions"):
            yield f"{request.method} {request.target}"
        if request.header("authorization") != f"Bearer {KEY}":
            yield f"authorization is {request.header('authorization')}"
        if request.header("content-type") != "application/json":
            yield "content-type"
        body = json.loads(request.body)
        for name in body.keys() - MEMBERS:
            yield f"unknown member {name}"
        for name in body.get("provider", {}).keys() - ROUTING:
            yield f"unknown member provider.{name}"
        if "effort" in body.get("reasoning", {}) and "max_tokens" in body["reasoning"]:
            yield "reasoning: one of effort and max_tokens"
        if body.get("usage") != {"include": True}:
            yield f"usage is {body.get('usage')}"
        for number, message in enumerate(body["messages"]):
            yield from self._message(f"messages[{number}]", message)

    def _message(self, place, message):
        known = ROLES.get(message["role"])
        if known is None:
            yield f"{place}.role is {message['role']}"
            return
        for name in message.keys() - known:
            yield f"unknown member {place}.{name}"
        if message["role"] == "tool" and not isinstance(message["content"], str):
            yield f"{place}.content of a tool message is no text"
        for detail in message.get("reasoning_details") or []:
            slot = DETAILS.get(detail.get("type"))
            if slot is None or not isinstance(detail.get(slot), str):
                yield f"{place}.reasoning_details: {detail}"

    # -- what is answered ---------------------------------------------------------------------------------------

    def _stream(self, body) -> tuple:
        head = {"id": "gen-1", "provider": "Fake", "model": body["model"], "object": "chat.completion.chunk", "created": 1}
        out = b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
        for delta in self.deltas:
            choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}
            out += self._event({**head, "choices": [choice]}) + b": OPENROUTER PROCESSING\n\n"
        said = len(out)
        if self.error:
            choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
            out += self._event({**head, "error": self.error, "choices": [choice]})
        else:
            choice = {"index": 0, "delta": {"content": ""}, "finish_reason": self.finish, "native_finish_reason": "x"}
            out += self._event({**head, "choices": [choice]})
            out += self._event({**head, "choices": [], "usage": USAGE})
        out += b"data: [DONE]\n\n"
        head = replies.HEAD_UNTIL_CLOSE.replace(b"connection: close", b"content-length: %d" % len(out))
        # What an error breaks off has reached the client before.
        return (head + out[:said], Wait(0.2 if self.error else 0), out[said:])

    @staticmethod
    def _event(value) -> bytes:
        return b"data: " + replies.dumps(value).encode() + b"\n\n"

    def _whole(self, body) -> bytes:
        message: dict = {"role": "assistant", "content": "", "refusal": None}
        for delta in self.deltas:
            for name, value in delta.items():
                message[name] = message[name] + value if message.get(name) else value
        choice = {"index": 0, "message": message, "finish_reason": self.finish, "logprobs": None}
        whole = {"id": "gen-1", "provider": "Fake", "model": body["model"], "object": "chat.completion", "created": 1}
        return replies.response({**whole, "choices": [choice], "usage": USAGE})
