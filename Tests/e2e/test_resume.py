"""Replies that break off after content and go on elsewhere: one legal reply, no text twice, none lost."""

from __future__ import annotations

import json
import time

import pytest

import dialects
import legal
import replies
import wire
from conftest import entry
from dialects import DIALECTS
from mock_upstream import Hang, Reset, Wait
from replies import HEAD, LAST_CHUNK, chunk, event, http_chunk
from test_plugin_services import metrics

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
CASE = dialects.CASES[0]
ROLE = chunk({"role": "assistant", "content": ""})
LONG = "This sentence is longer than thirty-two bytes, and it breaks off here:"
TIMEOUTS = {"connect": 5, "head": 10, "between_tokens": 1, "total": 20}


def begun(*deltas) -> list:
    """A stream that has begun with these deltas or texts."""
    made = [ROLE, *(chunk(one if isinstance(one, dict) else {"content": one}) for one in deltas)]
    return [HEAD, *(http_chunk(event(one)) for one in made), Wait(0.1)]


def rest(*texts: str) -> list:
    return replies.stream([*replies.text_chunks(*texts), replies.usage_chunk()])


def claude(name: str, upstream, **more) -> dict:
    config = {"apiKey": "sk-ant-test", "baseUrl": upstream.url.removesuffix("/v1")}
    return {"name": name, "provider": "anthropic", "model": "claude-x", "provider_config": config, **more}


def claude_events(text: str) -> list[bytes]:
    """A whole answer of Anthropic's, event by event."""
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 20, "output_tokens": 1},
    }  # fmt: skip
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return [http_chunk(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()) for one in events]


@pytest.fixture
def pair(start_host, upstream, second_upstream):
    def start(first="continue_final_message", second="partial", timeouts=TIMEOUTS, **more):
        models = [entry("mock", upstream.url), entry("mock", second_upstream.url)]
        for one, style in zip(models, (first, second), strict=True):
            if style is not None:
                one["resume"] = style
        routing = {"retries": 0, "backoff": 0.05}
        return start_host({"models": models, "timeouts": timeouts, "routing": routing, "logging": {"level": "debug"}, **more})

    return start


def ask(host, dialect, **more):
    body = {**dialect.request(CASE, True, "mock"), **more}
    answer = wire.exchange(host.port, "POST", dialect.path, body)
    return legal.check(dialect, True, answer), answer


def said(dialect, answer) -> tuple[str, str]:
    """The text and the thoughts of a stream."""
    text, thought = "", ""
    for name, data in dialects.events(answer.body):
        if data == "[DONE]":
            continue
        if dialect.name == "chat":
            delta = data["choices"][0]["delta"] if data.get("choices") else {}
            text += delta.get("content") or ""
            thought += delta.get("reasoning_content") or ""
        elif dialect.name == "messages" and name == "content_block_delta":
            text += data["delta"].get("text", "")
            thought += data["delta"].get("thinking", "")
        elif name == "response.output_text.delta":
            text += data["delta"]
        elif name == "response.reasoning_text.delta":
            thought += data["delta"]
    return text, thought


@every_dialect
@pytest.mark.parametrize("ending", [[Reset()], [LAST_CHUNK], [Hang()], [http_chunk(event({"error": {"message": "boom", "code": 500}})), LAST_CHUNK]], ids=["reset", "end", "hang", "error"])
def test_another_entry_goes_on(pair, upstream, second_upstream, dialect, ending):
    host = pair()
    before = len(host.output)
    upstream.always(*begun("Hel", "lo "), *ending)
    second_upstream.always(*rest("wor", "ld."))
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer) == ("Hello world.", ""), answer.body
    first, second = json.loads(upstream.requests[0].body), json.loads(second_upstream.requests[0].body)
    # White space at the end is not told: upstreams refuse it, or go on badly.
    assert second["messages"] == [*first["messages"], {"role": "assistant", "content": "Hello", "partial": True}]
    assert {**second, "messages": 0} == {**first, "messages": 0}
    row = host.output[before:]
    assert "resumed=1 (openai/upstream-model after 6 bytes)" in row and "exchange done" in row
    found = metrics(host)
    assert found['kimi_resumed_total{model="upstream-model",provider="openai"}'] == 1
    assert found["kimi_exchanges_active"] == 0


@pytest.mark.parametrize(
    "style,message,members",
    [
        (True, {}, {}), ("assistant", {}, {}), ("prefix", {"prefix": True}, {}), ("partial", {"partial": True}, {}),
        ("continue_final_message", {}, {"continue_final_message": True, "add_generation_prompt": False}),
    ],
)  # fmt: skip
def test_each_upstream_is_asked_its_own_way(pair, upstream, second_upstream, style, message, members):
    host = pair(second=style)
    upstream.always(*begun('He said: "no\n'), Reset())
    second_upstream.always(*rest("\nat all."))
    is_answer, answer = ask(host, DIALECTS[0])
    assert is_answer and said(DIALECTS[0], answer)[0] == 'He said: "no\nat all.'
    asked = json.loads(second_upstream.requests[0].body)
    assert asked["messages"][-1] == {"role": "assistant", "content": 'He said: "no', **message}
    assert members.items() <= asked.items()


