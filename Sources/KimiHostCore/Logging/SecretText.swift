/// Hides what looks like a secret in a line of the process log, whoever it belongs to.
///
/// Secrets that are known are hidden by value before, where they are known; this is the net beneath. It hides a value
/// behind `Bearer`, `Basic`, or a name such as `authorization` or `x-api-key`, and words that begin as the well-known
/// services' keys do. Linear in the line.
package enum SecretText {
    static let hidden = "***"

    /// What keys begin with; what is shorter than `minKey` is none.
    private static let prefixes: [[UInt8]] = [
        "sk-", "sk_", "pk-", "rk_", "kh-", "xai-", "gsk_", "AIza", "ya29.", "ghp_", "gho_", "github_pat_", "xoxb-",
        "AKIA", "hf_", "nvapi-", "eyJ",
    ].map { Array($0.utf8) }
    private static let minKey = 16
    private static let minValue = 6
    /// Words before a secret; in lower case.
    private static let schemes: [[UInt8]] = ["bearer", "basic"].map { Array($0.utf8) }
    private static let names: [[UInt8]] = [
        "authorization", "x-api-key", "api-key", "api_key", "apikey", "x-goog-api-key", "access_token", "client_secret",
        "private_key", "password",
    ].map { Array($0.utf8) }

    /// `text` itself when nothing is to be hidden.
    package static func masked(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes -> String? in masked(UnsafeRawBufferPointer(bytes)) } ?? text
    }

    /// Nil: nothing is hidden.
    private static func masked(_ bytes: UnsafeRawBufferPointer) -> String? {
        var result: [UInt8] = []
        var copied = 0
        var place = 0
        /// The next word is a secret: it stands behind a scheme or a name.
        var isAwaited = false
        let bits = wordBits
        while place < bytes.count {
            guard isWord(bytes[place], bits) else {
                // A name and its secret have a few signs between them at most.
                if isAwaited, !isBetween(bytes[place]) { isAwaited = false }
                place += 1
                continue
            }
            var end = place
            while end < bytes.count, isWord(bytes[end], bits) { end += 1 }
            let word = UnsafeRawBufferPointer(rebasing: bytes[place..<end])
            if isScheme(word) {
                isAwaited = true
            } else if (isAwaited && word.count >= minValue) || isKey(word) {
                result += bytes[copied..<place]
                result += Array(hidden.utf8)
                copied = end
                isAwaited = false
            } else {
                isAwaited = isName(word, bytes, end)
            }
            place = end
        }
        guard copied > 0 else { return nil }
        result += bytes[copied...]
        return String(decoding: result, as: UTF8.self)
    }

    /// Bytes of keys and of names: digits, letters, `-_.~+/`, and all beyond ASCII; a bit for each.
    private static let wordBits = [UInt8](0...255).reduce(into: (UInt64(0), UInt64(0))) { bits, byte in
        let isLetter = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        guard byte < 0x80, isLetter || "-_.~+/".utf8.contains(byte) else { return }
        if byte < 64 { bits.0 |= 1 << UInt64(byte) } else { bits.1 |= 1 << UInt64(byte - 64) }
    }

    private static func isWord(_ byte: UInt8, _ bits: (UInt64, UInt64)) -> Bool {
        byte >= 0x80 || ((byte < 64 ? bits.0 : bits.1) >> UInt64(byte & 63)) & 1 == 1
    }

    /// A bit for each length that there is; most words are told by theirs.
    private static let schemeLengths = lengths(of: schemes)
    private static let nameLengths = lengths(of: names)

    private static func lengths(of words: [[UInt8]]) -> UInt64 {
        words.reduce(0) { $0 | 1 << UInt64($1.count) }
    }

    private static func has(_ lengths: UInt64, _ count: Int) -> Bool {
        count < 64 && (lengths >> UInt64(count)) & 1 == 1
    }

    private static func isBetween(_ byte: UInt8) -> Bool { "=: \t\"'\\".utf8.contains(byte) }

    private static func isKey(_ word: UnsafeRawBufferPointer) -> Bool {
        word.count >= minKey && prefixes.contains { word.starts(with: $0) }
    }

    private static func isScheme(_ word: UnsafeRawBufferPointer) -> Bool {
        has(schemeLengths, word.count) && schemes.contains { $0.count == word.count && isEqual(word, $0) }
    }

    /// A name counts with a colon or an equals sign behind it.
    private static func isName(_ word: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer, _ end: Int) -> Bool {
        guard has(nameLengths, word.count), names.contains(where: { $0.count == word.count && isEqual(word, $0) })
        else { return false }
        let sign = bytes[end...].first { $0 != 0x22 && $0 != 0x20 && $0 != 0x27 && $0 != 0x5C }
        return sign == UInt8(ascii: ":") || sign == UInt8(ascii: "=")
    }

    private static func isEqual(_ word: UnsafeRawBufferPointer, _ lower: [UInt8]) -> Bool {
        zip(word, lower).allSatisfy { byte, other in
            ((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) == other
        }
    }
}
