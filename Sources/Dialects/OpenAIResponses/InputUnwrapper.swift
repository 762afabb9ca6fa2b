import WireJSON

/// Takes the text out of `{"input":"..."}` while it streams.
///
/// The text stays escaped, so that it can be written into a JSON string as it is: escapes and surrogate pairs are
/// passed on whole or held until they are. What models get wrong inside the string (raw line breaks, escapes that do
/// not exist) is put right; arguments of another shape are judged at the end, see ``finish(_:)``.
struct InputUnwrapper {
    /// The text so far: the inside of a JSON string.
    let text = ByteWriter(capacity: 512)
    private var state = State.start
    private var key: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The beginning of an escape: a backslash, perhaps `u` and digits, perhaps a high half before it.
    private var held: [UInt8] = []

    private enum State { case start, beforeKey, key, colon, value, skipping, input, done, failed }

    /// Has the text ended as it should?
    var isComplete: Bool { state == .done }

    /// Has the text begun? Then nothing but what streamed is the text.
    var hasBegun: Bool { state == .input || state == .done }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position < bytes.count {
            switch state {
            case .input: position = takeText(bytes, position)
            case .done, .failed: return
            default:
                step(bytes[position])
                position += 1
            }
        }
    }

    // MARK: Around the text

    private mutating func step(_ byte: UInt8) {
        if state == .skipping { return skip(byte) }
        if state == .key { return takeKey(byte) }
        if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { return }
        switch (state, byte) {
        case (.start, UInt8(ascii: "{")), (.beforeKey, UInt8(ascii: ",")): state = .beforeKey
        case (.beforeKey, UInt8(ascii: "\"")):
            key = []
            state = .key
        case (.colon, UInt8(ascii: ":")): state = .value
        case (.value, UInt8(ascii: "\"")) where key == Array("input".utf8): state = .input
        case (.value, _):
            (depth, isInString, isEscaped) = (0, false, false)
            state = .skipping
            skip(byte)
        default: state = .failed
        }
    }

    private mutating func takeKey(_ byte: UInt8) {
        if byte == UInt8(ascii: "\"") { return state = .colon }
        if byte == UInt8(ascii: "\\") || key.count >= 256 { return state = .failed }
        key.append(byte)
    }

    /// Over a value that is not ours.
    private mutating func skip(_ byte: UInt8) {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth < 0 { state = .failed }
        case UInt8(ascii: ","): if depth == 0 { state = .beforeKey }
        default: break
        }
    }

    // MARK: The text

    private mutating func takeText(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        guard held.isEmpty else {
            takeEscape(bytes[start])
            return start + 1
        }
        var position = start
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            position += 1
        }
        text.appendJSONEscaped(UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
        guard position < bytes.count else { return position }
        if bytes[position] == UInt8(ascii: "\"") { state = .done } else { held = [bytes[position]] }
        return position + 1
    }

    /// The next byte of a held escape.
    private mutating func takeEscape(_ byte: UInt8) {
        // A high half that was complete waits for its low half.
        if held.count == 6 || held.count == 7 {
            let wanted = held.count == 6 ? UInt8(ascii: "\\") : UInt8(ascii: "u")
            if byte == wanted { return held.append(byte) }
            let isEscape = held.count == 7
            text.append(#"\ufffd"#)
            held = isEscape ? [UInt8(ascii: "\\")] : []
            return isEscape ? takeEscape(byte) : takeAgain(byte)
        }
        if held.count == 1 { return takeEscapeLetter(byte) }
        guard hexDigit(byte) != nil else { return giveUpEscape(byte) }
        held.append(byte)
        if held.count == 6 || held.count == 12 { completeUnit() }
    }

    private mutating func takeEscapeLetter(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "u"): held.append(byte)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            text.append(byte: UInt8(ascii: "\\"))
            text.append(byte: byte)
            held = []
        default:
            // No escape of JSON: the backslash was meant.
            text.append(#"\\"#)
            held = []
            takeAgain(byte)
        }
    }

    private mutating func completeUnit() {
        let unit = held.suffix(4).reduce(UInt32(0)) { $0 << 4 | (hexDigit($1) ?? 0) }
        let isLow = (0xDC00...0xDFFF).contains(unit)
        if held.count == 6 {
            if (0xD800...0xDBFF).contains(unit) { return }
            if isLow { text.append(#"\ufffd"#) } else { text.append(bytes: held) }
            return held = []
        }
        if isLow {
            text.append(bytes: held)
            return held = []
        }
        // Two high halves, or a high half and another unit: the first is alone.
        text.append(#"\ufffd"#)
        held = Array(held.suffix(6))
        completeUnit()
    }

    /// `\u` without four digits: it is passed on as text.
    private mutating func giveUpEscape(_ byte: UInt8) {
        if held.count > 6 {
            text.append(#"\ufffd"#)
            held.removeFirst(6)
        }
        text.append(#"\"#)
        text.append(bytes: held)
        held = []
        takeAgain(byte)
    }

    private mutating func takeAgain(_ byte: UInt8) {
        withUnsafeBytes(of: byte) { _ = takeText($0, 0) }
    }

    private func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
