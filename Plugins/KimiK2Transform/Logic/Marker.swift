/// A control token of the Kimi family, met as text.
package enum Marker: Equatable {
    case sectionBegin, sectionEnd
    case callBegin, callEnd, argumentBegin
    case thinkOpen(ThinkTag), thinkClose(ThinkTag)
    /// `<|im_end|>`: the end of the turn, leaked.
    case turnEnd
    /// `<|im_assistant|>` and its like: a role name follows, up to `roleMiddle`.
    case role
    case roleMiddle
    /// The beginning of K3's markup, or a whole tag of it.
    case xtml

    /// Does it speak of tool calls?
    var isToolMarker: Bool {
        switch self {
        case .sectionBegin, .sectionEnd, .callBegin, .callEnd, .argumentBegin: true
        default: false
        }
    }
}

/// The spellings of the tags around a thought.
package enum ThinkTag: Equatable {
    case think
    /// `<thinking>` and `<reasoning>`: ordinary words in prose and XML, so they count only at the very start.
    case thinking, reasoning
    /// `◁think▷` of k1.5 and Kimi-VL.
    case triangle

    var isForeign: Bool { self == .thinking || self == .reasoning }
}

/// What the bytes at one place are.
enum MarkerMatch: Equatable {
    /// No marker begins here.
    case none
    /// All bytes there are so far begin a marker: more are needed.
    case partial
    /// A whole marker of this many bytes.
    case full(Marker, length: Int)
}

/// The one table of spellings. No entry is the beginning of another.
enum MarkerTable {
    /// Upper bound of what a split marker makes us hold, in bytes.
    static let longest = 28

    /// Bytes a marker can begin with: `<`, and the first byte of `◁`.
    @inline(__always)
    static func canBegin(_ byte: UInt8) -> Bool { byte == 0x3C || byte == 0xE2 }

    /// Compares the bytes from `start` on with the table.
    static func match(_ bytes: UnsafeRawBufferPointer, at start: Int) -> MarkerMatch {
        let available = bytes.count - start
        guard available > 0, canBegin(bytes[start]) else { return .none }
        if available > 1, !mayBeSecond(bytes[start + 1]) { return .none }
        for (spelling, marker) in entries {
            let length = spelling.utf8CodeUnitCount
            let common = min(length, available)
            if equal(spelling.utf8Start, bytes, start, common) {
                return common == length ? .full(marker, length: length) : .partial
            }
        }
        return .none
    }

    private static func mayBeSecond(_ byte: UInt8) -> Bool {
        byte == 0x7C || byte == 0x74 || byte == 0x2F || byte == 0x72 || byte == 0x97  // | t / r, and ◁'s second
    }

    private static func equal(
        _ spelling: UnsafePointer<UInt8>, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int
    ) -> Bool {
        for offset in 0..<count where spelling[offset] != bytes[start + offset] { return false }
        return true
    }

    private static let entries: [(StaticString, Marker)] = [
        ("<|tool_call_begin|>", .callBegin),
        ("<|tool_call_end|>", .callEnd),
        ("<|tool_call_argument_begin|>", .argumentBegin),
        ("<|tool_calls_section_begin|>", .sectionBegin),
        ("<|tool_calls_section_end|>", .sectionEnd),
        ("<|tool_call_section_begin|>", .sectionBegin),
        ("<|tool_call_section_end|>", .sectionEnd),
        ("<think>", .thinkOpen(.think)),
        ("</think>", .thinkClose(.think)),
        ("<|im_end|>", .turnEnd),
        ("<|im_middle|>", .roleMiddle),
        ("<|im_assistant|>", .role),
        ("<|im_system|>", .role),
        ("<|im_user|>", .role),
        ("<thinking>", .thinkOpen(.thinking)),
        ("</thinking>", .thinkClose(.thinking)),
        ("<reasoning>", .thinkOpen(.reasoning)),
        ("</reasoning>", .thinkClose(.reasoning)),
        ("◁think▷", .thinkOpen(.triangle)),
        ("◁/think▷", .thinkClose(.triangle)),
    ]
}
