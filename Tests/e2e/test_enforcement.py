"""`ensure_tool_call`, driven by the official packages: every rule of the original's, in each client API, streamed and not."""

from __future__ import annotations

import json
import threading
import time

import anthropic
import openai
import pytest

import hostprocess
import replies
import wire
from conftest import entry
from enforcing import CLIENTS, WEATHER, Chat, Messages, chunks, done, say
from mock_upstream import Finish, Hang, Until
from test_plugin_services import metrics

every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
RULE = "Each of your replies must have at least one tool call"
REMINDER = "Reminder: your last reply had no tool call"
DEMAND = "Reminder: the user has read no answer yet"


def models(url: str) -> list[dict]:
    kimi = {"model": "kimi-k2-thinking", "ensure_tool_call": True}
    return [
        entry("plain", url, ensure_tool_call=True),
        entry("always", url, ensure_tool_call="always"),
        entry("off", url),
        entry("kimi", url, transforms=["kimi-k2"], **kimi),
        entry("kimi-bare", url, **kimi),
    ]


@pytest.fixture(scope="module")
def running(shared_upstream, tmp_path_factory):
    config = {"models": models(shared_upstream.url), "logging": {"level": "debug"}}
    host = hostprocess.Host(tmp_path_factory.mktemp("enforcing"), config).wait_ready()
    yield host
    host.stop()


@pytest.fixture
def host(running, upstream):
    """Ends with the host alive, and every reply of the upstream's asked for."""
    yield running
    assert running.alive, running.output[-4000:]
    assert not upstream._queue, "the upstream was asked less often than it had to say"


def official(host):
    url = f"http://127.0.0.1:{host.port}"
    return (
        openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=20),
        anthropic.Anthropic(base_url=url, api_key="sk-client", max_retries=0, timeout=20),
    )


@pytest.fixture
def packages(host):
    return official(host)


def bodies(upstream) -> list[dict]:
    return [json.loads(request.body) for request in upstream.requests]


def is_told(told, text: str, calls=(), finish=None):
    assert (told.text, told.calls) == (text, list(calls))
    assert told.finish == finish


# -- What goes up -------------------------------------------------------------------------------------------------


@every_client
@both_ways
def test_rule_and_tool_go_up_with_the_request(packages, upstream, client, stream):
    agent = client(*packages)
    upstream.reply(say("", WEATHER))
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "", [("weather", '{"city":"SF"}')], agent.called)
    (body,) = bodies(upstream)
    system = body["messages"][0]
    assert system["role"] in ("system", "developer")
    assert system["content"].startswith("Be brief.\n\n" + RULE) and system["content"].count(RULE) == 1
    assert [tool["function"]["name"] for tool in body["tools"]] == ["weather", "done"]
    parameters = body["tools"][1]["function"]["parameters"]
    assert parameters["properties"].keys() == {"final_answer"} and parameters["additionalProperties"] is False
    assert "required" not in parameters
    if not stream:
        assert told.header == "attempts=1; result=call"


def test_a_system_message_of_its_own_and_no_other_byte_changed(packages, upstream, host):
    upstream.reply(say("", WEATHER))
    text = b'{"messages" : [ {"role":"user","content":"\\u0068i  "} ],"model":"plain","x":1.50,"tools":[{"type":"function","function":{"name":"weather"}}]}'
    assert wire.exchange(host.port, "POST", "/v1/chat/completions", text).status == 200
    sent = upstream.requests[0].body
    assert b'{"role":"user","content":"\\u0068i  "} ]' in sent and b'"x":1.50' in sent
    assert bodies(upstream)[0]["messages"][0]["role"] == "system"


@every_client
@both_ways
@pytest.mark.parametrize("case", ["tool_choice none", "no tools", "off"])
def test_where_nothing_is_enforced(packages, upstream, client, stream, case):
    agent = client(*packages)
    upstream.reply(say("Just text."))
    request = {
        "tool_choice none": lambda: agent.request("plain", tool_choice="none"),
        "no tools": lambda: agent.request("plain", tools=()),
        "off": lambda: agent.request("off"),
    }[case]()
    told = agent.ask(request, stream)
    is_told(told, "Just text.", (), agent.finished)
    assert told.header is None
    (body,) = bodies(upstream)
    assert RULE not in json.dumps(body) and "final_answer" not in json.dumps(body)


