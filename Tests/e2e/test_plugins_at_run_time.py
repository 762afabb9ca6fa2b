"""Plugins that break rules while they run: Tests/RuntimePlugins, one script or fault per model.

Whatever a plugin does, the client gets a legal answer in time, the host lives, and each exchange is ended exactly once:
the plugins log when one begins and ends, and the `plugged` fixture counts after each test.
"""

import json
import re
import threading
import time

import pytest

import chatshape
import hostprocess
import replies
import wire
from conftest import entry
from mock_upstream import Hang, Wait

SOURCES = hostprocess.ROOT / "Tests/RuntimePlugins"
SCRIPTS = re.findall(r'^    \{"(\w+)", next_', (SOURCES / "steps.c").read_text(), re.MULTILINE)
FAULTS = [
    "none", "begin_fails", "feed_fails", "flush_fails", "drops_everything", "drops_finish", "patch_not_json",
    "patch_in_two_ways", "changes_nothing", "replaces_request", "replaces_with_garbage", "replaces_with_array",
    "null_exchange", "emits_twice_finish", "holds_forever",
]  # fmt: skip
MODES = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
#: A chunked body of 64 kB pieces that does not end within a test.
ENDLESS = [step for _ in range(2000) for step in (replies.http_chunk(b"x" * (64 << 10)), Wait(0.01))]
QUICK = 3.0


def steps(script: str, url: str, **more) -> dict:
    config = {"script": script, "url": url}
    return {"name": script, "provider": "steps", "model": "m", "provider_config": config, **more}


def misbehave(fault: str) -> dict:
    return {"plugin": "misbehave", "config": {"fault": fault}}


def all_models(url: str) -> list[dict]:
    models = [steps(script, url) for script in SCRIPTS]
    for fault in FAULTS:
        models.append(steps("plain", url, name=f"plain+{fault}", transforms=[misbehave(fault)]))
        models.append(steps("slow", url, name=f"slow+{fault}", transforms=[misbehave(fault)]))
        models.append(entry(f"mock+{fault}", url, transforms=[misbehave(fault)]))
        models.append(steps("plain", url, name=f"none+{fault}", transforms=[misbehave("none"), misbehave(fault)]))
    models.append(steps("begin_fails", url, name="begin_fails+none", transforms=[misbehave("none")]))
    lost = f"http://127.0.0.1:{hostprocess.free_port()}"
    return [*models, steps("http", lost, name="http-nobody-listens")]


class Keeper:
    """Hosts by their timeouts, started when first asked for and again when a test before killed one."""

    def __init__(self, folder, plugins, url: str):
        self.folder, self.plugins, self.url = folder, plugins, url
        self.hosts: dict[str, hostprocess.Host] = {}
        self.started = 0

    def host(self, **timeouts) -> hostprocess.Host:
        key = json.dumps(timeouts)
        if key not in self.hosts or not self.hosts[key].alive:
            self.started += 1
            config = {"models": all_models(self.url), "timeouts": timeouts}
            host = hostprocess.Host(self.folder / str(self.started), config, plugins=self.plugins)
            self.hosts[key] = host.wait_ready()
        return self.hosts[key]

    def give_up(self, key: str):
        """Ends a host that is beyond hope."""
        host = self.hosts.pop(key)
        host.process.kill()
        host.stop()


@pytest.fixture(scope="session")
def keeper(runtime_plugins, shared_upstream, tmp_path_factory):
    made = Keeper(tmp_path_factory.mktemp("runtime-hosts"), runtime_plugins, shared_upstream.url)
    yield made
    for host in made.hosts.values():
        host.stop()


@pytest.fixture
def plugged(keeper, upstream):
    """Hosts with the plugins; every test leaves them alive, with each exchange ended once."""
    yield keeper.host
    upstream.reset()
    for key, host in list(keeper.hosts.items()):
        try:
            assert host.alive, f"the host died:\n{host.output[-4000:]}"
            assert_each_ended_once(host)
        except AssertionError:
            keeper.give_up(key)  # Later tests get one of their own.
            raise


def lives(host, what: str) -> list[tuple[str, str]]:
    """(plugin and exchange, why) of the log lines of that kind."""
    found = re.findall(rf"(steps|misbehave) {what} (\S+) why (\d+)", host.output)
    return [(f"{plugin} {identifier}", why) for plugin, identifier, why in found]


