"""A provider with one fault at a time, told by its configuration; with `none` it keeps all rules.

Its upstream sends words, and [DONE] (Transcripts/words.yaml).
"""

import json

import kimi_plugin as kimi

CATEGORIES = {401: kimi.AUTH, 429: kimi.RATE_LIMITED, 503: kimi.OVERLOADED}


class Provider(kimi.Provider):
    def begin(self):
        self.fault = self.instance.config.get("fault", "none")
        self.status, self.retry, self.begun, self.over = 0, -1, False, False

    def next(self, plan):
        fault = self.fault
        if fault == "no_step":
            return
        self.plan = plan
        if fault != "no_url":
            host = "evil.example.org" if fault == "forbidden_host" else "api.example.com"
            plan.field(kimi.URL, f"https://{host}/v1")
        plan.header("content-type", "text/plain\r\nx: y" if fault == "header_injection" else "application/json")
        if fault == "bad_patch":
            plan.field(kimi.BODY_PATCH, "{")
        plan.step(kimi.SEND, arg=kimi.SEND_STREAM)
        if fault == "two_steps":
            plan.step(kimi.SEND)

    def result(self, result):
        self.status = result.http_status
        if self.fault == "keeps_plan":
            self.plan.header("x-late", "1")
        for name, value in result.headers:
            if name.lower() == "retry-after" and value.isdigit():
                self.retry = int(value) * 1000
        return kimi.OK

    def feed(self, frames, sink):
        fault = self.fault
        for frame in frames[:1] if fault == "first_frame_only" else frames:
            if self.over:
                return kimi.DONE
            if frame.flags & kimi.ERROR_BODY:
                self.over = True
                if fault == "swallows_errors":
                    return kimi.DONE
                kind = kimi.AUTH if fault == "wrong_category" else CATEGORIES.get(self.status, kimi.UPSTREAM)
                sink.emit(kimi.Event(kimi.ERROR, f"it says {self.status}", i=(kind, self.status, self.retry, 0)))
                return kimi.DONE
            if not self.begun or fault == "starts_each_time":
                self.begun = True
                sink.emit(kimi.Event(kimi.START, "r", "m"))
            if frame.data == b"[DONE]":
                self.over = True
                if fault != "forgets_finish":
                    sink.emit(kimi.Event(kimi.FINISH, "stop", "stop"))
                return kimi.DONE
            if fault == "trusts_upstream":
                json.loads(b'"' + frame.data + b'"')
            sink.text(frame.data.decode(errors="replace"))

    def flush(self, why, sink):
        if not self.over and self.fault not in ("silent_truncation", "swallows_errors"):
            raise kimi.Failure("the upstream stopped in the middle", kimi.UPSTREAM, kimi.E_PROTOCOL)


kimi.plugin(
    id="test.hostile-provider", name="Hostile", version="1.0.0", word="hostile-provider", provider=Provider,
    hosts=["api.example.com"], config_schema={
        "type": "object", "additionalProperties": False, "properties": {"fault": {"type": "string", "default": "none"}}},
)  # fmt: skip
