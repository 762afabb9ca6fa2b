/// Finds the end of a JSON object or array, byte by byte; whether it is good JSON is for a parser to say.
struct JSONExtent {
    enum Place {
        case inside, complete
        /// It does not even begin like an object, or an array of them.
        case broken
    }

    private var depth = 0
    private var inString = false
    private var escaped = false
    /// The last byte that is not blank, while little is known.
    private var last: UInt8 = 0

    mutating func take(_ byte: UInt8) -> Place {
        if inString {
            if escaped {
                escaped = false
            } else if byte == 0x5C {
                escaped = true
            } else if byte == 0x22 {
                inString = false
            }
            return .inside
        }
        if isBlank(byte) { return .inside }
        if depth > 0, last == 0x7B, byte != 0x22, byte != 0x7D { return .broken }
        if depth == 1, last == 0x5B, byte != 0x7B { return .broken }
        last = byte
        switch byte {
        case 0x22: inString = true
        case 0x7B, 0x5B: depth += 1
        case 0x7D, 0x5D:
            depth -= 1
            if depth <= 0 { return .complete }
        default: break
        }
        return .inside
    }
}
