"""The examples of Kimi output: the project's own cases, and the shared sample vectors where they are beside the clone.

The format and the way of grading are those of `kimi-formats.md` §5.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import chatshape
from hostprocess import ROOT

CASES = ROOT / "Tests/KimiK2TransformTests/Cases"
SHARED = next(
    (path for path in (ROOT.parent / "shared/vectors", Path("/work/shared/vectors")) if path.is_dir()),
    ROOT.parent / "shared/vectors",
)
MARKERS = (
    "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_section_begin|>",
    "<|tool_call_section_end|>", "<|tool_call_begin|>", "<|tool_call_end|>", "<|tool_call_argument_begin|>",
    "<|im_end|>", "<|im_middle|>", "<|im_assistant|>", "<|im_system|>", "<|im_user|>", "<|open|>", "<|close|>",
    "<|sep|>", "<|end_of_msg|>", "<think>", "</think>", "◁think▷", "◁/think▷",
)  # fmt: skip


def _load(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


@functools.cache
def own() -> list[dict]:
    return [case for path in sorted(CASES.glob("*.json")) for case in _load(path)]


@functools.cache
def vectors() -> list[dict]:
    return _load(SHARED / "kimi-vectors.json")


@functools.cache
def wire_vectors() -> list[dict]:
    return _load(SHARED / "kimi-wire-vectors.json")


def upstream_model(case: dict) -> str:
    """What the route tells the transform: a name, and nothing else."""
    model = case.get("model", "kimi")
    return model if model.startswith("kimi") and model != "kimi-vl" else f"kimi-{model}"


def pieces(case: dict) -> list[str]:
    """The text as the example cuts it."""
    return [case["input"]] if isinstance(case["input"], str) else list(case["input"])


#: How a tool without a schema can be declared.
UNKNOWN_PARAMETERS = {"object": {"type": "object"}, "empty": {"type": "object", "properties": {}}, "missing": None}


def tools(case: dict, unknown: str = "object") -> list[dict]:
    """The declared tools; those without a schema are declared in the way called `unknown`."""
    schemas, declared = case.get("tool_schemas") or {}, []
    for name in case.get("tools") or []:
        parameters = schemas.get(name, UNKNOWN_PARAMETERS[unknown])
        function = {"name": name} | ({"parameters": parameters} if parameters is not None else {})
        declared.append({"type": "function", "function": function})
    return declared


def request(case: dict, model: str, stream: bool, unknown: str = "object") -> dict:
    """What a client asks so that the example is the answer."""
    asked = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    declared = tools(case, unknown)
    return asked | ({"tools": declared} if declared else {})


# -- grading ------------------------------------------------------------------------------------------------------


def accepted(case: dict) -> list[dict]:
    return [case["expect"], *case.get("alternatives", [])]


def fault(case: dict, found: chatshape.Choice, native_ids: bool = False) -> str | None:
    """Why the answer is wrong; None if it is one of the accepted ones."""
    reasons = [_difference(case, found, expected, native_ids) for expected in accepted(case)]
    return None if None in reasons else reasons[0]


def _difference(case: dict, found: chatshape.Choice, expected: dict, native_ids: bool) -> str | None:
    ways = {"nows": lambda text: "".join(text.split()), "exact": lambda text: text}
    shape = ways.get(case.get("compare"), str.strip)
    for what, got in (("content", found.content), ("thinking", found.reasoning)):
        if shape(got) != shape(expected[what]):
            return f"{what} is {got[:300]!r}, not {expected[what][:300]!r}; {found}"[:900]
    if found.finish != expected["finish_reason"]:
        return f"finish_reason is {found.finish!r}, not {expected['finish_reason']!r}"
    wanted = [(call["name"], arguments(call["arguments"])) for call in expected["tool_calls"]]
    got = [(name, arguments(text)) for _, name, text in found.calls]
    if got != wanted:
        return f"calls are {found.calls}, not {expected['tool_calls']}"[:900]
    if native_ids:
        for (identifier, _, _), call in zip(found.calls, expected["tool_calls"], strict=True):
            if call.get("id") not in (None, identifier):
                return f"the id is {identifier!r}, not {call['id']!r}"
    return None


def arguments(text: str):
    """As parsed JSON (its kinds of numbers told apart), or as trimmed text."""
    try:
        return ("json", json.dumps(json.loads(text), sort_keys=True))
    except ValueError:
        return ("text", text.strip())


def breach(case: dict, found: chatshape.Choice) -> str | None:
    """What no answer may show, whatever it says: see `fault` for that."""
    ids = [identifier for identifier, _, _ in found.calls]
    if len(set(ids)) != len(ids) or not all(isinstance(one, str) and one for one in ids):
        return f"ids are not unique and non-empty: {ids}"
    allowed = json.dumps(accepted(case), ensure_ascii=False)
    shown = [found.content, found.reasoning, *ids, *(name for _, name, _ in found.calls)]
    for marker in MARKERS:
        if marker not in allowed and any(marker in text for text in shown):
            return f"{marker} reaches the client: {found}"[:900]
    return None
