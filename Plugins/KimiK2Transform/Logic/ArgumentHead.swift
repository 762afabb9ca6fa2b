/// What stands before the JSON of a call's arguments, or in its place: blanks, a fence with its language, the quotes
/// of JSON that was encoded as a string, `null`. Held until it tells what it is.
struct ArgumentHead {
    enum Verdict {
        /// More bytes are needed.
        case more
        /// The JSON begins with this byte. If it was encoded, the byte is the first decoded one, and is used up.
        case json(UInt8)
        /// Neither: what is held belongs to the arguments as it is, the byte included.
        case raw
    }

    private enum State { case start, mark, ticks, language, gap, word, quoted, nothing }

    let repairs: RepairSet
    private(set) var held: [UInt8] = []
    private(set) var isFenced = false
    /// A byte order mark stands before everything.
    private(set) var hasMark = false
    /// One for each time the JSON was encoded as a string.
    private(set) var decoders: [StringDecoder] = []
    private var state = State.start

    init(repairs: RepairSet) { self.repairs = repairs }

    var isEncoded: Bool { !decoders.isEmpty }

    /// Is what came so far no arguments at all?
    var isEmpty: Bool {
        switch state {
        case .start: held.isEmpty || hasMark
        case .ticks, .language, .gap, .nothing: true
        case .word: Self.isNull(held) && repairs.contains(.emptyArguments)
        case .mark, .quoted: false
        }
    }

    mutating func take(_ byte: UInt8) -> Verdict {
        if state == .start, isBlank(byte) { return .more }
        let verdict = judge(byte)
        if case .json = verdict { return verdict }
        held.append(byte)
        if case .more = verdict, held.count > Limits.argumentHead { return .raw }
        return verdict
    }

    private mutating func judge(_ byte: UInt8) -> Verdict {
        switch state {
        case .start: begin(byte)
        case .mark: byteOrderMark(byte)
        case .ticks: byte == 0x60 ? .more : language(byte)
        case .language: language(byte)
        case .gap: gap(byte)
        case .word: word(byte)
        case .quoted: quoted(byte, 0)
        case .nothing: isBlank(byte) || byte == 0x60 || byte == 0x22 || byte == 0x5C ? .more : .raw
        }
    }

    private mutating func begin(_ byte: UInt8) -> Verdict {
        switch byte {
        case 0x7B, 0x5B: return .json(byte)
        case 0xEF where repairs.contains(.controlCharacters) && held.isEmpty: state = .mark
        case 0x60 where repairs.contains(.fenced):
            state = .ticks
            isFenced = true
        case 0x22 where repairs.contains(.doubleEncoded): openQuote()
        case 0x6A, 0x4A, 0x6E, 0x4E: state = .word
        default: return .raw
        }
        return .more
    }

    private mutating func byteOrderMark(_ byte: UInt8) -> Verdict {
        guard byte == (held.count == 1 ? 0xBB : 0xBF) else { return .raw }
        if held.count == 2 {
            hasMark = true
            state = .start
        }
        return .more
    }

    // MARK: - Fences

    /// A fence's language, up to the first byte that is no part of a word.
    private mutating func language(_ byte: UInt8) -> Verdict {
        state = .language
        let isWord = isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || "+-_.".utf8.contains(byte)
        return isWord ? .more : gap(byte)
    }

    /// Between the fence and what it encloses.
    private mutating func gap(_ byte: UInt8) -> Verdict {
        state = .gap
        switch byte {
        case 0x7B, 0x5B: return .json(byte)
        case 0x22 where repairs.contains(.doubleEncoded): openQuote()
        case 0x60: state = .nothing
        default: return isBlank(byte) ? .more : .raw
        }
        return .more
    }

    /// `json` is the language of a fence that was lost, `null` means that there are no arguments.
    private mutating func word(_ byte: UInt8) -> Verdict {
        let word = held.suffix(hasMark ? held.count - 3 : held.count)
        if (byte | 0x20) >= 0x61, (byte | 0x20) <= 0x7A { return word.count < 4 ? .more : .raw }
        if repairs.contains(.fenced), word.elementsEqual("json".utf8) || word.elementsEqual("JSON".utf8) {
            isFenced = true
            return gap(byte)
        }
        guard isEmpty, isBlank(byte) else { return .raw }
        state = .nothing
        return .more
    }

    private static func isNull(_ word: [UInt8]) -> Bool {
        word.elementsEqual("null".utf8) || word.elementsEqual("None".utf8)
    }

    // MARK: - JSON in a string

    private mutating func openQuote() {
        decoders.append(StringDecoder())
        state = .quoted
    }

    /// A byte inside as many strings as `level` tells; the decoders beyond it have it still to decode.
    private mutating func quoted(_ byte: UInt8, _ level: Int) -> Verdict {
        guard level < decoders.count else { return inside(byte) }
        if byte == 0x22, !decoders[level].isInEscape {
            state = .nothing
            return repairs.contains(.emptyArguments) ? .more : .raw
        }
        var decoded: [UInt8] = []
        decoders[level].take(byte, into: &decoded)
        // More than one byte is a code point, which begins no JSON.
        guard let first = decoded.first else { return .more }
        return decoded.count > 1 ? .raw : quoted(first, level + 1)
    }

    private mutating func inside(_ byte: UInt8) -> Verdict {
        switch byte {
        case 0x7B, 0x5B: return .json(byte)
        case 0x22 where decoders.count < Limits.nestedEncodings:
            decoders.append(StringDecoder())
            return .more
        default: return isBlank(byte) ? .more : .raw
        }
    }
}