def assert_each_ended_once(host):
    end = time.monotonic() + QUICK
    while True:
        begun, ended = (sorted(name for name, _ in lives(host, what)) for what in ("begun", "ended"))
        if begun == ended:
            return
        assert time.monotonic() < end, f"begun but not ended, or the other way round: {set(begun) ^ set(ended)}"
        time.sleep(0.05)


def body(model: str, **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}


def ask(host, model: str, within: float = QUICK, **more):
    """One answer, which must come in time."""
    started = time.monotonic()
    answer = wire.chat(host.port, body(model, **more))
    assert time.monotonic() - started < within, f"the answer took {time.monotonic() - started:.1f} s"
    return answer


def understood(answer, stream: bool) -> chatshape.Reply:
    assert answer.status == 200, answer.body[:500]
    assert answer.complete
    return chatshape.streamed(answer.frames) if stream else chatshape.unary(answer.json)


def error_of(answer) -> dict:
    """The error of an answer that failed, before or after output had begun."""
    if answer.status == 200:
        assert answer.header("content-type").startswith("text/event-stream"), f"no error: {answer.body[:500]!r}"
        answer.body.decode("utf-8")
        return chatshape.assert_stream_error(answer)
    return chatshape.assert_error(answer, *range(400, 600))


def assert_legal(answer, stream: bool):
    """Complete, or a legal error."""
    if answer.status != 200 or (stream and "[DONE]" not in answer.frames):
        error_of(answer)
    else:
        understood(answer, stream)


# -- steps of a plan --------------------------------------------------------------------------------------------------


@MODES
def test_http_then_send(plugged, upstream, stream):
    upstream.reply(replies.response(b"token-from-the-side", kind="text/plain"))
    upstream.reply(replies.response(b"the answer", kind="text/plain"))
    answer = ask(plugged(), "http", stream=stream)
    assert understood(answer, stream).only.content == "the answer"
    side, main = upstream.requests
    assert (side.method, side.target, side.body) == ("GET", "/v1/token", b"")
    assert (main.method, main.target) == ("POST", "/v1/chat/completions")
    assert main.header("x-token") == "token-from-the-side" and main.header("x-token-status") == "200"
    assert json.loads(main.body)["messages"] == body("http")["messages"]


def test_http_that_is_refused_comes_back_with_its_status(plugged, upstream):
    upstream.reply(replies.response(b"nobody", 403, "No", kind="text/plain"))
    upstream.reply(replies.response(b"the answer", kind="text/plain"))
    assert understood(ask(plugged(), "http"), False).only.content == "the answer"
    assert upstream.requests[1].header("x-token-status") == "403"
    assert upstream.requests[1].header("x-token") == "nobody"


def test_http_to_nobody(plugged):
    error = chatshape.assert_error(ask(plugged(), "http-nobody-listens"), 502)
    assert "step 3 came back with -" in error["message"]


@MODES
def test_http_answer_too_large(plugged, upstream, stream):
    upstream.reply(replies.response(b"x" * (5 << 20), kind="text/plain"))
    error = error_of(ask(plugged(), "http", stream=stream))
    assert "step 3 came back with -" in error["message"] and "4194304" in error["message"]
    assert len(upstream.requests) == 1, "the provider failed and yet a request went up"


def test_http_answer_that_never_ends(plugged, upstream):
    upstream.reply(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *ENDLESS)
    assert "4194304" in error_of(ask(plugged(), "http", within=8))["message"]
    assert upstream.requests[0].closed.wait(1), "the endless answer is still being read"


def test_http_answer_that_never_comes(plugged, upstream):
    upstream.reply(Hang())
    chatshape.assert_error(ask(plugged(head=0.2, idle=1, hold=0.3), "http"), 502, 504)
    assert upstream.requests[0].closed.wait(1)


def test_cancelled_during_http(plugged, upstream):
    upstream.reply(Hang())
    with wire.Connection(plugged().port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body("http")).encode())
        side = upstream.wait_request()
    assert side.closed.wait(1), "the side request went on after the client had gone"


@MODES
def test_a_planned_wait_is_no_timeout(plugged, stream):
    """WAIT is the plugin's wish; timeouts.head is about the upstream."""
    started = time.monotonic()
    answer = ask(plugged(head=0.2, idle=1, hold=0.3), "wait", stream=stream)
    assert understood(answer, stream).only.content == "Hello there."
    assert time.monotonic() - started > 0.5


def test_cancelled_during_wait(plugged):
    host = plugged()
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body("wait")).encode())
        time.sleep(0.1)
    time.sleep(0.7)


def test_unsupported_step(plugged):
    error = error_of(ask(plugged(), "unsupported"))
    assert "step 2 came back with -9" in error["message"]


