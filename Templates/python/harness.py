"""Plays kimi-host for the tests: a plugin's classes get their calls through the binding's own protocol.

The rules of kimi_plugin.h that an exchange can break are checked on the way (S07, S11). Standard library only.
"""

import json
import struct

import kimi_plugin as kimi

KINDS = {"provider": 1, "transform": 2}
TYPES = {
    kimi.START: "start", kimi.TEXT: "text", kimi.REASONING: "reasoning", kimi.USAGE: "usage",
    kimi.FINISH: "finish", kimi.ERROR: "error",
}  # fmt: skip
CATEGORIES = {
    "auth": 1, "rate_limited": 2, "overloaded": 3, "context_length": 4, "content_filter": 5, "bad_request": 6, "upstream": 7,
    "protocol": 8, "config": 9, "internal": 10, "not_found": 11, "permission": 12, "quota": 13, "timeout": 14, "network": 15,
}  # fmt: skip


class Refused(Exception):
    """The plugin failed the call."""

    def __init__(self, status, category, message):
        super().__init__(message)
        self.status, self.category = status, category


class Child(kimi._Server):
    """The binding's side, with its messages kept instead of sent."""

    def __init__(self, host):
        super().__init__(-1)
        self.host = host

    def send(self, op, id, payload, flags=0):
        read = kimi._Reader(payload)
        if op & 0xC0 == 0x80:
            # Without the time that it took.
            self.reply = kimi._Reader(payload[:4] + payload[8:]) if flags & kimi._TIMED else read
        elif op == 0xC0:
            self.host.logs.append((read.u32(), read.text().decode()))
        elif op == 0xC1:
            read.u64()
            key, value = read.text(), read.text()
            self.host.values[key] = value
        elif op == 0xC2:
            self.host.values.pop(read.text(), None)

    def kv_get(self, instance, key):
        return self.host.values.get(key)


class Host:
    """One instance of the plugin. Several exchanges may be under way."""

    def __init__(self, kind, config):
        self.kind, self.logs, self.values, self.notes, self.number = KINDS[kind], [], {}, [], 0
        self.child = kimi._server = Child(self)
        self.ask(2, 0, struct.pack("<BBH", self.kind, 0, 0) + kimi._text(json.dumps(config).encode()))

    def begin(self, request, **more):
        self.number += 1
        return Exchange(self, self.number, request, **more)

    def ask(self, op, id, payload):
        """(status, items) of a call; raises Refused."""
        self.child.serve(id, op, kimi._Reader(payload))
        read = self.child.reply
        status, items = read.i32(), []
        while read.place < len(read.data):
            items.append(self.item(read))
        self.notes += [item[1:] for item in items if item[0] == "note"]
        if status < 0:
            raise Refused(status, *next((item[1:] for item in items if item[0] == "fail"), (0, "no reason was told")))
        return status, items

    @staticmethod
    def item(read):
        tag = read.u8()
        if tag == 1:
            return "events", [read.event() for _ in range(read.u32())]
        if tag == 2:
            return "note", read.text().decode(), read.u64(), read.text().decode()
        if tag == 3:
            return "put", read.u32(), json.loads(read.text())
        if tag == 4:
            return "field", read.u32(), read.text().decode(), read.text().decode()
        if tag == 5:
            return "step", read.u32(), read.u32(), read.u64()
        status, category = read.i32(), read.u32()
        read.u64()
        return "fail", category, read.text().decode()


class Exchange:
    """One exchange, and the events that have come of it."""

    def __init__(self, host, id, request, flags=1, conversation=""):
        self.host, self.id, self.events = host, id, []
        names = (request.get("model", ""), f"test-{id}", "openai.chat", conversation)
        payload = struct.pack("<BBHIIQQ", host.kind, 0, 0, 0, flags, 1, 600_000)
        _, items = host.ask(4, id, payload + b"".join(kimi._text(t.encode()) for t in (json.dumps(request), *names)))
        #: What begin gave: nothing, or the merge patch or new request.
        self.change = next((item[2] for item in items if item[0] == "put"), None)

    def plan(self):
        """The next step as {"step": 1, URL: ..., "headers": {...}, "secret-headers": {...}, "patch": {...}}."""
        _, items = self.host.ask(5, self.id, b"")
        made = {"headers": {}, "secret-headers": {}}
        for item in items:
            if item[0] == "field" and item[1] in (kimi.HEADER, kimi.SECRET_HEADER):
                made["headers" if item[1] == kimi.HEADER else "secret-headers"][item[2]] = item[3]
            elif item[0] == "field":
                made[item[1]] = item[3]
        steps = [item for item in items if item[0] == "step"]
        assert len(steps) == 1 and items[-1] is steps[0], "S07: next describes one step, after its fields"
        return {**made, "step": steps[0][1], "arg": steps[0][3]}

    def result(self, status=200, headers=None):
        lines = b"".join(kimi._text(k.encode()) + kimi._text(v.encode()) for k, v in (headers or {}).items())
        head = struct.pack("<IIiI", kimi.SEND, 0, 0, status) + kimi._text(b"")
        return self.host.ask(6, self.id, head + struct.pack("<I", len(headers or {})) + lines)[0]

    def feed(self, pieces):
        """Events for a transform; (kind, flags, data) for a provider. Returns the status."""
        if self.host.kind == 2:
            packed = [kimi._pack_event(event) for event in pieces]
        else:
            packed = [struct.pack("<II", k, f) + kimi._text(b"") + kimi._text(data) for k, f, data in pieces]
        status, items = self.host.ask(7, self.id, struct.pack("<I", len(pieces)) + b"".join(packed))
        self.collect(items)
        return status

    def flush(self, why=kimi.END):
        self.collect(self.host.ask(8, self.id, struct.pack("<I", why))[1])

    def end(self, why=kimi.END):
        self.host.child.serve(self.id, 9, kimi._Reader(struct.pack("<I", why)))
        if self.host.kind == 1:
            check_order(self.events)
        return told(self.events)

    def collect(self, items):
        for item in items:
            if item[0] == "events":
                self.events += item[1]


