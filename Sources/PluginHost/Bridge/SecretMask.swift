import CPlatform
import Synchronization

/// Secrets that come and go while the host runs: tokens. Any thread.
final class LiveSecrets: Sendable {
    /// The latest so many are hidden: twice as many as an instance has tokens, so that replaced ones are among them.
    static let maxSecrets = 128

    private let secrets = Mutex<[[UInt8]]>([])

    func add(_ secret: [UInt8]) {
        secrets.withLock { secrets in
            guard !secrets.contains(secret) else { return }
            if secrets.count == Self.maxSecrets { secrets.removeFirst() }
            secrets.append(secret)
        }
    }

    var all: [[UInt8]] { secrets.withLock { $0 } }
}

/// Hides secret values wherever their text turns up: in log lines, in what upstreams say about them, and in what the
/// request log keeps.
package struct SecretMask: Sendable {
    /// Bytes of the shortest value that is masked: a shorter one would blot out half of every line.
    private static let minLength = 6

    private let secrets: [[UInt8]]
    private let live: LiveSecrets?

    /// `live`: further secrets, which change.
    package init(_ secrets: [String]) { self.init(secrets, live: nil) }

    init(_ secrets: [String], live: LiveSecrets?) {
        self.live = live
        self.secrets = secrets.filter { $0.utf8.count >= Self.minLength }.flatMap(SecretForms.of)
    }

    package func masked(_ text: String) -> String {
        if secrets.isEmpty, live == nil { return text }
        let bytes = Array(text.utf8)
        let result = masked(bytes)
        return result.count == bytes.count && result == bytes ? text : String(decoding: result, as: UTF8.self)
    }

    /// `bytes` with every secret in it replaced by `***`; the same array where there is none.
    package func masked(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for secret in secrets { Self.replace(secret, in: &bytes) }
        if let live {
            for secret in live.all where secret.count >= Self.minLength { Self.replace(secret, in: &bytes) }
        }
        return bytes
    }

    /// Whether `text` is one of the secrets.
    package func hides(_ text: String) -> Bool { secrets.contains { $0.elementsEqual(text.utf8) } }

    /// Whether a secret stands in `bytes`.
    package func finds(in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        func isThere(_ secret: [UInt8]) -> Bool { cp_find(base, bytes.count, secret, secret.count) >= 0 }
        return secrets.contains(where: isThere)
            || live.map { $0.all.contains { $0.count >= Self.minLength && isThere($0) } } ?? false
    }

    /// Bytes of the longest secret that is masked.
    package var longest: Int {
        let own = secrets.reduce(0) { max($0, $1.count) }
        return live.map { $0.all.reduce(own) { max($0, $1.count) } } ?? own
    }

    /// The most bytes that a secret may take in any of its forms.
    package static func longestForm(of secret: String) -> Int { 3 * secret.utf8.count }

    private static func replace(_ secret: [UInt8], in bytes: inout [UInt8]) {
        guard var found = find(secret, in: bytes, from: 0) else { return }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var start = 0
        while true {
            result.append(contentsOf: bytes[start..<found])
            result.append(contentsOf: "***".utf8)
            start = found + secret.count
            guard let next = find(secret, in: bytes, from: start) else { break }
            found = next
        }
        result.append(contentsOf: bytes[start...])
        bytes = result
    }

    private static func find(_ secret: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress, all.count - start >= secret.count else { return nil }
            let place = cp_find(base + start, all.count - start, secret, secret.count)
            return place < 0 ? nil : start + place
        }
    }
}

/// The ways in which a secret is written.
enum SecretForms {
    /// As it is, as in a JSON text, and as in a URL, where these differ.
    static func of(_ secret: String) -> [[UInt8]] {
        let plain = Array(secret.utf8)
        var forms = [plain]
        if plain.allSatisfy(isPlain) { return forms }
        for other in [inJSON(plain, slashes: false), inJSON(plain, slashes: true), inURL(plain)]
        where !forms.contains(other) { forms.append(other) }
        return forms
    }

    private static func inJSON(_ secret: [UInt8], slashes: Bool) -> [UInt8] {
        secret.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "\n"): Array("\\n".utf8)
            case UInt8(ascii: "\r"): Array("\\r".utf8)
            case UInt8(ascii: "\t"): Array("\\t".utf8)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "/") where slashes: Array("\\/".utf8)
            default: [byte]
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D
            || byte == 0x2E || byte == 0x5F || byte == 0x7E
    }

    private static func inURL(_ secret: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return secret.flatMap { byte -> [UInt8] in
            isPlain(byte) ? [byte] : [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}
