"""The native route with the real providers: what they change on the way up, that nothing changes on the way down, and
what becomes of answers that are none.

The upstreams are the mock and the fake that refuses what Anthropic refuses.
"""

from __future__ import annotations

import gzip
import json
import threading

import anthropic
import openai
import pytest

import hostprocess
import replies
import wire
from fakes import anthropic as fakes
from fakes.anthropic import Fake, call, text, thinking
from mock_upstream import Finish, Hang, Reset, Wait

PATHS = {
    "chat": "/v1/chat/completions", "completions": "/v1/completions", "embeddings": "/v1/embeddings",
    "responses": "/v1/responses", "messages": "/v1/messages", "count": "/v1/messages/count_tokens",
}  # fmt: skip
STREAMED = ["chat", "completions", "responses", "messages"]


def openai_entry(name: str, url: str, **config) -> dict:
    return {"name": name, "provider": "openai", "model": f"up-{name}", "provider_config": {"baseUrl": url, **config}}


def claude_entry(name: str, url: str, **config) -> dict:
    config = {"baseUrl": url, "apiKey": "sk-ant-test", **config}
    return {"name": name, "provider": "anthropic", "model": f"up-{name}", "provider_config": config}


@pytest.fixture(scope="module")
def running(shared_upstream, tmp_path_factory):
    url = shared_upstream.url
    root = url.removesuffix("/v1")
    profiled = {**openai_entry("inside", url, apiKey="k", native=True), "profile": "team"}
    config = {
        "models": [
            openai_entry("o", url, apiKey="k", native=True),
            openai_entry("azure", root, apiKey="az", flavour="azure", api_version="2024-10-21"),
            openai_entry("extra", url, apiKey="k", native=True, extra_body={"/a/b": 1, "/seed": None}),
            openai_entry("cleaned", url, apiKey="k"),
            claude_entry("c", root),
            claude_entry("off", root, native=False),
            profiled,
        ]
    }
    host = hostprocess.Host(tmp_path_factory.mktemp("natives"), config).wait_ready()
    yield host
    host.stop()


@pytest.fixture
def host(running, upstream):
    yield running
    assert running.alive, running.output[-4000:]


def model_of(api: str) -> str:
    return "c" if api in ("messages", "count") else "o"


def body_of(api: str, model: str | None = None, more: str = "") -> bytes:
    """A request with spaces, escapes, numbers and members that no converter would leave alone."""
    common = f'{{ "odd\\u0021" : [1.50, 1e2,-0],\n "model" :"{model or model_of(api)}" , "seed": 7'
    turn = ' "messages":[{"role":"user" ,"content":"caf\\u00e9 \\ud83d\\ude00","new":{"a" : 1.0}}]'
    own = {
        "chat": turn, "completions": ' "prompt" : "p"', "embeddings": ' "input":["a" ,"b"]', "count": turn,
        "responses": ' "input" :"x","include":[ ]', "messages": f'"max_tokens" : 9,{turn}',
    }[api]  # fmt: skip
    return f"{common},{own}{more} }}\n".encode()


def renamed(body: bytes, old: str, new: str) -> bytes:
    return body.replace(f'"model" :"{old}"'.encode(), f'"model" :"{new}"'.encode())


def ask(host, api: str, body: bytes | None = None, prefix: str = "", **headers) -> wire.Response:
    path = prefix + PATHS[api]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return wire.exchange(host.port, "POST", path, body or body_of(api), named)


def sse(*events) -> bytes:
    """Events as their upstream spells them: odd spaces, comments, both line ends."""
    out = b": first\n\n"
    for name, data in events:
        head = f"event: {name}\n" if name else ""
        out += f"{head}data: {json.dumps(data)} \r\n\r\n".encode()
    return out


