import CanonicalModel
package import PluginABI

/// A canonical event that owns its bytes.
package struct Event: Equatable, Sendable {
    package var type: UInt32
    package var flags: UInt32 = 0
    package var choice: UInt32 = 0
    package var index: UInt32 = 0
    package var a: [UInt8] = []
    package var b: [UInt8] = []
    package var c: [UInt8] = []
    package var i0: Int64 = 0
    package var i1: Int64 = 0
    package var i2: Int64 = 0
    package var i3: Int64 = 0

    package init(_ type: kimi_event_type) { self.type = type.rawValue }

    package init(type: UInt32) { self.type = type }

    /// A copy of what a plugin or a host handed over.
    package init(_ event: kimi_event) {
        type = event.type
        flags = event.flags
        choice = event.choice
        index = event.index
        a = Array(event.a.buffer)
        b = Array(event.b.buffer)
        c = Array(event.c.buffer)
        (i0, i1, i2, i3) = (event.i0, event.i1, event.i2, event.i3)
    }

    package var kind: kimi_event_type { kimi_event_type(type) }

    /// Does slice a hold the next piece of a text, which may be cut anywhere between two code points?
    package var isText: Bool {
        kind == KIMI_EVENT_TEXT || kind == KIMI_EVENT_REASONING || kind == KIMI_EVENT_TOOL_ARGS
    }

    package static func text(_ kind: kimi_event_type, _ text: String, choice: UInt32 = 0, index: UInt32 = 0) -> Event {
        var event = Event(kind)
        event.a = Array(text.utf8)
        event.choice = choice
        event.index = index
        return event
    }
}

/// Makes streams comparable that differ only in where they were cut.
package enum EventMerge {
    /// Joins neighbours of the same text, in the order of the stream.
    package static func merged(_ events: [Event]) -> [Event] {
        var result: [Event] = []
        result.reserveCapacity(events.count)
        for event in events {
            if event.isText, event.a.isEmpty, event.b.isEmpty { continue }
            if let last = result.last, continues(last, event) {
                result[result.count - 1].a += event.a
                result[result.count - 1].b = event.b
            } else {
                result.append(event)
            }
        }
        return result
    }

    /// As `merged`, the stream of each choice by itself: how choices interleave depends on the cuts.
    package static func byChoice(_ events: [Event]) -> [Event] {
        var order: [UInt32] = []
        var streams: [UInt32: [Event]] = [:]
        for event in events {
            let stream = isOfResponse(event) ? UInt32.max : event.choice
            if streams[stream] == nil { order.append(stream) }
            streams[stream, default: []].append(event)
        }
        return order.sorted().flatMap { merged(streams[$0] ?? []) }
    }

    private static func isOfResponse(_ event: Event) -> Bool {
        switch event.kind {
        case KIMI_EVENT_START, KIMI_EVENT_USAGE, KIMI_EVENT_ERROR: true
        case KIMI_EVENT_JSON: event.i0 == Int64(KIMI_SCOPE_RESPONSE.rawValue)
        default: false
        }
    }

    /// A signature closes its thought: what follows is another one.
    private static func continues(_ last: Event, _ next: Event) -> Bool {
        last.type == next.type && last.choice == next.choice && last.index == next.index && next.isText
            && (next.kind != KIMI_EVENT_REASONING || last.b.isEmpty)
    }
}
