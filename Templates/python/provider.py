"""@NAME@: a provider for upstreams that speak Chat Completions.

It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning, tool
calls, the finish reason, usage and errors, of one choice.
"""

import json

import kimi_plugin as kimi

CATEGORIES = {
    401: kimi.AUTH, 402: kimi.QUOTA, 403: kimi.PERMISSION, 404: kimi.NOT_FOUND, 408: kimi.TIMED_OUT,
    429: kimi.RATE_LIMITED, 503: kimi.OVERLOADED,
}  # fmt: skip
PATCH = json.dumps({"stream": True, "stream_options": {"include_usage": True}})


class Provider(kimi.Provider):
    """One attempt of one request."""

    def begin(self):
        # With null it counts as left out.
        if member(self.request.data, "n") not in (None, 1):
            raise kimi.unsupported("n: this provider decodes one choice; leave n out, and ask several times")
        self.status, self.retry_after_ms = 0, -1
        self.started = self.finished = self.failed = False  # START, FINISH, ERROR was emitted
        self.calls = Calls()

    # ------------------------------------------------------------ the request

    def next(self, plan):
        """One step: send the request, with two members of its JSON changed and every other byte as it is."""
        config = self.instance.config
        plan.field(kimi.URL, config["baseUrl"].rstrip("/") + "/chat/completions")
        plan.header("Content-Type", "application/json")
        plan.header("Authorization", "Bearer " + config["apiKey"], secret=True)  # in no log
        plan.field(kimi.BODY_PATCH, PATCH)
        plan.step(kimi.SEND, arg=kimi.SEND_STREAM)

    def result(self, result):
        """The answer's head."""
        self.status = result.http_status
        for name, value in result.headers:
            if name.lower() == "retry-after" and value.isascii() and value.isdigit() and len(value) < 10:
                self.retry_after_ms = int(value) * 1000
        return kimi.OK

    # ------------------------------------------------------------ the reply

    def feed(self, frames, sink):
        for frame in frames:
            if self.failed:
                return kimi.DONE  # Nothing may follow ERROR.
            if frame.flags & kimi.ERROR_BODY:
                self.fail_with(member(parsed(frame.data), "error"), sink)
            elif frame.kind == kimi.SSE:
                if frame.data.strip() == b"[DONE]":
                    return kimi.DONE
                self.take(parsed(frame.data), sink)
        return kimi.OK

    def flush(self, why, sink):
        """The body is over. A reply that did not finish is a failure, never a short answer."""
        if not (self.finished or self.failed or why == kimi.CANCELLED):
            raise kimi.Failure("the upstream's answer ended before its finish_reason", kimi.UPSTREAM, kimi.E_PROTOCOL)

    def take(self, chunk, sink):
        """One server-sent event."""
        if not isinstance(chunk, dict):
            raise protocol("the upstream's stream is not made of JSON objects")
        if chunk.get("error"):
            # Nothing but usage may follow FINISH.
            return None if self.finished else self.fail_with(chunk["error"], sink)
        if not self.started:
            self.started = True
            created = max(count(chunk.get("created")), 0)
            sink.emit(kimi.Event(kimi.START, text(chunk.get("id")), text(chunk.get("model")), i=(created, 0, 0, 0)))
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and not self.finished:
            self.take_choice(choices[0], sink)
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            cached = count(member(usage.get("prompt_tokens_details"), "cached_tokens"))
            reasoning = count(member(usage.get("completion_tokens_details"), "reasoning_tokens"))
            total = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
            sink.emit(kimi.Event(kimi.USAGE, i=(*total, cached, reasoning)))

    def take_choice(self, choice, sink):
        delta = member(choice, "delta")
        # Some upstreams send a thought under both names.
        thought = text(member(delta, "reasoning_content")) or text(member(delta, "reasoning"))
        if thought:
            sink.text(thought, kimi.REASONING)
        content = text(member(delta, "content"))
        if content:
            sink.text(content)
        pieces = member(delta, "tool_calls")
        for piece in pieces if isinstance(pieces, list) else ():
            self.calls.take(piece, sink)
        reason = text(member(choice, "finish_reason"))
        if reason:
            self.calls.close(sink)
            self.finished = True
            sink.emit(kimi.Event(kimi.FINISH, reason, reason))

    def fail_with(self, error, sink):
        """ERROR is the last event of a reply."""
        code = member(error, "code")
        status = code if isinstance(code, int) and 400 <= code < 600 else self.status if self.status >= 400 else 0
        kind = CATEGORIES.get(status, kimi.BAD_REQUEST if 400 <= status < 500 else kimi.UPSTREAM)
        message = text(member(error, "message")) or text(error)
        self.failed = True
        sink.emit(kimi.Event(
            kimi.ERROR, message or "the upstream answered with an error that has no message", text(code),
            i=(kind, status, self.retry_after_ms, 0)))  # fmt: skip


class Calls:
    """The reply's tool calls, one after the other: a call ends where the next one begins."""

    def __init__(self):
        self.number, self.open, self.begun = -1, False, False
        self.key, self.id, self.name = None, "", ""
        self.keys, self.ids = set(), set()  # of calls that have ended

    def take(self, piece, sink):
        function, key = member(piece, "function"), count(member(piece, "index"))
        id, name, arguments = (text(value) for value in (
            member(piece, "id"), member(function, "name"), member(function, "arguments")))  # fmt: skip
        if not (id or name or arguments):
            return
        if not self.is_of_open_call(key, id, name):
            self.start(key, id, name, sink)
        self.id, self.name = self.id or id, self.name or name
        if self.name or arguments:
            self.begin(sink)
        if arguments:
            sink.text(arguments, kimi.TOOL_ARGS, index=self.number)

    def is_of_open_call(self, key, id, name):
        # Some upstreams number every call 0: another id with a name is another call.
        if not self.open or (id and name and self.id and id != self.id):
            return False
        return key == self.key if key >= 0 else not id or id == self.id

    def start(self, key, id, name, sink):
        self.close(sink)
        # To guess which call it is of would mix up arguments.
        if not (id or name) or id in self.ids or (key in self.keys and not (id and name)):
            raise protocol("the upstream mixes the pieces of its tool calls, which this provider does not sort")
        self.number, self.open, self.begun = self.number + 1, True, False
        self.key, self.id, self.name = key, id, name

    def begin(self, sink):
        if not self.begun:
            self.begun = True
            sink.emit(kimi.Event(kimi.TOOL_BEGIN, self.id, self.name, index=self.number))

    def close(self, sink):
        if self.open:
            self.begin(sink)
            sink.emit(kimi.Event(kimi.TOOL_END, index=self.number))
            self.open = False
            self.ids.update({self.id} - {""})
            self.keys.update({self.key} - {-1})


# ---------------------------------------------------------------- JSON that may be anything


def protocol(sentence):
    return kimi.Failure(sentence, kimi.PROTOCOL, kimi.E_PROTOCOL)


def parsed(data):
    """None for what is no JSON, such as an error page."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def member(value, name):
    return value.get(name) if isinstance(value, dict) else None


def text(value):
    """A string that can be written as UTF-8; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def count(value):
    """A whole number from 0; -1 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else -1


kimi.plugin(
    id="com.example.@NAME@", name="@NAME@", version="0.1.0", word="@NAME@", provider=Provider,
    config_schema={
        "type": "object", "additionalProperties": False, "required": ["apiKey", "baseUrl"],
        "properties": {
            "apiKey": {"type": "string", "minLength": 1, "x-secret": True, "x-env": "@ENV@_API_KEY"},
            "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": True},
        },
    },
)  # fmt: skip
