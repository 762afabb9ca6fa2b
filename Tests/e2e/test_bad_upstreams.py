"""Whatever the upstream does: a legal error, in time, and never a stream that only looks complete."""

import time

import openai
import pytest

import chatshape
import replies
import wire
from conftest import entry
from mock_upstream import Finish, Hang, Reset, Wait
from replies import HEAD, HEAD_UNTIL_CLOSE, LAST_CHUNK, chunk, event, http_chunk, response

HTML = "<html><body><h1>500 Internal Server Error</h1></body></html>"
MODELS = ["mock", "mock-kimi"]
TEXT = [event(one) for one in replies.text_chunks("Hel", "lo", finish=None)]
STARTED = [HEAD, *map(http_chunk, TEXT)]


def body(model="mock", **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}


def openai_error(message="no", kind="invalid_request_error", code=None) -> dict:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


# -- no answer, or not one that the API promises: name, steps of the upstream, statuses that are right ----------------

BEFORE = {
    "closed at once": ([Finish()], {502}),
    "reset at once": ([Reset()], {502}),
    "half a head": ([b"HTTP/1.1 200 OK\r\ncontent-", Finish()], {502}),
    "not http": ([b"SSH-2.0-OpenSSH_9.2\r\n", Finish()], {502}),
    "500 with html": ([response(HTML, 500, "Oops", kind="text/html")], {500, 502}),
    "503 empty": ([response(b"", 503, "Busy")], {502, 503}),
    "200 with html": ([response(HTML, kind="text/html")], {502}),
    "200 empty": ([response(b"")], {502}),
    "200 with an error body": ([response(openai_error("upstream says no"))], {400, 500, 502}),
    "redirect": ([response(b"", 302, "Found", {"location": "http://127.0.0.1:1/"})], {502}),
    "error body that breaks off": ([b"HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\nhalf", Finish()], {500, 502}),
    "error as bad utf-8": ([response(b"\xff\xfe{", 500, "No")], {500, 502}),
    "error of 8 MB": ([response(b"x" * (8 << 20), 500, "No")], {500, 502}),
    "error as text": ([response(b'{"error":"plain text"}', 500, "No")], {500, 502}),
    "error with a number as code": ([response(b'{"error":{"message":"m","code":500}}', 500, "No")], {500, 502}),
    "error with null": ([response(b'{"error":{"message":null,"type":null}}', 500, "No")], {500, 502}),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
@pytest.mark.parametrize("name", BEFORE)
def test_error_before_any_output(host, upstream, name, stream, model):
    steps, statuses = BEFORE[name]
    upstream.always(*steps)
    started = time.monotonic()
    answer = wire.chat(host.port, body(model, stream=stream))
    if answer.status == 200 and stream:
        error = chatshape.assert_stream_error(answer)
    else:
        error = chatshape.assert_error(answer, *statuses)
    assert time.monotonic() - started < 5
    assert len(error["message"]) < 4000
    assert answer.header("x-request-id")


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
def test_refused(host, stream):
    error = chatshape.assert_error(wire.chat(host.port, body("mock-nobody-listens", stream=stream)), 502)
    assert "sk-upstream" not in error["message"]


def test_unknown_upstream_name(start_host):
    lost = start_host({"models": [entry("mock", "http://no-such-host.invalid/v1")]})
    chatshape.assert_error(wire.chat(lost.port, body()), 502)


@pytest.mark.parametrize(
    "status,code,expected",
    [(400, "context_length_exceeded", {400}), (401, "invalid_api_key", {401, 502}), (403, None, {403, 502}),
     (404, "model_not_found", {404, 502}), (422, None, {400, 422}), (429, "rate_limit_exceeded", {429}),
     (500, None, {500, 502}), (503, None, {503, 502})],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
def test_upstream_errors_keep_their_message(host, upstream, status, code, expected, stream):
    upstream.always(response(openai_error("the very reason", code=code), status, "No"))
    error = chatshape.assert_error(wire.chat(host.port, body(stream=stream)), *expected)
    assert "the very reason" in error["message"]
    if status in (400, 429):
        assert error["code"] == code


def test_rate_limit_with_retry_after(host, upstream, client):
    limited = response(openai_error("slow down", "requests", "rate_limit_exceeded"), 429, "No", {"retry-after": "7"})
    upstream.always(limited)
    answer = wire.chat(host.port, body())
    chatshape.assert_error(answer, 429)
    assert answer.header("retry-after") == "7"
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**body())
    assert caught.value.response.headers["retry-after"] == "7"


# -- unary answers that break -----------------------------------------------------------------------------------------

WHOLE = response(replies.completion("x" * 200))
UNARY = {
    "shorter than its length": [WHOLE[:-50], Finish()],
    "reset inside": [WHOLE[:-50], Reset()],
    "broken json": [response(b'{"id":"a","choices":[{"index":0,"mess')],
    "no choices": [response({"id": "a", "object": "chat.completion", "created": 1, "model": "m"})],
    "choices of the wrong type": [response({**replies.completion("a"), "choices": "many"})],
    "an array": [response(b"[]")],
    "null": [response(b"null")],
    "chunk size is no number": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", Finish()],
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", UNARY)
def test_broken_unary_answer(host, upstream, name, model):
    upstream.always(*UNARY[name])
    chatshape.assert_error(wire.chat(host.port, body(model)), 502)


# -- streams that break after output has begun ------------------------------------------------------------------------

MIDDLE = {
    "cut off inside a chunk": [*STARTED, b"40\r\ndata: {", Finish()],
    "reset inside a chunk": [*STARTED, b"40\r\ndata: {", Reset()],
    "reset between events": [*STARTED, Reset()],
    "ended without finish": [*STARTED, LAST_CHUNK],
    "closed without finish": [HEAD_UNTIL_CLOSE, *TEXT, Finish()],
    "closed inside an event": [HEAD_UNTIL_CLOSE, *TEXT, event(chunk({"content": "half"}))[:-20], Finish()],
    "garbage": [*STARTED, http_chunk(b"data: {not json}\n\n"), LAST_CHUNK],
    "a json array": [*STARTED, http_chunk(b"data: [1,2]\n\n"), LAST_CHUNK],
    "bad utf-8": [*STARTED, http_chunk(b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n'), LAST_CHUNK],
    "html": [*STARTED, http_chunk(HTML.encode() + b"\n\n"), LAST_CHUNK],
    "an error event": [*STARTED, http_chunk(event(openai_error("overloaded", "server_error"))), LAST_CHUNK],
    "an error event and [DONE]": [*STARTED, http_chunk(event(openai_error())), http_chunk(replies.DONE), LAST_CHUNK],
    "an error as text": [*STARTED, http_chunk(event({"error": "overloaded"})), LAST_CHUNK],
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", MIDDLE)
def test_broken_stream(host, upstream, name, model):
    upstream.always(*MIDDLE[name])
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", replies.dumps(body(model, stream=True)).encode())
        answer = connection.read_response()
        if answer.status != 200:
            # The break came before anything had left for the client: a status that says so is better than a stream.
            chatshape.assert_error(answer, 400, 500, 502, 503)
            return
        chatshape.assert_stream_error(answer)
        assert connection.at_end(), "the connection stays open after a failed stream"


def test_text_before_the_break_is_not_lost(host, upstream):
    upstream.always(*MIDDLE["reset between events"])
    answer = wire.chat(host.port, body(stream=True))
    assert b'"Hel"' in answer.body and b'"lo"' in answer.body


def test_the_official_client_sees_the_error(client, upstream):
    upstream.always(*MIDDLE["an error event"])
    with pytest.raises(openai.APIError, match="overloaded"):
        list(client.chat.completions.create(**body(stream=True)))


# Nothing but noise: the client may get an error status or an error event, but nothing that looks like an answer.
NOISE = {
    "empty stream": [HEAD, LAST_CHUNK],
    "only [DONE]": [HEAD, http_chunk(replies.DONE), LAST_CHUNK],
    "only comments": [HEAD, http_chunk(b": ping\n\n" * 20), LAST_CHUNK],
    "garbage at once": [HEAD, http_chunk(b"data: nonsense\n\n"), LAST_CHUNK],
    "binary": [HEAD, http_chunk(bytes(range(256)) * 50), LAST_CHUNK],
    "an error at once": [HEAD, http_chunk(event(openai_error("busy"))), LAST_CHUNK],
    "one endless line": [HEAD_UNTIL_CLOSE, b"data: " + b"x" * (40 << 20), Finish()],
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", NOISE)
def test_noise_instead_of_a_stream(host, upstream, name, model):
    upstream.always(*NOISE[name])
    answer = wire.chat(host.port, body(model, stream=True))
    if answer.status == 200:
        chatshape.assert_stream_error(answer)
    else:
        chatshape.assert_error(answer, 400, 500, 502, 503)


@pytest.mark.parametrize("model", MODELS)
def test_done_without_finish_is_complete(host, upstream, model):
    """Some upstreams leave finish_reason out; [DONE] says that the answer is whole."""
    upstream.reply(*replies.stream(replies.text_chunks("a", finish=None)))
    reply = chatshape.streamed(wire.chat(host.port, body(model, stream=True)).frames).only
    assert (reply.content, reply.finish) == ("a", "stop")


@pytest.mark.parametrize("model", MODELS)
def test_finish_without_done_is_complete(host, upstream, model):
    """Some upstreams leave [DONE] out; the client gets it, once."""
    upstream.reply(*replies.stream(replies.text_chunks("a"), done=False))
    assert chatshape.streamed(wire.chat(host.port, body(model, stream=True)).frames).only.content == "a"


@pytest.mark.parametrize("model", MODELS)
def test_bytes_after_done_are_ignored(host, upstream, model):
    events = [event(one) for one in replies.text_chunks("a")]
    late = event(chunk({"content": "late"}))
    upstream.reply(HEAD, *map(http_chunk, [*events, replies.DONE, late]), LAST_CHUNK)
    assert chatshape.streamed(wire.chat(host.port, body(model, stream=True)).frames).only.content == "a"


@pytest.mark.parametrize("model", MODELS)
def test_a_whole_answer_instead_of_a_stream(host, upstream, model):
    """A few upstreams ignore `stream`: the client gets a legal stream of it, or an error."""
    upstream.reply(response(replies.completion("a")))
    answer = wire.chat(host.port, body(model, stream=True))
    if answer.status != 200:
        chatshape.assert_error(answer, 502)
    elif answer.frames[-1] == "[DONE]":
        assert chatshape.streamed(answer.frames).only.content == "a"
    else:
        chatshape.assert_stream_error(answer)


# -- upstreams that take their time -----------------------------------------------------------------------------------

TIMEOUTS = {"connect": 1, "head": 0.7, "idle": 0.7}  # seconds


@pytest.fixture
def impatient(start_host, upstream):
    return start_host({"models": [entry("mock", upstream.url)], "timeouts": TIMEOUTS})


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
def test_never_an_answer(impatient, upstream, stream):
    upstream.always(Hang())
    started = time.monotonic()
    chatshape.assert_error(wire.chat(impatient.port, body(stream=stream)), 504)
    assert 0.5 < time.monotonic() - started < 4
    assert upstream.wait_request().closed.wait(1)


def test_a_stream_that_falls_silent(impatient, upstream):
    upstream.always(*STARTED, Hang())
    started = time.monotonic()
    chatshape.assert_stream_error(wire.chat(impatient.port, body(stream=True)))
    assert 0.5 < time.monotonic() - started < 4
    assert upstream.wait_request().closed.wait(1)


def test_a_body_that_falls_silent(impatient, upstream):
    upstream.always(WHOLE[:-50], Hang())
    chatshape.assert_error(wire.chat(impatient.port, body()), 504)


def test_slow_but_steady_is_fine(impatient, upstream):
    steps = [step for one in replies.stream(replies.text_chunks("a", "b", "c", "d")) for step in (one, Wait(0.25))]
    upstream.reply(*steps)
    assert chatshape.streamed(wire.chat(impatient.port, body(stream=True)).frames).only.content == "abcd"


def test_head_in_crumbs(host, upstream):
    upstream.reply(*[step for byte in WHOLE[:120] for step in (bytes([byte]), Wait(0.001))], WHOLE[120:])
    assert chatshape.unary(wire.chat(host.port, body()).json).only.content == "x" * 200


def test_a_stale_pooled_connection_is_not_the_clients_problem(host, upstream):
    """The upstream closes an idle connection; the next request goes through all the same."""
    for _ in range(3):
        upstream.reply(response(replies.completion("a")), Finish())
        assert wire.chat(host.port, body()).status == 200
        time.sleep(0.05)
