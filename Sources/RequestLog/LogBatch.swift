import LogModel

/// Frames that the writer takes at once. They stay in the queue until they are settled.
struct LogBatch: Sendable {
    struct Part: Sendable {
        let chunk: FrameChunk
        let range: Range<Int>
    }

    var parts: [Part] = []
    /// Where it ends, in frames since the start.
    var end = 0
    /// So much comes that there is no time to pack it.
    var isRush = false

    var count: Int { parts.reduce(0) { $0 + $1.range.count } }
    var bytes: Int { parts.reduce(0) { $0 + $1.chunk.reading($1.range) { $0.count } } }

    /// Calls `body` with frames and their headers, as many at once as stand behind each other, without their secrets.
    func readingHidden(_ redaction: Redaction?, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        for part in parts {
            var start = part.range.lowerBound
            for index in part.range {
                guard var record = try Self.hidden(part.chunk, index, redaction) else { continue }
                try part.chunk.reading(start..<index, body)
                let chunk = FrameChunk()
                chunk.append(&record, cost: 0)
                try chunk.reading(chunk.entries.indices, body)
                start = index + 1
            }
            try part.chunk.reading(start..<part.range.upperBound, body)
        }
    }

    /// The records, without their secrets.
    func records(_ redaction: Redaction?) throws -> [ExchangeRecord] {
        var records: [ExchangeRecord] = []
        records.reserveCapacity(count)
        for part in parts {
            for index in part.range {
                records.append(
                    try Self.hidden(part.chunk, index, redaction) ?? Self.record(part.chunk, index))
            }
        }
        return records
    }

    /// The record with what must not be seen hidden; nil if there is nothing to hide.
    private static func hidden(_ chunk: FrameChunk, _ index: Int, _ redaction: Redaction?) throws -> ExchangeRecord? {
        let mask = chunk.entries[index].mask
        if redaction == nil {
            guard let mask, chunk.reading(index..<index + 1, { mask.finds(in: $0) }) else { return nil }
        }
        var record = try record(chunk, index)
        var coder = HidingCoder(mask: mask, redaction: redaction)
        try record.code(with: &coder)
        return record
    }

    private static func record(_ chunk: FrameChunk, _ index: Int) throws -> ExchangeRecord {
        try chunk.reading(index..<index + 1) { bytes in
            try FrameReader.record(in: UnsafeRawBufferPointer(rebasing: bytes[Frame.header...]))
        }
    }
}