def check_order(events):
    """S11, for a provider's events."""
    started, finished, open_call, calls, last = False, set(), None, 0, None
    for event in events:
        assert last != kimi.ERROR, "S11: nothing follows ERROR"
        last = event.type
        assert event.type != kimi.START or not started, "S11: START once"
        started = started or event.type == kimi.START
        assert started or event.type == kimi.ERROR, "S11: START first"
        assert event.choice not in finished or event.type in (kimi.USAGE, kimi.JSON), "S11: something follows FINISH"
        if event.type == kimi.TOOL_BEGIN:
            assert open_call is None and event.index == calls, "S11: calls come one after the other, from 0"
            open_call, calls = event.index, calls + 1
        elif event.type in (kimi.TOOL_ARGS, kimi.TOOL_END):
            assert event.index == open_call, "S11: a piece of a call that is not open"
            open_call = None if event.type == kimi.TOOL_END else open_call
        elif event.type == kimi.FINISH:
            assert open_call is None, "S11: FINISH while a call is open"
            finished.add(event.choice)


def told(events):
    """Events as the transcripts write them: texts that follow each other are one, and so are a call's pieces."""
    out = []
    for e in events:
        a, b = e.a.decode(), e.b.decode()
        if e.type in (kimi.TEXT, kimi.REASONING):
            if out and TYPES[e.type] in out[-1]:
                out[-1][TYPES[e.type]] += a
            else:
                out.append({TYPES[e.type]: a})
        elif e.type == kimi.START:
            out.append({"start": {"id": a, "model": b, "created": e.i[0]}})
        elif e.type == kimi.TOOL_BEGIN:
            out.append({"tool": {"index": e.index, "id": a, "name": b, "args": ""}})
        elif e.type == kimi.TOOL_ARGS:
            out[-1]["tool"]["args"] += a
        elif e.type == kimi.USAGE:
            out.append({"usage": dict(zip(("input", "output", "cached", "reasoning"), e.i))})
        elif e.type == kimi.FINISH:
            out.append({"finish": {"reason": a, "raw": b}})
        elif e.type == kimi.ERROR:
            name = next(word for word, number in CATEGORIES.items() if number == e.i[0])
            out.append({"error": {"message": a, "category": name, "status": e.i[1], "retry-after-ms": e.i[2]}})
    return out


def events_of(list):
    """The transcripts' events as a transform gets them. The reverse of `told`."""
    for one in list:
        ((word, value),) = one.items()
        if word in ("text", "reasoning"):
            yield kimi.Event(kimi.TEXT if word == "text" else kimi.REASONING, value)
        elif word == "start":
            yield kimi.Event(kimi.START, value["id"], value["model"], i=(value.get("created", 0), 0, 0, 0))
        elif word == "finish":
            yield kimi.Event(kimi.FINISH, value["reason"], value["raw"])
        elif word == "usage":
            yield kimi.Event(kimi.USAGE, i=[value.get(k, -1) for k in ("input", "output", "cached", "reasoning")])
        elif word == "tool":
            yield kimi.Event(kimi.TOOL_BEGIN, value["id"], value["name"], index=value["index"])
            yield kimi.Event(kimi.TOOL_ARGS, value["args"], index=value["index"])
            yield kimi.Event(kimi.TOOL_END, index=value["index"])
        else:
            raise ValueError(f"the harness does not know the event {word}")


def matches(wanted, found):
    """Is `found` what a transcript wants? Members that it does not name may be anything; "finish: stop" is short."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(name in found and matches(value, found[name]) for name, value in wanted.items())
    if isinstance(wanted, str) and isinstance(found, dict) and "reason" in found:
        return wanted == found["reason"]
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(matches, wanted, found))
    return wanted == found
