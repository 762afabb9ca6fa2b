import CanonicalModel
import JSONSchema
import PluginABI
import WireJSON

/// Checks what a single event says, by its type's line in kimi_plugin.h.
enum EventValues {
    /// Nil, or a sentence.
    static func fault(_ event: kimi_event) -> String? {
        guard EventOrder.isKnown(event.type) else { return nil }
        let word = Event(type: event.type).word
        for (name, slice) in [("a", event.a), ("b", event.b), ("c", event.c)] where slice.ptr == nil && slice.len > 0 {
            return "\(word): slice \(name) is NULL and \(slice.len) long"
        }
        if event.flags != 0 { return "\(word): flags are \(event.flags), ABI 1.0 has none" }
        for (name, slice) in [("a", event.a), ("b", event.b)] where !isUTF8(slice.buffer) {
            return "\(word): slice \(name) is not UTF-8; was a text cut inside a code point?"
        }
        return byType(event, word)
    }

    private static func byType(_ event: kimi_event, _ word: String) -> String? {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_USAGE:
            for (name, number) in [("i0", event.i0), ("i1", event.i1), ("i2", event.i2), ("i3", event.i3)]
            where number < -1 { return "\(word): \(name) is \(number), counts begin at 0 and -1 is unknown" }
            return event.a.len == 0 || isJSON(event.a) ? nil : "\(word): the upstream's usage object is not JSON"
        case KIMI_EVENT_FINISH: return event.a.len > 0 ? nil : "\(word): there is no reason"
        case KIMI_EVENT_PART: return isJSON(event.a) ? nil : "\(word): the content part is not JSON"
        case KIMI_EVENT_JSON:
            guard (0...2).contains(event.i0) else { return "\(word): scope \(event.i0) is no kimi_scope" }
            guard event.b.len > 0 else { return "\(word): the member's name is missing" }
            return isJSON(event.a) ? nil : "\(word): '\(event.b.text)' is not JSON"
        case KIMI_EVENT_ERROR:
            if event.a.len == 0 { return "\(word): there is no message" }
            if !(1...15).contains(event.i0) { return "\(word): category \(event.i0) is none of the header's" }
            if event.i1 != 0, !(100...599).contains(event.i1) { return "\(word): HTTP status \(event.i1)" }
            return event.i2 >= -1 ? nil : "\(word): retry after \(event.i2) ms"
        case KIMI_EVENT_START: return event.i0 >= 0 ? nil : "\(word): created is \(event.i0)"
        default: return nil
        }
    }

    private static func isJSON(_ slice: kimi_bytes) -> Bool {
        do {
            _ = try JSONSpans.value(of: slice.buffer)
            return true
        } catch {
            return false
        }
    }

    static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.isEmpty || String(validating: bytes, as: UTF8.self) != nil
    }
}
