"""A client that shows every byte: plain sockets, HTTP/1.1 and SSE read by hand."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass

TIMEOUT = 10.0


@dataclass
class Response:
    """One response as it arrived; `complete` is false when the connection broke off inside it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def frames(self) -> list[str]:
        """The data of each SSE event, in order."""
        return sse_data(self.body)


class Connection:
    """A connection to 127.0.0.1:port on which several requests can be made."""

    def __init__(self, port: int, receive_buffer: int | None = None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def request(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None):
        self.send(head(method, path, body, headers) + (body or b""))

    def fill(self) -> bool:
        """Reads once; false at the end of the connection."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def read_until(self, mark: bytes) -> bytes:
        """Everything up to and with the mark; EOFError if the connection ends before."""
        while mark not in self.buffer:
            if not self.fill():
                raise EOFError(f"connection ended before {mark!r}; had {self.buffer[-200:]!r}")
        found, self.buffer = self.buffer.split(mark, 1)
        return found + mark

    def read_exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self.fill():
                raise EOFError
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_head(self) -> tuple[int, list[tuple[str, str]]]:
        lines = self.read_until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        return int(lines[0].split(" ")[1]), [(name, value.strip()) for name, _, value in pairs]

    def read_response(self, bodiless: bool = False) -> Response:
        status, headers = self.read_head()
        found = Response(status, headers, b"", True)
        if not bodiless:
            self._read_body(found)
        return found

    def _read_body(self, found: Response):
        try:
            if "chunked" in (found.header("transfer-encoding") or ""):
                while piece := self.read_chunk():
                    found.body += piece
            elif (length := found.header("content-length")) is not None:
                found.body = self.read_exactly(int(length))
            else:
                while self.fill():
                    pass
                found.body, self.buffer = self.buffer, b""
        except EOFError:
            found.complete = False

    def read_chunk(self) -> bytes:
        """The data of the next chunk; empty for the last one."""
        size = int(self.read_until(b"\r\n").split(b";")[0], 16)
        data = self.read_exactly(size)
        self.read_until(b"\r\n")
        return data

    def at_end(self, timeout: float = 3.0) -> bool:
        """Does the peer close within that time, with nothing more to say?"""
        self.socket.settimeout(timeout)
        try:
            return not self.fill()
        except TimeoutError:
            return False


def head(method: str, path: str, body: bytes | None, headers: dict | None) -> bytes:
    """A request head; a header of value None is left out."""
    fields = {"host": "test", "content-type": "application/json"}
    if body is not None:
        fields["content-length"] = str(len(body))
    fields.update(headers or {})
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items() if v is not None)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def exchange(port: int, method: str, path: str, body=None, headers: dict | None = None) -> Response:
    """One request on a connection of its own; `body` is bytes or a JSON value."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    with Connection(port) as connection:
        connection.request(method, path, body, headers)
        return connection.read_response(bodiless=method == "HEAD")


def chat(port: int, body, headers: dict | None = None, path: str = "/v1/chat/completions") -> Response:
    """One chat completion request."""
    return exchange(port, "POST", path, body, headers)


def sse_data(body: bytes) -> list[str]:
    """The data of each SSE event; comments and other fields are left out. Fails on an unfinished last event."""
    text = body.decode("utf-8")
    events, lines = [], []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line == "":
            if lines:
                events.append("\n".join(lines))
            lines = []
        elif line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        else:
            assert line.startswith(":") or line.split(":")[0] in ("event", "id", "retry"), f"not SSE: {line!r}"
    assert not lines, f"the stream ends inside an event: {lines!r}"
    return events
