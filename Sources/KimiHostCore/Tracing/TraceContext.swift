/// Where a request stands in a trace, as the header `traceparent` tells it
/// (https://www.w3.org/TR/trace-context/#traceparent-header). A value.
package struct TraceContext: Sendable, Equatable {
    /// Never zero.
    package var traceID: TraceID
    /// Never zero.
    package var spanID: UInt64
    package var isSampled: Bool
    /// The client says that the trace's id is random (level 2 of the recommendation): carried on.
    package var isRandom = false
    /// The header `tracestate`, whose members others own; empty: none.
    package var state = ""

    package init(traceID: TraceID, spanID: UInt64, isSampled: Bool, state: String = "") {
        (self.traceID, self.spanID, self.isSampled, self.state) = (traceID, spanID, isSampled, state)
    }

    /// Nil for what the recommendation calls invalid, and when there are several.
    package init?(parents: [String], states: [String]) {
        guard parents.count == 1, let bytes = Self.bytes(of: parents[0]),
            let version = Hexadecimal.number(bytes[0..<2]), version != 0xFF,
            let high = Hexadecimal.number(bytes[3..<19]), let low = Hexadecimal.number(bytes[19..<35]),
            let span = Hexadecimal.number(bytes[36..<52]), let flags = Hexadecimal.number(bytes[53..<55]),
            high | low != 0, span != 0
        else { return nil }
        // Version 0 ends here; later ones may go on behind another dash.
        if version == 0, bytes.count != Self.length { return nil }
        traceID = TraceID(high: high, low: low)
        spanID = span
        isSampled = flags & 1 == 1
        isRandom = flags & 2 == 2
        state = TraceState.joined(states)
    }

    /// Of the header's flags, those that are known.
    package var flags: Int64 { (isSampled ? 1 : 0) | (isRandom ? 2 : 0) }

    /// Version 0.
    package var header: String { "00-\(traceID.text)-\(Hexadecimal.text(spanID))-0\(flags)" }

    private static let length = 55
    private static let maxLength = 512

    private static func bytes(of header: String) -> [UInt8]? {
        let bytes = Array(header.utf8)
        guard (length...maxLength).contains(bytes.count) else { return nil }
        let dashes = bytes.count > length ? [2, 35, 52, 55] : [2, 35, 52]
        return dashes.allSatisfy { bytes[$0] == UInt8(ascii: "-") } ? bytes : nil
    }
}

package struct TraceID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    package var text: String { Hexadecimal.text(high) + Hexadecimal.text(low) }
}

/// The header `tracestate` (https://www.w3.org/TR/trace-context/#tracestate-header): carried on as it is, or not at all.
enum TraceState {
    /// A longer list may be left out.
    static let maxMembers = 32
    /// At least 512 characters have to be carried on.
    static let maxBytes = 2_048

    /// The members of all headers; empty if one of them is not legal.
    static func joined(_ headers: [String]) -> String {
        let text = headers.joined(separator: ",")
        guard !text.isEmpty, text.utf8.count <= maxBytes else { return "" }
        var count = 0
        for member in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: true) {
            let trimmed = member.drop { $0 == 0x20 || $0 == 0x09 }
            if trimmed.isEmpty { continue }
            count += 1
            guard count <= maxMembers, isMember(trimmed) else { return "" }
        }
        return count > 0 ? text : ""
    }

    private static func isMember(_ member: Substring.UTF8View) -> Bool {
        guard let equals = member.firstIndex(of: UInt8(ascii: "=")), equals > member.startIndex else { return false }
        let isKey = member[..<equals].allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "_-*/@".utf8.contains(byte)
        }
        let value = member[member.index(after: equals)...]
        return isKey && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
    }
}

enum Hexadecimal {
    /// Lower-case digits only, as traceparent wants them.
    static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(digit - 0x61 + 10)
            default: return nil
            }
        }
        return number
    }

    /// 16 digits.
    static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