def test_unknown_steps_are_refused(plugged):
    assert understood(ask(plugged(), "unknown_step"), False).only.content == "999:-9 GRANT:-9"


@pytest.mark.parametrize("model", ["forbidden_host", "forbidden_side_host"])
def test_forbidden_host(plugged, model):
    error = chatshape.assert_error(ask(plugged(), model), 500, 502)
    assert "forbidden.example" in error["message"] and "steps" in error["message"]


def test_no_step(plugged):
    error = chatshape.assert_error(ask(plugged(), "no_step"), 500)
    assert "no step" in error["message"] and "steps" in error["message"]


def test_many_steps(plugged):
    error = chatshape.assert_error(ask(plugged(), "many_steps"), 500)
    assert "32 steps" in error["message"]


def test_a_second_step_is_refused(plugged):
    assert understood(ask(plugged(), "two_steps"), False).only.content == "second:-3"


def test_body_in_pieces(plugged, upstream):
    upstream.reply(replies.response(b"taken", kind="text/plain"))
    assert understood(ask(plugged(), "body_in_pieces", within=1.5), False).only.content == "taken"
    whole = bytes(range(251)) * ((8 << 20) // 251 + 1)
    assert upstream.requests[0].body == whole[: 8 << 20]


def test_get_without_body(plugged, upstream):
    upstream.reply(replies.response(b"models", kind="text/plain"))
    assert understood(ask(plugged(), "method_get_no_body"), False).only.content == "models"
    request = upstream.requests[0]
    assert (request.method, request.target, request.body) == ("GET", "/v1/models", b"")
    assert request.header("content-length") in (None, "0") and request.header("transfer-encoding") is None


def test_bad_fields_are_refused(plugged):
    """Line ends in names, values and methods (KIMI_E_ARG), a value over the bound (KIMI_E_LIMIT), an unknown field."""
    said = understood(ask(plugged(), "bad_fields"), False).only.content
    assert said == "value:-1 name:-1 secret:-1 method:-1 length:-7 unknown:-1"


# -- failures that plugins report -------------------------------------------------------------------------------------


def test_begin_fails(plugged):
    answer = ask(plugged(), "begin_fails")
    assert "begin fails as told" in chatshape.assert_error(answer, 429)["message"]
    assert answer.header("retry-after") == "7"


@pytest.mark.parametrize("model,words", [
    ("begin_null", "steps"), ("next_fails", "next fails as told"), ("flush_fails", "flush fails as told"),
    ("begin_fails+none", "begin fails as told"), ("done_without_finish", ""),
])  # fmt: skip
@MODES
def test_failure_before_output(plugged, model, words, stream):
    assert words in error_of(ask(plugged(), model, stream=stream))["message"]


@MODES
def test_result_fails(plugged, upstream, stream):
    upstream.reply(replies.response(b"unwanted", kind="text/plain"))
    error = error_of(ask(plugged(), "result_fails", stream=stream))
    assert "result fails as told" in error["message"]


@MODES
def test_feed_fails_midway(plugged, stream):
    answer = ask(plugged(), "feed_fails_midway", stream=stream)
    assert "feed fails as told" in error_of(answer)["message"]
    if stream:
        first = [json.loads(frame) for frame in answer.frames[:-1]]
        assert "".join(c["delta"].get("content") or "" for one in first for c in one["choices"]) == "Hello"
    else:
        assert answer.status >= 500


@pytest.mark.parametrize("model", ["silent_ticks", "silent_busy_ticks"])
@MODES
def test_silent_ticks(plugged, model, stream):
    """A plugin that takes ticks and says nothing is ended by timeouts.idle."""
    error = error_of(ask(plugged(head=0.2, idle=1, hold=0.3), model, within=4, stream=stream))
    assert error["code"] == "timeout"


def test_slow_ticks_are_no_timeout(plugged):
    answer = ask(plugged(head=0.2, idle=1, hold=0.3), "slow", stream=True)
    assert understood(answer, True).only.content == "tick " * 8


def test_busy_ticks_do_not_hold_up_others(plugged):
    """A pace of 0 is many ticks, not one that never returns."""
    host = plugged()
    with wire.Connection(host.port) as busy:
        busy.request("POST", "/v1/chat/completions", json.dumps(body("silent_busy_ticks")).encode())
        time.sleep(0.1)
        for _ in range(8):  # Enough connections for every event loop to get one.
            with wire.Connection(host.port) as connection:
                connection.socket.settimeout(2)
                connection.request("POST", "/v1/chat/completions", json.dumps(body("plain")).encode())
                assert connection.read_response().status == 200


# -- one end per exchange ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["text_for_ever", "silent_ticks", "silent_busy_ticks"])
@MODES
def test_cancelled(plugged, model, stream):
    host = plugged()
    before = len(lives(host, "ended"))
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body(model, stream=stream)).encode())
        if stream and model == "text_for_ever":
            assert connection.read_head()[0] == 200
            connection.read_chunk()
        time.sleep(0.15)
    assert_each_ended_once(host)
    assert [why for _, why in lives(host, "ended")[before:]] == ["3"], "KIMI_WHY_CANCELLED was due"


