"""One conversation of an agent, told by each official client: a picture, a thought with two calls, their results, an
answer. What upstreams are asked is read back from each API's words (`Seen`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION, SYSTEM, GO_ON = "What is on the picture?", "Be brief.", "Go on."
NAMES = ("weather", "map")
RESULTS = ("rain", "a map")


@dataclass
class Told:
    """What the model said, as a client understood it."""

    text: str
    thought: str
    calls: list[tuple[str, str, dict]]
    reason: str | None


class ChatClient:
    """OpenAI's client, Chat Completions. Members that it does not know it keeps, and sends back."""

    name = "chat"

    def __init__(self, openai_client, _, model: str, stream: bool):
        self.client, self.stream = openai_client, stream
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        self.history: list[Any] = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]},
        ]
        self.request = {
            "model": model, "reasoning_effort": "high", "parallel_tool_calls": True, "max_completion_tokens": 8000,
            "tools": [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES],
        }  # fmt: skip

    def turn(self) -> Told:
        message, reason = self._streamed() if self.stream else self._whole()
        calls = message.get("tool_calls") or []
        for call in calls:
            call.pop("index", None)
        self.history.append({name: value for name, value in message.items() if value is not None})
        made = [(one["id"], one["function"]["name"], json.loads(one["function"]["arguments"])) for one in calls]
        return Told(message.get("content") or "", message.get("reasoning_content") or "", made, reason)

    def _whole(self):
        answer = self.client.chat.completions.create(messages=self.history, **self.request)
        assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0
        choice = answer.choices[0].to_dict()
        return choice["message"], choice["finish_reason"]

    def _streamed(self):
        made: dict = {"role": "assistant", "content": ""}
        reason, usage = None, None
        chunks = self.client.chat.completions.create(
            messages=self.history, stream=True, stream_options={"include_usage": True}, **self.request)
        for chunk in chunks:
            usage = chunk.usage or usage
            for choice in chunk.to_dict()["choices"]:
                reason = choice.get("finish_reason") or reason
                self._gather(made, choice["delta"])
        assert usage and usage.prompt_tokens > 0 and usage.completion_tokens > 0
        return made, reason

    @staticmethod
    def _gather(made: dict, delta: dict):
        for name, value in delta.items():
            if name == "tool_calls":
                for piece in value:
                    calls = made.setdefault(name, [])
                    if piece.get("id"):
                        calls.append(json.loads(json.dumps(piece)))
                    else:
                        calls[-1]["function"]["arguments"] += piece["function"]["arguments"]
            elif name in ("content", "reasoning_content"):
                made[name] = made.get(name, "") + (value or "")
            elif isinstance(value, list):
                made[name] = made.get(name, []) + value
            elif value is not None and name != "role":
                made[name] = value

    def answer(self, told: Told):
        for (identifier, _, _), result in zip(told.calls, RESULTS, strict=True):
            self.history.append({"role": "tool", "tool_call_id": identifier, "content": result})
        self.history.append({"role": "user", "content": GO_ON})


class ResponsesClient:
    """OpenAI's client, Responses, without the server's memory."""

    name = "responses"

    def __init__(self, openai_client, _, model: str, stream: bool):
        self.client, self.stream = openai_client, stream
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
        self.history: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": QUESTION}, picture]}]
        tools = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in NAMES]
        self.request = {
            "model": model, "instructions": SYSTEM, "reasoning": {"effort": "high"}, "tools": tools, "store": False,
            "include": ["reasoning.encrypted_content"], "parallel_tool_calls": True, "max_output_tokens": 8000,
        }  # fmt: skip

    def turn(self) -> Told:
        if self.stream:
            with self.client.responses.stream(input=self.history, **self.request) as running:
                answer = running.get_final_response()
        else:
            answer = self.client.responses.create(input=self.history, **self.request)
        assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
        output = answer.to_dict()["output"]
        told = Told("", "", [], answer.status)
        for item in output:
            item.pop("parsed_arguments", None)
            if item["type"] == "message":
                for part in item["content"]:
                    part.pop("parsed", None)
                    told.text += part["text"]
            elif item["type"] == "reasoning":
                told.thought += "".join(part["text"] for part in [*item.get("summary", []), *(item.get("content") or [])])
            elif item["type"] == "function_call":
                told.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
        self.history += output
        return told

    def answer(self, told: Told):
        for (identifier, _, _), result in zip(told.calls, RESULTS, strict=True):
            self.history.append({"type": "function_call_output", "call_id": identifier, "output": result})
        self.history.append({"role": "user", "content": GO_ON})


