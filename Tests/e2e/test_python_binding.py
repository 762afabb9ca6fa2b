"""Python/kimi_plugin.py by itself, called as its process calls it: what the protocol asks of a binding."""

from __future__ import annotations

import importlib.util
import struct
import sys

import pytest

from hostprocess import ROOT

SPEC = importlib.util.spec_from_file_location("kimi_plugin_under_test", ROOT / "Python/kimi_plugin.py")
kimi = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = kimi
SPEC.loader.exec_module(kimi)

CREATE, BEGIN, NEXT, FEED, FLUSH, END = 2, 4, 5, 7, 8, 9
PROVIDER, TRANSFORM = 1, 2


class Child(kimi._Server):
    """The binding's side, with its messages kept instead of sent."""

    def __init__(self, kind, made):
        super().__init__(-1)
        kimi._server, self.messages = self, []
        kimi._kinds.clear()
        kimi._kinds[kind] = made
        self.kind = kind

    def send(self, op, id, payload, flags=0):
        self.messages.append((op, id, kimi._Reader(payload), flags))

    def ask(self, op, id, payload=b""):
        """(status, flags, tags of the items) of the reply."""
        self.messages.clear()
        self.serve(id, op, kimi._Reader(payload))
        answer, number, read, flags = self.messages[-1]
        assert (answer, number) == (op | 0x80, id) and flags & 8, "every reply says how long it took"
        status, took = read.i32(), read.u32()
        assert took > 0
        self.rest = read.data[read.place :]
        return status, flags & ~8, self.tags()

    def tags(self):
        read, found = kimi._Reader(self.rest), []
        while read.place < len(read.data):
            tag = read.u8()
            found.append(tag)
            if tag == 1:
                [read.event() for _ in range(read.u32())]
            elif tag == 2:
                read.text(), read.u64(), read.text()
            elif tag == 3:
                read.u32(), read.text()
            elif tag == 4:
                read.u32(), read.text(), read.text()
            elif tag == 5:
                read.u32(), read.u32(), read.u64()
            else:
                self.failure = (read.i32(), read.u32(), read.u64(), read.text().decode())
        return found

    def make(self, config=b"{}", kind=None):
        return self.ask(CREATE, 1, struct.pack("<BBH", kind or self.kind, 0, 0) + kimi._text(config))

    def start(self, id=1):
        head = struct.pack("<BBHIIQQ", self.kind, 0, 0, 1, 1, 1, 0)
        return self.ask(BEGIN, id, head + b"".join(kimi._text(one) for one in (b'{"messages":[]}', b"m", b"e", b"d", b"")))

    def give(self, *pieces, id=1):
        """Texts for a transform; (data, flags) for a provider."""
        if self.kind == TRANSFORM:
            made = [kimi._pack_event(kimi.Event(kimi.TEXT, piece)) for piece in pieces]
        else:
            made = [struct.pack("<II", kimi.RAW, flags) + kimi._text(b"") + kimi._text(data) for data, flags in pieces]
        return self.ask(FEED, id, struct.pack("<I", len(pieces)) + b"".join(made))


class Plain(kimi.Transform):
    def feed(self, events, sink):
        for event in events:
            if event.a == b"fail":
                raise kimi.Failure("as told", kimi.UPSTREAM, kimi.E_UPSTREAM, 7)
            if event.a == b"raise":
                raise KeyError("x")
            sink.emit(event)


def test_what_was_emitted_before_a_failure_counts_and_nothing_is_called_after_it():
    child = Child(TRANSFORM, Plain)
    assert child.make() == (0, 0, []) and child.start() == (kimi.UNCHANGED, 0, [])
    assert child.give("a", "b") == (0, 0, [1])
    assert child.give("a", "fail", "b") == (kimi.E_UPSTREAM, 0, [1, 6])
    assert child.failure == (kimi.E_UPSTREAM, kimi.UPSTREAM, 7, "as told")
    assert child.give("a") == (0, 2, []) and child.ask(FLUSH, 1, struct.pack("<I", 1)) == (0, 2, [])
    child.serve(1, END, kimi._Reader(struct.pack("<I", 5)))
    assert child.start()[0] == kimi.UNCHANGED, "the number is free again"
    assert child.give("raise") == (kimi.E_INTERNAL, 4, [6])
    assert "KeyError in feed, line" in child.failure[3]