def stream_of(api: str) -> bytes:
    if api == "messages":
        whole = fakes.message("m", [thinking("Hm."), text("Hi."), call("toolu_1", "f", a=1.5)], "tool_use")
        events = [(event["type"], {**event, "unknown": 1.0}) for event in fakes.events(whole)]
        return sse(*events[:3], ("never_heard_of", {"type": "never_heard_of"}), *events[3:])
    if api == "responses":
        response = {"id": "resp_up", "object": "response", "created_at": 5, "model": "m", "status": "in_progress",
                    "output": []}  # fmt: skip
        done = {**response, "status": "completed", "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}
        return sse(
            ("response.created", {"type": "response.created", "sequence_number": 0, "response": response}),
            ("response.new", {"type": "response.new", "sequence_number": 1, "x": 1.0}),
            ("response.completed", {"type": "response.completed", "sequence_number": 2, "response": done}),
        )
    if api == "completions":
        return sse(
            (None, {"id": "x", "object": "text_completion", "choices": [{"index": 0, "text": "Hi"}], "new": 1.0}),
            (None, {"id": "x", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}),
        ) + replies.DONE  # fmt: skip
    return sse(
        (None, replies.chunk({"role": "assistant", "content": "Hi", "new": 1.0})),
        (None, replies.chunk({}, "stop")),
        (None, replies.usage_chunk()),
    ) + replies.DONE  # fmt: skip


# -- Up ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", PATHS)
def test_up_only_the_models_name_changes(host, upstream, api):
    upstream.reply(replies.response(b'{"a" : 1.0}'))
    assert ask(host, api).status == 200
    sent, name = upstream.wait_request(), model_of(api)
    assert sent.target == PATHS[api]
    assert sent.body == renamed(body_of(api), name, "up-" + name)


@pytest.mark.parametrize("api", ["chat", "completions", "embeddings"])
def test_azure_gets_it_too_at_its_own_address(host, upstream, api):
    upstream.reply(replies.response(b"{}"))
    assert ask(host, api, body_of(api, "azure")).status == 200
    sent = upstream.wait_request()
    end = PATHS[api].removeprefix("/v1")
    assert sent.target == f"/openai/deployments/up-azure{end}?api-version=2024-10-21"
    assert sent.header("api-key") == "az" and sent.body == renamed(body_of(api, "azure"), "azure", "up-azure")


def test_extra_members_change_what_they_name(host, upstream):
    upstream.reply(replies.response(b"{}"))
    assert ask(host, "chat", body_of("chat", "extra")).status == 200
    got = upstream.wait_request().body
    assert b'"odd\\u0021" : [1.50, 1e2,-0]' in got and b'"content":"caf\\u00e9 \\ud83d\\ude00","new":{"a" : 1.0}' in got
    whole = json.loads(got)
    assert whole["a"] == {"b": 1} and "seed" not in whole and whole["model"] == "up-extra"


@pytest.mark.parametrize("api", ["messages", "count"])
def test_betas_become_the_header_again_and_leave_the_body(host, upstream, api):
    upstream.reply(replies.response(b"{}"))
    assert ask(host, api, anthropic_beta="one-1, two-2").status == 200
    sent = upstream.wait_request()
    assert sent.header("anthropic-beta") in ("one-1,two-2", "one-1, two-2")
    assert b"anthropic_beta" not in sent.body
    assert json.loads(sent.body) == json.loads(renamed(body_of(api), "c", "up-c"))
    assert sent.body.startswith(renamed(body_of(api), "c", "up-c").rstrip()[:-1].rstrip())


def test_a_clients_key_does_not_go_up(host, upstream):
    upstream.reply(replies.response(b"{}"))
    ask(host, "messages", x_api_key="sk-client-1", authorization="Bearer sk-client-2")
    sent = upstream.wait_request()
    assert sent.header("x-api-key") == "sk-ant-test" and sent.header("authorization") is None


@pytest.mark.parametrize("prefix", ["/team", "/team/v1", "/v1"])
def test_profiles_and_a_doubled_version(host, upstream, prefix):
    model = "o" if prefix == "/v1" else "inside"
    for api in ("completions", "embeddings", "chat", "responses"):
        upstream.reset()
        upstream.reply(replies.response(b'{"a":1}'))
        assert ask(host, api, body_of(api, model), prefix).status == 200, api
        assert upstream.wait_request().target == PATHS[api]
    assert ask(host, "embeddings", body_of("embeddings", "inside"), "/nobody").status == 404


def test_two_names_of_a_model_do_not_smuggle_one_past_the_routes(host, upstream):
    for second in ("secret", "up-inside"):
        body = f'{{"model":"o","mod\\u0065l":"{second}","input":"x"}}'.encode()
        assert ask(host, "embeddings", body).status == 404
    assert upstream.requests == []


# -- Down -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", PATHS)
def test_down_a_whole_answer_is_the_upstreams(host, upstream, api):
    answer = b' { "id":"x", "new" : [1.50,1e2], "usage" : {"input_tokens": 3} }\r\n'
    upstream.reply(replies.response(answer, headers={"x-ratelimit-remaining-requests": "7"}))
    got = ask(host, api)
    assert (got.status, got.body, got.header("content-type")) == (200, answer, "application/json")
    assert got.header("x-ratelimit-remaining-requests") == "7" and got.header("x-kimi-dropped") is None


@pytest.mark.parametrize("api", STREAMED)
@pytest.mark.parametrize("label", ["text/event-stream; charset=utf-8", "text/plain", None])
def test_down_a_stream_is_the_upstreams_whatever_its_label(host, upstream, api, label):
    whole = stream_of(api)
    kind = b"content-type: %s\r\n" % label.encode() if label else b""
    head = replies.HEAD.replace(b"content-type: text/event-stream\r\n", kind)
    for cut in range(1, len(whole), 37):
        parts = [replies.http_chunk(part) for part in (whole[:cut], whole[cut:]) if part]
        upstream.reply(head, parts[0], Wait(0.002), *parts[1:], replies.LAST_CHUNK)
        got = ask(host, api, body_of(api, more=',"stream" : true'))
        assert (got.status, got.body, got.header("content-type")) == (200, whole, "text/event-stream"), cut


@pytest.mark.slow
def test_a_keep_alive_stands_between_events_while_one_is_half_there(host, upstream):
    bodies: dict[str, bytes] = {}

    def listen(api: str):
        with wire.Connection(host.port) as client:
            client.socket.settimeout(20)
            client.request("POST", PATHS[api], body_of(api, more=',"stream":true'))
            bodies[api] = client.read_response().body

    def answer(request):
        whole = stream_of(next(api for api, path in PATHS.items() if path == request.target))
        place = whole.index(b"\r\n\r\n") + 20
        return [replies.HEAD, replies.http_chunk(whole[:place]), Wait(11), replies.http_chunk(whole[place:]), replies.LAST_CHUNK]

    upstream.always(answer)
    threads = [threading.Thread(target=listen, args=[api]) for api in STREAMED]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(25)
    for api in STREAMED:
        sign = b'event: ping\ndata: {"type":"ping"}\n\n' if api == "messages" else b": keep-alive\n\n"
        whole = stream_of(api)
        place = whole.index(b"\r\n\r\n") + 4
        assert bodies[api] == whole[:place] + sign + whole[place:]


def test_a_client_of_http_1_0_gets_the_stream_until_the_connection_ends(host, upstream):
    whole = stream_of("messages")
    upstream.reply(replies.HEAD, replies.http_chunk(whole), replies.LAST_CHUNK)
    body = body_of("messages", more=',"stream":true')
    with wire.Connection(host.port) as client:
        head = f"POST /v1/messages HTTP/1.0\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        client.send(head.encode() + b"\r\n\r\n" + body)
        status, headers = client.read_head()
        assert status == 200 and "transfer-encoding" not in dict(headers)
        assert client.read_exactly(len(whole)) == whole
        assert client.at_end()


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529])
@pytest.mark.parametrize("api", PATHS)
def test_a_refusal_before_the_answer_keeps_its_words(host, upstream, api, status):
    body = b'{"type":"error", "error" : {"message":"no","type":"t","param":"p","code":1.0},"request_id":"r"}'
    upstream.reply(replies.response(body, status, "No", headers={"retry-after": "3"}))
    got = ask(host, api, body_of(api, more=',"stream":true'))
    assert (got.status, got.body) == (status, body)
    assert [value for name, value in got.headers if name.lower() == "retry-after"] == ["3"]


