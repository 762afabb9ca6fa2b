/// One pass over a line: what is a secret in it is left out.
struct SecretScan {
    private let bytes: UnsafeRawBufferPointer
    private var result: [UInt8] = []
    private var copied = 0
    private var place = 0
    private let bits = Self.wordBits

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Nil: nothing is hidden.
    mutating func masked() -> String? {
        while place < bytes.count {
            if isWord(bytes[place]) {
                takeWord()
            } else if bytes[place] == UInt8(ascii: ":") {
                takeUser()
            } else {
                place += 1
            }
        }
        guard copied > 0 else { return nil }
        result += bytes[copied...]
        return String(decoding: result, as: UTF8.self)
    }

    private mutating func hide(_ range: Range<Int>) {
        result += bytes[copied..<range.lowerBound]
        result += Array(SecretText.hidden.utf8)
        copied = range.upperBound
        place = range.upperBound
    }

    private mutating func takeWord() {
        let begin = place
        place = end(from: begin, while: isWord)
        let word = bytes[begin..<place]
        if SecretWords.isKey(word) { return hide(begin..<place) }
        if SecretWords.isScheme(word) {
            _ = takeValue(from: place, .other)
            return
        }
        let sign = end(from: place) { $0 == 0x22 || $0 == 0x20 || $0 == 0x27 || $0 == 0x5C }
        guard sign < bytes.count, bytes[sign] == UInt8(ascii: ":") || bytes[sign] == UInt8(ascii: "="),
            let name = SecretWords.name(word, isQuery: sign == place && bytes[sign] == UInt8(ascii: "="))
        else { return }
        let stop = takeValue(from: sign, name)
        guard name == .authorization, stop < bytes.count, bytes[stop] == 0x20 else { return }
        // That was a scheme which is not known.
        let next = end(from: stop + 1) { !Self.endsValue($0) }
        if next - stop > SecretWords.minValue { hide(stop + 1..<next) }
    }

    /// Hides what follows behind a few signs at most, if it is long enough. Returns where it ends.
    private mutating func takeValue(from start: Int, _ name: SecretWords.Name) -> Int {
        var begin = start
        while begin < bytes.count, Self.isBetween(bytes[begin]) {
            if Self.isQuote(bytes[begin]), begin + 1 < bytes.count, bytes[begin + 1] == bytes[begin] {
                return begin + 2  // There is none.
            }
            begin += 1
        }
        let isQuoted = begin > start && Self.isQuote(bytes[begin - 1])
        let quote = begin
        let scheme = end(from: begin, while: isWord)
        if SecretWords.isHeaderScheme(bytes[begin..<scheme]) {
            begin = max(scheme, end(from: scheme, while: Self.isBetween))
        }
        let stop =
            if isQuoted {
                max(begin, closing(of: quote))
            } else if name == .cookie {
                end(from: begin) { $0 >= 0x20 && !Self.isQuote($0) && $0 != 0x5C }
            } else {
                end(from: begin) { !Self.endsValue($0) }
            }
        if stop - begin >= SecretWords.minValue { hide(begin..<stop) }
        return stop
    }

    /// Where a text ends that begins behind a quote: at the same quote, escaped if the first one is.
    private func closing(of begin: Int) -> Int {
        let quote = bytes[begin - 1]
        let isEscaped = begin > 1 && bytes[begin - 2] == 0x5C
        var place = begin
        while place < bytes.count, bytes[place] != quote {
            if bytes[place] == 0x5C {
                if isEscaped, place + 1 < bytes.count, bytes[place + 1] == quote { return place }
                place += 1
            }
            place += 1
        }
        return min(place, bytes.count)
    }

    /// A URL's user and password: `://user:password@`.
    private mutating func takeUser() {
        let begin = place + 3
        guard begin <= bytes.count, bytes[place + 1] == 0x2F, bytes[place + 2] == 0x2F else { return place += 1 }
        let stop = end(from: begin) { !Self.endsValue($0) && $0 != 0x2F && $0 != 0x3F && $0 != 0x23 }
        place = begin
        if let sign = bytes[begin..<stop].lastIndex(of: UInt8(ascii: "@")), sign > begin { hide(begin..<sign) }
    }

    // MARK: Bytes

    private func end(from start: Int, while holds: (UInt8) -> Bool) -> Int {
        var place = start
        while place < bytes.count, holds(bytes[place]) { place += 1 }
        return place
    }

    /// Digits, letters and `-_.~+/`; a bit for each byte of ASCII.
    private static let wordBits = [UInt8](0..<0x80).reduce(into: (UInt64(0), UInt64(0))) { bits, byte in
        let isLetter = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        guard isLetter || "-_.~+/".utf8.contains(byte) else { return }
        if byte < 64 { bits.0 |= 1 << UInt64(byte) } else { bits.1 |= 1 << UInt64(byte - 64) }
    }

    /// Bytes of keys and of names, all beyond ASCII among them.
    private func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || ((byte < 64 ? bits.0 : bits.1) >> UInt64(byte & 63)) & 1 == 1
    }

    /// Between a name, or a scheme, and its secret.
    private static func isBetween(_ byte: UInt8) -> Bool { "=: \t\"'\\".utf8.contains(byte) }

    private static func isQuote(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x27 }

    private static func endsValue(_ byte: UInt8) -> Bool { byte <= 0x20 || "\"',;&<>()[]{}\\".utf8.contains(byte) }
}