@pytest.mark.parametrize("how", ["done", "last"])
def test_no_frames_after_the_reply_is_done_but_flush_and_end(how):
    calls = []

    class Done(kimi.Provider):
        def feed(self, frames, sink):
            calls.append("feed")
            return kimi.DONE if how == "done" else kimi.OK

        def flush(self, why, sink):
            calls.append("flush")

    child = Child(PROVIDER, Done)
    child.make(), child.start()
    assert child.give((b"x", kimi.LAST if how == "last" else 0))[:2] == (kimi.DONE if how == "done" else 0, 0)
    assert child.give((b"y", 0)) == (0, 2, [])
    assert child.ask(FLUSH, 1, struct.pack("<I", 1)) == (0, 0, [])
    assert calls == ["feed", "flush"]


def test_a_refused_configuration_has_no_instance():
    class Picky(kimi.Transform):
        @classmethod
        def configure(cls, instance):
            instance.seen = instance.config["word"]

    child = Child(TRANSFORM, Picky)
    for config in (b"", b"[]", b"null", b"[" * 100_000, b"\xff"):
        assert child.make(config)[:2] == (kimi.E_CONFIG, 0) and "JSON object" in child.failure[3]
    assert child.make(b"{}")[:2] == (kimi.E_INTERNAL, 4) and "KeyError in configure" in child.failure[3]
    assert child.start()[:2] == (kimi.E_CONFIG, 1)
    assert child.make(b'{"word": "x"}')[0] == 0 and child.start()[0] == kimi.UNCHANGED
    assert child.make(b"{}", kind=7)[0] == kimi.E_CONFIG


def test_an_exception_in_end_is_told():
    class Bad(kimi.Transform):
        def end(self, why):
            raise LookupError("late \ud800")

    child = Child(TRANSFORM, Bad)
    child.make(), child.start()
    child.messages.clear()
    child.serve(1, END, kimi._Reader(struct.pack("<I", 1)))
    (op, id, read, flags), = child.messages
    assert (op, id, flags, read.u32()) == (0xC0, 1, 4, kimi.WARNING) and "LookupError in end" in read.text().decode()


@pytest.mark.parametrize("wrong", [
    lambda sink: sink.text(7), lambda sink: sink.emit("text"), lambda sink: sink.emit(kimi.Event(99_999_999, "a")),
    lambda sink: sink.emit(kimi.Event(kimi.USAGE, i=(1 << 70, 0, 0, 0))), lambda sink: sink.note(7),
])  # fmt: skip
def test_what_is_no_event_is_an_exception_and_not_a_broken_reply(wrong):
    class Wrong(kimi.Transform):
        def feed(self, events, sink):
            sink.text("before")
            wrong(sink)

    child = Child(TRANSFORM, Wrong)
    child.make(), child.start()
    assert child.give("a") == (kimi.E_INTERNAL, 4, [1, 6])


@pytest.mark.parametrize("failure", [
    kimi.Failure("x" * 10_000), kimi.Failure("é" * 5_000), kimi.Failure("\ud800"), kimi.Failure(7), kimi.Failure("x", "y"),
    kimi.Failure("x", status=5), kimi.Failure("x", status="y"), kimi.Failure("x", retry_after_ms=-1),
])  # fmt: skip
def test_a_failure_is_a_failure_whatever_it_says(failure):
    class Wrong(kimi.Transform):
        def feed(self, events, sink):
            raise failure

    child = Child(TRANSFORM, Wrong)
    child.make(), child.start()
    status, _, tags = child.give("a")
    assert status == child.failure[0] < 0 and tags == [6] and len(child.failure[3].encode()) <= 2048


def test_sinks_and_plans_live_for_one_call():
    class Keeper(kimi.Provider):
        def next(self, plan):
            kept = getattr(self, "kept", plan)
            self.kept = kept
            kept.field(kimi.URL, "https://x.example/").step(kimi.SEND)

        def feed(self, frames, sink):
            self.sink = getattr(self, "sink", sink)
            self.sink.text("x")

    child = Child(PROVIDER, Keeper)
    child.make(), child.start()
    assert child.ask(NEXT, 1)[2] == [4, 5]
    assert child.give((b"x", 0))[2] == [1]
    assert child.give((b"x", 0))[:2] == (kimi.E_INTERNAL, 4) and "this sink died with an earlier call" in child.failure[3]
    child.start(2)
    child.exchanges[2].kept = child.exchanges[1].kept
    assert child.ask(NEXT, 2)[:2] == (kimi.E_INTERNAL, 4) and "this plan died with an earlier call" in child.failure[3]