@pytest.mark.parametrize("api", STREAMED)
def test_a_stream_that_ends_too_soon_ends_with_an_error(host, upstream, api):
    whole = stream_of(api)
    if api == "responses":
        begun = {"type": "response.output_text.delta", "sequence_number": 1, "output_index": 0, "content_index": 0,
                 "item_id": "i", "delta": "a"}  # fmt: skip
        first = whole[: whole.index(b"event: response.new")] + sse((begun["type"], begun))
    else:
        first = whole[: whole.index(b"\r\n\r\n", whole.index(b"_delta" if api == "messages" else b"Hi")) + 4]
    for end in ([b'data: {"half'], [], [b'data: {"half', Reset()]):
        steps = [Wait(0.05), *end] if end else []
        upstream.reply(replies.HEAD_UNTIL_CLOSE + first, *steps, Finish())
        got = ask(host, api, body_of(api, more=',"stream":true'))
        if got.status != 200:  # All of it came in one read, so nothing had been sent yet.
            assert not end and got.status == 502 and got.json["error"]["message"]
            continue
        assert got.body.startswith(first) and b"half" not in got.body
        rest = json.loads(wire.sse_data(got.body[len(first) :])[-1])
        assert rest.get("type") == "error" or "error" in rest


@pytest.mark.parametrize("api", STREAMED)
def test_a_stream_of_nothing_is_an_error(host, upstream, api):
    upstream.reply(replies.HEAD, replies.LAST_CHUNK)
    got = ask(host, api, body_of(api, more=',"stream":true'))
    assert got.status == 502 and "without an answer" in got.json["error"]["message"]


