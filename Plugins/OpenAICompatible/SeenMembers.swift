internal import WireJSON

/// Members of the response that were sent already: an upstream repeats them in every chunk.
struct SeenMembers {
    /// More names than this are passed on every time.
    private static let maxNames = 64

    private struct Seen {
        let name: [UInt8]
        /// A string's content, or the JSON of another value.
        var value: [UInt8]
        var isString: Bool
    }

    private var seen: [Seen] = []
    private let scratch = ByteWriter(capacity: 64)

    /// Has this member not been seen, or with another value?
    mutating func isNew(_ name: UnsafeRawBufferPointer, _ value: JSONValue) -> Bool {
        // Strings, the usual case, are compared without printing them.
        if let text = value.stringBytes { return isNew(name, text, isString: true) }
        scratch.removeAll()
        value.write(to: scratch)
        return isNew(name, scratch.unsafeBytes, isString: false)
    }

    private mutating func isNew(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isString: Bool
    ) -> Bool {
        for place in seen.indices where Self.equal(seen[place].name, name) {
            if seen[place].isString == isString, Self.equal(seen[place].value, value) { return false }
            seen[place].value = Array(value)
            seen[place].isString = isString
            return true
        }
        if seen.count < Self.maxNames { seen.append(Seen(name: Array(name), value: Array(value), isString: isString)) }
        return true
    }

    private static func equal(_ known: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        known.withUnsafeBytes { $0.hasSameBytes(as: bytes) }
    }
}
