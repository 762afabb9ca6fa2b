"""Plugins for kimi-host in one Python file, standard library only.

    import kimi_plugin as kimi

    class Redact(kimi.Transform):
        def feed(self, events, sink): ...

    kimi.plugin(id="com.example.redact", name="Redact", version="1.0.0", transform=Redact, word="redact")

The file lies in plugins.d with a sidecar of the same name (`isolation: process` goes without saying). kimi-host runs it
in a process of its own that can open no file and no socket; import what you need at the top, not later.
docs/plugins-isolation.md has the protocol, docs/plugins/abi.md the rules: an object of your class is one exchange.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
import time
import traceback
import types

# kimi_event_type
START, TEXT, REASONING, TOOL_BEGIN, TOOL_ARGS, TOOL_END, PART, USAGE, FINISH, ERROR, JSON = range(1, 12)
# kimi_status_code
OK, UNCHANGED, STOP, DONE, WHOLE, NONE = range(6)
E_CONFIG, E_PROTOCOL, E_UPSTREAM, E_UNSUPPORTED, E_INTERNAL = -2, -4, -5, -9, -10
# kimi_category
AUTH, RATE_LIMITED, OVERLOADED, BAD_REQUEST, UPSTREAM, PROTOCOL, CONFIG, INTERNAL = 1, 2, 3, 6, 7, 8, 9, 10
CONTEXT_LENGTH, CONTENT_FILTER, NOT_FOUND, PERMISSION, QUOTA, TIMED_OUT, NETWORK = 4, 5, 11, 12, 13, 14, 15
# kimi_step, kimi_send_flag, kimi_field, kimi_why, kimi_frame_kind, kimi_frame_flag, kimi_request_flag
SEND, TOKEN, HTTP, SIGN, LOCAL_REPLY, WAIT, GRANT = range(1, 8)
SEND_STREAM, SEND_NO_BODY = 1, 2
METHOD, URL, HEADER, BODY, BODY_PATCH, TOKEN_KEY, SIGN_ALG, SIGN_KEY, SIGN_DATA, TOKEN_VALUE, EXPIRES_AT, REFRESH_AT = range(1, 13)
SECRET_HEADER = 13
END, TRUNCATED, CANCELLED, TIMEOUT, FAILED = range(1, 6)
RAW, SSE, LINE, WHOLE_BODY, TICK = range(1, 6)
LAST, ERROR_BODY, CUT = 1, 2, 4
STREAM, NATIVE = 1, 2
DEBUG, INFO, WARNING = 1, 2, 3

_MAGIC, _VERSION, _REPLY = 0x494D494B, 1, 0x80
_NO_EXCHANGE, _SKIPPED, _RAISED, _TIMED = 1, 2, 4, 8  # flags of a reply
_MAX_IN, _MAX_REPLY = (256 << 20) + (1 << 20), 64 << 20
_MAX_ITEMS = 32 << 10  # The host takes twice as many: a note may end an item of events.


class Failure(Exception):
    """Fails the call. `message`: one sentence for the client, no secrets."""

    def __init__(self, message: str, category: int = INTERNAL, status: int = E_INTERNAL, retry_after_ms: int = 0):
        super().__init__(message)
        self.message, self.category, self.status, self.retry_after_ms = message, category, status, retry_after_ms


def unsupported(message: str) -> Failure:
    """A provider's answer to a native request that it would rather have in the canonical form."""
    return Failure(message, BAD_REQUEST, E_UNSUPPORTED)


class Event:
    """A canonical event; what its slices and numbers mean is in kimi_plugin.h. Slices are bytes."""

    __slots__ = ("type", "choice", "index", "a", "b", "c", "i", "flags")

    def __init__(self, type, a=b"", b=b"", c=b"", i=(0, 0, 0, 0), choice=0, index=0, flags=0):
        self.type, self.choice, self.index, self.i, self.flags = type, choice, index, tuple(i), flags
        self.a, self.b, self.c = _bytes(a), _bytes(b), _bytes(c)

    @property
    def text(self) -> str:
        return self.a.decode(errors="replace")

    def with_text(self, text: str) -> Event:
        return Event(self.type, text, self.b, self.c, self.i, self.choice, self.index, self.flags)


