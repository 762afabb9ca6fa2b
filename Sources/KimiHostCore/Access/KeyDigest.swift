import Crypto

/// The SHA-256 of a client's key: what a configuration holds instead of the key.
package struct KeyDigest: Sendable {
    private let bytes: [UInt8]

    /// The digest of a key's bytes.
    package init(of key: some Sequence<UInt8>) {
        bytes = Array(SHA256.hash(data: Array(key)))
    }

    /// `sha256:` and 64 hexadecimal digits; nil for anything else.
    package init?(text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let digits = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard digits.count == 2 * SHA256.byteCount else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = Self.value(digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.bytes = bytes
    }

    /// What `init(text:)` reads.
    package var text: String {
        let digits: StaticString = "0123456789abcdef"
        var text = Self.prefix
        for byte in bytes {
            for half in [byte >> 4, byte & 15] {
                text.unicodeScalars.append(Unicode.Scalar(digits.utf8Start[Int(half)]))
            }
        }
        return text
    }

    /// Takes the same time whatever the bytes are.
    package func matches(_ other: KeyDigest) -> Bool {
        var difference: UInt8 = 0
        for index in bytes.indices { difference |= bytes[index] ^ other.bytes[index] }
        return difference == 0
    }

    /// Shorter keys can be guessed from their digest.
    private static let minKeyBytes = 16

    /// Why a key is not one to rely on; nil if it is.
    package static func weakness(of key: String) -> String? {
        guard key.utf8.count < minKeyBytes else { return nil }
        return "the key is shorter than \(minKeyBytes) bytes and can be guessed; kimi-host auth new makes a good one"
    }

    private static let prefix = "sha256:"

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
}