@both_ways
def test_always_means_without_tools_too(packages, upstream, stream):
    agent = Chat(*packages)
    upstream.reply(say("Hm."))
    upstream.reply(say("", done({"final_answer": "Sunny."})))
    told = agent.ask(agent.request("always", tools=()), stream)
    is_told(told, "Hm.\n\nSunny.", (), "stop")
    assert [tool["function"]["name"] for tool in bodies(upstream)[0]["tools"]] == ["done"]


@both_ways
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_forced_call_is_kept(packages, upstream, stream, choice):
    agent = Chat(*packages)
    upstream.reply(say("", WEATHER))
    agent.ask(agent.request("plain", tool_choice=choice), stream)
    assert bodies(upstream)[0]["tool_choice"] == choice


# -- Attempts -----------------------------------------------------------------------------------------------------


@every_client
@both_ways
def test_the_originals_example(packages, upstream, host, client, stream):
    """A text without a call, the reminder, a call."""
    agent = client(*packages)
    upstream.reply(say("Let me check that for you.", thought="Where? "))
    upstream.reply(say("", WEATHER, thought="SF."))
    before = metrics(host)
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "Let me check that for you.", [("weather", '{"city":"SF"}')], agent.called)
    assert told.thought.replace("\n\n", "") == "Where? SF."
    assert told.usage == (20, 10)
    first, second = bodies(upstream)
    assert {**second, "messages": None} == {**first, "messages": None}
    assert second["messages"][: len(first["messages"])] == first["messages"]
    said, reminder = second["messages"][len(first["messages"]) :]
    assert said == {"role": "assistant", "content": "Let me check that for you.", "reasoning_content": "Where? "}
    assert reminder["role"] == "user" and reminder["content"].startswith(REMINDER)
    assert upstream.connections == 1 or upstream.requests[0].connection == upstream.requests[1].connection
    if not stream:
        assert told.header == "attempts=2; result=call"
    name = 'kimi_enforced_total{model="upstream-model",provider="openai",result="call"}'
    after = metrics(host)
    assert after[name] == before.get(name, 0) + 1
    assert after["kimi_enforcement_retries_total"] == before["kimi_enforcement_retries_total"] + 1
    line = [one for one in host.output.splitlines() if "exchange done" in one][-1]
    assert "attempts=2; result=call; attempt 1: no tool call after" in line and "10 + 5 tokens" in line
    assert "input_tokens=20" in line and "output_tokens=10" in line


@every_client
@both_ways
def test_attempts_that_are_spent(packages, upstream, host, client, stream):
    agent = client(*packages)
    for text in ("One.", "Two.\n", "Three."):
        upstream.reply(say(text))
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "One.\n\nTwo.\n\nThree.", (), agent.finished)
    assert told.usage == (30, 15)
    roles = [message["role"] for message in bodies(upstream)[2]["messages"]]
    assert roles[-4:] == ["assistant", "user", "assistant", "user"]
    if not stream:
        assert told.header == "attempts=3; result=spent"
    line = [one for one in host.output.splitlines() if "exchange done" in one][-1]
    assert "attempts=3; result=spent" in line
    assert metrics(host)['kimi_enforced_total{model="upstream-model",provider="openai",result="spent"}'] > 0


@pytest.mark.parametrize("client", [Chat, Messages], ids=["chat", "messages"])
def test_a_spent_stream_is_marked_where_no_client_minds(packages, upstream, host, client):
    for _ in range(3):
        upstream.reply(say("Text."))
    agent = client(*packages)
    body = json.dumps({**agent.request("plain"), "stream": True}).encode()
    answer = wire.exchange(host.port, "POST", agent.path, body)
    assert b"\n\n: x-kimi-enforcement: attempts=3; result=spent\n\n" in answer.body


@pytest.mark.parametrize("value, attempts", [("5", 5), ("9", 5), ("0", 3), ("some", 3), ("1", 1), ("2", 2)])
def test_the_number_of_attempts(start_host, upstream, value, attempts):
    host = start_host({"models": models(upstream.url)}, environment={"ENSURE_TOOL_CALL_MAX_ATTEMPTS": value})
    agent = Chat(*official(host))
    upstream.always(say("Text."))
    told = agent.ask(agent.request("plain"), False)
    assert told.header == f"attempts={attempts}; result=spent" and len(upstream.requests) == attempts
    assert ("ENSURE_TOOL_CALL_MAX_ATTEMPTS" in host.output) == (value in ("9", "0", "some"))