class Request:
    """What begin gets: `json` is the canonical request's bytes, `data` the same parsed."""

    def __init__(self, read):
        self.flags, self.attempt, self.deadline_ms = read.u32(), read.u64(), read.u64()
        self.json = read.text()
        self.model, self.exchange_id, self.dialect, self.conversation = (read.text().decode() for _ in range(4))

    @property
    def data(self):
        return json.loads(self.json)

    @property
    def wants_stream(self) -> bool:
        return bool(self.flags & STREAM)

    @property
    def is_native(self) -> bool:
        return bool(self.flags & NATIVE)


class Frame:
    """A piece of the upstream's body."""

    __slots__ = ("kind", "flags", "name", "data")

    def __init__(self, read):
        self.kind, self.flags, self.name, self.data = read.u32(), read.u32(), read.text(), read.text()


class Result:
    """What a step came back with."""

    def __init__(self, read):
        self.kind, self.id, self.status, self.http_status = read.u32(), read.u32(), read.i32(), read.u32()
        self.body = read.text()
        self.headers = [(read.text().decode("latin-1"), read.text().decode("latin-1")) for _ in range(read.u32())]


class Instance:
    """A configured plugin: `config` is a dict, checked against the manifest's schema. `kv` outlives exchanges."""

    def __init__(self, number, level, config):
        self._number, self._level, self.config = number, level, config

    def log(self, text: str, level: int = INFO):
        if level >= self._level:
            _server.send(0xC0, self._number, struct.pack("<I", level) + _text(text.encode()[:2048]))

    def kv_put(self, key, value, ttl_ms: int = 0):
        _server.send(0xC1, self._number, struct.pack("<Q", ttl_ms) + _text(_bytes(key)) + _text(_bytes(value)))

    def kv_forget(self, key):
        _server.send(0xC2, self._number, _text(_bytes(key)))

    def kv_get(self, key):
        """The bytes filed under key, or None."""
        return _server.kv_get(self._number, _bytes(key))


class Transform:
    """One attempt of one request. `instance` and `request` are set before begin."""

    #: The event types that feed gets; others pass it by.
    wants = (TEXT,)

    @classmethod
    def configure(cls, instance: Instance):
        """Once for each configuration, when it is loaded: may raise Failure, and keep what it makes in `instance`."""

    def __init__(self, instance: Instance, request: Request):
        self.instance, self.request = instance, request

    def begin(self, note):
        """None, a dict (a merge patch on the request), or bytes (the whole new request). note(kind, count, detail)."""

    def feed(self, events, sink):
        """Emit what shall go on: sink.emit(event), sink.text(text), sink.note(kind, count, detail)."""
        for event in events:
            sink.emit(event)

    def flush(self, why, sink):
        """The stream is over, or held too long (TIMEOUT): emit what is held."""

    def end(self, why):
        """The exchange's last call."""


class Provider:
    """One attempt of one request at an upstream: `next` plans steps, `result` answers them, `feed` reads the reply."""

    @classmethod
    def configure(cls, instance: Instance):
        """Once for each configuration, when it is loaded: may raise Failure, and keep what it makes in `instance`."""

    def __init__(self, instance: Instance, request: Request):
        self.instance, self.request = instance, request

    def begin(self):
        """May raise Failure."""

    def next(self, plan):
        """One step: plan.field(URL, url), plan.header(name, value), plan.step(SEND)."""
        raise Failure("this provider plans nothing")

    def result(self, result):
        """OK, or WHOLE to get the body in one piece."""
        return OK

    def feed(self, frames, sink):
        """OK, or DONE."""
        return OK

    def flush(self, why, sink):
        """Emit what is left, or raise Failure if the reply is incomplete."""

    def end(self, why):
        pass


