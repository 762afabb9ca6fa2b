/// Members of the response that were sent already: an upstream repeats them in every chunk.
struct SeenMembers {
    /// More names than this are passed on every time.
    private static let maxNames = 64

    private var seen: [(name: [UInt8], value: [UInt8])] = []

    /// Has this member not been seen, or with another value?
    mutating func isNew(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard let place = seen.firstIndex(where: { Self.equal($0.name, name) }) else {
            if seen.count < Self.maxNames { seen.append((Array(name), Array(value))) }
            return true
        }
        if Self.equal(seen[place].value, value) { return false }
        seen[place].value = Array(value)
        return true
    }

    private static func equal(_ known: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        known.count == bytes.count && known.withUnsafeBytes { $0.elementsEqual(bytes) }
    }
}
