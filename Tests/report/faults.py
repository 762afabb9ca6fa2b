"""One fault at a time, named by the row of the catalogue (kimi-formats.md §2) that describes it.

A fault gets the clean answer, its parts in the family's markup and a seeded source; it gives the reply that the
upstream sends, or None where it cannot be expressed in this answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from native import AB, CB, CE, SB, SE, Part, Reply, render, structured

K2 = ("k2", "k2-thinking", "k2.5")
THINKERS = ("k2-thinking", "k2.5")


@dataclass(frozen=True)
class Fault:
    row: str
    name: str
    families: tuple[str, ...]
    make: Callable


FAULTS: list[Fault] = []


def fault(row: str, name: str, families: tuple[str, ...] = K2):
    """Enters a function into the table."""

    def enter(function):
        FAULTS.append(Fault(row, name, families, function))
        return function

    return enter


def text(parts: list[Part], **more) -> Reply:
    return Reply(content=render(parts), **more)


def drop(parts: list[Part], *kinds: str, when=lambda part: True) -> list[Part]:
    return [part for part in parts if part.kind not in kinds or not when(part)]


def change(parts: list[Part], kind: str, how) -> list[Part]:
    return [replace(part, text=how(part)) if part.kind == kind else part for part in parts]


def before(parts: list[Part], kind: str, extra: str, first: bool = True) -> list[Part]:
    made, done = [], False
    for part in parts:
        if part.kind == kind and not (first and done):
            made.append(Part("extra", extra, part.call))
            done = True
        made.append(part)
    return made


def last_call(parts: list[Part]) -> int:
    return max(part.call for part in parts)


def rename(number_to_id):
    """The fault that writes each id as `number_to_id(name, number)` says."""

    def make(answer, parts, source):
        return text(change(parts, "id", lambda part: number_to_id(answer.calls[part.call].name, part.call)))

    return make


def rewrite(how):
    """The fault that writes each call's arguments as `how(text, call, source)` says; None: not in this answer."""

    def make(answer, parts, source):
        changed = [how(part.text, answer.calls[part.call], source) for part in parts if part.kind == "arguments"]
        if all(one is None for one in changed):
            return None
        left = iter(changed)
        return text(change(parts, "arguments", lambda part: next(left) or part.text))

    return make


# -- no fault ------------------------------------------------------------------------------------------------------

fault("0", "none: clean native text", (*K2, "k3"))(lambda a, p, s: text(p))
fault("86", "none, one character at a time", (*K2, "k3"))(lambda a, p, s: text(p, characters=True))


@fault("0", "none: parsed by the server", (*K2, "k3"))
def already_structured(answer, parts, source):
    return Reply(answer.content, answer.thought, structured(answer, source), "tool_calls")


# -- structure of the section --------------------------------------------------------------------------------------

fault("1", "no blank anywhere")(lambda a, p, s: text(change(p, "arguments", lambda x: _compact(x.text))))
fault("2", "singular section markers")(
    lambda a, p, s: Reply(content=render(p).replace("tool_calls_section", "tool_call_section"))
)
fault("3", "section end missing")(lambda a, p, s: text(drop(p, "section end")))
fault("4", "section begin missing")(lambda a, p, s: text(drop(p, "section begin")))
fault("4", "both section markers missing")(lambda a, p, s: text(drop(p, "section begin", "section end")))
fault("5", "section and last end missing")(
    lambda a, p, s: text(drop(drop(p, "section begin", "section end"), "call end", when=lambda x: x.call == last_call(p)))
)
fault("6", "call end missing, section end there")(
    lambda a, p, s: text(drop(p, "call end", when=lambda x: x.call == last_call(p)))
)


@fault("7", "call end missing between calls")
def middle_end(answer, parts, source):
    return text(drop(parts, "call end", when=lambda x: x.call == 0)) if len(answer.calls) > 1 else None


fault("8", "call markers missing in the section (D)")(
    lambda a, p, s: text(drop(p, "call begin", "call end")) if len(a.calls) == 1 else None
)
fault("9", "orphan begin before a call")(lambda a, p, s: text(before(p, "call begin", CB + "functions.get_time:9")))


