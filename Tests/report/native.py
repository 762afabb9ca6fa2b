"""Answers in the models' own markup, as lists of parts that a fault can take out, change or move."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

import synthesis

SB, SE = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
CB, CE, AB = "<|tool_call_begin|>", "<|tool_call_end|>", "<|tool_call_argument_begin|>"
FAMILIES = {"k2": "kimi-k2", "k2-thinking": "kimi-k2-thinking", "k2.5": "kimi-k2.5", "k3": "kimi-k3"}


@dataclass
class Part:
    """A piece of the text; `call` is the number of the call that it belongs to."""

    kind: str
    text: str
    call: int = -1


def render(parts: list[Part]) -> str:
    return "".join(part.text for part in parts)


def parts(family: str, answer: synthesis.Answer, source: random.Random) -> list[Part]:
    """The clean text of that family's model."""
    return k3(answer, source) if family == "k3" else k2(family, answer, source)


def k2(family: str, answer: synthesis.Answer, source: random.Random) -> list[Part]:
    made = []
    if family == "k2-thinking":
        made.append(Part("think open", "<think>"))
    if family in ("k2-thinking", "k2.5"):  # K2.5's template has opened the thought already.
        made += [Part("thought", answer.thought), Part("think close", "</think>")]
    made.append(Part("content", answer.content))
    if not answer.calls:
        return made
    made.append(Part("section begin", SB))
    for number, call in enumerate(answer.calls):
        texts = [("call begin", CB), ("id", f"functions.{call.name}:{number}"), ("argument begin", AB)]
        texts += [("arguments", synthesis.dumps(call.arguments, source)), ("call end", CE)]
        made += [Part(kind, text, number) for kind, text in texts]
    return [*made, Part("section end", SE)]


def _open(tag: str) -> str:
    return f"<|open|>{tag}<|sep|>"


def _close(tag: str) -> str:
    return f"<|close|>{tag}<|sep|>"


def k3(answer: synthesis.Answer, source: random.Random) -> list[Part]:
    made = [Part("thought", answer.thought), Part("think close", _close("think"))]
    made += [Part("response open", _open("response")), Part("content", answer.content)]
    made.append(Part("response close", _close("response")))
    if answer.calls:
        made.append(Part("tools open", _open("tools")))
        for number, call in enumerate(answer.calls):
            made += [Part(kind, text, number) for kind, text in _k3_call(call, number, source)]
        made.append(Part("tools close", _close("tools")))
    return [*made, Part("message close", _close("message") + "<|end_of_msg|>")]


def _k3_call(call: synthesis.Call, number: int, source: random.Random) -> list[tuple[str, str]]:
    made = [("call open", _open(f'call tool="{call.name}" index="{number + 1}"'))]
    for key, value in call.arguments.items():
        kinds = {str: "string", bool: "boolean", type(None): "null", dict: "object", list: "array"}
        kind = kinds.get(type(value), "number")
        text = value if kind == "string" else synthesis.dumps(value, source)
        made += [("argument open", _open(f'argument key="{key}" type="{kind}"')), (f"value {kind}", text)]
        made.append(("argument close", _close("argument")))
    return [*made, ("call close", _close("call"))]


@dataclass
class Reply:
    """What the upstream sends: the members of a message, its finish reason, and how a stream numbers its calls."""

    content: str = ""
    reasoning: str = ""
    #: Structured calls as they are on the wire.
    calls: list[dict] | None = None
    finish: str | None = "stop"
    #: Streams: the index that a call is given (its number by default).
    index: dict[int, int | None] | None = None
    #: Streams: every delta repeats id and name.
    repeats: bool = False
    #: Streams: one character at a time.
    characters: bool = False


def structured(answer: synthesis.Answer, source: random.Random, first: int = 0) -> list[dict]:
    """The calls of a message as a server sends them that parses well."""
    return [
        {
            "id": f"functions.{call.name}:{number}", "type": "function",
            "function": {"name": call.name, "arguments": synthesis.dumps(call.arguments, source)},
        }
        for number, call in enumerate(answer.calls, first)
    ]  # fmt: skip


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
