"""`ensure_tool_call` on every provider, from every client API: a text, then a call, and `done` without an answer. The fakes
refuse what the real upstreams refuse, in the second attempt too."""

import json

import pytest

import hostprocess
import test_providers_matrix as matrix
from enforcing import CLIENTS
from fakes import anthropic as claude
from fakes.openai import Turn
from test_enforcement import official

SAID = Turn(text="Let me see.", thought="I look it up.")
CALLED = Turn(text="Here.", thought="Now.", calls=[("call_1", "weather", {"city": "SF"})])
EMPTY = Turn(text="", thought="Hm.", calls=[("call_d", "done", {})])
ANSWERED = Turn(text="", thought="Now.", calls=[("call_e", "done", {"final_answer": "It is sunny."})])

every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
every_route = pytest.mark.parametrize("route", matrix.ROUTES, ids=lambda one: one.name)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


class Upstreams(matrix.Upstreams):
    """OpenRouter's fake says one thing only: here a queue of them."""

    def __init__(self):
        super().__init__()
        self.queue: list[tuple] = []
        self.router.always(self._next)

    def _next(self, request):
        if self.queue:
            self.router.deltas, self.router.finish = self.queue.pop(0)
        return self.router._answer(request)

    def say_router(self, turn, stream):
        super().say_router(turn, stream)
        self.queue.append(([one for one in self.router.deltas if one != {"content": ""}], self.router.finish))

    def say_claude(self, turn, _):
        calls = [claude.call(identifier, name, **arguments) for identifier, name, arguments in turn.calls]
        texts = [claude.text(turn.text)] if turn.text else []
        self.claude.reply(claude.thinking(turn.thought), *texts, *calls, reason="tool_use" if calls else "end_turn")

    def say_gemini(self, turn, _):
        parts: list[dict] = [{"text": turn.thought, "thought": True}, *([{"text": turn.text}] if turn.text else [])]
        for number, (_, name, arguments) in enumerate(turn.calls):
            parts.append({"functionCall": {"name": name, "args": arguments}, **({} if number else {"thoughtSignature": "c2ln"})})
        self.vertex.reply({
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1},
            "responseId": "r1", "modelVersion": "gemini",
        })  # fmt: skip

    def say(self, route, turn, stream):
        own = {"openrouter": self.say_router, "anthropic": self.say_claude, "anthropic-canonical": self.say_claude, "gemini": self.say_gemini}
        own.get(route.name, lambda turn, stream: route.say(self, turn, stream))(turn, stream)


@pytest.fixture(scope="module")
def upstreams():
    made = Upstreams()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def host(upstreams, tmp_path_factory):
    models = [{"name": route.name, **route.entry(upstreams), "ensure_tool_call": True} for route in matrix.ROUTES]
    running = hostprocess.Host(tmp_path_factory.mktemp("enforced"), {"models": models}).wait_ready()
    yield running
    running.stop()


@pytest.fixture
def asked(upstreams, host):
    upstreams.forget()
    upstreams.mock.reset()
    upstreams.queue.clear()
    yield upstreams
    assert upstreams.complaints() == []
    assert host.alive, host.output[-4000:]


@every_route
@every_client
@both_ways
def test_a_text_then_a_call(host, asked, route, client, stream):
    agent = client(*official(host))
    asked.say(route, SAID, stream)
    asked.say(route, CALLED, stream)
    told = agent.ask(agent.request(route.name), stream)
    assert told.text == "Let me see.\n\nHere."
    assert [(name, json.loads(arguments)) for name, arguments in told.calls] == [("weather", {"city": "SF"})]
    assert told.finish == agent.called
    first, second = (route.read(body) for body in route.bodies(asked))
    assert SAID.text not in first.texts and SAID.text in second.texts
    # Thoughts go back with their signatures, where the upstream has signed this one.
    assert second.thoughts == ([route.returned] if route.returned and route.name != "gemini" else [])
    assert second.texts[-1].startswith("Reminder: your last reply had no tool call")
    once = told.usage
    asked.forget()
    asked.say(route, CALLED, stream)
    assert tuple(2 * count for count in agent.ask(agent.request(route.name), stream).usage) == once


@pytest.mark.parametrize("stream", [True], ids=["streamed"])
def test_a_token_that_ends_between_the_attempts(start_host, asked, stream):
    """The second attempt's token is refused: another one is fetched, though the first attempt's text has left."""
    route = next(one for one in matrix.ROUTES if one.name == "gemini")
    entry = route.entry(asked)
    del entry["provider_config"]["accessToken"]
    entry["provider_config"]["credentials"] = asked.vertex.credentials
    host = start_host({"models": [{"name": "gemini", **entry, "ensure_tool_call": True}]})
    agent = CLIENTS[0](*official(host))
    asked.say(route, SAID, stream)
    asked.say(route, CALLED, stream)
    handle = asked.vertex.gemini

    def gemini(*call):
        answer = handle(*call)
        if len(asked.vertex.requests) == 1:
            asked.vertex.revoke()
        return answer

    asked.vertex.gemini = gemini
    try:
        told = agent.ask(agent.request("gemini"), stream)
    finally:
        del asked.vertex.gemini
    assert told.text == "Let me see.\n\nHere." and len(told.calls) == 1
    assert len(asked.vertex.complaints) == 1 and "UNAUTHENTICATED" in asked.vertex.complaints[0]
    asked.vertex.complaints.clear()


@every_route
@every_client
@both_ways
def test_done_without_an_answer_then_with_one(host, asked, route, client, stream):
    agent = client(*official(host))
    asked.say(route, EMPTY, stream)
    asked.say(route, ANSWERED, stream)
    told = agent.ask(agent.request(route.name), stream)
    assert (told.text, told.calls, told.finish) == ("It is sunny.", [], agent.finished)
    second = route.read(route.bodies(asked)[1])
    assert [name for name, _ in second.calls] == ["done"] and len(second.results) == 1
