"""An upstream that does everything wrong, by name: the model that it is asked for says what.

A request whose first user message is `healthy` is answered well under every name, so that a test can see whether a route
is stuck. `Chaos` serves plain HTTP; `models` are the entries of a host's configuration, those with no server behind
them too.
"""

from __future__ import annotations

import itertools
import json
import random

import hostprocess
import replies
from mock_upstream import Finish, Hang, MockUpstream, Reset, Wait
from replies import DONE, HEAD, LAST_CHUNK, chunk, event, http_chunk, response

TEXT = ["Hel", "lo ", "there."]
ROLE = http_chunk(event(chunk({"role": "assistant", "content": ""})))
SAID = [ROLE, *(http_chunk(event(chunk({"content": text}))) for text in TEXT[:2])]
WHOLE = replies.dumps(replies.completion("".join(TEXT))).encode()
WHOLE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
ERROR = {"error": {"message": "too much of it", "type": "rate_limit_error"}}
COMMENT = http_chunk(b": processing\n\n")


def healthy(stream: bool) -> list:
    return replies.stream(replies.text_chunks(*TEXT)) if stream else [response(WHOLE)]


def begun(stream: bool, *rest) -> list:
    """An answer that has begun, and how it goes on."""
    if stream:
        return [HEAD, *SAID, *rest]
    return [WHOLE_HEAD % len(WHOLE), WHOLE[: len(WHOLE) // 2], *rest]


def head_only(stream: bool, *rest) -> list:
    return [HEAD if stream else WHOLE_HEAD % len(WHOLE), *rest]


def drip(stream: bool):
    """Slower than anybody waits for, but never silent."""
    if not stream:
        return itertools.chain([WHOLE_HEAD % 10**6], itertools.cycle([Wait(0.1), b" "]))
    word = http_chunk(event(chunk({"content": "drip "})))
    return itertools.chain([HEAD, ROLE], itertools.cycle([Wait(0.2), word]))


def endless(stream: bool):
    if not stream:
        text = http_chunk(b"x" * 16384)
        return itertools.chain(
            [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"],
            [http_chunk(b'{"choices":[{"message":{"content":"')], itertools.cycle([text, Wait(0.001)]),
        )  # fmt: skip
    word = http_chunk(event(chunk({"content": "word " * 50})))
    return itertools.chain([HEAD, ROLE], itertools.cycle([word, Wait(0.004)]))


def endless_line(stream: bool):
    """One event that never ends."""
    head = HEAD if stream else WHOLE_HEAD % 10**9
    wrap = http_chunk if stream else bytes
    return itertools.chain([head, wrap(b"data: ")], itertools.cycle([wrap(b"y" * 16384), Wait(0.001)]))


def noise(count: int) -> bytes:
    return random.Random(count).randbytes(count)


#: What a name does: a function of "was a stream asked for" that gives the steps of the answer.
BEHAVIOURS = {
    "stall_before_head": lambda stream: [Hang()],
    "stall_in_head": lambda stream: [b"HTTP/1.1 200 OK\r\ncontent-ty", Hang()],
    "stall_after_head": lambda stream: head_only(stream, Hang()),
    "stall_mid_stream": lambda stream: begun(stream, Hang()),
    "slow_drip": drip,
    "comments_only": lambda stream: itertools.chain(head_only(stream), itertools.cycle([Wait(0.1), COMMENT if stream else b" "])),
    "reset_at_once": lambda stream: [Reset()],
    "reset_after_head": lambda stream: head_only(stream, Reset()),
    "reset_mid_stream": lambda stream: begun(stream, Reset()),
    "finish_at_once": lambda stream: [Finish()],
    "finish_mid_stream": lambda stream: begun(stream, Finish()),
    "end_mid_stream": lambda stream: begun(stream, LAST_CHUNK) if stream else [response(WHOLE[:-20])],
    "half_json": lambda stream: [HEAD, *SAID, http_chunk(b'data: {"choices":[{"del\n\n'), http_chunk(DONE), LAST_CHUNK]
    if stream else [response(WHOLE[:40])],
    "error_mid_stream": lambda stream: begun(stream, http_chunk(event({"error": {"message": "boom", "code": 500}})), LAST_CHUNK)
    if stream else [response({"error": {"message": "boom"}}, 500, "No")],
    "429": lambda stream: [response(ERROR, 429, "No")],
    "429_soon": lambda stream: [response(ERROR, 429, "No", {"retry-after": "1"})],
    "429_late": lambda stream: [response(ERROR, 429, "No", {"retry-after": "3600"})],
    "429_nonsense": lambda stream: [response(ERROR, 429, "No", {"retry-after": "soon, -7"})],
    "500_html": lambda stream: [response("<html><h1>Oops</h1></html>", 500, "No", kind="text/html")],
    "200_html": lambda stream: [response("<html><h1>Sign in</h1></html>", kind="text/html")],
    "empty_200": lambda stream: [response(b"", kind="text/event-stream" if stream else "application/json")],
    "length_too_short": lambda stream: [WHOLE_HEAD % 40, WHOLE] if not stream
    else [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 60\r\n\r\n", *map(event, replies.text_chunks(*TEXT)), DONE],
    "length_too_long": lambda stream: [WHOLE_HEAD % (len(WHOLE) + 50), WHOLE, Finish()] if not stream
    else [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n", *map(event, replies.text_chunks(*TEXT, finish=None)), Finish()],
    "endless": endless,
    "endless_line": endless_line,
    "http_1_0": lambda stream: [b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", *map(event, replies.text_chunks(*TEXT)), DONE, Finish()]
    if stream else [b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n", WHOLE, Finish()],
    "garbage": lambda stream: [noise(500), Finish()],
    "garbage_after_head": lambda stream: [HEAD, noise(500), Finish()] if stream else [WHOLE_HEAD % 500, noise(500)],
    "garbage_events": lambda stream: [HEAD, *SAID, http_chunk(b"data: " + noise(300).replace(b"\n", b"") + b"\n\n"), LAST_CHUNK]
    if stream else [response(noise(300))],
    "bad_chunk": lambda stream: [HEAD, *SAID, b"zz\r\nnot a chunk\r\n", Finish()],
    "upgrade": lambda stream: [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", Hang()],
    "redirect": lambda stream: [response(b"", 302, "Found", {"location": "http://127.0.0.1:1/"})],
}  # fmt: skip

#: These answer well, whatever they do beside it.
SOUND = {"http_1_0"}
#: Of these nobody is there to answer `healthy`.
NOBODY = ("refused", "no_such_host", "tls_to_plain")


class Chaos(MockUpstream):
    """The server. Keeps no requests when `keeps` is false: a soak would fill the memory."""

    def __init__(self, keeps: bool = True):
        super().__init__()
        self.keeps = keeps
        self.always(self._steps)

    def _steps(self, request):
        if not self.keeps:
            self.requests.clear()
        asked = json.loads(request.body)
        stream = bool(asked.get("stream"))
        name = asked["model"]
        if name not in BEHAVIOURS or "healthy" in replies.dumps(asked["messages"]):
            return healthy(stream)
        return BEHAVIOURS[name](stream)

    def entry(self, name: str, model: str, **more) -> dict:
        """An entry of a host's configuration whose upstream does what `model` says."""
        nowhere = {
            "refused": f"http://127.0.0.1:{hostprocess.free_port()}/v1",
            "no_such_host": "http://no-such-host.invalid/v1",
            "tls_to_plain": f"https://127.0.0.1:{self.port}/v1",
        }
        config = {"apiKey": "sk-chaos", "baseUrl": nowhere.get(model, self.url)}
        return {"name": name, "provider": "openai", "model": model, "provider_config": config, **more}

    def models(self) -> list[dict]:
        """Each behaviour alone (its own name), with a sound entry behind it (`or-NAME`), and with one that goes on with
        what it began (`on-NAME`)."""
        made = []
        for model in [*BEHAVIOURS, *NOBODY]:
            made.append(self.entry(model, model))
            made += [self.entry(f"or-{model}", model), self.entry(f"or-{model}", "sound")]
            made += [self.entry(f"on-{model}", model, resume=True), self.entry(f"on-{model}", "sound", resume="prefix")]
        return made
