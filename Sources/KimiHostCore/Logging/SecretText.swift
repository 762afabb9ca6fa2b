/// Hides what looks like a secret in a line of the process log, whoever it belongs to.
///
/// Secrets that are known are hidden by value before, where they are known; this is the net beneath. It hides a value
/// behind `Bearer`, `Basic`, or a name such as `authorization` or `x-api-key`, the user's part of a URL, and words that
/// begin as the well-known services' keys do. Linear in the line.
package enum SecretText {
    static let hidden = "***"

    /// `text` itself when nothing is to be hidden.
    package static func masked(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes -> String? in
            var scan = SecretScan(UnsafeRawBufferPointer(bytes))
            return scan.masked()
        } ?? text
    }
}

/// The words by which secrets are known.
enum SecretWords {
    /// What is shorter is not hidden.
    static let minValue = 6

    /// What keys begin with; what is shorter than `minKey` is none.
    private static let prefixes: [[UInt8]] = [
        "sk-", "sk_", "pk-", "rk_", "kh-", "xai-", "gsk_", "AIza", "ya29.", "ghp_", "gho_", "github_pat_", "xoxb-",
        "AKIA", "hf_", "nvapi-", "eyJ",
    ].map { Array($0.utf8) }
    private static let minKey = 16

    /// Words before a secret wherever they stand, in lower case.
    private static let schemes: [[UInt8]] = ["bearer", "basic"].map { Array($0.utf8) }
    /// Words that a header's value may begin with, before its secret.
    private static let headerSchemes: [[UInt8]] =
        schemes + ["token", "apikey", "api-key", "key", "digest", "dpop", "negotiate", "oauth"].map { Array($0.utf8) }

    /// How names end before `:` or `=`, in lower case and without dashes and underscores.
    private static let nameEnds: [[UInt8]] = [
        "authorization", "apikey", "accesskey", "secretkey", "privatekey", "secret", "password", "passwd",
        "passphrase", "cookie", "accesstoken", "refreshtoken", "authtoken", "sessiontoken", "securitytoken",
    ].map { Array($0.utf8) }
    private static let minName = 6
    /// Whole names before `=`, as in a URL.
    private static let queryNames: [[UInt8]] = ["key", "token", "sig", "signature", "idtoken"].map { Array($0.utf8) }

    enum Name {
        /// Its value may have a scheme before the secret.
        case authorization
        /// Its value goes on behind semicolons.
        case cookie
        case other
    }

    /// `isQuery`: an equals sign follows at once.
    static func name(_ word: Slice<UnsafeRawBufferPointer>, isQuery: Bool) -> Name? {
        if word.count >= minName, let end = nameEnds.first(where: { Self.end(word, $0) != nil }) {
            if end == nameEnds[0] { return .authorization }
            return end == Array("cookie".utf8) ? .cookie : .other
        }
        return isQuery && queryNames.contains { Self.end(word, $0) == 0 } ? .other : nil
    }

    static func isKey(_ word: Slice<UnsafeRawBufferPointer>) -> Bool {
        word.count >= minKey && prefixes.contains { word.starts(with: $0) }
    }

    static func isScheme(_ word: Slice<UnsafeRawBufferPointer>) -> Bool {
        schemes.contains { isEqual(word, $0) }
    }

    static func isHeaderScheme(_ word: Slice<UnsafeRawBufferPointer>) -> Bool {
        headerSchemes.contains { isEqual(word, $0) }
    }

    private static func isEqual(_ word: Slice<UnsafeRawBufferPointer>, _ lower: [UInt8]) -> Bool {
        word.count == lower.count && zip(word, lower).allSatisfy { small($0) == $1 }
    }

    /// Bytes of the word before that end; nil: it ends otherwise.
    private static func end(_ word: Slice<UnsafeRawBufferPointer>, _ end: [UInt8]) -> Int? {
        var rest = word
        for byte in end.reversed() {
            while let last = rest.last, last == 0x2D || last == 0x5F { rest.removeLast() }
            guard let last = rest.popLast(), small(last) == byte else { return nil }
        }
        return rest.count
    }

    private static func small(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
