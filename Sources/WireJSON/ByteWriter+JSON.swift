internal import CSimdJSON

extension ByteWriter {
    /// A JSON string of that UTF-8: quotes, escapes, and U+FFFD for each byte that is not UTF-8.
    public func appendJSONString(_ utf8: UnsafeRawBufferPointer) {
        let plain = scanPlainASCII(utf8, from: 0)
        if plain == utf8.count { return appendQuoted(utf8) }
        reserve(utf8.count + 2)
        append(byte: UInt8(ascii: "\""))
        appendJSONEscaped(utf8)
        append(byte: UInt8(ascii: "\""))
    }

    /// A JSON string of that text: quotes and escapes.
    public func appendJSONString(_ text: String) {
        var text = text
        text.withUTF8 { appendJSONString(UnsafeRawBufferPointer($0)) }
    }

    /// The same without quotes, for a string that is written in pieces. A piece must not end inside a code point.
    public func appendJSONEscaped(_ utf8: UnsafeRawBufferPointer) {
        // simdjson checks texts faster than we do; for a character or two the call is not worth it.
        if utf8.count >= longText, csj_validate_utf8(utf8.baseAddress, utf8.count) {
            appendEscapedKnown(utf8)
        } else {
            appendEscapedChecked(utf8)
        }
    }

    private func appendEscapedKnown(_ utf8: UnsafeRawBufferPointer) {
        var position = 0
        while true {
            let stop = scanPlain(utf8, from: position)
            append(bytes: UnsafeRawBufferPointer(rebasing: utf8[position..<stop]))
            guard stop < utf8.count else { return }
            appendEscape(utf8[stop])
            position = stop + 1
        }
    }

    private func appendEscapedChecked(_ utf8: UnsafeRawBufferPointer) {
        var written = 0
        var position = 0
        while true {
            position = scanPlainASCII(utf8, from: position)
            var replacement = false
            if position < utf8.count, utf8[position] >= 0x80 {
                let length = sequenceLength(utf8, at: position)
                if length > 0 {
                    position += length
                    continue
                }
                replacement = true
            }
            append(bytes: UnsafeRawBufferPointer(rebasing: utf8[written..<position]))
            guard position < utf8.count else { return }
            if replacement { append("\u{FFFD}") } else { appendEscape(utf8[position]) }
            position += 1
            written = position
        }
    }

    private func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        case 0x08: append("\\b")
        case 0x0C: append("\\f")
        default:
            append("\\u00")
            append(byte: hexDigit(byte >> 4))
            append(byte: hexDigit(byte & 15))
        }
    }

    private func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

private let longText = 8
