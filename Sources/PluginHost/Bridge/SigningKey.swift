import Crypto
import CryptoExtras

/// One private key that the host signs with. It is never printed and never leaves this value.
package struct SigningKey: Sendable {
    /// Why a text is no key, or a key signs not that way: one sentence with its cure, without a piece of the key.
    package struct Problem: Error, Sendable, Equatable {
        package let message: String
    }

    /// Bits of the smallest RSA key that is taken.
    package static let minRSABits = 2048
    /// Bytes of the longest key that is read.
    package static let maxBytes = 64 << 10

    private enum Material {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case shared(SymmetricKey)
    }

    private let material: Material

    /// Reads a private key in PEM: RSA or P-256, as PKCS#8, PKCS#1 or SEC 1.
    package init(pem text: String) throws(Problem) {
        material = try Self.material(PEMText(text))
    }

    /// Takes a secret that both sides know, for HS256.
    package init(shared secret: String) throws(Problem) {
        guard !secret.isEmpty else { throw Problem(message: "is empty; it must be the shared secret") }
        material = .shared(SymmetricKey(data: Array(secret.utf8)))
    }

    /// Signs with a JWS algorithm (RFC 7518). ES256 gives the 64 bytes that JWS wants, not DER.
    package func sign(_ data: [UInt8], algorithm: String) throws(Problem) -> [UInt8] {
        switch (algorithm, material) {
        case ("RS256", .rsa(let key)): try Self.rsa(key, data, .insecurePKCS1v1_5)
        case ("PS256", .rsa(let key)): try Self.rsa(key, data, .PSS)
        case ("ES256", .p256(let key)): try Self.ecdsa(key, data)
        case ("HS256", .shared(let key)): Array(HMAC<SHA256>.authenticationCode(for: data, using: key))
        default: throw Self.mismatch(algorithm, material)
        }
    }

    // MARK: Reading

    private static func material(_ pem: PEMText) throws(Problem) -> Material {
        if let problem = pem.problem { throw Problem(message: problem) }
        if pem.label != "EC PRIVATE KEY", let key = try? _RSA.Signing.PrivateKey(unsafePEMRepresentation: pem.text) {
            guard key.keySizeInBits >= minRSABits else {
                throw Problem(
                    message: "is an RSA key of \(key.keySizeInBits) bits; make one of at least \(minRSABits)")
            }
            return .rsa(key)
        }
        if let key = try? P256.Signing.PrivateKey(pemRepresentation: pem.text) { return .p256(key) }
        throw Problem(
            message: "looks like PEM (\(pem.label)), but does not hold an RSA or P-256 private key; it may be cut off "
                + "or damaged: take the whole key again")
    }

    // MARK: Signing

    private static func rsa(
        _ key: _RSA.Signing.PrivateKey, _ data: [UInt8], _ padding: _RSA.Signing.Padding
    ) throws(Problem) -> [UInt8] {
        do {
            return try key.signature(for: SHA256.hash(data: data), padding: padding).withUnsafeBytes { Array($0) }
        } catch {
            throw Problem(message: "the host's library failed to sign: \(error)")
        }
    }

    private static func ecdsa(_ key: P256.Signing.PrivateKey, _ data: [UInt8]) throws(Problem) -> [UInt8] {
        do {
            return Array(try key.signature(for: SHA256.hash(data: data)).rawRepresentation)
        } catch {
            throw Problem(message: "the host's library failed to sign: \(error)")
        }
    }

    private static func mismatch(_ algorithm: String, _ material: Material) -> Problem {
        let (kind, fitting) =
            switch material {
            case .rsa: ("an RSA key", "RS256 or PS256")
            case .p256: ("a P-256 key", "ES256")
            case .shared: ("a shared secret", "HS256")
            }
        let known = ["RS256", "PS256", "ES256", "HS256"]
        guard known.contains(algorithm) else {
            return Problem(
                message: "this host does not sign with '\(algorithm)'; it knows \(known.joined(separator: ", "))")
        }
        return Problem(message: "the key is \(kind), which signs \(fitting), not \(algorithm)")
    }
}

/// What can be said of a text that shall be PEM before a library reads it: libraries only say no.
private struct PEMText {
    let text: String
    /// Between BEGIN and the dashes; empty if there is none.
    let label: String
    let problem: String?

    private static let begin = "-----BEGIN "
    private static let wanted = "it must be a private key in PEM, beginning with -----BEGIN PRIVATE KEY-----"

    init(_ text: String) {
        self.text = text
        label = Self.label(text)
        problem = Self.problem(text, label)
    }

    private static func label(_ text: String) -> String {
        guard let start = range(of: begin, in: text)?.upperBound else { return "" }
        let label = text[start...].prefix { $0 == " " || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return label.count <= 40 ? String(label) : ""
    }

    private static func problem(_ text: String, _ label: String) -> String? {
        if text.isEmpty { return "is empty; \(wanted)" }
        if text.utf8.count > SigningKey.maxBytes { return "is longer than \(SigningKey.maxBytes) bytes; \(wanted)" }
        if label.isEmpty { return "is not PEM; \(wanted)" }
        if range(of: "\\n", in: text) != nil {
            return "has a backslash and an n where line breaks belong; write real line breaks, or \\n once in JSON"
        }
        if range(of: "-----END \(label)-----", in: text) == nil {
            return "has no line -----END \(label)-----; it is cut off: take the whole key again"
        }
        switch label {
        case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY": return nil
        case "ENCRYPTED PRIVATE KEY": return "is encrypted; decrypt it first: openssl pkcs8 -in FILE -out KEY.pem"
        case "OPENSSH PRIVATE KEY":
            return "is in OpenSSH's own form; convert it: ssh-keygen -p -m PKCS8 -f FILE"
        default: return "is a \(label), not a private key; \(wanted)"
        }
    }

    private static func range(of part: String, in text: String) -> Range<String.Index>? {
        let (part, whole) = (Array(part.utf8), text.utf8)
        var start = whole.startIndex
        while let first = whole[start...].firstIndex(of: part[0]) {
            if whole[first...].starts(with: part) { return first..<whole.index(first, offsetBy: part.count) }
            start = whole.index(after: first)
        }
        return nil
    }
}