@both_ways
@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_what_was_cut_off_is_not_asked_again(packages, upstream, stream, finish):
    agent = Chat(*packages)
    upstream.reply(say("Once upon", finish=finish))
    is_told(agent.ask(agent.request("plain"), stream), "Once upon", (), finish)


@both_ways
def test_an_empty_reply_is_asked_again_without_itself(packages, upstream, stream):
    agent = Chat(*packages)
    upstream.reply(say(""))
    upstream.reply(say("", WEATHER))
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "", [("weather", '{"city":"SF"}')], "tool_calls")
    assert [one["role"] for one in bodies(upstream)[1]["messages"]] == ["system", "user", "user"]


def test_cost_and_details_are_sums(packages, upstream, host):
    agent = Chat(*packages)
    one = {**replies.USAGE, "cost": 0.1, "prompt_tokens_details": {"cached_tokens": 3}}
    two = {**replies.USAGE, "cost": 0.2, "prompt_tokens_details": {"cached_tokens": 4}}
    for stream in (False, True):
        upstream.reply(say("Text.", usage=one))
        upstream.reply(say("", WEATHER, usage=two))
        body = {**agent.request("plain"), "stream": stream, "stream_options": {"include_usage": True}}
        answer = wire.chat(host.port, body)
        usage = [json.loads(frame) for frame in answer.frames[:-1]][-1]["usage"] if stream else answer.json["usage"]
        assert usage["cost"] == 0.3 and usage["prompt_tokens_details"]["cached_tokens"] == 7
        assert usage["total_tokens"] == 30
        line = [one for one in host.output.splitlines() if "exchange done" in one][-1]
        assert "cost=0.3" in line and "cached_tokens=7" in line


# -- The termination tool ---------------------------------------------------------------------------------------------

ENDINGS = {
    "done": done({"final_answer": "It is sunny."}),
    "Final": done({"final_answer": "It is sunny."}, "Final"),
    "DONE": done({"final_answer": "It is sunny."}, "DONE"),
    "digits": done({"final_answer": "It is sunny."}, "15"),
    "call_digits": done({"final_answer": "It is sunny."}, "call_7"),
    "summary": done({"summary": "It is sunny."}),
    "final-answer": done({"final-answer": "It is sunny."}),
    "raw": done({"raw": {"answer": "It is sunny."}}),
    "raw text": done({"raw": json.dumps({"final_answer": "It is sunny."})}),
}


@every_client
@both_ways
@pytest.mark.parametrize("ending", ENDINGS)
def test_its_answer_is_the_content_and_it_is_gone(packages, upstream, client, stream, ending):
    agent = client(*packages)
    upstream.reply(say("", ENDINGS[ending], thought="Sun."))
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "It is sunny.", (), agent.finished)
    assert told.thought == "Sun."
    if not stream:
        assert told.header == "attempts=1; result=answer"


@every_client
@both_ways
def test_every_piece_of_its_arguments(packages, upstream, client, stream):
    agent = client(*packages)
    answer = 'Zürich: "21 °C" \\ 🌍\n\ttab'
    for escaped in (True, False):
        arguments = json.dumps({"x": ["}", {"final_answer": 1}], "final_answer": answer}, ensure_ascii=escaped)
        upstream.reply(say("", ("call_d", "done", arguments), pieces=len(arguments)))
        is_told(agent.ask(agent.request("plain"), stream), answer, (), agent.finished)


@every_client
@both_ways
def test_its_answer_follows_a_text_as_a_paragraph(packages, upstream, client, stream):
    agent = client(*packages)
    upstream.reply(say("I looked.", done({"final_answer": "It is sunny."})))
    is_told(agent.ask(agent.request("plain"), stream), "I looked.\n\nIt is sunny.", (), agent.finished)


@every_client
@both_ways
def test_text_and_then_done(packages, upstream, client, stream):
    """The original's test: text, the reminder, done with a summary."""
    agent = client(*packages)
    upstream.reply(say("Working."))
    upstream.reply(say("", done({"summary": "All done"})))
    is_told(agent.ask(agent.request("plain"), stream), "Working.\n\nAll done", (), agent.finished)