@fault("10", "header of a last call cut off, length")
def cut_header(answer, parts, source):
    if len(answer.calls) < 2:
        return None
    at = next(i for i, part in enumerate(parts) if part.kind == "id" and part.call == last_call(parts))
    return text([*parts[:at], Part("id", parts[at].text[:-3])], finish="length")


@fault("11", "only call's arguments cut off, length")
def cut_arguments(answer, parts, source):
    if len(answer.calls) > 1:
        return None
    at = next(i for i, part in enumerate(parts) if part.kind == "arguments")
    whole = parts[at].text
    return text([*parts[:at], Part("arguments", whole[: source.randrange(1, len(whole))])], finish="length")


@fault("13", "two sections with prose between (D)")
def two_sections(answer, parts, source):
    if len(answer.calls) < 2:
        return None
    at = next(i for i, part in enumerate(parts) if part.kind == "call begin" and part.call == 1)
    return text([*parts[:at], Part("section end", SE + "\nAnd now the other.\n" + SB), *parts[at:]])


fault("14", "an empty section before the real one")(lambda a, p, s: text(before(p, "section begin", f"{SB}{SE} ")))
fault("15", "junk before and between calls")(
    lambda a, p, s: text(before(p, "call begin", " spurious noise ", first=False))
)
fault("16", "text behind the section (D)")(lambda a, p, s: text([*p, Part("extra", "\nThe forecast follows.")]))
fault("17", "orphan end markers in the prose")(
    lambda a, p, s: text(change(p, "content", lambda x: f"Here you go.{CE} {x.text} {SE}"))
)
fault("18", "begin markers stripped by the server (D)")(
    lambda a, p, s: text(drop(change(p, "id", lambda x: "\n" + x.text), "section begin", "call begin"))
)
fault("20", "newlines and blanks around every part")(
    lambda a, p, s: text([replace(x, text=x.text if x.kind in _PROSE else f"\r\n {x.text}\t\n") for x in p])
)
fault("21", "a thousand begins before a call")(lambda a, p, s: text(before(p, "call begin", CB * 1000)))
fault("72", "end of turn and role header leak")(
    lambda a, p, s: text([*p, Part("extra", "<|im_end|><|im_assistant|>assistant<|im_middle|>")])
)

_PROSE = ("content", "thought", "think open", "think close")


def _compact(arguments: str) -> str:
    return json.dumps(json.loads(arguments), ensure_ascii=False, separators=(",", ":"))


# -- ids and names -------------------------------------------------------------------------------------------------

fault("23", "id without functions.")(rename(lambda name, number: f"{name}:{number}"))


def _only_for_unique(make):
    """Ids that name nothing can be resolved only where the arguments fit one declared tool."""

    def checked(answer, parts, source):
        return make(answer, parts, source) if all(_fitting(answer, call) == 1 for call in answer.calls) else None

    return checked


def _fitting(answer, call) -> int:
    """How many declared tools take these arguments, going by their members."""
    keys, count = set(call.arguments), 0
    for tool in answer.tools:
        schema = tool["function"]["parameters"]
        count += keys <= set(schema["properties"]) and set(schema["required"]) <= keys
    return count if keys else 0


fault("24", "id is a bare counter")(_only_for_unique(rename(lambda name, number: str(number))))
fault("26", "id is call00003")(_only_for_unique(rename(lambda name, number: f"call{number:05}")))
fault("27", "id is call_9f2c… (D)")(_only_for_unique(rename(lambda name, number: f"call_9f2c{number}ab77")))


@fault("28", "id is call_…, name among the arguments (D)")
def name_inside(answer, parts, source):
    if any("name" in call.arguments or "arguments" in call.arguments for call in answer.calls):
        return None
    nested = source.random() < 0.5
    for call in range(len(answer.calls)):
        one = answer.calls[call]
        whole = {"name": one.name, "arguments": one.arguments} if nested else {"name": one.name, **one.arguments}
        parts = [replace(x, text=json.dumps(whole)) if x.kind == "arguments" and x.call == call else x for x in parts]
    return text(change(parts, "id", lambda part: f"call_77{part.call}"))