@every_dialect
def test_the_same_entry_goes_on_if_there_is_no_other(start_host, upstream, dialect):
    host = start_host({"models": [entry("mock", upstream.url, resume=True)], "routing": {"retries": 0, "backoff": 0.05}})
    upstream.reply(*begun("one "), Reset())
    upstream.reply(*begun("two "), Reset())
    upstream.reply(*rest("three"))
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer)[0] == "one two three"
    assert [json.loads(one.body)["messages"][-1]["content"] for one in upstream.requests[1:]] == ["one", "one two"]


@every_dialect
def test_it_ends_after_three_times(start_host, upstream, dialect):
    host = start_host({"models": [entry("mock", upstream.url, resume=True)], "routing": {"retries": 0, "backoff": 0.01}})
    upstream.always(*begun("word "), Reset())
    is_answer, answer = ask(host, dialect)
    assert not is_answer and said(dialect, answer)[0].startswith("word word word word")
    assert len(upstream.requests) == 4 and metrics(host)["kimi_exchanges_active"] == 0


@every_dialect
@pytest.mark.parametrize("cuts", [[LONG + " on it goes."], [LONG[:10], LONG[10:], " on it goes."], [*(LONG + " on it goes.")]], ids=["one", "three", "each"])
def test_an_upstream_that_says_it_all_again_is_not_repeated(pair, upstream, second_upstream, dialect, cuts):
    host = pair()
    upstream.always(*begun(LONG), Reset())
    second_upstream.always(*rest(*cuts))
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer)[0] == LONG + " on it goes."


@every_dialect
def test_one_that_only_begins_alike_is_told_whole(pair, upstream, second_upstream, dialect):
    host = pair()
    upstream.always(*begun(LONG), Reset())
    second_upstream.always(*rest("This", " sentence", " is another."))
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer)[0] == LONG + "This sentence is another."


@every_dialect
def test_thoughts_stay_and_are_not_thought_twice(pair, upstream, second_upstream, dialect):
    host = pair()
    second_upstream.always(*replies.stream([ROLE, chunk({"reasoning_content": "Other thoughts."}), *replies.text_chunks("Yes.")[1:]]))
    # In the middle of a thought: it begins anew, and its thoughts are the second's own business.
    upstream.always(*begun({"reasoning_content": "Let me "}), Reset())
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer) == ("Yes.", "Let me ")
    asked = [json.loads(one.requests[0].body)["messages"] for one in (upstream, second_upstream)]
    assert asked[0] == asked[1]
    # After it.
    upstream.always(*begun({"reasoning_content": "Let me "}, "I say "), Reset())
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer) == ("I say Yes.", "Let me ")


@every_dialect
def test_tool_calls_of_the_one_that_goes_on(pair, upstream, second_upstream, dialect):
    host = pair()
    upstream.always(*begun("I look. "), Reset())
    deltas = replies.call_deltas(0, "weather", ['{"city"', ':"Bern"}'])
    second_upstream.always(*replies.stream([ROLE, *map(chunk, deltas), chunk({}, "tool_calls")]))
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer)[0] == "I look. " and b"Bern" in answer.body


@every_dialect
def test_a_tool_call_that_breaks_off_is_an_error(pair, upstream, second_upstream, dialect):
    host = pair()
    deltas = replies.call_deltas(0, "weather", ['{"city"', ':"Bern"}'])
    for broken in (deltas[:2], deltas):
        before = len(host.output)
        upstream.always(*begun("I look.", *broken), Reset())
        is_answer, _ = ask(host, dialect)
        assert not is_answer and not second_upstream.requests
        assert "not_resumed=1 (a tool call had begun)" in host.output[before:]


@every_dialect
def test_nobody_goes_on_who_does_not_say_so(pair, upstream, second_upstream, dialect):
    for styles in ({"first": None}, {"second": False, "first": None}):
        host = pair(**styles)
        upstream.always(*begun("Hel"), Reset())
        is_answer, _ = ask(host, dialect)
        assert not is_answer and not second_upstream.requests
        host.stop()


