"""Every example of Kimi output through the real binary: as one body, and streamed in several cuts."""

from __future__ import annotations

from dataclasses import replace

import pytest

import kimi_cases
from chatshape import Choice
from kimi_line import TEXTS, WIRE, check, cuts, line, read, route, shared_line, stream_body, whole_body  # noqa: F401


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: f"{case.get('row', 'vector')}:{case['name']}")
def test_text(line, case):  # noqa: F811
    """§5's rules for the body and for every cut; ids are the same in all of them."""
    unary = read(line.ask(kimi_cases.request(case, route(case), False), whole_body(case)))
    check(case, unary, "as one body")
    for how, parts in cuts(case).items():
        found = read(line.ask(kimi_cases.request(case, route(case), True), *stream_body(case, parts)))
        check(case, found, f"streamed, {how}")
        assert found.calls == unary.calls, f"streamed, {how}: other ids or other spelling than as one body"


@pytest.mark.parametrize(
    "case",
    [one for one in TEXTS if any(call.get("id") for call in one["expect"]["tool_calls"])],
    ids=lambda case: case["name"],
)
def test_native_ids(line, case):  # noqa: F811
    """With `ids: native` the canonical id is kept where it is known."""
    found = read(line.ask(kimi_cases.request(case, route(case, "native"), False), whole_body(case)))
    check(case, found, "with native ids", native_ids=True)


@pytest.mark.parametrize("unknown", ["empty", "missing"])
@pytest.mark.parametrize(
    "case",
    [one for one in kimi_cases.vectors() if set(one["tools"]) - set(one.get("tool_schemas") or {})],
    ids=lambda case: case["name"],
)
def test_other_ways_of_declaring_a_tool_without_schema(line, case, unknown):  # noqa: F811
    found = read(line.ask(kimi_cases.request(case, route(case), False, unknown), whole_body(case)))
    check(case, found, unknown)


def test_the_shared_vectors_are_here():
    if not TEXTS or not WIRE or not kimi_cases.vectors():
        pytest.skip(f"{kimi_cases.SHARED} is not there: the shared vectors are not tested")
    assert len(kimi_cases.vectors()) >= 100 and len(WIRE) >= 25


def test_the_grader_sees_every_kind_of_fault():
    """What would make all the tests above worthless."""
    call = {"name": "f", "arguments": '{"a": 1}', "id": "functions.f:0"}
    case = {"expect": {"content": "x", "thinking": "y", "tool_calls": [call], "finish_reason": "tool_calls"}}
    good = Choice(" x", "y ", [("functions.f:0", "f", '{"a":1}')], "tool_calls")
    assert kimi_cases.fault(case, good, True) is None and kimi_cases.breach(case, good) is None
    for wrong in (
        {"content": "X"}, {"reasoning": ""}, {"finish": "stop"}, {"calls": []}, {"calls": good.calls * 2},
        {"calls": [("0", "f", '{"a":1}')]}, {"calls": [("functions.f:0", "g", '{"a":1}')]},
        {"calls": [("functions.f:0", "f", '{"a":1.0}')]}, {"calls": [("functions.f:0", "f", '{"a":1}}')]},
    ):  # fmt: skip
        assert kimi_cases.fault(case, replace(good, **wrong), True) is not None, wrong
    for wrong in ({"content": "x<|im_end|>"}, {"calls": good.calls * 2}, {"calls": [("", "f", "{}")]}):
        assert kimi_cases.breach(case, replace(good, **wrong)) is not None, wrong
