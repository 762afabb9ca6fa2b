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

/// Hides secret values wherever their text turns up: in log lines, and in what upstreams say about them.
struct SecretMask: Sendable {
    /// Bytes of the shortest value that is masked: a shorter one would blot out half of every line.
    private static let minLength = 6

    private let secrets: [[UInt8]]
    private let live: LiveSecrets?

    /// `live`: further secrets, which change.
    init(_ secrets: [String], live: LiveSecrets? = nil) {
        self.live = live
        self.secrets = secrets.filter { $0.utf8.count >= Self.minLength }.map { Array($0.utf8) }
    }

    func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        var isChanged = false
        for secret in secrets + (live?.all ?? []) where replace(secret, in: &bytes) { isChanged = true }
        return isChanged ? String(decoding: bytes, as: UTF8.self) : text
    }

    private func replace(_ secret: [UInt8], in bytes: inout [UInt8]) -> Bool {
        guard bytes.count >= secret.count, secret.count >= Self.minLength else { return false }
        var result: [UInt8] = []
        var index = 0
        var isFound = false
        while index < bytes.count {
            if bytes[index] == secret[0], bytes[index...].starts(with: secret) {
                result.append(contentsOf: "***".utf8)
                index += secret.count
                isFound = true
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        bytes = result
        return isFound
    }
}