@every_client
@both_ways
def test_beside_real_calls_only_it_goes(packages, upstream, client, stream):
    agent = client(*packages)
    upstream.reply(say("", done({"final_answer": "Nearly."}), WEATHER))
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "Nearly.", [("weather", '{"city":"SF"}')], agent.called)


@every_client
@both_ways
def test_an_answer_is_demanded_if_nothing_was_said(packages, upstream, client, stream):
    agent = client(*packages)
    upstream.reply(say("", done({}), thought="Hm."))
    upstream.reply(say("", done({"final_answer": "It is sunny."})))
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "It is sunny.", (), agent.finished)
    said, result = bodies(upstream)[1]["messages"][-2:]
    assert said["tool_calls"] == [replies.call(0, "done", "{}", "call_d")] and said["reasoning_content"] == "Hm."
    assert result["role"] == "tool" and result["tool_call_id"] == "call_d" and result["content"].startswith(DEMAND)


@every_client
@both_ways
def test_no_answer_is_demanded_where_something_was_said(packages, upstream, client, stream):
    agent = client(*packages)
    upstream.reply(say("It is sunny.", done({})))
    is_told(agent.ask(agent.request("plain"), stream), "It is sunny.", (), agent.finished)


@both_ways
def test_nor_where_it_was_said_earlier_in_the_turn(packages, upstream, stream):
    agent = Chat(*packages)
    call = replies.call(0, "weather", "{}", "call_1")
    tail = [{"role": "assistant", "content": "I look.", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "call_1", "content": "sun"}]
    upstream.reply(say("", done({})))
    is_told(agent.ask(agent.request("plain", tail=tail), stream), "", (), "stop")


@both_ways
def test_a_name_with_digits_in_it_is_a_call(packages, upstream, stream):
    agent = Chat(*packages)
    name = "mcp__context7__resolve-library-id"
    upstream.reply(say("", ("call_1", name, '{"q":1}'), thought="Library."))
    told = agent.ask(agent.request("plain", tools=(name,)), stream)
    is_told(told, "", [(name, '{"q":1}')], "tool_calls")
    assert told.thought == "Library."


@every_client
@both_ways
@pytest.mark.parametrize("name", ["done", "Done", "final", "15"])
def test_the_clients_own_tool_is_the_clients(packages, upstream, client, stream, name):
    agent = client(*packages)
    upstream.reply(say("", done({"city": "mine"}, name)))
    told = agent.ask(agent.request("plain", tools=(name, "weather")), stream)
    is_told(told, "", [(name, '{"city":"mine"}' if client is Messages else '{"city": "mine"}')], agent.called)
    tools = [tool["function"]["name"] for tool in bodies(upstream)[0]["tools"]]
    assert tools == ([name, "weather"] if name.lower() == "done" else [name, "weather", "done"])


# -- Streaming --------------------------------------------------------------------------------------------------------


@every_client
def test_the_answer_streams_while_its_json_is_arriving(packages, upstream, client):
    agent = client(*packages)
    gate = threading.Event()
    head, *rest = replies.call_deltas(0, "done", ['{"final_answer":"It ', "is su", 'nny."}'], "call_d")
    chunk = lambda delta: replies.http_chunk(replies.event(replies.chunk(delta)))  # noqa: E731
    upstream.reply(
        replies.HEAD, chunk({"role": "assistant"}), chunk(head), chunk(rest[0]), chunk(rest[1]), Until(gate), chunk(rest[2]),
        replies.http_chunk(replies.event(replies.chunk({}, "tool_calls"))), replies.http_chunk(replies.DONE), replies.LAST_CHUNK,
    )  # fmt: skip
    heard = ""
    for text in agent.texts(agent.request("plain")):
        heard += text
        if heard == "It is su":
            assert not gate.is_set()
            gate.set()  # Only what came before can have brought the client here.
    assert heard == "It is sunny." and gate.is_set()


