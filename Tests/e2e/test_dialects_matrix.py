"""Each client API in, each provider out, streamed and not: both sides whole.

What reached the upstream is compared as JSON with what the conversation means in Chat Completions; what came back is
compared as JSON with what it means in the client's API, event by event, and validated with the official packages' types.
"""

import json

import pytest

import dialects
import replies
import wire
from dialects import CASES, DIALECTS
from mock_upstream import Reset, Wait

PROVIDERS = ["openai", "openrouter"]
MODELS = {"openai": "mock", "openrouter": "mock-openrouter"}
#: What a provider asks for by itself.
ASKED_BY = {"openai": {}, "openrouter": {"usage": {"include": True}}}
#: Long enough for what was sent before to have reached the client.
PAUSE = Wait(0.1)

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
every_provider = pytest.mark.parametrize("provider", PROVIDERS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def ask(host, dialect, case, stream: bool, provider: str) -> wire.Response:
    return wire.exchange(host.port, "POST", dialect.path, dialect.request(case, stream, MODELS[provider]))


def asked(upstream) -> dict:
    """What the upstream was asked, with JSON inside strings parsed, since its spacing is the client's."""
    request = upstream.wait_request()
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.header("authorization") == "Bearer sk-upstream"
    return json.loads(request.body, object_hook=_open_arguments)


def _open_arguments(value: dict) -> dict:
    if isinstance(value.get("arguments"), str):
        value["arguments"] = json.loads(value["arguments"])
    return value


def expected_upstream(dialect, case, stream: bool) -> dict:
    wanted = json.loads(json.dumps(dialects.canonical_request(case, stream)), object_hook=_open_arguments)
    if dialect.name == "responses":
        # The Responses API says of each function whether it is strict, and of each image how closely to look.
        for tool in wanted["tools"]:
            tool["function"]["strict"] = False
        if case.image:
            wanted["messages"][-1]["content"][1]["image_url"]["detail"] = "auto"
    return wanted


@every_dialect
@every_provider
@both_ways
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_conversation(host, upstream, dialect, provider, stream, case):
    upstream.reply(*dialects.upstream_steps(case, stream))
    answer = ask(host, dialect, case, stream, provider)
    assert answer.status == 200 and answer.complete, answer.body
    assert asked(upstream) == expected_upstream(dialect, case, stream) | ASKED_BY[provider]
    assert upstream.wait_request().header("accept") == ("text/event-stream" if stream else "application/json")
    assert answer.header("x-request-id") and answer.header("x-kimi-dropped") is None
    if not stream:
        assert answer.header("content-type") == "application/json"
        dialect.check_unary(answer.json)
        assert dialects.settled(answer.json) == dialect.unary(case, MODELS[provider])
        return
    assert answer.header("content-type") == "text/event-stream"
    found = dialects.events(answer.body)
    for name, data in found:
        dialect.check_event(name, data)
    assert [(name, dialects.settled(data)) for name, data in found] == dialect.stream(case, MODELS[provider])


FAILURES = [
    # The code is the upstream's own word: its code, else its type.
    # status, the upstream's error, what OpenAI's clients are told: status, type, code; and Anthropic's: status, type
    (400, {"message": "no such knob", "type": "invalid_request_error"}, (400, "invalid_request_error", "invalid_request_error"), (400, "invalid_request_error")),
    (401, {"message": "bad key", "type": "x", "code": "invalid_api_key"}, (401, "authentication_error", "invalid_api_key"), (401, "authentication_error")),
    (404, {"message": "no model", "type": "x", "code": "model_not_found"}, (404, "invalid_request_error", "model_not_found"), (404, "not_found_error")),
    (429, {"message": "slow down", "type": "x", "code": "rl"}, (429, "rate_limit_error", "rl"), (429, "rate_limit_error")),
    (500, {"message": "broken", "type": "server_error"}, (500, "upstream_error", "server_error"), (500, "api_error")),
    (503, {"message": "overloaded", "type": "overloaded_error"}, (503, "upstream_error", "overloaded_error"), (529, "overloaded_error")),
]  # fmt: skip


@every_dialect
@every_provider
@both_ways
@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: str(one[0]))
def test_error_before_the_stream(host, upstream, dialect, provider, stream, failure):
    status, error, (usual, kind, code), anthropics = failure
    if dialect.name == "messages":
        usual, kind = anthropics
    upstream.reply(replies.response({"error": error}, status, "No"))
    answer = ask(host, dialect, CASES[0], stream, provider)
    assert asked(upstream) == expected_upstream(dialect, CASES[0], stream) | ASKED_BY[provider]
    assert answer.status == usual, answer.body
    assert answer.header("content-type") == "application/json"
    assert answer.json == dialect.error(kind, error["message"], code, answer.header("x-request-id"))


