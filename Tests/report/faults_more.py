"""Faults of thoughts, dialects, envelopes and K3; see faults.py."""

from __future__ import annotations

import json
from dataclasses import replace

from faults import K2, THINKERS, before, change, drop, fault, text
from native import Part, Reply, render, structured

# -- thinking ------------------------------------------------------------------------------------------------------

fault("57", "close tag without an open one", THINKERS)(lambda a, p, s: text(drop(p, "think open")))
fault("58", "opened thought never closed before the section", ("k2-thinking",))(
    lambda a, p, s: text(drop(p, "think close", "content"))
)
fault("58", "prefilled thought never closed before the section", ("k2.5",))(
    lambda a, p, s: text(drop(p, "think close", "content"))
)


@fault("60", "section inside the thought", THINKERS)
def inside_thought(answer, parts, source):
    outer = [x for x in parts if x.kind in ("think open", "thought")]
    calls = [x for x in parts if x.call >= 0 or x.kind.startswith("section")]
    rest = [x for x in parts if x.kind == "think close"]
    return text([*outer, *calls, *rest])


@fault("62", "bare calls inside the thought", THINKERS)
def bare_inside_thought(answer, parts, source):
    outer = [x for x in parts if x.kind in ("think open", "thought")]
    return text([*outer, *(x for x in parts if x.call >= 0), *(x for x in parts if x.kind == "think close")])


@fault("63", "section in the reasoning field", K2)
def in_reasoning_field(answer, parts, source):
    calls = [x for x in parts if x.call >= 0 or x.kind.startswith("section")]
    return Reply("", answer.thought + " " + render(calls))


@fault("64", "section from the reasoning field into content (D)", K2)
def across_fields(answer, parts, source):
    calls = render([x for x in parts if x.call >= 0 or x.kind.startswith("section")])
    at = source.randrange(1, len(calls))
    return Reply(calls[at:], answer.thought + calls[:at])


fault("66", "thought opened twice and closed twice", ("k2-thinking",))(
    lambda a, p, s: text(change(change(p, "think open", lambda x: x.text * 2), "think close", lambda x: x.text * 2))
)
fault("67", "<thinking> tags (D)", ("k2-thinking",))(
    lambda a, p, s: text(change(change(p, "think open", lambda x: "<thinking>"), "think close", lambda x: "</thinking>"))
)
fault("70", "(no content) twice at the start", ("k2",))(
    lambda a, p, s: text([Part("extra", "(no content)(no content)"), *p])
)

# -- other dialects ------------------------------------------------------------------------------------------------


@fault("78", "<tool_call>{json}</tool_call> (D)")
def hermes(answer, parts, source):
    calls = [json.dumps({"name": one.name, "arguments": one.arguments}) for one in answer.calls]
    return Reply(answer.content + "".join(f"\n<tool_call>\n{one}\n</tool_call>" for one in calls))


@fault("78", "<invoke name=…> (D)")
def invoke(answer, parts, source):
    made = answer.content + "\n<function_calls>"
    for call in answer.calls:
        made += f'\n<invoke name="{call.name}">'
        made += "".join(f'\n<parameter name="{k}">{_bare(v)}</parameter>' for k, v in call.arguments.items())
        made += "\n</invoke>"
    return Reply(made + "\n</function_calls>")


@fault("78", "<function=NAME> (D)")
def function_equals(answer, parts, source):
    calls = [f"<function={one.name}>{json.dumps(one.arguments)}</function>" for one in answer.calls]
    return Reply(answer.content + "\n" + "\n".join(calls))


