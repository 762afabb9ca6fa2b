import CPlatform
import CanonicalModel
import PluginABI

/// What a reply's USAGE and FINISH events say beside its plain token counts.
package struct UsageNote: Sendable, Equatable {
    /// -1: not known.
    package private(set) var reasoning: Int64 = -1
    package private(set) var cacheWrite: Int64 = -1
    /// Empty: there was none.
    package private(set) var finish = ""

    /// A longer usage object is not searched, and a longer reason not kept. Bytes.
    private static let maxUsageBytes = 16 << 10
    private static let maxFinishBytes = 64
    /// What upstreams call the tokens that they put into their cache.
    private static let names = [
        Array("\"cache_creation_input_tokens\"".utf8), Array("\"cache_write_tokens\"".utf8),
    ]

    /// Of attempts before, whose tokens count too.
    private var before: (reasoning: Int64, cacheWrite: Int64) = (-1, -1)

    package static func == (a: UsageNote, b: UsageNote) -> Bool {
        (a.reasoning, a.cacheWrite, a.finish) == (b.reasoning, b.cacheWrite, b.finish)
    }

    /// Another attempt follows. `isKept`: the reply holds something of the one before.
    mutating func next(isKept: Bool) {
        if isKept {
            before = (reasoning, cacheWrite)
        } else {
            (reasoning, cacheWrite) = before
        }
        finish = ""
    }

    private static func sum(_ before: Int64, _ count: Int64) -> Int64 {
        let (sum, overflow) = max(0, before).addingReportingOverflow(count)
        return overflow ? .max : sum
    }

    mutating func take(_ event: kimi_event) {
        if event.type == KIMI_EVENT_FINISH.rawValue {
            if finish.isEmpty, event.a.len <= Self.maxFinishBytes {
                finish = String(decoding: event.a.buffer, as: UTF8.self)
            }
            return
        }
        if event.i3 >= 0 { reasoning = Self.sum(before.reasoning, event.i3) }
        guard event.a.len > 0, event.a.len <= Self.maxUsageBytes else { return }
        for name in Self.names {
            if let count = Self.number(after: name, in: event.a.buffer) {
                cacheWrite = Self.sum(before.cacheWrite, count)
            }
        }
    }

    private static func number(after name: [UInt8], in json: UnsafeRawBufferPointer) -> Int64? {
        let place = cp_find(json.baseAddress, json.count, name, name.count)
        guard place >= 0 else { return nil }
        var rest = json[(place + name.count)...]
        rest = rest.drop { $0 == 0x3A || $0 == 0x20 || $0 == 0x0A }
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        return Int64(String(decoding: digits, as: UTF8.self))
    }
}
