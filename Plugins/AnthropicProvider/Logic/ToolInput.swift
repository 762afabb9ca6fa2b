internal import WireJSON

/// The arguments of an earlier call as the object that the API wants.
enum ToolInput {
    /// False if they are no object: then they are the text `_raw` of one. Nothing, `null` and `""` are an empty one.
    static func write(_ arguments: JSONSpan?, to out: ByteWriter) -> Bool {
        guard let arguments else {
            out.append("{}")
            return true
        }
        if arguments.kind == .object {
            out.append(bytes: arguments.raw)
            return true
        }
        let text = arguments.kind == .string ? arguments.decoded : Array(arguments.raw)
        return text.withUnsafeBytes { write(text: $0, to: out) }
    }

    private static func write(text: UnsafeRawBufferPointer, to out: ByteWriter) -> Bool {
        let isBlank = text.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
        if isBlank || text.matches("null") || text.matches(#""""#) {
            out.append("{}")
            return true
        }
        if let value = try? JSONSpans.value(of: text), value.kind == .object,
            String(validating: text, as: UTF8.self) != nil
        {
            out.append(bytes: UnsafeRawBufferPointer(rebasing: text[value.valueRange]))
            return true
        }
        out.append(#"{"_raw":"#)
        out.appendJSONString(text)
        out.append("}")
        return false
    }
}

/// Ids of calls, which the API takes as `^[a-zA-Z0-9_-]+$` only.
enum ToolID {
    /// A legal id stays. Another is `k1_` and its bytes, those that are no letter, digit or `-` as `_` and two
    /// hexadecimal digits (`_` as `__`): the same wherever the id stands, and what Anthropic's clients know it by.
    static func write(_ id: JSONSpan, to out: ByteWriter) {
        let bytes = id.decoded
        if bytes.allSatisfy({ isPlain($0) || $0 == UInt8(ascii: "_") }) { return out.append(bytes: id.raw) }
        out.append(#""k1_"#)
        for byte in bytes {
            if byte == UInt8(ascii: "_") {
                out.append("__")
            } else if isPlain(byte) {
                out.append(byte: byte)
            } else {
                out.append("_")
                out.append(byte: digit(byte >> 4))
                out.append(byte: digit(byte & 15))
            }
        }
        out.append("\"")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
