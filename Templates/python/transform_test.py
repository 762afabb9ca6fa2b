"""`make test`: events from below, and what must come of them. Standard library only."""

import json
import pathlib
import unittest

import kimi_plugin as kimi
import plugin
from harness import Host, events_of, matches, told


def transcripts():
    for path in sorted(pathlib.Path(__file__).with_name("transcripts").glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def run(wanted, calls, flushes=False):
    """The reply that comes of `calls`, lists of events; as the host does it, others than `wants` pass by in order."""
    exchange = Host("transform", wanted["config"]).begin(wanted["request"])
    if wanted["request-out"] == "unchanged":
        assert exchange.change is None, exchange.change
    else:
        assert exchange.change == wanted["request-out"], exchange.change
    for events in calls:
        for event in events:
            if event.type in plugin.Transform.wants:
                exchange.feed([event])
            else:
                exchange.events.append(event)
        if flushes:
            exchange.flush(kimi.TIMEOUT)
    exchange.flush()
    return exchange.end()


def single(events):
    """Each text as one event per character: the host cuts between any two, and never inside one."""
    for event in events:
        if event.type in (kimi.TEXT, kimi.REASONING, kimi.TOOL_ARGS):
            yield from (event.with_text(character) for character in event.text)
        else:
            yield event


def joined(events):
    """The other extreme: texts that follow each other as one."""
    out = []
    for event in events:
        if out and out[-1].type == event.type and event.type in (kimi.TEXT, kimi.REASONING, kimi.TOOL_ARGS):
            out[-1] = out[-1].with_text(out[-1].text + event.text)
        else:
            out.append(event)
    return out


class TranscriptTest(unittest.TestCase):
    def check(self, wanted, calls, **more):
        found = run(wanted, calls, **more)
        self.assertTrue(matches(wanted["events"], found), f"\nwanted {wanted['events']}\nfound  {found}")

    def test_transcripts_cut_at_every_pair_of_places(self):
        for name, wanted in transcripts():
            pieces = list(single(events_of(wanted["events-in"])))
            for first in range(len(pieces) + 1):
                for second in range(first, len(pieces) + 1):
                    parts = pieces[:first], pieces[first:second], pieces[second:]
                    with self.subTest(name, cut=(first, second)):
                        self.check(wanted, [joined(part) for part in parts])

    def test_transcripts_in_single_characters_and_all_at_once(self):
        for name, wanted in transcripts():
            pieces = list(single(events_of(wanted["events-in"])))
            with self.subTest(name):
                self.check(wanted, [[piece] for piece in pieces])
                self.check(wanted, [joined(pieces)])
                # What is held is asked for at any time. A transform that gives up too much then fails here.
                self.check(wanted, [[piece] for piece in pieces], flushes=True)

    def test_several_events_in_one_call(self):
        exchange = Host("transform", {}).begin({"model": "m", "messages": []})
        exchange.feed([kimi.Event(kimi.TEXT, "“"), kimi.Event(kimi.TEXT, "a’", choice=1)])
        exchange.flush()
        self.assertEqual([(event.choice, event.text) for event in exchange.events], [(0, '"'), (1, "a'")])

    def test_a_stream_that_breaks(self):
        for why in (kimi.TRUNCATED, kimi.CANCELLED):
            exchange = Host("transform", {}).begin({"model": "m", "messages": []})
            exchange.feed([kimi.Event(kimi.TEXT, "“a")])
            exchange.flush(why)
            self.assertEqual(told(exchange.events), [{"text": '"a'}])


if __name__ == "__main__":
    unittest.main()
