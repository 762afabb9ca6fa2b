import WireJSON

/// Where whole server-sent events end in a stream of bytes.
enum EventBoundary {
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    /// Bytes of a blank line's two ends, but for the last one.
    private static let context = 3

    /// The end of the last event that is complete in `bytes`, behind its blank line, or 0. `before`: what came before
    /// them and belongs to an event that was not complete.
    ///
    /// Looks at the new bytes only, from the back: an event of many reads costs no more than its length.
    static func last(in bytes: [UInt8], after before: [UInt8]) -> Int {
        let end = last(in: bytes[...])
        if end > 0 || before.isEmpty { return end }
        // The blank line may be cut by the end of a read.
        let old = before.suffix(context)
        let across = last(in: Array(old + bytes.prefix(context))[...])
        return max(0, across - old.count)
    }

    private static func last(in bytes: ArraySlice<UInt8>) -> Int {
        var index = bytes.endIndex
        while index > bytes.startIndex {
            let end = index
            index -= 1
            guard isBreak(bytes[index]) else { continue }
            var before = index
            // CR LF is one line's end.
            if bytes[index] == lineFeed, before > bytes.startIndex, bytes[before - 1] == carriageReturn { before -= 1 }
            if before > bytes.startIndex, isBreak(bytes[before - 1]) { return end }
        }
        return 0
    }

    private static func isBreak(_ byte: UInt8) -> Bool { byte == lineFeed || byte == carriageReturn }
}

/// The end of a stream whose last event lacks its blank line.
enum LastLine {
    private static let field = Array("data:".utf8)
    private static let done = Array("[DONE]".utf8)

    /// Did the last line come whole? One without its line break did if it is `[DONE]`, or data that is a JSON object.
    static func isWhole(_ tail: [UInt8]) -> Bool {
        guard let last = tail.last, last != 0x0A, last != 0x0D else { return true }
        let start = tail.lastIndex { $0 == 0x0A || $0 == 0x0D }.map { $0 + 1 } ?? 0
        guard tail[start...].starts(with: field) else { return false }
        let data = Array(tail[(start + field.count)...].drop { $0 == 0x20 })
        if data == done { return true }
        return data.withUnsafeBytes { (try? JSONSpans.members(of: $0)) != nil }
    }
}