def broken_steps(case, ending: list) -> list:
    """A streamed reply whose end is something else."""
    chunks = dialects.upstream_chunks(case)[:3]
    return [replies.HEAD, *(replies.http_chunk(replies.event(one)) for one in chunks), PAUSE, *ending]


BOOM = {"error": {"message": "boom", "type": "server_error", "code": "internal"}}
ENDINGS = {
    "error": [replies.http_chunk(replies.event(BOOM)), replies.LAST_CHUNK],
    "silent-end": [replies.LAST_CHUNK],
    "reset": [Reset()],
}


@every_dialect
@every_provider
@pytest.mark.parametrize("ending", ENDINGS)
def test_error_in_the_stream(host, upstream, dialect, provider, ending):
    """What was said before stays, then comes an error of the client's API, and nothing that looks complete."""
    case = CASES[0]
    upstream.reply(*broken_steps(case, ENDINGS[ending]))
    answer = ask(host, dialect, case, True, provider)
    assert asked(upstream) == expected_upstream(dialect, case, True) | ASKED_BY[provider]
    assert answer.status == 200
    found = dialects.events(answer.body)
    before = [(name, dialects.settled(data)) for name, data in found]
    said = [one for one in dialect.stream(case, MODELS[provider]) if "delta" in str(one[0]) or one[0] is None][:2]
    assert [one for one in before if one in said] == said
    if dialect.name == "chat":
        assert found[-1][0] is None and set(found[-1][1]["error"]) == {"message", "type", "param", "code"}
        errors, rest = [found[-1][1]["error"]["message"]], found[:-1]
    elif dialect.name == "messages":
        name, data = found[-1]
        assert name == data["type"] == "error" and data["request_id"] == answer.header("x-request-id")
        errors, rest = [data["error"]["message"]], found[:-1]
    else:
        (name, data), (last, failed) = found[-2:]
        assert (name, last) == ("error", "response.failed")
        assert failed["response"]["status"] == "failed" and failed["response"]["error"]["code"] == "server_error"
        errors, rest = [data["message"], failed["response"]["error"]["message"]], found[:-2]
    for name, data in found[: len(found) - (dialect.name == "chat")]:
        dialect.check_event(name, data)
    assert all(errors) and (ending != "error" or set(errors) == {"boom"})
    ends = {"message_stop", "message_delta", "response.completed", "response.incomplete"}
    assert not ends & {name for name, _ in rest} and not any(data == "[DONE]" for _, data in rest)


@every_dialect
@every_provider
@pytest.mark.parametrize("ending", [b"", b'{"id": "x", "choices": [{"index":0,"mes', b"<html>Bad gateway</html>"])
def test_error_in_a_whole_reply(host, upstream, dialect, provider, ending):
    """A reply that is no chat.completion is an error of the upstream's, in the client's words."""
    upstream.reply(replies.response(ending))
    answer = ask(host, dialect, CASES[0], False, provider)
    assert 500 <= answer.status < 600 and answer.header("content-type") == "application/json"
    identifier = answer.header("x-request-id")
    error = answer.json["error"]
    assert answer.json == dialect.error(error["type"], error["message"], error.get("code"), identifier)
