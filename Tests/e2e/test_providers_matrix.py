"""Multi-turn tool conversations with images through every provider from every client API, streamed and not.

The fakes refuse what the real upstreams refuse; what went up is read back whole; what came down is what the official
clients made of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable

import anthropic
import openai
import pytest

import hostprocess
import replies
from fakes import anthropic as claude
from fakes import conversation
from fakes.conversation import CLIENTS, GO_ON, QUESTION, REASONS, RESULTS, SYSTEM
from fakes.openai import ENCRYPTED, KEY, FakeOpenAI, Turn
from fakes.openrouter import FakeOpenRouter
from fakes.openrouter import KEY as ROUTER_KEY
from fakes.vertex import FakeVertex
from mock_upstream import MockUpstream

FIRST = Turn(text="Wait.", thought="I look it up.", calls=[("call_1", "weather", {"city": "Bern"}), ("call_2", "map", {})])
SECOND = Turn(text="It rains in Bern.", thought="Now.")
BARE = [(name, arguments) for _, name, arguments in FIRST.calls]


class Upstreams:
    """All fakes, and how each says a turn and read what it was asked."""

    def __init__(self):
        self.openai, self.compatible = FakeOpenAI(), FakeOpenAI(is_strict=False)
        self.router, self.vertex = FakeOpenRouter(), FakeVertex()
        self.mock = MockUpstream()
        self.claude = claude.Fake(self.mock)

    def stop(self):
        for one in (self.openai, self.compatible, self.router, self.vertex, self.mock):
            one.stop()

    def complaints(self) -> list:
        found: list = []
        for one in (self.openai, self.compatible, self.router, self.vertex):
            found += one.complaints
        return found + self.claude.faults

    def forget(self):
        for one in (self.openai, self.compatible):
            one.turns.clear()
        for one in (self.openai, self.compatible, self.router):
            one.bodies.clear()
        for kept in (self.claude.bodies, self.claude.faults, self.vertex.requests, self.vertex.replies):
            kept.clear()
        for one in (self.openai, self.compatible, self.router, self.vertex):
            one.complaints.clear()

    # Turns

    def say_router(self, turn: Turn, _):
        detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, "text": turn.thought}
        deltas: list[dict] = [
            {"reasoning": turn.thought, "reasoning_details": [{**detail, "signature": claude.SIGNATURE}]}, {"content": turn.text},
        ]  # fmt: skip
        for number, (identifier, name, arguments) in enumerate(turn.calls):
            deltas.append({"tool_calls": [{"index": number, **replies.call(0, name, json.dumps(arguments), identifier)}]})
        self.router.deltas, self.router.finish = deltas, "tool_calls" if turn.calls else "stop"

    def say_claude(self, turn: Turn, _):
        calls = [claude.call(identifier, name, **arguments) for identifier, name, arguments in turn.calls]
        blocks = [claude.thinking(turn.thought), claude.text(turn.text), *calls]
        self.claude.reply(*blocks, reason="tool_use" if calls else "end_turn")

    def say_gemini(self, turn: Turn, _):
        parts: list[dict] = [{"text": turn.thought, "thought": True}, {"text": turn.text}]
        for number, (_, name, arguments) in enumerate(turn.calls):
            signed = {} if number else {"thoughtSignature": "c2ln"}
            parts.append({"functionCall": {"name": name, "args": arguments}, **signed})
        self.vertex.reply({
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1},
            "responseId": "r1", "modelVersion": "gemini",
        })  # fmt: skip

    def say_maas(self, turn: Turn, stream: bool):
        calls = [replies.call(0, name, json.dumps(arguments), one) for one, name, arguments in turn.calls]
        message = {"reasoning_content": turn.thought, **({"tool_calls": calls} if calls else {})}
        finish = "tool_calls" if calls else "stop"
        if not stream:
            return self.vertex.reply(replies.completion(turn.text, finish, **message))
        numbered = [{"index": number, **call} for number, call in enumerate(calls)]
        deltas = [{"reasoning_content": turn.thought}, {"content": turn.text}, *({"tool_calls": [one]} for one in numbered)]
        self.vertex.reply(*map(replies.chunk, deltas), replies.chunk({}, finish), replies.usage_chunk())


@dataclass
class Route:
    """A model of the host, its fake, and what is special about it."""

    name: str
    entry: Callable[[Upstreams], dict]
    say: Callable[[Upstreams, Turn, bool], Any]
    bodies: Callable[[Upstreams], list[dict]]
    read: Callable[[dict], conversation.Seen]
    #: Does the client hear thoughts?
    thinks: bool = True
    #: The thought of the first turn as it goes up with the second.
    returned: str | None = None


def entry(provider: str, model: str, **config) -> dict:
    return {"provider": provider, "model": model, "provider_config": config}


def at_openai(fake: str, **config):
    return lambda all: entry("openai", "gpt-x", apiKey=KEY, baseUrl=getattr(all, fake).url, **config)


def at_claude(**config):
    return lambda all: entry("anthropic", "claude-sonnet-4-5", apiKey="sk-ant-test", baseUrl=all.claude.url, **config)


def at_vertex(model: str):
    def made(all):
        return entry(
            "vertex", model, projectId="p1", accessToken="static-token", endpointOverride=all.vertex.origin,
            geminiEndpoint=all.vertex.origin)  # fmt: skip

    return made


def vertex_bodies(all):
    return [body for _, body in all.vertex.requests]


def is_chat(body: dict) -> bool:
    return "messages" in body


def of_openai(body: dict):
    return conversation.of_chat(body) if is_chat(body) else conversation.of_responses(body)


SIGNED = f"{FIRST.thought}|{claude.SIGNATURE}"
ROUTES = [
    Route("openai", at_openai("openai", flavour="openai"), lambda all, turn, _: all.openai.say(turn),
          lambda all: all.openai.bodies, of_openai, thinks=False),
    Route("compatible", at_openai("compatible"), lambda all, turn, _: all.compatible.say(turn),
          lambda all: all.compatible.bodies, of_openai, returned=FIRST.thought),
    Route("openai-responses", at_openai("openai", flavour="openai", api="responses"),
          lambda all, turn, _: all.openai.say(turn), lambda all: all.openai.bodies, of_openai,
          returned=f"{FIRST.thought}|{ENCRYPTED}"),
    Route("openrouter", lambda all: entry("openrouter", "anthropic/claude", apiKey=ROUTER_KEY, baseUrl=all.router.base),
          Upstreams.say_router, lambda all: all.router.bodies, conversation.of_chat, returned=SIGNED),
    Route("anthropic", at_claude(), Upstreams.say_claude, lambda all: all.claude.bodies, conversation.of_messages,
          returned=SIGNED),
    Route("anthropic-canonical", at_claude(native=False), Upstreams.say_claude, lambda all: all.claude.bodies,
          conversation.of_messages, returned=SIGNED),
    Route("gemini", at_vertex("gemini-3-pro-preview"), Upstreams.say_gemini, vertex_bodies, conversation.of_gemini,
          returned="|c2ln"),
    Route("maas", at_vertex("moonshotai/kimi-k2-maas"), Upstreams.say_maas, vertex_bodies, conversation.of_chat,
          returned=FIRST.thought),
]  # fmt: skip

every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.name)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def upstreams():
    made = Upstreams()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def host(upstreams, tmp_path_factory):
    models = [{"name": route.name, **route.entry(upstreams)} for route in ROUTES]
    running = hostprocess.Host(tmp_path_factory.mktemp("matrix"), {"models": models}).wait_ready()
    yield running
    running.stop()


@pytest.fixture
def asked(upstreams, host):
    """The fakes, with nothing asked; every test leaves them without complaints and the host alive."""
    upstreams.forget()
    upstreams.mock.reset()
    yield upstreams
    assert upstreams.complaints() == []
    assert host.alive, host.output[-4000:]


@pytest.fixture(scope="module")
def official(host):
    url = f"http://127.0.0.1:{host.port}"
    with openai.OpenAI(base_url=host.url, api_key="sk-client", max_retries=0, timeout=15) as one:
        with anthropic.Anthropic(base_url=url, api_key="sk-client", max_retries=0, timeout=15) as other:
            yield one, other


def thoughts_heard(route: Route, client, turn: Turn) -> str:
    # Chat of OpenAI itself tells none; its Responses API, which Responses clients reach natively, does.
    is_told = route.thinks or client.name == "responses"
    return turn.thought if is_told else ""


@every_route
@every_client
@both_ways
def test_an_agents_conversation(official, asked, route, client, stream):
    agent = client(*official, route.name, stream)
    route.say(asked, FIRST, stream)
    first = agent.turn()
    assert [(name, arguments) for _, name, arguments in first.calls] == BARE
    assert len({identifier for identifier, _, _ in first.calls}) == 2
    assert (first.text, first.thought) == (FIRST.text, thoughts_heard(route, client, FIRST))
    agent.answer(first)
    route.say(asked, SECOND, stream)
    second = agent.turn()
    assert (second.text, second.thought, second.calls) == (SECOND.text, thoughts_heard(route, client, SECOND), [])
    assert (first.reason, second.reason) == REASONS[client.name]

    bodies = route.bodies(asked)
    one, other = (route.read(body) for body in bodies)
    assert (one.images, one.calls, one.results, one.thoughts) == (1, [], [], [])
    assert one.texts == [SYSTEM, QUESTION]
    assert other.images == (2 if client.name == "messages" else 1)
    assert (other.calls, other.results) == (BARE, list(RESULTS))
    texts = [text for text in other.texts if not text.startswith("Content of tool result")]
    assert texts == [SYSTEM, QUESTION, FIRST.text, GO_ON]
    returned = route.returned
    if route.name == "openai" and client.name == "responses":
        returned = f"{FIRST.thought}|{ENCRYPTED}"
    assert other.thoughts == ([returned] if returned else [])
    for body in bodies:
        assert "kimi-host." not in json.dumps(body) and "gemini1:" not in json.dumps(body)


@every_route
@every_client
@pytest.mark.parametrize("before", ROUTES, ids=lambda one: one.name)
def test_a_conversation_that_moves(official, asked, route, client, before):
    """The second turn goes to another route: nobody is sent what another upstream signed."""
    if route.name == before.name:
        pytest.skip("does not move")
    agent = client(*official, before.name, True)
    before.say(asked, FIRST, True)
    agent.answer(agent.turn())
    asked.forget()
    agent.request["model"] = route.name
    route.say(asked, SECOND, True)
    second = agent.turn()
    assert second.text == SECOND.text
    body = json.dumps(route.bodies(asked)[-1])
    assert "kimi-host." not in body and "gemini1:" not in body
    seen = route.read(route.bodies(asked)[-1])
    assert (seen.calls, seen.results) == (BARE, list(RESULTS))