def _bare(value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# -- structured calls and their envelope ---------------------------------------------------------------------------


def wire_calls(row: str, name: str, **reply):
    """A fault of structured calls: the function changes each call in place, or returns False where it cannot."""

    def enter(function):
        def make(answer, parts, source):
            calls = structured(answer, source)
            if any([function(call, number, answer, source) is False for number, call in enumerate(calls)]):
                return None
            return Reply(**{"content": answer.content, "calls": calls, "finish": "tool_calls"} | reply)

        fault(row, name, (*K2, "k3"))(make)
        return function

    return enter


def nothing(call, number, answer, source):
    """Leaves the call as it is: the fault is in the envelope."""


wire_calls("79", "structured calls, finish stop", finish="stop")(nothing)
wire_calls("79", "structured calls, finish null", finish=None)(nothing)
wire_calls("82", "structured calls, finish end_turn", finish="end_turn")(nothing)
wire_calls("89", "structured calls, every index 0 (stream)", index=dict.fromkeys(range(3), 0))(nothing)
wire_calls("89", "structured calls, no index (stream)", index=dict.fromkeys(range(3)))(nothing)
wire_calls("89", "structured calls, sparse indices (stream)", index={0: 5, 1: 6, 2: 9})(nothing)
wire_calls("90", "structured calls, name in every chunk (stream)", repeats=True)(nothing)


@wire_calls("39", "structured ids all the same")
def same_id(call, number, answer, source):
    call["id"] = "call_0"
    return len(answer.calls) > 1


@wire_calls("40", "structured ids empty")
def empty_id(call, number, answer, source):
    call["id"] = ""


@wire_calls("40", "structured ids missing")
def missing_id(call, number, answer, source):
    del call["id"]


@wire_calls("40", "structured ids are integers")
def integer_id(call, number, answer, source):
    call["id"] = number


@wire_calls("41", "structured name is functions.NAME:0")
def name_is_id(call, number, answer, source):
    call["function"]["name"] = call["id"]


@wire_calls("46", "structured arguments encoded once more")
def encoded(call, number, answer, source):
    call["function"]["arguments"] = json.dumps(call["function"]["arguments"])


@wire_calls("56", "structured arguments are an object")
def objects(call, number, answer, source):
    call["function"]["arguments"] = answer.calls[number].arguments


@wire_calls("45", "structured arguments are empty")
def no_arguments(call, number, answer, source):
    call["function"]["arguments"] = ""
    return not answer.calls[number].arguments


@fault("22", "structured arguments hold the next call (D)")
def glued(answer, parts, source):
    if len(answer.calls) < 2:
        return None
    calls = structured(answer, source)
    rest = render([x for x in parts if x.call >= 1 and not (x.kind == "call end" and x.call == len(calls) - 1)])
    calls[0]["function"]["arguments"] += "<|tool_call_end|>" + rest
    return Reply(answer.content, "", calls[:1], "tool_calls")


fault("80", "finish tool_calls, empty list, markup in content")(
    lambda a, p, s: text(p, finish="tool_calls", calls=[])
)
fault("83", "structured and inline copy of the same calls")(
    lambda a, p, s: text(p, finish="tool_calls", calls=structured(a, s))
)

# -- K3 ------------------------------------------------------------------------------------------------------------

K3 = ("k3",)
fault("96", "close(think) missing before response", K3)(lambda a, p, s: text(drop(p, "think close")))
fault("96", "close(think) missing before tools", K3)(
    lambda a, p, s: text(drop(p, "think close", "response open", "content", "response close"))
)
fault("97", "<|sep|> missing behind close(think)", K3)(
    lambda a, p, s: text(change(p, "think close", lambda x: "<|close|>think"))
)
fault("98", "no thought, answer closed as response", K3)(
    lambda a, p, s: text(drop(p, "thought", "think close", "response open"))
)
fault("3", "close(tools) and close(message) missing", K3)(lambda a, p, s: text(drop(p, "tools close", "message close")))
fault("20", "newlines between the tags", K3)(
    lambda a, p, s: text([x if x.kind in ("thought", "content") else replace(x, text=_line(x)) for x in p])
)
fault("101", "blanks inside the markers", K3)(
    lambda a, p, s: text([replace(x, text=x.text.replace("<|open|>", "<|open|> ").replace("<|sep|>", " <|sep|>"))
                          if x.kind.endswith(("open", "close")) else x for x in p])
)  # fmt: skip


def _line(part: Part) -> str:
    """A newline before what opens, behind what closes: never inside a value."""
    if part.kind in ("call open", "argument open", "tools open"):
        return "\n" + part.text
    return part.text + "\n" if part.kind in ("call close", "argument close") else part.text


@fault("99", "tools channel in the reasoning field", K3)
def tools_in_reasoning(answer, parts, source):
    at = next(i for i, part in enumerate(parts) if part.kind == "tools open")
    return Reply(answer.content, render(parts[at:]))


@fault("103", "a string with markup and quotes", K3)
def hostile_string(answer, parts, source):
    for at, part in enumerate(parts):
        if part.kind == "value string":
            call = answer.calls[part.call]
            key = next((k for k, v in call.arguments.items() if v == part.text), None)
            schema = answer.schema(call.name)["properties"].get(key) if key else None
            if schema == {"type": "string"}:
                call.arguments[key] = '<think>"a" & b</think>\n{"not": "json"} </tool> <|x|>'
                return text([*parts[:at], replace(part, text=call.arguments[key]), *parts[at + 1 :]])
    return None


fault("104", "index counts from 0", K3)(
    lambda a, p, s: text(change(p, "call open", lambda x: x.text.replace(f'index="{x.call + 1}"', f'index="{x.call}"')))
)
fault("21", "opened tools twice", K3)(lambda a, p, s: text(before(p, "tools open", "<|open|>tools<|sep|>")))
