import Upstream

/// Headers of an upstream that are its client's business: how much it may still ask.
enum RelayedHeaders {
    /// Bounds of what is handed on, so that an upstream cannot fill the client's head.
    private static let maxHeaders = 32
    private static let maxValueBytes = 256

    private static let prefixes = ["x-ratelimit-", "anthropic-ratelimit-"]

    static func of(_ head: UpstreamHead) -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        for line in head.lines where found.count < maxHeaders && line.value.count <= maxValueBytes {
            guard mayBegin(head.block[line.name]) else { continue }
            let name = String(decoding: head.block[line.name], as: UTF8.self).lowercased()
            guard prefixes.contains(where: name.hasPrefix) else { continue }
            let value = head.block[line.value]
            guard value.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { continue }
            found.append((name, String(decoding: value, as: UTF8.self)))
        }
        return found
    }

    /// Most headers are none of these: told by their first byte, without making a text.
    private static func mayBegin(_ name: ArraySlice<UInt8>) -> Bool {
        guard let first = name.first, name.count > 12 else { return false }
        return first | 0x20 == 0x78 || first | 0x20 == 0x61
    }
}
