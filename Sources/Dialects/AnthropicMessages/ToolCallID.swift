import WireJSON

/// Ids of tool calls, between upstreams that use any text and Anthropic's clients, which take `^[a-zA-Z0-9_-]+$` only.
///
/// An id that is legal stays as it is. Any other is written as `k1_` and its bytes: letters, digits and `-` as they
/// are, `_` as `__`, all else as `_` and two hexadecimal digits. Nothing is lost, so the way back gives the upstream
/// its own id: `functions.search:0` is `k1_functions_2esearch_3a0` for the client. A legal id that begins with `k1_`
/// is written the same way, so that no two ids become one.
enum ToolCallID {
    private static let mark: StaticString = "k1_"

    /// An upstream's id as a JSON string for the client; not empty.
    static func write(_ id: UnsafeRawBufferPointer, to out: ByteWriter) {
        if id.allSatisfy(isLegal), !hasMark(id) { return out.appendJSONString(id) }
        out.append("\"")
        out.append(mark)
        for byte in id {
            if byte == UInt8(ascii: "_") {
                out.append("__")
            } else if isLegal(byte) {
                out.append(byte: byte)
            } else {
                out.append("_")
                out.append(byte: digit(byte >> 4))
                out.append(byte: digit(byte & 15))
            }
        }
        out.append("\"")
    }

    /// An id for a call that came without one: its number and the message's id.
    static func writeMade(_ number: UInt32, message: [UInt8], to out: ByteWriter) {
        out.append(#""call_"#)
        out.append(int: Int64(number))
        out.append("_")
        for byte in message.suffix(40) { out.append(byte: isLegal(byte) ? byte : UInt8(ascii: "_")) }
        out.append("\"")
    }

    /// The upstream's own id, as a JSON string, from what the client sends back. What this file has not made stays.
    static func writeOriginal(_ id: JSONSpan, to out: ByteWriter) {
        guard hasMark(id.inner), let original = original(id.decoded) else { return out.append(bytes: id.raw) }
        original.withUnsafeBytes { out.appendJSONString($0) }
    }

    private static func original(_ id: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var position = mark.utf8CodeUnitCount
        while position < id.count {
            let byte = id[position]
            position += 1
            guard byte == UInt8(ascii: "_") else {
                result.append(byte)
                continue
            }
            guard position < id.count else { return nil }
            if id[position] == UInt8(ascii: "_") {
                result.append(byte)
                position += 1
            } else {
                guard position + 1 < id.count, let high = value(id[position]), let low = value(id[position + 1]) else {
                    return nil
                }
                result.append(high << 4 | low)
                position += 2
            }
        }
        return result.isEmpty ? nil : result
    }

    private static func hasMark(_ id: UnsafeRawBufferPointer) -> Bool {
        id.count >= 3 && id[0] == UInt8(ascii: "k") && id[1] == UInt8(ascii: "1") && id[2] == UInt8(ascii: "_")
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
