import LogModel

/// Puts `***` in the place of every secret of a record.
struct HidingCoder: FrameCoder {
    let mask: (any RecordMask)?
    let redaction: Redaction?

    private func hidden(_ bytes: [UInt8]) -> [UInt8] {
        let masked = mask.map { $0.masked(bytes) } ?? bytes
        return redaction.map { $0.applied(to: masked) } ?? masked
    }

    mutating func code(_ value: inout Int64) {}

    mutating func count(_ count: Int) -> Int { count }

    mutating func code(_ value: inout String) {
        let bytes = Array(value.utf8)
        let hidden = hidden(bytes)
        if hidden != bytes { value = String(decoding: hidden, as: UTF8.self) }
    }

    mutating func code(_ value: inout [UInt8]) { value = hidden(value) }

    mutating func code(_ value: inout RecordedBody) {
        guard value.kept > 0 else { return }
        let bytes = hidden(value.bytes)
        // What was whole is whole.
        value = RecordedBody(bytes, total: value.isCut ? max(value.total, bytes.count + 1) : bytes.count)
    }
}
