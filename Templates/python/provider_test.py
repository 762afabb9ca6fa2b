"""`make test`: what the upstream says, and what must come of it. Standard library only."""

import json
import pathlib
import unittest

import kimi_plugin as kimi
import plugin  # noqa: F401  declares the plugin
from harness import Host, Refused, matches

CONFIG = {"apiKey": "sk-test-key", "baseUrl": "https://api.example.com/v1"}
REQUEST = {"model": "some-model", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
FINISH = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def transcripts():
    for path in sorted(pathlib.Path(__file__).with_name("transcripts").glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def sse(*chunks):
    return [(kimi.SSE, 0, (c if isinstance(c, str) else json.dumps(c)).encode()) for c in chunks]


def cuts(frames):
    """All at once, one by one, and in two parts cut at every place."""
    yield [frames]
    yield [[frame] for frame in frames]
    for place in range(1, len(frames)):
        yield [frames[:place], frames[place:]]


def begun(request=REQUEST, status=200, headers=None):
    exchange = Host("provider", CONFIG).begin(request)
    exchange.plan()
    exchange.result(status, headers)
    return exchange


def reply(*chunks, why=kimi.END):
    """The events of a whole reply."""
    exchange = begun()
    if exchange.feed(sse(*chunks)) != kimi.DONE or why != kimi.END:
        exchange.flush(why)
    return exchange.end(why)


def delta(**more):
    return {"id": "r1", "model": "m", "choices": [{"index": 0, "delta": more}]}


def call(index=0, **more):
    return delta(tool_calls=[{"index": index, **more}])


class TranscriptTest(unittest.TestCase):
    def test_transcripts_cut_at_every_place(self):
        for name, wanted in transcripts():
            ((step),) = wanted["steps"]
            answer = step["answer"]
            status, headers = answer.get("status", 200), answer.get("headers")
            if "body" in answer:
                flags = kimi.LAST | (kimi.ERROR_BODY if status >= 400 else 0)
                frames = [(kimi.WHOLE_BODY, flags, json.dumps(answer["body"]).encode())]
            else:
                frames = sse(*answer["sse"])
            for parts in cuts(frames):
                with self.subTest(name, parts=[len(part) for part in parts]):
                    exchange = Host("provider", wanted["config"]).begin(wanted["request"])
                    self.check_plan(step["send"], exchange.plan())
                    exchange.result(status, headers)
                    done = any(exchange.feed(part) == kimi.DONE for part in parts)
                    failure, why = None, kimi.TRUNCATED if wanted.get("ends") == "truncated" else kimi.END
                    try:
                        if not done:
                            exchange.flush(why)
                    except Refused as refused:
                        failure = {"in": "flush", "category": refused.category}
                    events = exchange.end(why)
                    self.assertTrue(matches(wanted["events"], events), f"\nwanted {wanted['events']}\nfound  {events}")
                    category = {"upstream": kimi.UPSTREAM, "protocol": kimi.PROTOCOL}
                    fails = wanted.get("fails")
                    self.assertEqual(failure, fails and {**fails, "category": category[fails["category"]]})

    def check_plan(self, wanted, plan):
        self.assertEqual((plan["step"], plan["arg"]), (kimi.SEND, kimi.SEND_STREAM))
        self.assertEqual(plan[kimi.URL], wanted["url"])
        self.assertEqual(plan.get(kimi.METHOD, "POST"), wanted.get("method", "POST"))
        for kind in ("headers", "secret-headers"):
            self.assertEqual(plan[kind], {**plan[kind], **wanted.get(kind, {})})
        self.assertNotIn("sk-test-key", str(plan["headers"]), "a secret in a header that is logged")
        self.assertTrue(json.loads(plan[kimi.BODY_PATCH])["stream"])


class RequestTest(unittest.TestCase):
    def test_one_choice_is_all(self):
        for fine in ({}, {"n": 1}, {"n": None}):
            Host("provider", CONFIG).begin({**REQUEST, **fine})
        with self.assertRaisesRegex(Refused, "n: ") as refused:
            Host("provider", CONFIG).begin({**REQUEST, "n": 2})
        self.assertEqual(refused.exception.category, kimi.BAD_REQUEST)


class ReplyTest(unittest.TestCase):
    def test_nothing_follows_an_error(self):
        frames = sse(delta(content="a"), {"error": {"message": "no"}}, delta(content="b"), FINISH, "[DONE]")
        for parts in cuts(frames):
            exchange = begun()
            for part in parts:
                if exchange.feed(part) == kimi.DONE:
                    break
            self.assertEqual([list(event) for event in exchange.end()], [["start"], ["text"], ["error"]])

    def test_an_error_before_anything_else(self):
        self.assertEqual([list(event) for event in reply({"error": "busy"}, delta(content="a"))], [["error"]])

    def test_only_usage_follows_the_finish_reason(self):
        events = reply(delta(content="a"), FINISH, delta(content="b"), FINISH, {"error": {"message": "no"}}, {"usage": {}})
        self.assertEqual([list(event) for event in events], [["start"], ["text"], ["finish"], ["usage"]])

    def test_numbers_that_are_none(self):
        for odd in (True, -1, 1 << 63, 0.5, "7", None):
            start, usage = reply({**delta(), "created": odd, "usage": {"prompt_tokens": odd}}, why=kimi.CANCELLED)
            self.assertEqual(start["start"]["created"], 0)
            self.assertEqual(set(usage["usage"].values()), {-1})

    def test_an_error_page(self):
        exchange = begun(status=502)
        exchange.feed([(kimi.WHOLE_BODY, kimi.LAST | kimi.ERROR_BODY, b"<html>\xff")])
        exchange.flush()
        (event,) = exchange.end()
        self.assertEqual((event["error"]["category"], event["error"]["status"]), ("upstream", 502))
        self.assertTrue(event["error"]["message"])

    def test_statuses(self):
        date = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
        categories = {401: "auth", 404: "not_found", 418: "bad_request", 429: "rate_limited", 500: "upstream"}
        for status, category in categories.items():
            exchange = begun(status=status, headers=date)
            exchange.feed([(kimi.WHOLE_BODY, kimi.ERROR_BODY, b'{"error": {"message": "m"}}')])
            (event,) = exchange.end()
            wanted = {"message": "m", "category": category, "status": status, "retry-after-ms": -1}
            self.assertEqual(event["error"], wanted)

    def test_what_is_no_json_is_a_protocol_error(self):
        for chunk in ("{", "[]", "7", "[" * 100_000):
            with self.assertRaises(Refused) as refused:
                reply(chunk)
            self.assertEqual(refused.exception.category, kimi.PROTOCOL)

    def test_any_types_are_borne(self):
        for odd in (None, 7, "x", [], {}, [None], [[]], True, -1, 1 << 70, 0.5):
            for name in ("id", "created", "model", "choices", "usage"):
                reply({**delta(content="a"), name: odd}, FINISH, "[DONE]")
            for name in ("content", "reasoning_content", "reasoning", "role"):
                reply(delta(**{name: odd}), FINISH, "[DONE]")
            for name in ("index", "id", "function"):
                reply(call(**{"id": "c", "function": {"name": "f", "arguments": "{}"}, name: odd}), FINISH, "[DONE]")
            reply(delta(tool_calls=odd), FINISH, "[DONE]")

    def test_half_a_surrogate_pair_is_replaced(self):
        self.assertIn({"text": "a\ufffdb"}, reply('{"choices":[{"delta":{"content":"a\\ud83db"}}]}', FINISH, "[DONE]"))

    def test_it_ends_without_a_finish_reason(self):
        for chunks in ([], [delta(content="a")], [delta(content="a"), "[DONE]"]):
            exchange = begun()
            exchange.feed(sse(*chunks))
            with self.assertRaises(Refused):
                exchange.flush()
        reply(delta(content="a"), why=kimi.CANCELLED)


class ToolCallTest(unittest.TestCase):
    def calls(self, *chunks):
        return [event["tool"] for event in reply(*chunks, FINISH, "[DONE]") if "tool" in event]

    def test_pieces(self):
        for repeated in ({}, {"id": "a"}):
            found = self.calls(
                call(id="a", type="function", function={"name": "f", "arguments": ""}),
                *[call(**repeated, function={"arguments": c}) for c in '{"k": "ö"}'],
                call(1, id="b", function={"name": "g", "arguments": "{}"}))  # fmt: skip
            self.assertEqual(found, [
                {"index": 0, "id": "a", "name": "f", "args": '{"k": "ö"}'},
                {"index": 1, "id": "b", "name": "g", "args": "{}"}])  # fmt: skip

    def test_all_numbered_0_or_not_at_all(self):
        for number in ({"index": 0}, {"index": None}):
            found = self.calls(*[call(**number, id=i, function={"name": "f", "arguments": "{}"}) for i in "abc"])
            self.assertEqual([(one["index"], one["id"], one["args"]) for one in found],
                             [(0, "a", "{}"), (1, "b", "{}"), (2, "c", "{}")])  # fmt: skip

    def test_a_name_that_comes_after_the_id(self):
        for numbers in ((0, 1), (None, None)):
            found = self.calls(*[piece for number, i in zip(numbers, "ab") for piece in (
                call(number, id=i), call(number, function={"name": "f" + i, "arguments": "{}"}))])  # fmt: skip
            self.assertEqual([(one["id"], one["name"]) for one in found], [("a", "fa"), ("b", "fb")])

    def test_no_arguments(self):
        found = self.calls(call(id="a", function={"name": "f"}))
        self.assertEqual(found, [{"index": 0, "id": "a", "name": "f", "args": ""}])

    def test_mixed_pieces_are_refused_and_not_mixed_up(self):
        begin = [call(n, id=f"c{n}", function={"name": "f", "arguments": "{"}) for n in (0, 1)]
        names = {}, {"name": "f"}
        for late in [call(0, **i, function={**n, "arguments": "}"}) for n in names for i in ({}, {"id": "c0"})]:
            with self.assertRaisesRegex(Refused, "mixes"):
                self.calls(*begin, late)


if __name__ == "__main__":
    unittest.main()
