/// Follows the text of a JSON object piece by piece and tells how much of it is right. The grammar is RFC 8259's;
/// UTF-8 is not checked. Constant work per byte, one bit of memory per level.
struct ArgumentsCheck {
    private enum State {
        case value, valueOrEnd, key, keyOrEnd, colon, separator, string, escape, unicode(Int)
        case minus, zero, digits, point, fraction, exponent, exponentSign, exponentDigits, word(Word, Int), done
    }

    private enum Word { case yes, no, nothing }

    /// Deeper texts count as wrong.
    static let maxDepth = 512

    private var state = State.value
    /// True for an object, false for an array.
    private var levels: [Bool] = []
    private var isKey = false

    /// Is the object closed? White space may follow.
    var isComplete: Bool { if case .done = state { true } else { false } }

    /// Takes a next piece; how many of its bytes continue a right text. Fewer than all: the next one is wrong.
    mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Int {
        var position = 0
        while position < bytes.count {
            if case .string = state { position = Self.skipPlain(bytes, from: position) }
            guard position < bytes.count else { break }
            guard take(bytes[position]) else { return position }
            position += 1
        }
        return bytes.count
    }

    /// Most of the arguments is inside of strings.
    private static func skipPlain(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var position = start
        while position < bytes.count {
            let byte = bytes[position]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            position += 1
        }
        return position
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        switch state {
        case .string: return string(byte)
        case .escape: return escape(byte)
        case .unicode(let left): return unicode(byte, left)
        case .word(let word, let at): return self.word(byte, word, at)
        case .minus, .zero, .digits, .point, .fraction, .exponent, .exponentSign, .exponentDigits: return number(byte)
        default: break
        }
        if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { return true }
        switch state {
        case .value: return value(byte)
        case .valueOrEnd: return byte == UInt8(ascii: "]") ? close(false) : value(byte)
        case .keyOrEnd where byte == UInt8(ascii: "}"): return close(true)
        case .key, .keyOrEnd: return byte == UInt8(ascii: "\"") && go(.string, isKey: true)
        case .colon: return byte == UInt8(ascii: ":") && go(.value)
        case .separator: return separator(byte)
        default: return false
        }
    }

    private mutating func go(_ next: State, isKey: Bool = false) -> Bool {
        state = next
        self.isKey = isKey
        return true
    }

    private mutating func value(_ byte: UInt8) -> Bool {
        // The first value of all must be an object.
        if levels.isEmpty, byte != UInt8(ascii: "{") { return false }
        switch byte {
        case UInt8(ascii: "{"): return open(true)
        case UInt8(ascii: "["): return open(false)
        case UInt8(ascii: "\""): return go(.string)
        case UInt8(ascii: "-"): return go(.minus)
        case UInt8(ascii: "0"): return go(.zero)
        case UInt8(ascii: "1")...UInt8(ascii: "9"): return go(.digits)
        case UInt8(ascii: "t"): return go(.word(.yes, 1))
        case UInt8(ascii: "f"): return go(.word(.no, 1))
        case UInt8(ascii: "n"): return go(.word(.nothing, 1))
        default: return false
        }
    }

    private mutating func open(_ isObject: Bool) -> Bool {
        guard levels.count < Self.maxDepth else { return false }
        levels.append(isObject)
        return go(isObject ? .keyOrEnd : .valueOrEnd)
    }

    private mutating func close(_ isObject: Bool) -> Bool {
        guard levels.last == isObject else { return false }
        levels.removeLast()
        return go(levels.isEmpty ? .done : .separator)
    }

    private mutating func separator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","): go(levels.last == true ? .key : .value)
        case UInt8(ascii: "}"): close(true)
        case UInt8(ascii: "]"): close(false)
        default: false
        }
    }

    private mutating func string(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""): return go(isKey ? .colon : .separator)
        case UInt8(ascii: "\\"): state = .escape
        default: return byte >= 0x20
        }
        return true
    }

    private mutating func escape(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "u"): state = .unicode(4)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            state = .string
        default: return false
        }
        return true
    }

    private mutating func unicode(_ byte: UInt8, _ left: Int) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            state = left == 1 ? .string : .unicode(left - 1)
            return true
        default: return false
        }
    }

    private mutating func word(_ byte: UInt8, _ word: Word, _ at: Int) -> Bool {
        let text: StaticString =
            switch word {
            case .yes: "true"
            case .no: "false"
            case .nothing: "null"
            }
        guard byte == text.utf8Start[at] else { return false }
        return at + 1 == text.utf8CodeUnitCount ? go(.separator) : go(.word(word, at + 1))
    }

    private mutating func number(_ byte: UInt8) -> Bool {
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        switch (state, byte) {
        case (.minus, UInt8(ascii: "0")): return go(.zero)
        case (.minus, _): return isDigit && go(.digits)
        case (.digits, _) where isDigit, (.fraction, _) where isDigit, (.exponentDigits, _) where isDigit: return true
        case (.point, _): return isDigit && go(.fraction)
        case (.exponent, UInt8(ascii: "+")), (.exponent, UInt8(ascii: "-")): return go(.exponentSign)
        case (.exponent, _), (.exponentSign, _): return isDigit && go(.exponentDigits)
        case (.zero, UInt8(ascii: ".")), (.digits, UInt8(ascii: ".")): return go(.point)
        case (.exponentDigits, UInt8(ascii: "e")), (.exponentDigits, UInt8(ascii: "E")): return false
        case (_, UInt8(ascii: "e")), (_, UInt8(ascii: "E")): return go(.exponent)
        default: break
        }
        // The number is over; the byte belongs to what follows.
        _ = go(.separator)
        return take(byte)
    }
}