@every_client
def test_a_rejected_text_streams_before_the_next_attempt_answers(packages, upstream, client):
    agent = client(*packages)
    gate = threading.Event()
    upstream.reply(say("Let me see."))
    upstream.reply(Until(gate), *replies.stream(chunks("Well.", WEATHER, finish="tool_calls")))
    heard = ""
    for text in agent.texts(agent.request("plain")):
        heard += text
        if heard == "Let me see.":
            upstream.wait_request(1)
            gate.set()
    assert heard == "Let me see.\n\nWell."


def test_silent_attempts_are_kept_alive(packages, upstream, host):
    """Ten silent seconds in the second attempt."""
    gate = threading.Event()
    upstream.reply(say("Let me see."))
    upstream.reply(Until(gate), *replies.stream(chunks("", WEATHER, finish="tool_calls")))
    agent = Chat(*packages)
    with wire.Connection(host.port) as connection:
        connection.request("POST", agent.path, json.dumps({**agent.request("plain"), "stream": True}).encode())
        assert connection.read_head()[0] == 200
        connection.socket.settimeout(20)
        got = b""
        while b": keep-alive" not in got and b": ping" not in got and not got.endswith(b":\n\n"):
            got += connection.read_chunk()
            if b"tool_calls" in got:
                raise AssertionError("the upstream answered before the gate was opened")
        gate.set()
        while b"[DONE]" not in got:
            got += connection.read_chunk()
    assert b"weather" in got


# -- Failures ---------------------------------------------------------------------------------------------------------


def refused(status: int) -> bytes:
    return replies.response({"error": {"message": "broken", "type": "x"}}, status, "No")


@every_client
def test_a_second_attempt_that_fails_is_an_error_of_the_whole(packages, upstream, client):
    agent = client(*packages)
    upstream.reply(say("Let me see."))
    upstream.reply(refused(500))
    with pytest.raises((openai.InternalServerError, anthropic.InternalServerError)):
        agent.ask(agent.request("plain"), False)


@every_client
@pytest.mark.parametrize("how", ["500", "gone", "middle"])
def test_a_second_attempt_that_fails_ends_the_stream_legally(packages, upstream, client, how):
    agent = client(*packages)
    upstream.reply(say("Let me see."))
    half = [replies.HEAD, *(replies.http_chunk(replies.event(one)) for one in chunks("Then it", finish=None))]
    upstream.reply(*{"500": [refused(500)], "gone": [Finish()], "middle": [*half, Finish()]}[how])
    if client.name == "responses":  # Its package hands the failure on as an event.
        events = list(agent.api.create(stream=True, **agent.request("plain")))
        heard = "".join(one.delta for one in events if one.type == "response.output_text.delta")
        assert [events[-2].type, events[-1].type] == ["error", "response.failed"]
    else:
        heard = ""
        with pytest.raises((openai.APIError, anthropic.APIError)):
            for text in agent.texts(agent.request("plain")):
                heard += text
    assert heard == "Let me see." + ("\n\nThen it" if how == "middle" else "")


@every_client
@both_ways
@pytest.mark.parametrize("how", ["429", "500", "gone"])
def test_it_is_made_again_while_it_has_said_nothing(start_host, upstream, client, stream, how):
    host = start_host({"models": models(upstream.url), "routing": {"retries": 1, "retry_budget": 1, "backoff": 0.01}})
    agent = client(*official(host))
    upstream.reply(say("Let me see."))
    upstream.reply(*{"429": [refused(429)], "500": [refused(500)], "gone": [Finish()]}[how])
    upstream.reply(say("", WEATHER))
    told = agent.ask(agent.request("plain"), stream)
    is_told(told, "Let me see.", [("weather", '{"city":"SF"}')], agent.called)
    assert told.usage == (20, 10)
    _, failed, last = bodies(upstream) if how != "gone" else [*bodies(upstream)]
    assert last == failed


@every_client
@both_ways
def test_or_on_another_route(start_host, upstream, second_upstream, client, stream):
    first = entry("pair", upstream.url, ensure_tool_call=True)
    second = {**entry("pair", second_upstream.url), "model": "other-model"}
    host = start_host({"models": [first, second]})
    agent = client(*official(host))
    upstream.reply(say("Let me see."))
    upstream.reply(refused(500))
    second_upstream.reply(say("Here.", WEATHER))
    told = agent.ask(agent.request("pair"), stream)
    is_told(told, "Let me see.\n\nHere.", [("weather", '{"city":"SF"}')], agent.called)
    (asked,) = bodies(second_upstream)
    assert asked["model"] == "other-model" and asked["messages"] == bodies(upstream)[1]["messages"]


