"""A transform with one fault at a time, told by its configuration; with `none` it keeps all rules."""

import os
import threading
import time

import kimi_plugin as kimi

KEPT = []
SHARED = {"count": 0, "exchanges": 0}


def spin():
    while True:
        pass


class Transform(kimi.Transform):
    wants = (kimi.START, kimi.TEXT, kimi.FINISH)

    @classmethod
    def configure(cls, instance):
        if instance.config.get("fault") == "refuses_default" and "size" in instance.config:
            raise kimi.Failure("no size, please", kimi.CONFIG, kimi.E_CONFIG)
        if instance.config.get("fault") == "leaks_instances":
            KEPT.append(bytearray(2_000))

    def __init__(self, instance, request):
        super().__init__(instance, request)
        self.fault = instance.config.get("fault", "none")

    def begin(self, note):
        SHARED["count"] = 0
        SHARED["exchanges"] += 1
        if self.fault == "leaks_exchanges":
            KEPT.append((self, bytearray(2_000)))
        if self.fault == "trusts_config":
            self.size = self.instance.config["size"].bit_length() + len(self.instance.config["word"])
        if self.fault == "spins":
            threading.Thread(target=spin, daemon=True).start()
        if self.fault == "trusts_request":
            return {"x": self.request.data["x_unknown"]["a"]}
        return {"bad_json": b"{", "no_messages": b"{}", "nan": {"x": float("nan")}}.get(self.fault)

    def feed(self, events, sink):
        for event in events:
            if event.type == kimi.TEXT:
                self.take(event, sink)
            elif event.type == kimi.START and self.fault == "second_start":
                sink.emit(event)
                sink.emit(event)
            elif event.type != kimi.FINISH or self.fault != "forgets_finish":
                sink.emit(event)
        return "yes" if self.fault == "odd_status" else kimi.OK

    def take(self, event, sink):
        fault, text = self.fault, event.a
        SHARED["count"] += len(text)
        if fault == "keeps_sink":
            self.kept = getattr(self, "kept", sink)
            return self.kept.emit(event)
        if fault == "exits":
            os._exit(7)
        if fault == "aborts":
            os.abort()
        if fault == "hangs":
            spin()
        if fault == "slow":
            time.sleep(0.08)
        if fault == "devours_memory":
            bytearray(3 << 30)
        if fault == "marks_events":
            text += b"|"
        if fault == "trusts_upstream":
            text = text.decode().encode()
        if fault == "knows_no_markup" and b"<|" in text:
            raise LookupError("<|")
        if fault == "no_utf8":
            text += b"\xff"
        sink.emit(kimi.Event(kimi.TEXT, text, choice=event.choice))

    def flush(self, why, sink):
        if self.fault == "fails_silently":
            raise kimi.Failure("")
        if why != kimi.END:
            return
        said = {
            "counts_exchanges": str(SHARED["exchanges"]),
            "shares": str(SHARED["count"]),
            "goes_through_a_set": "".join({"alpha", "beta", "gamma", "delta", "epsilon"}),
        }
        if self.fault in said:
            sink.emit(kimi.Event(kimi.USAGE, said[self.fault], i=(-1, -1, -1, -1)))

    def end(self, why):
        if self.fault == "end_raises":
            raise LookupError("in end")


kimi.plugin(
    id="test.hostile-transform", name="Hostile", version="1.0.0", word="hostile", transform=Transform,
    config_schema={
        "type": "object", "additionalProperties": False, "properties": {
            "fault": {"type": "string", "default": "none"}, "size": {"type": "integer", "default": 3}},
    },
)  # fmt: skip
