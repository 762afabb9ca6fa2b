"""Routes with `ensure_tool_call`: what an upstream is scripted to say, and one agent's question in each client API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import replies

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
#: An id, a name and the arguments as they stand on the wire.
Call = tuple[str, str, str]
WEATHER: Call = ("call_w", "weather", '{"city":"SF"}')
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def done(arguments: Any, name: str = "done", identifier: str = "call_d") -> Call:
    return (identifier, name, arguments if isinstance(arguments, str) else json.dumps(arguments))


def say(text: str = "", *calls: Call, thought: str = "", finish: str | None = None, usage: dict | None = None, pieces: int = 2):
    """A reply of a chat upstream that fits the request: streamed or whole."""
    finish = finish or ("tool_calls" if calls else "stop")
    counts = usage or USAGE

    def answer(request):
        if not json.loads(request.body).get("stream"):
            more: dict = {"reasoning_content": thought} if thought else {}
            if calls:
                more["tool_calls"] = [replies.call(0, name, text, one) for one, name, text in calls]
            return [replies.response({**replies.completion(text or None, finish, **more), "usage": counts})]
        return replies.stream([*chunks(text, *calls, thought=thought, finish=finish, pieces=pieces), {**replies.usage_chunk(), "usage": counts}])

    return answer


def chunks(text: str = "", *calls: Call, thought: str = "", finish: str | None = "stop", pieces: int = 2) -> list[dict]:
    deltas: list[dict] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": one} for one in cut(thought, pieces)]
    deltas += [{"content": one} for one in cut(text, pieces)]
    for number, (identifier, name, arguments) in enumerate(calls):
        deltas += replies.call_deltas(number, name, cut(arguments, pieces), identifier)
    return [*map(replies.chunk, deltas), *([replies.chunk({}, finish)] if finish else [])]


def cut(text: str, pieces: int) -> list[str]:
    size = max(1, -(-len(text) // pieces))
    return [text[start : start + size] for start in range(0, len(text), size)]


@dataclass
class Told:
    """What the official client made of a reply."""

    text: str = ""
    thought: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    finish: str | None = None
    #: Input and output tokens.
    usage: tuple[int, int] = (0, 0)
    #: The reply as the client keeps it, for its next request.
    turn: list = field(default_factory=list)
    header: str | None = None


class Chat:
    name, path = "chat", "/v1/chat/completions"
    finished, called = "stop", "tool_calls"

    def __init__(self, openai_client, _):
        self.api = openai_client.chat.completions

    def request(self, model: str, tools=("weather",), tail=(), **more) -> dict:
        made = {
            "model": model,
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in SF?"}, *tail],
        }
        if tools:
            made["tools"] = [{"type": "function", "function": {"name": one, "parameters": SCHEMA}} for one in tools]
        return {**made, **more}

    def ask(self, request: dict, stream: bool) -> Told:
        if not stream:
            raw = self.api.with_raw_response.create(**request)
            answer = raw.parse()
            message = answer.choices[0].message.to_dict()
            return Told(
                message.get("content") or "", message.get("reasoning_content") or "",
                [(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls") or []],
                answer.choices[0].finish_reason, (answer.usage.prompt_tokens, answer.usage.completion_tokens), [message],
                raw.headers.get("x-kimi-enforcement"))  # fmt: skip
        told = Told()
        for chunk in self.api.create(stream=True, stream_options={"include_usage": True}, **request):
            if chunk.usage:
                told.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            for choice in chunk.to_dict()["choices"]:
                self._take(told, choice)
        made = [{"id": f"c{n}", "type": "function", "function": {"name": a, "arguments": b}} for n, (a, b) in enumerate(told.calls)]
        told.turn = [{"role": "assistant", "content": told.text, **({"tool_calls": made} if made else {})}]
        return told

    @staticmethod
    def _take(told: Told, choice: dict):
        told.finish = choice.get("finish_reason") or told.finish
        delta = choice["delta"]
        told.text += delta.get("content") or ""
        told.thought += delta.get("reasoning_content") or ""
        for piece in delta.get("tool_calls") or []:
            if piece.get("id"):
                assert piece["index"] == len(told.calls)
                told.calls.append((piece["function"]["name"], ""))
            else:
                name, text = told.calls[piece["index"]]
                told.calls[piece["index"]] = (name, text + piece["function"]["arguments"])

    def texts(self, request: dict):
        """Deltas of text, as they come."""
        for chunk in self.api.create(stream=True, **request):
            for choice in chunk.choices:
                if choice.delta.content:
                    yield choice.delta.content


class Messages:
    name, path = "messages", "/v1/messages"
    finished, called = "end_turn", "tool_use"

    def __init__(self, _, anthropic_client):
        self.api = anthropic_client.messages

    def request(self, model: str, tools=("weather",), tail=(), **more) -> dict:
        made = {"model": model, "max_tokens": 100, "system": "Be brief.", "messages": [{"role": "user", "content": "Weather in SF?"}, *tail]}
        if tools:
            made["tools"] = [{"name": one, "input_schema": SCHEMA} for one in tools]
        if more.get("tool_choice") == "none":
            more["tool_choice"] = {"type": "none"}
        return {**made, **more}

    def ask(self, request: dict, stream: bool) -> Told:
        header = None
        if stream:
            with self.api.stream(**request) as events:
                for _ in events:
                    pass
                message = events.get_final_message()
        else:
            raw = self.api.with_raw_response.create(**request)
            message, header = raw.parse(), raw.headers.get("x-kimi-enforcement")
        blocks = [block.to_dict() for block in message.content]
        assert all(block["text"].strip() for block in blocks if block["type"] == "text"), "an empty text block"
        return Told(
            "".join(one["text"] for one in blocks if one["type"] == "text"),
            "".join(one["thinking"] for one in blocks if one["type"] == "thinking"),
            [(one["name"], json.dumps(one["input"], separators=(",", ":"))) for one in blocks if one["type"] == "tool_use"],
            message.stop_reason, (message.usage.input_tokens, message.usage.output_tokens),
            [{"role": "assistant", "content": blocks}], header)  # fmt: skip

    def texts(self, request: dict):
        with self.api.stream(**request) as events:
            yield from events.text_stream


class Responses:
    name, path = "responses", "/v1/responses"
    finished, called = "completed", "completed"

    def __init__(self, openai_client, _):
        self.api = openai_client.responses

    def request(self, model: str, tools=("weather",), tail=(), **more) -> dict:
        made = {"model": model, "instructions": "Be brief.", "input": [{"role": "user", "content": "Weather in SF?"}, *tail]}
        if tools:
            made["tools"] = [{"type": "function", "name": one, "parameters": SCHEMA, "strict": False} for one in tools]
        return {**made, **more}

    def ask(self, request: dict, stream: bool) -> Told:
        header = None
        if stream:
            answer = None
            for event in self.api.create(stream=True, **request):
                if event.type in ("response.completed", "response.incomplete"):
                    answer = event.response
            assert answer is not None
        else:
            raw = self.api.with_raw_response.create(**request)
            answer, header = raw.parse(), raw.headers.get("x-kimi-enforcement")
        items = [item.to_dict() for item in answer.output]
        thoughts = [part["text"] for one in items if one["type"] == "reasoning" for part in [*(one.get("content") or []), *one["summary"]]]
        return Told(
            answer.output_text, "".join(thoughts),
            [(one["name"], one["arguments"]) for one in items if one["type"] == "function_call"],
            answer.status, (answer.usage.input_tokens, answer.usage.output_tokens), items, header)  # fmt: skip

    def texts(self, request: dict):
        for event in self.api.create(stream=True, **request):
            if event.type == "response.output_text.delta":
                yield event.delta


CLIENTS = [Chat, Messages, Responses]