class Auth:
    """One fetch of the token that the provider's step TOKEN asked for as `key`; it is cached and renewed by the host."""

    def __init__(self, instance: Instance, key: str):
        self.instance, self.key = instance, key

    def begin(self):
        """May raise Failure."""

    def next(self, plan):
        """One step: HTTP, SIGN or WAIT, and plan.grant(token, expires_at_ms) as the last."""
        raise Failure("this auth machine plans nothing")

    def result(self, result):
        """A step came back. `result.status` below 0: the host could not do it, and the body says why."""

    def end(self, why):
        pass


class _OfCall:
    """What lives for one call only."""

    is_over = False

    def _check(self):
        if self.is_over:
            raise RuntimeError(f"this {type(self).__name__.lower()} died with an earlier call (S12)")


class Sink(_OfCall):
    def __init__(self):
        self.items, self._events, self._count = [], [], 0

    def _counted(self):
        self._count += 1
        if self._count > _MAX_ITEMS:
            raise Failure("the reply has too many events")

    def emit(self, event: Event):
        if self.is_over:
            self._check()
        self._counted()
        self._events.append(_pack_event(event))

    def text(self, text, type=TEXT, choice=0, index=0):
        self.emit(Event(type, text, choice=choice, index=index))

    def note(self, kind: str, count: int = 1, detail: str = ""):
        self._check()
        self._counted()
        self._close()
        self.items.append(b"\x02" + _text(kind.encode()) + struct.pack("<Q", count) + _text(detail.encode()[:256]))

    def _close(self):
        if self._events:
            self.items.append(b"\x01" + struct.pack("<I", len(self._events)) + b"".join(self._events))
            self._events = []

    def bytes(self) -> bytes:
        self._close()
        return b"".join(self.items)


class Plan(_OfCall):
    def __init__(self):
        self.items = []

    def field(self, field: int, value, key=b""):
        self._check()
        self.items.append(b"\x04" + struct.pack("<I", field) + _text(_bytes(key)) + _text(_bytes(value)))
        return self

    def header(self, name: str, value: str, secret: bool = False):
        return self.field(SECRET_HEADER if secret else HEADER, value, name)

    def step(self, kind: int, id: int = 0, arg: int = 0):
        self._check()
        self.items.append(b"\x05" + struct.pack("<IIQ", kind, id, arg))

    def grant(self, token, expires_at_ms: int, refresh_at_ms: int | None = None):
        """The last step of an Auth; times are Unix milliseconds."""
        self.field(TOKEN_VALUE, token).field(EXPIRES_AT, str(expires_at_ms))
        if refresh_at_ms is not None:
            self.field(REFRESH_AT, str(refresh_at_ms))
        self.step(GRANT)


_kinds: dict = {}
_manifest: dict = {}


def plugin(
    *, id, name, version, word, transform=None, provider=None, auth=None, config_schema=None, frames="sse", hosts=(), **more
):  # fmt: skip
    """Declares the file's one plugin. `word`: what the configuration calls it; `auth`: an Auth, beside a provider;
    `more`: further keys of the manifest."""
    provides = []
    if provider:
        _kinds[1] = provider
        provides.append({"interface": "kimi.provider/1", "name": word, "frames": frames})
    if transform:
        _kinds[2] = transform
        provides.append({"interface": "kimi.transform/1", "name": word})
    if auth:
        _kinds[3] = auth
        provides.append({"interface": "kimi.auth/1"})
    schema = config_schema or {"type": "object", "additionalProperties": False, "properties": {}}
    _manifest.update(
        {"id": id, "name": name, "version": version, "abi": {"built": "1.0", "needs": "1.0"}, "provides": provides,
         "config_schema": schema, "hosts": list(hosts), **more})  # fmt: skip


# ------------------------------------------------------------------------------------------------ the protocol


def _bytes(value) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(memoryview(value))  # bytes(7) would be seven zeros