@every_dialect
def test_an_upstream_that_refuses_a_prefill_is_asked_once(pair, upstream, second_upstream, dialect):
    """And the client hears why the reply broke off, not of a request that it never sent."""
    host = pair()
    upstream.reply(*begun("Hel"), http_chunk(event({"error": {"message": "first cause", "code": 500}})), LAST_CHUNK)
    upstream.always(replies.response({"error": {"message": "no prefill here"}}, 400, "No"))
    second_upstream.always(replies.response({"error": {"message": "no prefill here"}}, 400, "No"))
    is_answer, answer = ask(host, dialect)
    assert not is_answer and b"first cause" in answer.body and b"no prefill" not in answer.body
    assert (len(upstream.requests), len(second_upstream.requests)) == (2, 1)


@every_dialect
def test_usage_adds_up(start_host, upstream, second_upstream, dialect):
    """As far as upstreams tell: Anthropic's do so at the beginning, most others only at the end."""
    models = [claude("mock", upstream, resume=True), entry("mock", second_upstream.url, resume="prefix")]
    host = start_host({"models": models, "routing": {"retries": 0}})
    upstream.always(HEAD, *claude_events("Hel")[:3], Wait(0.1), Reset())
    second_upstream.always(*rest("lo"))
    more = {"stream_options": {"include_usage": True}} if dialect.name == "chat" else {}
    is_answer, answer = ask(host, dialect, **more)
    assert is_answer and said(dialect, answer)[0] == "Hello", answer.body
    last = [data for _, data in dialects.events(answer.body) if isinstance(data, dict)]
    usages = [one.get("usage") or (one.get("response") or {}).get("usage") for one in last]
    usage = [one for one in usages if one][-1]
    found = [usage.get("prompt_tokens", usage.get("input_tokens")), usage.get("completion_tokens", usage.get("output_tokens"))]
    assert found == [20 + 10, 1 + 5], usage


@every_dialect
@pytest.mark.parametrize("cut", range(1, 4))
def test_a_character_that_was_cut(start_host, runtime_plugins, upstream, second_upstream, dialect, cut):
    """By the stream's end in the middle of its bytes; the other entry says it whole."""
    host = start_host(
        {"models": [entry("mock", one.url, resume=True) for one in (upstream, second_upstream)], "routing": {"retries": 0}}
    )
    whole = event(chunk({"content": "🌍!"}))
    place = whole.index("🌍".encode()) + cut
    upstream.always(*begun("world "), b"%x\r\n" % len(whole) + whole[:place], Wait(0.05), Reset())
    second_upstream.always(*rest("🌍", "!"))
    is_answer, answer = ask(host, dialect)
    assert is_answer and said(dialect, answer)[0] == "world 🌍!"


def test_the_clients_own_prefill_is_gone_on_with(pair, upstream, second_upstream):
    host = pair()
    upstream.always(*begun("lo wor"), Reset())
    second_upstream.always(*rest("ld"))
    messages = [{"role": "user", "content": "Greet."}, {"role": "assistant", "content": "H\u00e9l\"", "prefix": True}]
    is_answer, answer = ask(host, DIALECTS[0], messages=messages)
    assert is_answer and said(DIALECTS[0], answer)[0] == "lo world"
    asked = json.loads(second_upstream.requests[0].body)["messages"]
    assert asked == [messages[0], {"role": "assistant", "content": "H\u00e9l\"lo wor", "partial": True}]


def test_the_stored_response_is_whole(pair, upstream, second_upstream):
    host = pair()
    upstream.always(*begun("Hel"), Reset())
    second_upstream.always(*rest("lo"))
    _, answer = ask(host, DIALECTS[2], store=True)
    made = dialects.events(answer.body)[-1][1]["response"]
    stored = wire.exchange(host.port, "GET", f"/v1/responses/{made['id']}").json
    assert stored["output"][0]["content"][0]["text"] == "Hello"


def test_the_deadline_is_for_all_of_it(pair, upstream, second_upstream):
    host = pair(timeouts={"between_tokens": 0.5, "total": 2})
    for one in (upstream, second_upstream):
        one.always(*begun("word "), Hang())
    started = time.monotonic()
    is_answer, _ = ask(host, DIALECTS[0])
    assert not is_answer and time.monotonic() - started < 6


def test_an_anthropic_upstream_goes_on(start_host, upstream, second_upstream):
    """With a last message of the assistant, as its API has it, for clients of each API."""
    for dialect in DIALECTS:
        upstream.reset()
        models = [entry("mock", upstream.url, resume="prefix"), claude("mock", second_upstream, resume=True)]
        host = start_host({"models": models, "routing": {"retries": 0}})
        upstream.always(*begun("Hello "), Reset())
        second_upstream.always(HEAD, *claude_events("world."), LAST_CHUNK)
        is_answer, answer = ask(host, dialect)
        assert is_answer and said(dialect, answer)[0] == "Hello world.", (dialect.name, answer.body)
        last = json.loads(second_upstream.requests[-1].body)["messages"][-1]
        assert last["role"] == "assistant"
        assert last["content"] in ("Hello", [{"type": "text", "text": "Hello"}]), last
        host.stop()