fault("29", "id is functionsNAME5")(rename(lambda name, number: f"functions{name}{number}"))
fault("30", "id is functions_NAME_1")(rename(lambda name, number: f"functions_{name}_{number}"))
fault("31", "id is functions.NAME30")(rename(lambda name, number: f"functions.{name}{number + 30}"))
fault("32", "id is functions(NAME):2.0")(rename(lambda name, number: f"functions({name}):{number}.0"))
fault("33", "dashes for underscores (D)")(rename(lambda name, number: f"functions.{name.replace('_', '-')}:{number}"))
fault("33", "capitals in the name")(rename(lambda name, number: f"functions.{name.title()}:{number}"))
fault("34", "words in place of the index (D)")(rename(lambda name, number: f"functions.{name}:call_{number}x"))
fault("34", "no index (D)")(rename(lambda name, number: f"functions.{name}"))
fault("34", "bare name (D)")(rename(lambda name, number: name))
fault("36", "another namespace")(rename(lambda name, number: f"browser.{name}:{number}"))
fault("39", "every id the same")(
    rename(lambda name, number: f"functions.{name}:0")
)


# -- arguments -----------------------------------------------------------------------------------------------------

fault("45", "nothing for arguments that are empty")(rewrite(lambda t, call, s: None if call.arguments else " "))
fault("46", "arguments encoded once more")(rewrite(lambda t, call, s: json.dumps(t, ensure_ascii=s.random() < 0.5)))
fault("47", "one array or object encoded once more (D)")(rewrite(lambda t, call, s: _nested(call, s)))
fault("49", "arguments in a fence")(rewrite(lambda t, call, s: f"```json\n{t}\n```"))
fault("50", "raw newlines in strings (D)")(
    rewrite(lambda t, call, s: t.replace("\\n", "\n") if "\\n" in t and "\\\\n" not in t else None)
)
fault("51", "trailing comma (D)")(rewrite(lambda t, call, s: t[:-1] + ",}" if call.arguments else None))
fault("51", "a Python dict (D)")(rewrite(lambda t, call, s: repr(call.arguments)))
fault("52", "numbers and booleans as strings (D)")(rewrite(lambda t, call, s: _as_strings(call)))
fault("53", "text behind the arguments")(rewrite(lambda t, call, s: t + " Done."))
fault("54", "markers quoted in a string")(lambda a, p, s: _quoted(a, p, s))
fault("55", "a string of 20,000 characters")(lambda a, p, s: _long(a, p, s))
fault("11", "last bracket missing, finish stop")(rewrite(lambda t, call, s: t[:-1] if call.arguments else None))


def _nested(call, source) -> str | None:
    keys = [key for key, value in call.arguments.items() if isinstance(value, (dict, list))]
    if not keys:
        return None
    key = source.choice(keys)
    return json.dumps({**call.arguments, key: json.dumps(call.arguments[key])})


def _as_strings(call) -> str | None:
    scalars = {k: json.dumps(v) for k, v in call.arguments.items() if isinstance(v, (bool, int, float))}
    return json.dumps({**call.arguments, **scalars}) if scalars else None


def _with_string(answer, parts, make):
    """Puts a string into the first call that has one at its top; the clean answer changes with it."""
    for number, call in enumerate(answer.calls):
        for key, value in call.arguments.items():
            if isinstance(value, str) and "enum" not in (answer.schema(call.name) or {})["properties"][key]:
                call.arguments[key] = make(value)
                new = json.dumps(call.arguments, ensure_ascii=False)
                return [replace(x, text=new) if x.kind == "arguments" and x.call == number else x for x in parts]
    return None


def _quoted(answer, parts, source):
    marker = source.choice([CE, SE, AB, CB, SB, "</think>", "<think>", "<|im_end|>", CE + SE])
    changed = _with_string(answer, parts, lambda value: f"{value} {marker} and on")
    return text(changed) if changed else None


def _long(answer, parts, source):
    changed = _with_string(answer, parts, lambda value: "words, " * 2858)
    return text(changed) if changed else None