def _text(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value


def _pack_event(event: Event) -> bytes:
    bits, parts = 0, []
    for bit, number in ((1, event.choice), (2, event.index)):
        if number:
            bits |= bit
            parts.append(struct.pack("<I", number))
    for place, slice in enumerate((event.a, event.b, event.c)):
        if slice:
            bits |= 4 << place
            parts.append(_text(slice))
    for place, number in enumerate(event.i):
        if number:
            bits |= 32 << place
            parts.append(struct.pack("<q", number))
    if event.flags:
        bits |= 512
        parts.append(struct.pack("<I", event.flags))
    return struct.pack("<HH", event.type, bits) + b"".join(parts)


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    def _number(self, form: str, size: int):
        value = struct.unpack_from(form, self.data, self.place)[0]
        self.place += size
        return value

    def u8(self): return self._number("<B", 1)
    def u16(self): return self._number("<H", 2)
    def u32(self): return self._number("<I", 4)
    def i32(self): return self._number("<i", 4)
    def u64(self): return self._number("<Q", 8)
    def i64(self): return self._number("<q", 8)

    def text(self) -> bytes:
        count = self.u32()
        if count > len(self.data) - self.place:
            raise ValueError("a text that ends too early")
        self.place += count
        return self.data[self.place - count : self.place]

    def event(self) -> Event:
        type, bits = self.u16(), self.u16()
        choice = self.u32() if bits & 1 else 0
        index = self.u32() if bits & 2 else 0
        a, b, c = (self.text() if bits & 4 << place else b"" for place in range(3))
        numbers = tuple(self.i64() if bits & 32 << place else 0 for place in range(4))
        return Event(type, a, b, c, numbers, choice, index, self.u32() if bits & 512 else 0)


def _words(error: BaseException) -> str:
    """An exception with its place in the plugin's file, or where it came from if it was not in it."""
    if isinstance(error, SyntaxError) and error.filename == _file:
        return f"{type(error).__name__} in line {error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    place = ([frame for frame in frames if frame.filename == _file] or frames)[-1]
    return f"{type(error).__name__} in {place.name}, line {place.lineno}: {error}"


def _fail_item(error: BaseException) -> tuple[int, bytes]:
    if not isinstance(error, Failure):
        error = Failure(_words(error))
    # Whatever it says: what is no text, and a status that is no failure, would break the reply.
    words = str(error.message).encode(errors="replace")[:2048].decode(errors="ignore").encode()
    try:
        if error.status >= 0:
            raise struct.error
        head = struct.pack("<iIQ", error.status, error.category, error.retry_after_ms)
    except (struct.error, TypeError):
        error.status, head = E_INTERNAL, struct.pack("<iIQ", E_INTERNAL, INTERNAL, 0)
    return error.status, b"\x06" + head + _text(words)


class _Server:
    """Serves calls as they come, until the host closes the socket."""

    def __init__(self, descriptor: int):
        self.descriptor, self.buffer, self.instances, self.exchanges = descriptor, b"", {}, {}
        self.owners = {}  # instance and kind of an exchange
        # Exchanges that failed, and those that want no more frames.
        self.over, self.done = set(), set()
        self.sink = Sink()  # of the call that runs
        self.aside: list[bytes] = []

    def send(self, op: int, id: int, payload: bytes, flags: int = 0):
        self._write(struct.pack("<IIBBH", len(payload) + 8, id, op, flags, 0) + payload)

    def _write(self, data: bytes):
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]

    def receive(self):
        """(id, op, reader) of the next message."""
        while True:
            if len(self.buffer) >= 4:
                size = struct.unpack_from("<I", self.buffer)[0]
                if not 8 <= size <= _MAX_IN:
                    os._exit(4)
                if len(self.buffer) >= size + 4:
                    message, self.buffer = self.buffer[4 : size + 4], self.buffer[size + 4 :]
                    read = _Reader(message)
                    id, op, _ = read.u32(), read.u8(), read.u8() + read.u16()
                    return id, op, read
            more = os.read(self.descriptor, 1 << 18)
            if not more:
                os._exit(0)
            self.buffer += more

    def kv_get(self, instance: int, key: bytes):
        self.send(0xC3, instance, _text(key))
        while True:
            id, op, read = self.receive()
            if op == 10:
                return read.text() if read.i32() == OK else None
            self.aside.append((id, op, read))

    def run(self):
        while True:
            message = self.aside.pop(0) if self.aside else self.receive()
            self.serve(*message)

    def serve(self, id, op, read):
        if op == 3:
            self.instances.pop(id, None)
        elif op == 9:
            exchange, (instance, _) = self.exchanges.pop(id, None), self.owners.pop(id, (None, 0))
            self.over.discard(id)
            self.done.discard(id)
            if exchange is not None:
                self.end(exchange, instance, read.u32())
        elif op not in (2, 4, 5, 6, 7, 8):
            os._exit(4)
        else:
            self.answer(id, op, read)

    def end(self, exchange, instance, why):
        try:
            exchange.end(why)
        except Exception as error:
            # It has no reply; the host's log tells of it.
            text = _words(error).encode(errors="replace")[:2048].decode(errors="ignore").encode()
            if instance._level <= WARNING:
                self.send(0xC0, instance._number, struct.pack("<I", WARNING) + _text(text), _RAISED)

    def answer(self, id, op, read):
        began = time.perf_counter_ns()
        status, items, flags = self.work(id, op, read)
        took = min(time.perf_counter_ns() - began, (1 << 32) - 1)
        self.send(op | _REPLY, id, struct.pack("<iI", status, took) + items, flags | _TIMED)

    def work(self, id, op, read):
        """(status, items, flags) of a call."""
        if op != 2 and op != 4 and (id in self.over or (op == 7 and id in self.done)):
            return OK, b"", _SKIPPED
        self.sink = Sink()
        try:
            status, items, flags = (None, None, self.create, None, self.begin, self.next, self.result, self.feed,
                                    self.flush)[op](id, read)  # fmt: skip
            if not isinstance(status, int) or not -(1 << 31) <= status < 1 << 31:
                raise TypeError(f"it returned {status!r}, which is no status")
            if len(items) > _MAX_REPLY:
                raise Failure("the reply is too large")
        except Exception as error:
            status, items = _fail_item(error)
            items = self.sink.bytes() + items  # What was emitted before it counts.
            if len(items) > _MAX_REPLY:
                status, items = _fail_item(Failure("the reply is too large"))
            flags = (_NO_EXCHANGE if op == 4 else 0) | (0 if isinstance(error, Failure) else _RAISED)
        self.sink.is_over = True
        if status < 0 and op != 2:
            self.over.add(id)
        return status, items, flags

    def create(self, id, read):
        kind, level, _, config = read.u8(), read.u8(), read.u16(), read.text()
        if kind not in _kinds:
            raise Failure("this file has no such plugin", CONFIG, E_CONFIG)
        try:
            config = json.loads(config)
        except (ValueError, RecursionError):
            config = None
        if not isinstance(config, dict):
            raise Failure("the configuration is no JSON object", CONFIG, E_CONFIG)
        made = Instance(id, level, config)
        _kinds[kind].configure(made)
        self.instances[id] = made
        return OK, b"", 0

    def begin(self, id, read):
        kind, _, number = read.u8(), read.u8() + read.u16(), read.u32()
        instance = self.instances.get(number)
        if instance is None:
            raise Failure("its configuration was refused", CONFIG, E_CONFIG)
        if kind == 3:
            made = _kinds[kind](instance, read.text().decode(errors="replace"))
            made.begin()
            self.exchanges[id], self.owners[id] = made, (instance, kind)
            return OK, b"", 0
        request = Request(read)
        made = _kinds[kind](instance, request)
        change = made.begin(self.sink.note) if kind == 2 else made.begin()
        self.exchanges[id], self.owners[id] = made, (instance, kind)
        items = self.sink.bytes()
        if kind == 1 or change is None:
            return (OK if kind == 1 else UNCHANGED), items, 0
        how, data = (1, change) if isinstance(change, bytes) else (2, json.dumps(change).encode())
        return OK, items + b"\x03" + struct.pack("<I", how) + _text(data), 0

    def next(self, id, read):
        plan = Plan()
        try:
            self.exchanges[id].next(plan)
        finally:
            plan.is_over = True
        return OK, b"".join(plan.items), 0

    def result(self, id, read):
        return self.exchanges[id].result(Result(read)) or OK, b"", 0

    def feed(self, id, read):
        exchange, (_, kind), sink = self.exchanges[id], self.owners[id], self.sink
        pieces = [read.event() if kind == 2 else Frame(read) for _ in range(read.u32())]
        status = exchange.feed(pieces, sink) or OK
        if kind == 1 and (status == DONE or (pieces and pieces[-1].flags & LAST)):
            self.done.add(id)
        return status, sink.bytes(), 0

    def flush(self, id, read):
        self.exchanges[id].flush(read.u32(), self.sink)
        return OK, self.sink.bytes(), 0

    def hello(self, path: str, origin: str):
        """Loads the file, which is a copy of `origin`: that is what it and its tracebacks call it."""
        id, op, read = self.receive()
        if (id, op, read.u32(), read.u32()) != (0, 1, _MAGIC, _VERSION):
            os._exit(4)
        try:
            _install("KIMI_SECCOMP_LOADING")  # Whether it can be is told by _lock_down.
            with open(path, "rb") as file:
                source = file.read()
            module = sys.modules["kimi_plugin_file"] = types.ModuleType("kimi_plugin_file")
            module.__file__ = globals()["_file"] = origin
            exec(compile(source, origin, "exec"), module.__dict__)
            if not _kinds:
                raise Failure("it declares no plugin: call kimi_plugin.plugin(...)")
            json.dumps(_manifest)
            notice = _lock_down()
        except Exception as error:
            words = _fail_item(error)[1]
            return self.send(1 | _REPLY, 0, struct.pack("<i", E_CONFIG) + words)
        mask = sum(1 << type for type in _kinds[2].wants) if 2 in _kinds else 0
        tables = sum(bit for kind, bit in ((1, 1), (3, 2), (2, 4)) if kind in _kinds)
        body = struct.pack("<IIIII", _VERSION, 0, 0, tables, mask)
        body += _text(json.dumps(_manifest).encode()) + _text(notice.encode())
        self.send(1 | _REPLY, 0, struct.pack("<i", OK) + b"\x00" + body)