@both_ways
def test_a_first_attempt_that_fails_falls_back_as_ever(start_host, upstream, second_upstream, stream):
    first, second = (entry("pair", one.url, ensure_tool_call=True) for one in (upstream, second_upstream))
    agent = Chat(*official(start_host({"models": [first, second]})))
    upstream.reply(refused(500))
    second_upstream.reply(say("Hm."))
    second_upstream.reply(say("", WEATHER))
    told = agent.ask(agent.request("pair"), stream)
    is_told(told, "Hm.", [("weather", '{"city":"SF"}')], "tool_calls")


@both_ways
def test_a_client_that_goes_in_the_second_attempt(packages, upstream, host, stream):
    upstream.reply(say("Let me see."))
    upstream.reply(Hang())
    agent = Chat(*packages)
    with wire.Connection(host.port) as connection:
        body = json.dumps({**agent.request("plain"), "stream": stream}).encode()
        connection.request("POST", agent.path, body)
        request = upstream.wait_request(1)
    assert request.closed.wait(5), "the upstream's connection stayed open"


@both_ways
def test_a_total_time_covers_all_attempts(start_host, upstream, stream):
    host = start_host({"models": models(upstream.url), "timeouts": {"total": 1}})
    upstream.reply(say("Let me see."))
    upstream.reply(Hang())
    began = time.monotonic()
    agent = Chat(*official(host))
    body = {**agent.request("plain"), "stream": stream}
    answer = wire.chat(host.port, body)
    assert time.monotonic() - began < 5 and b"timeouts.total" in answer.body
    assert answer.complete and answer.status == (200 if stream else 504)


def test_each_attempt_has_its_first_token_to_wait_for(start_host, upstream):
    host = start_host({"models": models(upstream.url), "timeouts": {"first_token": 1}})
    role = replies.http_chunk(replies.event(replies.chunk({"role": "assistant", "content": ""})))
    upstream.reply(say("Let me see."))
    upstream.reply(replies.HEAD, role, Hang())
    agent = Chat(*official(host))
    answer = wire.chat(host.port, {**agent.request("plain"), "stream": True})
    assert b"timeouts.first_token" in answer.body and b"Let me" in answer.body


def test_what_both_attempts_leave_out_is_told_once(start_host, upstream):
    strict = entry("strict", upstream.url, ensure_tool_call=True)
    strict["provider_config"]["flavour"] = "openai"
    host = start_host({"models": [strict]})
    upstream.reply(say("Let me see."))
    upstream.reply(say("", WEATHER))
    agent = Chat(*official(host))
    tail = [{"role": "assistant", "content": "x", "reasoning_content": "mine"}, {"role": "user", "content": "y"}]
    answer = wire.chat(host.port, agent.request("strict", tail=tail))
    names = answer.header("x-kimi-dropped").split(", ")
    assert names and len(names) == len(set(names)), names


@both_ways
def test_a_provider_without_an_upstream(start_host, upstream, stream):
    demo = {"name": "demo", "provider": "demo", "model": "demo", "ensure_tool_call": True, "transforms": ["kimi-k2"]}
    demo["provider_config"] = {"paceMs": 0, "script": "answer"}
    host = start_host({"models": [demo]})
    agent = Chat(*official(host))
    told = agent.ask(agent.request("demo"), stream)
    once = told.text.split("\n\n")[0]
    assert once and told.text.count(once) == 3 and told.finish == "stop"
    if not stream:
        assert told.header == "attempts=3; result=spent"


# -- Calls after the end ----------------------------------------------------------------------------------------------


@every_client
@both_ways
def test_an_agent_that_calls_again_after_the_answer_is_told_to_stop(packages, upstream, client, stream):
    agent = client(*packages)
    answer = f"All done for {client.name} {stream}."
    upstream.reply(say("", done({"final_answer": answer})))
    first = agent.ask(agent.request("plain"), stream)
    again = agent.ask(agent.request("plain", tail=first.turn), stream)
    assert (again.text, again.calls, again.finish, again.usage) == ("", [], agent.finished, (0, 0))
    assert len(upstream.requests) == 1, "an upstream was asked"
    if not stream:
        assert again.header == "attempts=0; result=stopped"
    # A user who goes on is answered.
    upstream.reply(say("", WEATHER))
    tail = [*first.turn, {"role": "user", "content": "And in LA?"}]
    assert agent.ask(agent.request("plain", tail=tail), stream).calls


