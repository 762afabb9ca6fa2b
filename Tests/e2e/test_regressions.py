"""Defects that were found once, and shall not come back."""

import json
import re
import time

import pytest

import chatshape
import hostprocess
import replies
import wire
from conftest import entry
from mock_upstream import Finish, Hang, Reset, Wait

MODES = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
MODELS = pytest.mark.parametrize("model", ["mock", "mock-kimi"])
CHAT = "/v1/chat/completions"
INT64_MAX = (1 << 63) - 1
#: Numbers that fit an Int64, a UInt64, a Double, or nothing; as JSON text.
EXTREMES = [
    str(INT64_MAX), str(-(1 << 63)), str(1 << 63), str((1 << 64) - 1), str(1 << 64), "1e300", "-1e300", "-1", "1e-300",
    "4294967295", "4294967296", "2147483648", "0.5", "9" * 400,
]  # fmt: skip


def models(url: str) -> list[dict]:
    return [entry("mock", url), entry("mock-kimi", url, transforms=["kimi-k2"])]


class Sturdy:
    """A host that is started again when a test killed it."""

    def __init__(self, folder, url: str):
        self.folder, self.url, self.started, self.host = folder, url, 0, None

    def running(self) -> hostprocess.Host:
        if self.host is None or not self.host.alive:
            self.started += 1
            self.host = hostprocess.Host(self.folder / str(self.started), {"models": models(self.url)}).wait_ready()
        return self.host


@pytest.fixture(scope="module")
def sturdy(shared_upstream, tmp_path_factory):
    made = Sturdy(tmp_path_factory.mktemp("regressions"), shared_upstream.url)
    yield made
    if made.host:
        made.host.stop()


@pytest.fixture
def host(sturdy, upstream):
    """In place of the host that all tests share, since these tests try to kill it."""
    running = sturdy.running()
    yield running
    assert running.alive, f"the host died:\n{running.output[-4000:]}"


def body(model="mock", **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}


def raw(model="mock", **more) -> bytes:
    return json.dumps(body(model, **more)).encode()


def assert_legal(answer, stream: bool):
    """Complete, or a legal error."""
    if answer.status != 200:
        chatshape.assert_error(answer, *range(400, 600))
    elif not stream:
        chatshape.unary(answer.json)
    elif "[DONE]" in answer.frames:
        chatshape.streamed(answer.frames)
    else:
        chatshape.assert_stream_error(answer)


