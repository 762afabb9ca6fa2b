/// The id by which a request is known to client, log and plugins (`x-request-id`).
enum RequestID {
    /// Characters of an id that a client may bring.
    static let maxLength = 128

    /// The client's own id if it is fit to be logged and echoed, else a new one.
    static func accept(_ offered: String?, or generator: inout some RandomNumberGenerator) -> String {
        guard let offered, !offered.isEmpty, offered.utf8.count <= maxLength,
            offered.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return make(using: &generator) }
        return offered
    }

    /// `req_` and 20 characters of 32: 100 random bits.
    static func make(using generator: inout some RandomNumberGenerator) -> String {
        let alphabet: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
        var bits = generator.next() as UInt64
        var more = generator.next() as UInt64
        return String(unsafeUninitializedCapacity: 24) { buffer in
            for (index, byte) in "req_".utf8.enumerated() { buffer[index] = byte }
            for index in 4..<24 {
                if index == 14 { swap(&bits, &more) }
                buffer[index] = alphabet.utf8Start[Int(bits & 31)]
                bits >>= 5
            }
            return 24
        }
    }
}
