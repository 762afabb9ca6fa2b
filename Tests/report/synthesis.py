"""Clean answers to made-up requests: what the official API would have said."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

STRING = {"type": "string"}


def _tool(name: str, required: list[str], **properties) -> dict:
    parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


TOOLS = [
    _tool("get_weather", ["city"], city=STRING, unit={"enum": ["celsius", "fahrenheit"]}, days={"type": "integer"}),
    _tool("read_file", ["path"], path=STRING, offset={"type": "integer"}, limit={"type": "integer"}),
    _tool("write_file", ["target", "content"], target=STRING, content=STRING, append={"type": "boolean"}),
    _tool("search_web", ["query"], query=STRING, domains={"type": "array", "items": STRING}, safe={"type": "boolean"}),
    _tool("mcp__tracker-create_issue", ["title"], title=STRING, labels={"type": "array", "items": STRING},
          priority={"type": "number"}, assignee={"type": ["string", "null"]}),
    _tool("run_query", ["sql"], sql=STRING, params={"type": "array", "items": {"type": ["string", "number", "null"]}},
          options={"type": "object", "properties": {"timeout": {"type": "number"}, "dry": {"type": "boolean"}}}),
    _tool("plan_trip", ["stops"], stops={"type": "array", "minItems": 1, "items": {
        "type": "object", "properties": {"place": STRING, "nights": {"type": "integer"}}, "required": ["place"]}},
        budget={"type": "object", "properties": {"amount": {"type": "number"}, "currency": STRING}}),
    _tool("get_time", []),
]  # fmt: skip

WORDS = ["Rome", "Zürich", "东京", "naïve", "🌦️ sun", "O'Neill", 'the "best"', "a\\b", "line one\nline two", "50 % < 60 %",
         "<b>bold</b> & more", "{\"not\": \"parsed\"}", "[1, 2]", "true", "42", "`code`", "C:\\temp", "/srv/a.txt",
         "select * from t where a > 1", "tab\there", "ends with backslash\\", "Ελλάδα", "null"]  # fmt: skip
PROSE = ["Let me look that up.", "I'll check both.", "Einen Moment, bitte …", "First, the facts:\n\n- one\n- two", ""]
THOUGHTS = ["The user wants facts.", "Two calls will do: first one, then the other.", "Überlegen wir.\n\nGut."]
PLAIN = [
    "Paris is the capital of France.",
    "Use `<|tool_call_begin|>` to begin a call.",
    "```\n<|tool_calls_section_begin|><|tool_call_begin|>functions.get_time:0<|tool_call_argument_begin|>{}"
    "<|tool_call_end|><|tool_calls_section_end|>\n```\nThat is the format.",
    "The field was empty, so it printed (no content) and went on.",
    'Call get_weather({"city": "Rome"}) to find out.',
    '```json\n{"tool_call": {"name": "get_time", "arguments": {}}}\n```',
    'The answer is {"city": "Rome", "days": 3}.',
    "if (a < b && c > d) { return a <| b; }",
    "Wrap the reasoning in `<think>` and `</think>` tags.",
    "1. one\n2. two\n\n| a | b |\n|---|---|\n",
    "He said functions.get_time:0 was slow.",
    "Нет. 不是。 🙂",
]


@dataclass
class Call:
    """One call as it should reach the client; `arguments` is a JSON value."""

    name: str
    arguments: dict


@dataclass
class Answer:
    """A clean answer, with the tools that its request declares."""

    tools: list[dict]
    calls: list[Call] = field(default_factory=list)
    content: str = ""
    thought: str = ""

    def schema(self, name: str) -> dict | None:
        return next((t["function"]["parameters"] for t in self.tools if t["function"]["name"] == name), None)


def answers(count: int, seed: int) -> list[Answer]:
    """Answers of one to three calls each."""
    source = random.Random(f"answers {seed}")
    return [_answer(source) for _ in range(count)]


def plain_answers(count: int, seed: int) -> list[Answer]:
    """Answers without any call, some of which talk about calls."""
    source = random.Random(f"plain {seed}")
    made = []
    for number in range(count):
        made.append(Answer(source.sample(TOOLS, 3), [], PLAIN[number % len(PLAIN)], source.choice(THOUGHTS)))
    return made


def _answer(source: random.Random) -> Answer:
    tools = source.sample(TOOLS, source.randint(3, 6))
    calls = []
    for _ in range(source.choice([1, 1, 2, 2, 3])):
        function = source.choice(tools)["function"]
        calls.append(Call(function["name"], _value(function["parameters"], source)))
    return Answer(tools, calls, source.choice(PROSE), source.choice(THOUGHTS))


def _value(schema: dict, source: random.Random):
    """A value that fits the schema."""
    if "enum" in schema:
        return source.choice(schema["enum"])
    kind = schema["type"] if isinstance(schema["type"], str) else source.choice(schema["type"])
    if kind == "object":
        required = schema.get("required", [])
        names = [name for name in schema["properties"] if name in required or source.random() < 0.6]
        return {name: _value(schema["properties"][name], source) for name in names}
    if kind == "array":
        return [_value(schema["items"], source) for _ in range(source.randint(schema.get("minItems", 0), 3))]
    return {
        "string": lambda: _string(source), "integer": lambda: source.randint(-5, 5000), "null": lambda: None,
        "number": lambda: source.choice([0.5, 3, -1.25, 1e6]), "boolean": lambda: source.random() < 0.5,
    }[kind]()  # fmt: skip


def _string(source: random.Random) -> str:
    words = [source.choice(WORDS) for _ in range(source.randint(1, 3))]
    return " ".join(words) * (100 if source.random() < 0.02 else 1)


def dumps(value, source: random.Random) -> str:
    """JSON as models write it: compact or with blanks, escaped or not."""
    spaced = source.random() < 0.5
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps(value, ensure_ascii=source.random() < 0.2, separators=separators)
