"""An agent as real clients are: it keeps what it was told, but not the thoughts, and answers calls out of order."""

from __future__ import annotations

import json

import openai

import replies

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        },
    }
    for name in ("read_file", "web-search")
]
MARKUP = "<|tool_call_begin|>functions.{}<|tool_call_argument_begin|>{}<|tool_call_end|>"


def thought(turn: int, who: str) -> str:
    return f"{who} thinks of turn {turn}."


class Upstream:
    """What the model says in one turn, in one of the forms that servers use."""

    def __init__(self, form: str, who: str = "alice"):
        self.form, self.who, self.made = form, who, 0

    def turn(self, number: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The thought, and the calls as (id, name, arguments)."""
        calls = []
        for at in range(1 + number % 3):
            name = ("read_file", "web-search")[(number + at) % 2]
            own = {"foreign": f"call_{number}x{at * 7}", "restarting": f"{name}:{at}", "empty": ""}
            calls.append((own.get(self.form, f"functions.{name}:{self.made + at}"), name, json.dumps({"n": at})))
        self.made += len(calls)
        return thought(number, self.who), calls

    def message(self, thought: str, calls: list) -> dict:
        if self.form == "markup":
            section = "".join(MARKUP.format(call_id.removeprefix("functions."), text) for call_id, _, text in calls)
            text = f"<think>{thought}</think><|tool_calls_section_begin|>{section}<|tool_calls_section_end|>"
            return {"content": text}
        made = [replies.call(0, name, text, call_id) for call_id, name, text in calls]
        for one, call in zip(made, calls):
            one["id"] = call[0]
        return {"content": "", "reasoning_content": thought, "tool_calls": made}

    def steps(self, message: dict, stream: bool, finish: str = "tool_calls") -> list[bytes]:
        if not stream:
            return [replies.response(replies.completion(message["content"], finish, **self._rest(message)))]
        deltas = [{"role": "assistant", "content": ""}]
        for field in ("reasoning_content", "content"):
            text = message.get(field) or ""
            deltas += [{field: text[at : at + 5]} for at in range(0, len(text), 5)]
        for index, call in enumerate(message.get("tool_calls") or []):
            text = call["function"]["arguments"]
            first = {"index": index, **call, "function": {"name": call["function"]["name"], "arguments": text[:3]}}
            deltas += [{"tool_calls": [first]}]
            deltas += [{"tool_calls": [{"index": index, "function": {"arguments": text[3:]}}]}]
        return replies.stream([*map(replies.chunk, deltas), replies.chunk({}, finish)])

    @staticmethod
    def _rest(message: dict) -> dict:
        return {key: value for key, value in message.items() if key != "content"}


class Agent:
    """One conversation through the host."""

    def __init__(self, client: openai.OpenAI, mock, model: str, form: str, stream: bool, who="alice", **request):
        self.client, self.mock, self.model, self.stream, self.who = client, mock, model, stream, who
        self.upstream = Upstream(form, who)
        self.request = request
        self.messages = [{"role": "user", "content": "hi"}]
        self.calls: list[tuple[str, str, str]] = []
        self.thoughts: list[str] = []

    def ask(self, *steps: bytes) -> dict:
        """The assistant's message as this client keeps it."""
        self.mock.reply(*steps)
        made = self.client.chat.completions.create(
            model=self.model, messages=self.messages, tools=TOOLS, stream=self.stream, **self.request
        )
        return self._joined(made) if self.stream else self._kept(made.choices[0])

    def turn(self, number: int) -> dict:
        """One turn with calls; the client's results come last call first. The body that went upstream."""
        before = len(self.mock.requests)
        thought, calls = self.upstream.turn(number)
        message = self.ask(*self.upstream.steps(self.upstream.message(thought, calls), self.stream))
        self.messages.append(message)
        for call in reversed(message["tool_calls"]):
            result = {"role": "tool", "tool_call_id": call["id"], "content": f"result of {call['id']} in {number}"}
            self.messages.append(result)
        self.calls += calls
        self.thoughts.append(thought)
        return json.loads(self.mock.wait_request(before).body)

    def say(self, text: str):
        """The model answers without calls, and the user goes on."""
        message = self.ask(*self.upstream.steps({"content": text}, self.stream, "stop"))
        self.messages += [{"role": "assistant", "content": message["content"]}, {"role": "user", "content": "go on"}]

    @staticmethod
    def _kept(choice) -> dict:
        assert choice.finish_reason in ("tool_calls", "stop")
        calls = [
            {**replies.call(0, one.function.name, one.function.arguments), "id": one.id}
            for one in choice.message.tool_calls or []
        ]
        return {"role": "assistant", "content": choice.message.content or "", "tool_calls": calls}

    @staticmethod
    def _joined(chunks) -> dict:
        content, calls = "", {}
        for choice in (choice for chunk in chunks for choice in chunk.choices):
            content += choice.delta.content or ""
            for one in choice.delta.tool_calls or []:
                call = calls.setdefault(one.index, {**replies.call(0, one.function.name, ""), "id": one.id})
                call["function"]["arguments"] += one.function.arguments or ""
        return {"role": "assistant", "content": content, "tool_calls": [calls[at] for at in sorted(calls)]}


def sent(body: dict) -> dict:
    """What the upstream saw of the history."""
    assistant = [one for one in body["messages"] if one["role"] == "assistant" and one.get("tool_calls")]
    return {
        "ids": [call["id"] for one in assistant for call in one["tool_calls"]],
        "results": [one["tool_call_id"] for one in body["messages"] if one["role"] == "tool"],
        "thoughts": [one.get("reasoning_content") for one in assistant],
        "contents": [one["content"] for one in assistant],
    }


def canonical(calls: list) -> list[str]:
    return [f"functions.{name}:{number}" for number, (_, name, _) in enumerate(calls)]
