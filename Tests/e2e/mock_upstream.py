"""An upstream whose every byte is under the test's control.

A TCP server on 127.0.0.1 in a thread of its own. It parses requests itself and keeps them as they came; what it answers
is a list of steps: `bytes` are written as one piece, and the classes below wait, hang or break off. Replies are taken
from a queue first (`reply`), then from `always`.
"""

from __future__ import annotations

import asyncio
import collections
import inspect
import socket
import struct
import threading
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wait:
    """Nothing happens for this long."""

    seconds: float


@dataclass(frozen=True)
class Until:
    """Nothing happens until the test sets the event."""

    event: threading.Event


class Finish:
    """The connection is closed in an orderly way (FIN)."""


class Reset:
    """The connection is torn down (RST)."""


class Hang:
    """Nothing more is written; the connection stays until the peer or the test ends it."""


@dataclass
class Request:
    """One request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    arrived: float = field(default_factory=time.monotonic)
    #: Bytes of the reply that the socket has taken.
    written: int = 0
    #: Set when the peer closed the connection while this request was being answered.
    closed: threading.Event = field(default_factory=threading.Event)
    closed_at: float | None = None
    #: Set when all steps were carried out.
    answered: threading.Event = field(default_factory=threading.Event)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class _Gone(Exception):
    """The peer closed the connection."""


class MockUpstream:
    """The server. `url` is the base URL for a provider; `requests` holds what arrived."""

    def __init__(self):
        self._lock = threading.Lock()
        self._queue = collections.deque()
        self._default = None
        self.requests: list[Request] = []
        self.connections = 0
        self._arrived = threading.Condition(self._lock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mock-upstream", daemon=True)
        self._thread.start()
        self._tasks: set[asyncio.Task] = set()
        self._server = self._call(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def reply(self, *steps):
        """Answers the next request (of those not spoken for) with these steps, or with what one callable returns."""
        with self._lock:
            self._queue.append(steps)

    def always(self, *steps):
        """Answers every request for which no `reply` waits."""
        with self._lock:
            self._default = steps

    def wait_request(self, number: int = 0, timeout: float = 5) -> Request:
        """The request of that number (from 0) since the last `reset`."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) > number, timeout):
                raise TimeoutError(f"request {number} did not reach the upstream in {timeout} s")
            return self.requests[number]

    def reset(self):
        """Forgets requests and replies, and ends connections with a reply under way."""
        with self._lock:
            self._queue.clear()
            self._default = None
            self.requests = []
        self._call(self._cancel_busy())

    def stop(self):
        """Ends the server, its connections and its thread."""
        self._call(self._shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # -- on the loop's thread ------------------------------------------------------------------------------------

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self):
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024, limit=1 << 20)

    async def _cancel_busy(self):
        busy = [task for task in self._tasks if getattr(task, "busy", False)]
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    async def _shutdown(self):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        with self._lock:
            self.connections += 1
            connection = self.connections
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while (request := await _read_request(reader, writer, connection)) is not None:
                task.busy = True
                steps = self._take(request)
                if not await _answer(request, steps, reader, writer):
                    break
                task.busy = False
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    def _take(self, request):
        with self._arrived:
            self.requests.append(request)
            steps = self._queue.popleft() if self._queue else self._default
            self._arrived.notify_all()
        if steps is None:
            text = b"the test has no reply for this request"
            steps = (b"HTTP/1.1 599 Unscripted\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text),)
        if len(steps) == 1 and callable(steps[0]) and not inspect.isclass(steps[0]):
            steps = steps[0](request)
        return steps


async def _read_request(reader, writer, connection):
    """The next request, or None when the peer closed in between."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    lookup = {name.lower(): value for name, value in headers}
    if lookup.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in lookup.get("transfer-encoding", "").lower():
        body = await _read_chunked(reader)
    else:
        body = await reader.readexactly(int(lookup.get("content-length", 0)))
    return Request(method, target, headers, body, connection)


async def _read_chunked(reader):
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass
    return bytes(body)


async def _answer(request, steps, reader, writer) -> bool:
    """Carries out the steps while watching for the peer's close; false when the connection is over."""
    work = asyncio.ensure_future(_carry_out(request, steps, writer))
    watch = asyncio.ensure_future(_peer_closes(reader))
    try:
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done() and not watch.cancelled() and watch.result():
            request.closed_at = time.monotonic()
            request.closed.set()
            return False
        try:
            return await work
        except (ConnectionError, _Gone):
            request.closed_at = time.monotonic()
            request.closed.set()
            return False
    finally:
        for task in (work, watch):
            task.cancel()
        await asyncio.gather(work, watch, return_exceptions=True)


async def _peer_closes(reader) -> bool:
    """Returns when the peer closed. Looks at the reader's state, so that a next request's bytes stay unread."""
    while True:
        if reader.at_eof() or reader._eof or reader.exception() is not None:
            return True
        await asyncio.sleep(0.005)


async def _carry_out(request, steps, writer) -> bool:
    for step in steps:
        if isinstance(step, (bytes, bytearray)):
            if writer.transport.is_closing():
                raise _Gone
            writer.write(step)
            await writer.drain()
            request.written += len(step)
        elif isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, Until):
            while not step.event.is_set():
                await asyncio.sleep(0.002)
        elif isinstance(step, Finish):
            await _drained(writer)
            writer.close()
            request.answered.set()
            return False
        elif isinstance(step, Reset):
            await _drained(writer)
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            request.answered.set()
            return False
        elif isinstance(step, Hang):
            await asyncio.Event().wait()
        else:
            raise TypeError(f"not a step: {step!r}")
    request.answered.set()
    return True


async def _drained(writer):
    """Waits until the kernel has taken everything, and a moment longer for the peer to read it before a RST."""
    while writer.transport.get_write_buffer_size() and not writer.transport.is_closing():
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