def ends_within(connection: wire.Connection, seconds: float) -> bytes:
    """What still comes until the peer closes, which it must do in that time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        connection.socket.settimeout(left)
        try:
            if not connection.fill():
                return connection.buffer
        except TimeoutError:
            break
    raise AssertionError(f"the connection is still open after {seconds} s")


# -- numbers at the edge ----------------------------------------------------------------------------------------------


def with_number(stream: bool, spoil, number: str) -> list[bytes]:
    """The steps of a usual reply after `spoil` put the mark into it, with the mark replaced by the number."""
    mark = 123454321
    if stream:
        chunks = [*replies.text_chunks("Hello"), replies.usage_chunk()]
        for one in chunks:
            spoil(one, mark)
        events = [replies.event(one).replace(str(mark).encode(), number.encode()) for one in chunks]
        return [replies.HEAD, *map(replies.http_chunk, [*events, replies.DONE]), replies.LAST_CHUNK]
    whole = replies.completion("Hello")
    spoil(whole, mark)
    return [replies.response(replies.dumps(whole).replace(str(mark), number))]


def spoil_usage(value: dict, mark: int):
    if value.get("usage"):
        value["usage"] = {
            "prompt_tokens": mark, "completion_tokens": mark, "total_tokens": mark,
            "prompt_tokens_details": {"cached_tokens": mark}, "completion_tokens_details": {"reasoning_tokens": mark},
        }  # fmt: skip


def spoil_two_usages(value: dict, mark: int):
    """Without a total, so that the host adds them up."""
    if value.get("usage"):
        value["usage"] = {"prompt_tokens": mark, "completion_tokens": mark}


def spoil_created(value: dict, mark: int):
    value["created"] = mark


def spoil_index(value: dict, mark: int):
    for one in value["choices"]:
        one["index"] = mark


def spoil_call(value: dict, mark: int):
    for one in value["choices"]:
        call = {"index": mark, **replies.call(0, "look", "{}")}
        one["delta" if "delta" in one else "message"] |= {"tool_calls": [call]}


SPOILERS = [spoil_usage, spoil_two_usages, spoil_created, spoil_index, spoil_call]


@pytest.mark.parametrize("spoil", SPOILERS, ids=[spoil.__name__ for spoil in SPOILERS])
@pytest.mark.parametrize("include_usage", [False, True])
@MODELS
@MODES
def test_numbers_at_the_edge(host, upstream, spoil, include_usage, model, stream):
    more = {"stream_options": {"include_usage": True}} if include_usage else {}
    for number in EXTREMES:
        upstream.reply(*with_number(stream, spoil, number))
        answer = wire.chat(host.port, body(model, stream=stream, **more))
        assert host.alive, f"{number} killed the host:\n{host.output[-2000:]}"
        try:
            assert_legal(answer, stream)
        except Exception as found:
            raise AssertionError(f"{number}: {answer.status} {answer.body[:700]!r}") from found


@MODES
def test_the_largest_usage_is_told(host, upstream, stream):
    upstream.reply(*with_number(stream, spoil_usage, str(INT64_MAX)))
    answer = wire.chat(host.port, body(stream=stream, stream_options={"include_usage": True}))
    reply = chatshape.streamed(answer.frames) if stream else chatshape.unary(answer.json)
    assert reply.usage["prompt_tokens"] == INT64_MAX


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_at_the_edge(host, upstream, status):
    dates = ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "never", "", "1,2"]
    for value in [*EXTREMES, *dates, "+5", " 5 ", "0x10"]:
        upstream.reply(replies.response({"error": {"message": "slow down"}}, status, "No", {"retry-after": value}))
        answer = wire.chat(host.port, body())
        assert host.alive, f"{value!r} killed the host:\n{host.output[-2000:]}"
        chatshape.assert_error(answer, status)
        after = answer.header("retry-after")
        assert after is None or re.fullmatch(r"\d+", after), f"{value!r} became {after!r}"


# -- errors of upstreams ----------------------------------------------------------------------------------------------


@MODES
def test_an_error_body_that_never_ends(host, upstream, stream):
    piece = replies.http_chunk(b"x" * (64 << 10))
    head = b"HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
    upstream.reply(head, *[step for _ in range(600) for step in (piece, Wait(0.05))])
    started = time.monotonic()
    chatshape.assert_error(wire.chat(host.port, body(stream=stream)), 500, 502)
    assert time.monotonic() - started < 5
    assert upstream.requests[0].closed.wait(2), "the endless body is still being read"


@pytest.mark.parametrize("end", [Finish(), Reset()], ids=["closed", "reset"])
@pytest.mark.parametrize("framing", ["content-length: 5000", "transfer-encoding: chunked"])
@MODES
def test_an_error_body_that_breaks_off_keeps_its_status(host, upstream, end, framing, stream):
    head = f"HTTP/1.1 401 No\r\ncontent-type: text/plain\r\n{framing}\r\n\r\n".encode()
    text = b"the key is wrong and"
    upstream.reply(head + (text if "length" in framing else replies.http_chunk(text)), Wait(0.05), end)
    error = chatshape.assert_error(wire.chat(host.port, body(stream=stream)), 401)
    assert "the key is wrong and" in error["message"]


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
@MODELS
def test_an_answer_over_the_bound(start_host, upstream, chunked, model):
    host = start_host({"models": models(upstream.url), "limits": {"max_response_bytes": 100_000}})
    if chunked:
        whole = replies.dumps(replies.completion("x" * 1_000_000)).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        upstream.reply(head, replies.http_chunk(whole), replies.LAST_CHUNK)
    else:
        upstream.reply(replies.response(replies.completion("x" * 1_000_000)))
    error = chatshape.assert_error(wire.chat(host.port, body(model)), 502)
    assert error["code"] in ("reply_too_large", "upstream_too_large")
    upstream.reply(replies.response(replies.completion("x" * 50_000)))
    assert wire.chat(host.port, body(model)).status == 200


# -- slow clients -----------------------------------------------------------------------------------------------------

PIECES = 300
PIECE = 10_000


def numbered(count: int = PIECES) -> list[str]:
    return [f"<{number}>".ljust(PIECE, ".") for number in range(count)]


def stream_steps(texts: list[str]) -> list[bytes]:
    """A stream's steps up to its last text."""
    chunks = [replies.chunk({"role": "assistant"}), *(replies.chunk({"content": text}) for text in texts)]
    return [replies.HEAD, *(replies.http_chunk(replies.event(one)) for one in chunks)]


