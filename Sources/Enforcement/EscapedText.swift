/// Decodes a JSON string that comes in pieces, cut anywhere. A value; begins behind the opening quote.
///
/// Lenient: an unknown escape stands for its character, half of a surrogate pair for U+FFFD.
struct EscapedText {
    private enum State { case plain, escape, unicode(digits: Int, unit: UInt16) }

    private var state = State.plain
    /// The first half of a surrogate pair whose second half may follow.
    private var half: UInt16?
    /// The closing quote has come.
    private(set) var isOver = false

    /// Decodes from `start` up to the closing quote or the end. Returns the place behind what it took.
    mutating func read(_ bytes: UnsafeRawBufferPointer, from start: Int, into out: inout [UInt8]) -> Int {
        var position = start
        while position < bytes.count, !isOver {
            switch state {
            case .plain: position = plain(bytes, position, &out)
            case .escape:
                escape(bytes[position], &out)
                position += 1
            case .unicode(let digits, let unit): position = unicode(bytes, position, digits, unit, &out)
            }
        }
        return position
    }

    private mutating func plain(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ out: inout [UInt8]) -> Int {
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\") { end += 1 }
        if end > start { giveUpHalf(&out) }
        out.append(contentsOf: bytes[start..<end])
        guard end < bytes.count else { return end }
        if bytes[end] == UInt8(ascii: "\"") {
            giveUpHalf(&out)
            isOver = true
        } else {
            state = .escape
        }
        return end + 1
    }

    private mutating func escape(_ byte: UInt8, _ out: inout [UInt8]) {
        guard byte != UInt8(ascii: "u") else { return state = .unicode(digits: 0, unit: 0) }
        giveUpHalf(&out)
        state = .plain
        switch byte {
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        default: out.append(byte)
        }
    }

    private mutating func unicode(
        _ bytes: UnsafeRawBufferPointer, _ position: Int, _ digits: Int, _ unit: UInt16, _ out: inout [UInt8]
    ) -> Int {
        guard let digit = Self.hex(bytes[position]) else {
            giveUpHalf(&out)
            append(0xFFFD, &out)
            state = .plain
            return position
        }
        let unit = unit << 4 | digit
        if digits < 3 {
            state = .unicode(digits: digits + 1, unit: unit)
        } else {
            state = .plain
            add(unit, &out)
        }
        return position + 1
    }

    private mutating func add(_ unit: UInt16, _ out: inout [UInt8]) {
        if let high = half, (0xDC00...0xDFFF).contains(unit) {
            half = nil
            return append(0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(unit) - 0xDC00), &out)
        }
        giveUpHalf(&out)
        if (0xD800...0xDBFF).contains(unit) { half = unit } else { append(UInt32(unit), &out) }
    }

    private mutating func giveUpHalf(_ out: inout [UInt8]) {
        guard half != nil else { return }
        half = nil
        append(0xFFFD, &out)
    }

    private func append(_ value: UInt32, _ out: inout [UInt8]) {
        let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
        out.append(contentsOf: Array(String(Character(scalar)).utf8))
    }

    private static func hex(_ byte: UInt8) -> UInt16? {
        switch byte {
        case 0x30...0x39: UInt16(byte - 0x30)
        case 0x41...0x46: UInt16(byte - 0x37)
        case 0x61...0x66: UInt16(byte - 0x57)
        default: nil
        }
    }
}