@pytest.mark.parametrize("model,why", [("plain", "1"), ("feed_fails_midway", "5"), ("second_start", "1")])
def test_the_reason_of_the_end(plugged, model, why):
    host = plugged()
    identifier = ask(host, model).header("x-request-id")
    assert_each_ended_once(host)
    assert [reason for name, reason in lives(host, "ended") if name == f"steps {identifier}"] == [why]


def test_many_at_once_and_every_second_cancelled(plugged):
    host = plugged()
    models = ["plain", "slow", "text_for_ever", "feed_fails_midway", "none+none", "slow+holds_forever"]

    def work(number):
        with wire.Connection(host.port) as connection:
            request = json.dumps(body(models[number % len(models)], stream=True)).encode()
            connection.request("POST", "/v1/chat/completions", request)
            if number % 2:
                connection.read_head()
            time.sleep(0.01 * (number % 20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(120)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_each_ended_once(host)


# -- events that break rules ------------------------------------------------------------------------------------------


BROKEN = {
    "emits_before_start": ("early", "stream_order"), "event_after_finish": ("Hellolate", "stream_order"),
    "second_start": ("Hello", "stream_order"), "choice_extreme": ("Hello", "stream_order"),
    "call_extreme": ("", "stream_order"), "ignores_stop": ("Hello" + "late" * 10_000, "stream_order"),
    "json_invalid_response": ("Hello there.", "stream_dropped"), "json_invalid_choice": ("Hello there.", "stream_dropped"),
    "json_invalid_message": ("Hello there.", "stream_dropped"), "json_injecting": ("Hello there.", "stream_dropped"),
    "json_bad_utf8": ("Hello there.", "stream_dropped"), "part_invalid": ("Hello there.", "stream_dropped"),
}  # fmt: skip


@pytest.mark.parametrize("model", BROKEN)
@MODES
def test_broken_rules_are_put_right_and_told(plugged, model, stream):
    host = plugged()
    answer = ask(host, model, stream=stream)
    assert answer.status == 200, answer.body
    wanted, note = BROKEN[model]
    assert said(answer, stream) == wanted
    assert b"injected" not in answer.body
    identifier = answer.header("x-request-id")
    rows = [line for line in host.output.splitlines() if identifier in line and "exchange done" in line]
    assert len(rows) == 1 and f"{note}=" in rows[0], rows


def said(answer, stream: bool) -> str:
    """The text of the only choice, which has a reason to end, once."""
    if not stream:
        (choice,) = json.loads(answer.body)["choices"]
        assert choice["finish_reason"] == "stop"
        return choice["message"]["content"] or ""
    *frames, end, rest = answer.body.decode().split("\n\n")
    assert (end, rest) == ("data: [DONE]", "")
    choices = [choice for frame in frames for choice in json.loads(frame.removeprefix("data: "))["choices"]]
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert choices[-1]["finish_reason"] == "stop"
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@MODES
def test_events_after_an_error(plugged, stream):
    answer = ask(plugged(), "event_after_error", stream=stream)
    assert "the upstream says no" in error_of(answer)["message"]
    assert b"late" not in answer.body


@MODES
def test_unknown_event_types_are_skipped(plugged, stream):
    assert understood(ask(plugged(), "unknown_event_type", stream=stream), stream).only.content == "Hello there."


@MODES
def test_json_over_several_lines(plugged, stream):
    answer = ask(plugged(), "json_with_newlines", stream=stream, stream_options={"include_usage": True})
    reply = understood(answer, stream)
    assert reply.only.content == "Hello"
    assert reply.usage["prompt_tokens"] == 3 and reply.usage["more"] == {"x": 1}
    values = [json.loads(frame) for frame in answer.frames[:-1]] if stream else [answer.json]
    choices = [choice for value in values for choice in value["choices"]]
    messages = [choice["delta" if stream else "message"] for choice in choices]
    expected = {"a": [1, 2]}
    assert any(value.get("on_response") == expected for value in values)
    assert any(choice.get("on_choice") == expected for choice in choices)
    assert any(message.get("on_message") == expected for message in messages)
    part = {"type": "image_url", "image_url": {"url": "data:,"}}
    assert any(message.get("images") == [part] for message in messages)


@pytest.mark.parametrize("model", ["usage_invalid", "usage_max", "usage_min"])
@pytest.mark.parametrize("include_usage", [False, True])
@MODES
def test_usage_extremes(plugged, model, include_usage, stream):
    options = {"stream_options": {"include_usage": True}} if include_usage else {}
    assert_legal(ask(plugged(), model, stream=stream, **options), stream)


@MODES
def test_text_that_is_not_utf8(plugged, stream):
    assert_legal(ask(plugged(), "bad_utf8", stream=stream), stream)


@MODES
def test_a_choice_may_be_missing(plugged, stream):
    reply = understood(ask(plugged(), "choice_1_only", n=2, stream=stream), stream)
    assert reply.choices[1].content == "Hello"
    assert list(reply.choices) == [1], "nobody spoke of choice 0"


@pytest.mark.parametrize("model", ["retry_after_max", "error_min", "begin_retry_extreme"])
@MODES
def test_error_extremes(plugged, model, stream):
    answer = ask(plugged(), model, stream=stream)
    error_of(answer)
    if model != "error_min":
        assert answer.status == 429
    after = answer.header("retry-after")
    assert after is None or re.fullmatch(r"\d+", after), after


# -- transforms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["none", "null_exchange", "changes_nothing", "patch_in_two_ways", "replaces_request",
                                   "emits_twice_finish", "holds_forever"])  # fmt: skip