def _install(name: str) -> bool:
    """Puts a filter of system calls before all threads. False: it cannot be."""
    program = bytes.fromhex(os.environ.get(name, ""))
    call = int(os.environ.get("KIMI_SECCOMP_CALL", "-1"))
    if not program or call < 0:
        return False
    held = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(held))
    return ctypes.CDLL(None).syscall(call, 1, 1, head) == 0  # SECCOMP_SET_MODE_FILTER, for all threads


def _lock_down() -> str:
    """No files, sockets or processes from here on. What this system does not offer, as words."""
    if sys.platform != "linux":
        return "lockdown is for Linux only"
    libc, missing = ctypes.CDLL(None, use_errno=True), []
    time.strftime("%Z")  # Reads its file now.
    abi = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    if abi >= 1:
        size = 24 if abi >= 6 else 16 if abi >= 4 else 8
        files = 0xFFFF if abi >= 5 else 0x7FFF if abi >= 3 else 0x3FFF if abi == 2 else 0x1FFF
        rules = struct.pack("<QQQ", files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)[:size]
        ruleset = libc.syscall(444, rules, ctypes.c_size_t(size), 0)
        if ruleset < 0 or libc.syscall(446, ruleset, 8 if abi >= 8 else 0) != 0:  # 8: for all threads
            missing.append("Landlock")
        if ruleset >= 0:
            os.close(ruleset)
    else:
        missing.append("Landlock")
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    if not _install("KIMI_SECCOMP"):
        missing.append("seccomp")
    os.environ.clear()
    return "; ".join(missing)


_server: _Server
_file = ""

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "--serve":
        sys.exit("kimi_plugin.py is run by kimi-host, for .py files in plugins.d")
    sys.modules["kimi_plugin"] = sys.modules["__main__"]
    _server = _Server(3)
    _server.hello(sys.argv[2], sys.argv[3])
    _server.run()