class MessagesClient:
    """Anthropic's client; the second result has a picture in it."""

    name = "messages"

    def __init__(self, _, anthropic_client, model: str, stream: bool):
        self.client, self.stream = anthropic_client, stream
        self.picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
        content = [{"type": "text", "text": QUESTION}, self.picture]
        self.history: list[Any] = [{"role": "user", "content": content}]
        self.request = {
            "model": model, "max_tokens": 8000, "thinking": {"type": "enabled", "budget_tokens": 2000},
            "system": [{"type": "text", "text": SYSTEM}],
            "tools": [{"name": name, "input_schema": SCHEMA} for name in NAMES],
        }  # fmt: skip

    def turn(self) -> Told:
        if self.stream:
            with self.client.messages.stream(messages=self.history, **self.request) as running:
                answer = running.get_final_message()
        else:
            answer = self.client.messages.create(messages=self.history, **self.request)
        assert answer.usage.output_tokens > 0
        content = answer.to_dict(mode="json")["content"]
        told = Told("", "", [], answer.stop_reason)
        for block in content:
            # The client's helper adds members that the API does not take back.
            for name in ("citations", "caller", "parsed_output"):
                if block.get(name) is None:
                    block.pop(name, None)
            if block["type"] == "text":
                told.text += block["text"]
            elif block["type"] == "thinking":
                told.thought += block["thinking"]
            elif block["type"] == "tool_use":
                told.calls.append((block["id"], block["name"], block["input"]))
        self.history.append({"role": "assistant", "content": content})
        return told

    def answer(self, told: Told):
        contents: list[Any] = [RESULTS[0], [{"type": "text", "text": RESULTS[1]}, self.picture]]
        blocks = [
            {"type": "tool_result", "tool_use_id": call[0], "content": content}
            for call, content in zip(told.calls, contents, strict=True)
        ]
        self.history.append({"role": "user", "content": [*blocks, {"type": "text", "text": GO_ON}]})


CLIENTS = [ChatClient, ResponsesClient, MessagesClient]
REASONS = {"chat": ("tool_calls", "stop"), "responses": ("completed",) * 2, "messages": ("tool_use", "end_turn")}

# -- What an upstream was asked -----------------------------------------------------------------------------------


@dataclass
class Seen:
    """A request in no API's words."""

    images: int
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)


def of_chat(body: dict) -> Seen:
    seen = Seen(json.dumps(body).count(PIXEL))
    for message in body["messages"]:
        if message["role"] == "tool":
            seen.results.append(message["content"])
            continue
        content = message.get("content") or []
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        seen.texts += [part["text"] for part in parts if part["type"] == "text" and part["text"]]
        # A chat client sends both forms back; they say the same.
        details = [f"{one.get('text')}|{one.get('signature')}" for one in message.get("reasoning_details", [])]
        seen.thoughts += details or ([message["reasoning_content"]] if message.get("reasoning_content") else [])
        for call in message.get("tool_calls", []):
            seen.calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
    return seen


def of_responses(body: dict) -> Seen:
    seen = Seen(json.dumps(body).count(PIXEL), [body["instructions"]] if body.get("instructions") else [])
    for item in body["input"]:
        kind = item.get("type", "message")
        if kind == "function_call":
            seen.calls.append((item["name"], json.loads(item["arguments"])))
        elif kind == "function_call_output":
            parts = item["output"] if isinstance(item["output"], list) else [{"type": "input_text", "text": item["output"]}]
            seen.results += [part["text"] for part in parts if part["type"] == "input_text"]
        elif kind == "reasoning":
            seen.thoughts.append("".join(part["text"] for part in item["summary"]) + "|" + item["encrypted_content"])
        else:
            content = item["content"]
            parts = [{"text": content}] if isinstance(content, str) else content
            seen.texts += [part["text"] for part in parts if part.get("text")]
    return seen


def of_messages(body: dict) -> Seen:
    seen = Seen(json.dumps(body).count(PIXEL), [block["text"] for block in body.get("system", [])])
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if block["type"] == "text":
                seen.texts.append(block["text"])
            elif block["type"] == "thinking":
                seen.thoughts.append(f"{block['thinking']}|{block['signature']}")
            elif block["type"] == "tool_use":
                seen.calls.append((block["name"], block["input"]))
            elif block["type"] == "tool_result":
                inner = block["content"]
                seen.results += [inner] if isinstance(inner, str) else [one["text"] for one in inner if "text" in one]
    return seen


def of_gemini(body: dict) -> Seen:
    seen = Seen(json.dumps(body).count(PIXEL), [part["text"] for part in body["systemInstruction"]["parts"]])
    for turn in body["contents"]:
        for part in turn["parts"]:
            if "functionCall" in part:
                seen.calls.append((part["functionCall"]["name"], part["functionCall"]["args"]))
                seen.thoughts += [f"|{part['thoughtSignature']}"] if "thoughtSignature" in part else []
            elif "functionResponse" in part:
                seen.results.append(part["functionResponse"]["response"]["output"])
            elif part.get("text"):
                seen.texts.append(part["text"])
    return seen