def slow_connection(port: int, model: str) -> wire.Connection:
    """A client that has asked for a stream and seen its head, with little room for more."""
    connection = wire.Connection(port, receive_buffer=8 << 10)
    connection.request("POST", CHAT, raw(model, stream=True))
    assert connection.read_head()[0] == 200
    return connection


def read_on(connection: wire.Connection) -> wire.Response:
    answer = wire.Response(200, [("transfer-encoding", "chunked")], b"", True)
    connection._read_body(answer)
    return answer


def text_of(frames: list[str]) -> str:
    choices = [choice for frame in frames for choice in json.loads(frame)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def settled(upstream) -> int:
    """Bytes that the upstream got rid of, once that number stands still."""
    request, before = upstream.wait_request(), -1
    while before != (before := request.written):
        time.sleep(0.3)
    return before


@pytest.mark.parametrize("end", [Finish(), Reset()], ids=["closed", "reset"])
@pytest.mark.parametrize("count", [PIECES, 4 * PIECES], ids=["3 MB", "12 MB"])
@MODELS
def test_a_slow_client_gets_everything_and_then_the_error(host, upstream, end, count, model):
    """The upstream breaks off while its text waits for a client that does not read yet."""
    texts = numbered(count)
    upstream.reply(*stream_steps(texts), end)
    with slow_connection(host.port, model) as connection:
        settled(upstream)
        time.sleep(0.5)
        answer = read_on(connection)
    assert answer.complete, "the stream was cut off"
    chatshape.assert_stream_error(answer)
    got, sent = text_of(answer.frames[:-1]), "".join(texts)
    assert sent.startswith(got), "what came is not what was sent"
    if isinstance(end, Finish):
        # After a RST the upstream's kernel throws away what it had not sent; after a FIN nothing may be missing.
        assert len(got) == len(sent)
    else:
        assert len(got) > 10 * PIECE


@MODELS
def test_a_slow_client_gets_a_complete_stream(host, upstream, model):
    texts = numbered()
    finish = [replies.http_chunk(replies.event(replies.chunk({}, "stop"))), replies.http_chunk(replies.DONE)]
    upstream.reply(*stream_steps(texts), *finish, replies.LAST_CHUNK)
    with slow_connection(host.port, model) as connection:
        settled(upstream)
        answer = read_on(connection)
    assert chatshape.streamed(answer.frames).only.content == "".join(texts)


def test_a_client_that_makes_progress_is_not_cut_off(start_host, upstream):
    """20 kB/s for three times timeouts.idle, with far more waiting than all buffers take."""
    host = start_host({"models": models(upstream.url), "timeouts": {"idle": 2}})
    texts = numbered(1200)
    finish = [replies.http_chunk(replies.event(replies.chunk({}, "stop"))), replies.http_chunk(replies.DONE)]
    upstream.reply(*stream_steps(texts), *finish, replies.LAST_CHUNK)
    with slow_connection(host.port, "mock") as connection:
        for _ in range(60):
            time.sleep(0.1)
            read = connection.socket.recv(2000)
            assert read, f"cut off while it was reading:\n{host.output[-1000:]}"
            connection.buffer += read
        answer = read_on(connection)
    assert answer.complete, f"cut off while it was reading:\n{host.output[-1000:]}"
    assert chatshape.streamed(answer.frames).only.content == "".join(texts)


def test_a_client_that_reads_nothing_is_cut_off(start_host, upstream):
    host = start_host({"models": models(upstream.url), "timeouts": {"idle": 1}})
    upstream.reply(*stream_steps(numbered(1200)), Hang())
    with slow_connection(host.port, "mock") as connection:
        request = upstream.wait_request()
        started = time.monotonic()
        assert request.closed.wait(5), "the upstream's connection stayed open"
        assert time.monotonic() - started > 0.8, "timeouts.idle is longer"
        answer = read_on(connection)
    assert b"[DONE]" not in answer.body


# -- clients that stall -----------------------------------------------------------------------------------------------

STALLS = {
    "half a head": b"POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\ncontent-le",
    "half a body": wire.head("POST", CHAT, None, {"content-length": "1000"}) + b'{"model":',
    "half a chunk": wire.head("POST", CHAT, None, {"transfer-encoding": "chunked"}) + b'20\r\n{"model":',
    "half a body for another path": wire.head("POST", "/elsewhere", None, {"content-length": "1000"}) + b"abc",
    "nothing at all": b"",
}


@pytest.fixture
def impatient(start_host, upstream):
    """A host whose clients must say or take something within a second."""
    host = start_host({"models": models(upstream.url), "timeouts": {"client": 1}})
    yield host
    assert host.alive


@pytest.mark.parametrize("name", STALLS)
def test_a_client_that_stalls_is_closed(impatient, upstream, name):
    with wire.Connection(impatient.port) as connection:
        connection.send(STALLS[name])
        started = time.monotonic()
        said = ends_within(connection, 4)
        assert time.monotonic() - started > 0.8, "timeouts.client is longer"
    assert said == b"" or re.match(rb"HTTP/1\.1 4\d\d ", said), said[:200]
    assert not upstream.requests


@pytest.mark.parametrize("path", [CHAT, "/healthz"])
def test_an_idle_connection_is_closed(impatient, upstream, path):
    upstream.always(replies.auto)
    with wire.Connection(impatient.port) as connection:
        for _ in range(3):
            if path == CHAT:
                connection.request("POST", path, raw())
            else:
                connection.request("GET", path)
            assert connection.read_response().status == 200
            time.sleep(0.5)
        assert ends_within(connection, 4) == b""


@MODES
def test_a_client_that_waits_for_its_answer_is_not_closed(impatient, upstream, stream):
    """The upstream thinks longer than timeouts.client: that is not the client's fault."""
    steps = replies.stream(replies.text_chunks("a", "b")) if stream else [replies.response(replies.completion("ab"))]
    upstream.reply(Wait(2.2), *steps)
    answer = wire.chat(impatient.port, body(stream=stream))
    reply = chatshape.streamed(answer.frames) if stream else chatshape.unary(answer.json)
    assert reply.only.content == "ab"


def test_a_client_that_waits_in_the_middle_of_its_stream_is_not_closed(impatient, upstream):
    opening, *rest = replies.stream(replies.text_chunks("a", "b", "c"))
    upstream.reply(opening, *rest[:2], Wait(2.2), *rest[2:])
    answer = wire.chat(impatient.port, body(stream=True))
    assert chatshape.streamed(answer.frames).only.content == "abc"


def test_a_client_that_sends_slowly_is_not_closed(impatient, upstream):
    upstream.reply(replies.auto)
    request = raw()
    with wire.Connection(impatient.port) as connection:
        connection.send(wire.head("POST", CHAT, request, {}))
        for start in range(0, len(request), 10):
            connection.send(request[start : start + 10])
            time.sleep(0.3)
        assert connection.read_response().status == 200


# -- requests that are refused early ----------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
@pytest.mark.parametrize("at_once", [False, True], ids=["after the reply", "in one write"])
def test_nothing_is_served_after_a_413(start_host, upstream, chunked, at_once):
    host = start_host({"models": models(upstream.url), "limits": {"max_body_bytes": 1000}})
    upstream.always(replies.auto)
    large = b"x" * 5000
    if chunked:
        first = wire.head("POST", CHAT, None, {"transfer-encoding": "chunked"})
        first += replies.http_chunk(large) + replies.LAST_CHUNK
    else:
        first = wire.head("POST", CHAT, large, {}) + large
    second = wire.head("POST", CHAT, raw(), {}) + raw()
    with wire.Connection(host.port) as connection:
        connection.send(first + second if at_once else first)
        refused = connection.read_response()
        chatshape.assert_error(refused, 413)
        assert (refused.header("connection") or "").lower() == "close"
        if not at_once:
            try:
                connection.send(second)
            except OSError:
                pass
        assert ends_within(connection, 4) == b"", "a second answer came"
    time.sleep(0.3)
    assert not upstream.requests, "a second exchange was started"


# -- the configuration ------------------------------------------------------------------------------------------------

TWO_BAD_URLS = """\
models:
  - name: one
    provider: openai
    model: m
    provider_config:
      apiKey: sk-x
      baseUrl: "not a url"
  - name: two
    provider: openai
    model: m
    provider_config: {apiKey: sk-x, baseUrl: "not a url"}
"""


def test_check_reports_what_plugins_refuse_with_its_line(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text(TWO_BAD_URLS)
    found = hostprocess.run("check", "--config", file, "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path)
    text = found.stdout + found.stderr
    assert found.returncode > 0, text
    first, second = (
        [line for line in text.splitlines() if re.search(rf"broken\.yaml:({numbers}):", line)]
        for numbers in ("[2-7]", "8|9|10|11")
    )
    assert any("baseUrl" in line or "not a url" in line for line in first), text
    assert any("baseUrl" in line or "not a url" in line for line in second), text
