"""The fake Anthropic refuses what the real one refuses; otherwise the tests in front of it would prove nothing."""

import copy

import pytest

from fakes.anthropic import Refused, call, check_body, text, thinking

GOOD = {
    "model": "m", "max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024},
    "system": [text("S")], "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [thinking("t"), call("t1", "f")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "r"}, text("x")]},
    ],
}  # fmt: skip

FAULTS = {
    "an unknown member": lambda b: b.update(seed=1),
    "no max_tokens": lambda b: b.pop("max_tokens"),
    "a budget above max_tokens": lambda b: b.update(max_tokens=1024),
    "a small budget": lambda b: b["thinking"].update(budget_tokens=1),
    "a temperature": lambda b: b.update(temperature=0.5),
    "a forced call": lambda b: b.update(tool_choice={"type": "any"}),
    "no tools": lambda b: b.pop("tools"),
    "a schema without type": lambda b: b["tools"][0].update(input_schema={}),
    "an unknown role": lambda b: b["messages"].insert(0, {"role": "system", "content": "x"}),
    "two turns of one role": lambda b: b["messages"].append({"role": "user", "content": "x"}),
    "no result": lambda b: b["messages"][2]["content"].pop(0),
    "another result": lambda b: b["messages"][2]["content"][0].update(tool_use_id="t2"),
    "a result behind a text": lambda b: b["messages"][2]["content"].reverse(),
    "no thought": lambda b: b["messages"][1]["content"].pop(0),
    "a wrong signature": lambda b: b["messages"][1]["content"][0].update(signature=""),
    "a wrong id": lambda b: b["messages"][1]["content"][1].update(id="a:b"),
    "input that is no object": lambda b: b["messages"][1]["content"][1].update(input="{}"),
    "an empty text": lambda b: b["messages"][2]["content"][1].update(text=""),
    "an unknown block": lambda b: b["messages"][2]["content"].append({"type": "input_audio"}),
    "an unknown member of a block": lambda b: b["messages"][2]["content"][1].update(name="x"),
}


def test_a_good_request_is_taken():
    check_body(copy.deepcopy(GOOD))


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_request_is_refused(name):
    body = copy.deepcopy(GOOD)
    FAULTS[name](body)
    with pytest.raises(Refused):
        check_body(body)
