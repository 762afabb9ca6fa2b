/// Follows the pieces of a call's arguments to know when their JSON object is whole.
struct ArgumentBalance {
    private var depth = 0
    private var isOpened = false
    private var isInString = false
    private var isEscaped = false

    /// Was an object or array opened, and is it closed again?
    var isWhole: Bool { isOpened && depth == 0 }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            if isInString {
                inString(byte)
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                isOpened = true
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }

    private mutating func inString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
    }
}