NO_ANSWERS = {
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", "204"),
    "an empty body": (replies.response(b""), "not a JSON object"),
    "a list": (replies.response(b"[]"), "not a JSON object"),
    "half an object": (replies.response(b'{"a":'), "not a JSON object"),
    "a page": (replies.response(b"<html></html>", kind="text/html"), "not a JSON object"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 2\r\n\r\n{}", "302"),
    "gzip": (replies.response(gzip.compress(b"{}"), headers={"content-encoding": "gzip"}), "gzip"),
}


@pytest.mark.parametrize("what", NO_ANSWERS)
@pytest.mark.parametrize("api", PATHS)
def test_what_is_no_answer_is_an_error(host, upstream, api, what):
    reply, word = NO_ANSWERS[what]
    upstream.reply(reply)
    got = ask(host, api)
    assert got.status == 502 and word in got.json["error"]["message"], got.body
    assert ("type" in got.json) == (api in ("messages", "count"))


def test_a_compressed_stream_is_an_error(host, upstream):
    head = replies.HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    upstream.reply(head, replies.http_chunk(gzip.compress(stream_of("messages"))), replies.LAST_CHUNK)
    got = ask(host, "messages", body_of("messages", more=',"stream":true'))
    assert got.status == 502 and "gzip" in got.json["error"]["message"]


def test_the_upstream_ends_when_the_client_is_gone(host, upstream):
    # The head is held until the first words: 1,000 bytes of this stream end behind them.
    upstream.reply(replies.HEAD, replies.http_chunk(stream_of("messages")[:1000]), Hang())
    with wire.Connection(host.port) as client:
        client.request("POST", PATHS["messages"], body_of("messages", more=',"stream":true'))
        assert client.read_head()[0] == 200
        assert upstream.wait_request()
    assert upstream.wait_request().closed.wait(5)


# -- The official packages --------------------------------------------------------------------------------------------


@pytest.fixture
def fake(host, upstream):
    made = Fake(upstream)
    yield made
    assert made.faults == []


def test_the_anthropic_package_natively(host, fake):
    blocks = [thinking("Hm."), text("It rains."), call("toolu_1", "weather", city="Bern")]
    request = {"model": "c", "max_tokens": 99, "messages": [{"role": "user", "content": "x"}]}
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{host.port}", api_key="sk", max_retries=0) as client:
        fake.reply(*blocks, reason="tool_use")
        whole = client.messages.create(**request)
        fake.reply(*blocks, reason="tool_use")
        with client.messages.stream(**request) as stream:
            streamed = stream.get_final_message()
        for got in (whole, streamed):
            assert [block.type for block in got.content] == ["thinking", "text", "tool_use"]
            assert got.content[0].signature == fakes.SIGNATURE and got.content[2].input == {"city": "Bern"}
            assert (got.id, got.stop_reason, got.usage.output_tokens) == ("msg_fake", "tool_use", 9)
            assert got.usage.cache_read_input_tokens == 7
        fake.reply()
        assert client.messages.count_tokens(model="c", messages=request["messages"]).input_tokens == 123
        fake.fail(529, "overloaded_error", "later")
        with pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(**request)
        assert caught.value.status_code == 529 and caught.value.body["request_id"] == "req_fake"
        overloaded = fakes.error("overloaded_error", "later")
        fake.break_off(text("It"), event=overloaded)
        with pytest.raises(anthropic.APIStatusError, match="later"), client.messages.stream(**request) as stream:
            stream.get_final_message()


def test_counts_of_a_provider_that_is_not_native_are_estimates(host, upstream):
    got = ask(host, "count", body_of("count", "off"))
    assert got.status == 200 and got.header("x-kimi-token-count") == "estimated" and got.json["input_tokens"] > 0
    assert upstream.requests == []


def test_the_openai_package_natively(host, upstream):
    with openai.OpenAI(base_url=host.url, api_key="sk", max_retries=0) as client:
        upstream.reply(replies.HEAD, replies.http_chunk(stream_of("chat")), replies.LAST_CHUNK)
        turn = [{"role": "user", "content": "x"}]
        chunks = list(client.chat.completions.create(model="o", messages=turn, stream=True))
        assert chunks[0].choices[0].delta.new == 1.0 and chunks[-1].usage.total_tokens == 15
        upstream.reply(replies.HEAD, replies.http_chunk(stream_of("completions")), replies.LAST_CHUNK)
        parts = list(client.completions.create(model="o", prompt="p", stream=True))
        assert [part.choices[0].text for part in parts] == ["Hi", ""]
        upstream.reply(replies.HEAD, replies.http_chunk(stream_of("responses")), replies.LAST_CHUNK)
        events = list(client.responses.create(model="o", input="x", stream=True))
        assert [event.sequence_number for event in events] == [0, 1, 2] and events[-1].response.id == "resp_up"


# -- Conversations that are stored ------------------------------------------------------------------------------------


def test_a_conversation_stored_here_goes_on_canonically(host, upstream):
    with openai.OpenAI(base_url=host.url, api_key="sk", max_retries=0) as client:
        upstream.reply(replies.response(replies.completion("Four.")))
        first = client.responses.create(model="cleaned", input="2+2?")
        upstream.reply(replies.response(replies.completion("Five.")))
        second = client.responses.create(model="o", input="+1?", previous_response_id=first.id)
        assert second.output_text == "Five." and second.previous_response_id == first.id
        sent = upstream.wait_request(1)
        assert sent.target == PATHS["chat"]
        assert [turn["content"] for turn in json.loads(sent.body)["messages"]] == ["2+2?", "Four.", "+1?"]


def test_a_native_response_is_not_kept_here(host, upstream):
    upstream.reply(replies.response(b'{"id":"resp_up","object":"response","status":"completed","output":[]}'))
    assert ask(host, "responses").json["id"] == "resp_up"
    got = wire.exchange(host.port, "GET", "/v1/responses/resp_up")
    assert got.status == 404 and "resp_up" in got.json["error"]["message"]
    got = ask(host, "responses", b'{"model":"cleaned","input":"x","previous_response_id":"resp_up"}')
    assert (got.status, got.json["error"]["param"]) == (400, "previous_response_id")