@every_client
@both_ways
def test_a_prefill_is_no_answer(packages, upstream, client, stream):
    agent = client(*packages)
    upstream.reply(say("", WEATHER))
    told = agent.ask(agent.request("plain", tail=[{"role": "assistant", "content": "I shall"}]), stream)
    assert told.calls and len(upstream.requests) == 1


@both_ways
@pytest.mark.parametrize(
    "model, text, name, status, stops",
    [
        ("kimi-bare", "Summary: all is well", "TodoWrite", "completed", True),
        ("kimi-bare", "The CHANGES are in", "todowrite", "completed", True),
        ("kimi", "A summary", "TodoWrite", "completed", True),
        ("plain", "Summary: all is well", "TodoWrite", "completed", False),
        ("kimi-bare", "All is well", "TodoWrite", "completed", False),
        ("kimi-bare", "A summary", "Write", "completed", False),
        ("kimi-bare", "I make the changes", "TodoWrite", "pending", False),
    ],
)
def test_a_kimi_that_ends_with_its_list_of_todos(packages, upstream, stream, model, text, name, status, stops):
    agent = Chat(*packages)
    todos = json.dumps({"todos": [{"content": "x", "status": status}]})
    tail = [
        {"role": "assistant", "content": text, "tool_calls": [replies.call(0, name, todos, "call_t")]},
        {"role": "tool", "tool_call_id": "call_t", "content": "ok"},
    ]
    if not stops:
        upstream.reply(say("", WEATHER))
    told = agent.ask(agent.request(model, tools=("weather", name), tail=tail), stream)
    assert (told.calls == []) == stops and len(upstream.requests) == (0 if stops else 1)


@both_ways
def test_a_todo_call_with_a_summary_is_delivered(packages, upstream, stream):
    agent = Chat(*packages)
    upstream.reply(say("A summary.", ("call_t", "TodoWrite", '{"todos":[]}')))
    told = agent.ask(agent.request("kimi-bare", tools=("TodoWrite",)), stream)
    is_told(told, "A summary.", [("TodoWrite", '{"todos":[]}')], "tool_calls")


# -- Through kimi-k2 --------------------------------------------------------------------------------------------------


@every_client
@both_ways
def test_done_in_kimis_own_markup(packages, upstream, client, stream):
    agent = client(*packages)
    markup = (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.done:0<|tool_call_argument_begin|>"
        '{"final_answer":"It is sunny."}<|tool_call_end|><|tool_calls_section_end|>'
    )
    upstream.reply(say(markup, finish="stop", pieces=40))
    told = agent.ask(agent.request("kimi"), stream)
    is_told(told, "It is sunny.", (), agent.finished)
    names = [tool["function"]["name"] for tool in bodies(upstream)[0]["tools"]]
    assert names == ["weather", "done"]


@every_client
@both_ways
def test_text_then_markup(packages, upstream, client, stream):
    agent = client(*packages)
    markup = (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>"
        '{"city":"SF"}<|tool_call_end|><|tool_calls_section_end|>'
    )
    upstream.reply(say("Let me see.", thought="Hm."))
    upstream.reply(say(markup, finish="stop", pieces=40))
    told = agent.ask(agent.request("kimi"), stream)
    is_told(told, "Let me see.", [("weather", '{"city":"SF"}')], agent.called)
    said = bodies(upstream)[1]["messages"][-2]
    assert (said["content"], said["reasoning_content"]) == ("Let me see.", "Hm.")


@both_ways
def test_a_number_for_a_name_is_repaired_by_the_tools_first(packages, upstream, stream):
    """`15` with the arguments of the client's tool is the client's tool: the transform is asked first."""
    agent = Chat(*packages)
    upstream.reply(say("", ("call_1", "15", '{"city":"SF"}')))
    told = agent.ask(agent.request("kimi"), stream)
    is_told(told, "", [("weather", '{"city":"SF"}')], "tool_calls")