@pytest.mark.parametrize("prefix", ["plain", "none"])
@MODES
def test_transforms_that_are_in_order(plugged, fault, prefix, stream):
    answer = ask(plugged(), f"{prefix}+{fault}", stream=stream)
    assert understood(answer, stream).only.content == "Hello there."


@pytest.mark.parametrize("fault,words", [
    ("begin_fails", "begin fails as told"), ("feed_fails", "feed fails as told"),
    ("flush_fails", "flush fails as told"), ("drops_everything", ""), ("drops_finish", ""),
    ("patch_not_json", "misbehave"),
    ("replaces_with_garbage", "misbehave"), ("replaces_with_array", "misbehave"),
])  # fmt: skip
@pytest.mark.parametrize("prefix", ["plain", "none"])
@MODES
def test_transforms_that_fail(plugged, fault, words, prefix, stream):
    assert words in error_of(ask(plugged(), f"{prefix}+{fault}", stream=stream))["message"]


@pytest.mark.parametrize("fault", ["feed_fails", "drops_everything"])
@MODES
def test_a_failed_transform_ends_the_upstream(plugged, upstream, fault, stream):
    upstream.reply(replies.auto)
    error_of(ask(plugged(), f"mock+{fault}", stream=stream))


@pytest.mark.parametrize("fault", ["begin_fails", "patch_not_json", "replaces_with_garbage", "replaces_with_array"])
def test_nothing_goes_up_after_a_bad_change(plugged, upstream, fault):
    error_of(ask(plugged(), f"mock+{fault}"))
    assert not upstream.requests


def test_the_replaced_request_goes_up(plugged, upstream):
    upstream.reply(replies.auto)
    understood(ask(plugged(), "mock+replaces_request"), False)
    sent = json.loads(upstream.requests[0].body)
    assert sent["messages"] == [{"role": "user", "content": "replaced"}]


def test_what_is_held_too_long_is_asked_for(plugged):
    host = plugged(head=0.2, idle=2, hold=0.2)
    identifier = "held-too-long"
    with wire.Connection(host.port) as connection:
        request = json.dumps(body("slow+holds_forever", stream=True)).encode()
        connection.request("POST", "/v1/chat/completions", request, {"x-request-id": identifier})
        status, headers = connection.read_head()
        started = time.monotonic()
        answer = wire.Response(status, headers, b"", True)
        connection._read_body(answer)
    assert time.monotonic() - started > 0.15, "nothing came before the answer was over"
    assert understood(answer, True).only.content == "tick " * 8
    given = answer.header("x-request-id")
    reasons = [why for name, why in lives(host, "flushed") if name == f"misbehave {given}"]
    assert "4" in reasons[:-1] and reasons[-1] == "1", f"TIMEOUT, then END: {reasons}"
