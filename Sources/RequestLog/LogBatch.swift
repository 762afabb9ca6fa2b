import LogModel

/// Frames that the writer takes at once. They stay in the queue until they are settled.
struct LogBatch: Sendable {
    struct Part: Sendable {
        let chunk: FrameChunk
        /// Frames at its beginning that are not in the queue any more.
        let skipped: Int

        var count: Int { chunk.entries.count - skipped }
    }

    var parts: [Part] = []
    /// Where it ends, in frames since the start.
    var end = 0
    /// So much comes that there is no time to pack it.
    var isRush = false

    var count: Int { parts.reduce(0) { $0 + $1.count } }
    var bytes: Int { parts.reduce(0) { $0 + $1.chunk.count } }

    /// Calls `body` with one group of frames after the other, without their secrets.
    func readingHidden(_ redaction: Redaction?, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        for part in parts where part.count > 0 {
            // What is skipped goes to the disk as well.
            guard redaction != nil || part.chunk.hasSecret else {
                try part.chunk.readingGroup(skipping: part.skipped, body)
                continue
            }
            var hidden = FrameChunk()
            try Self.readingRecords(part, redaction) { record in
                if hidden.isFull {
                    try hidden.readingGroup(skipping: 0, body)
                    hidden = FrameChunk()
                }
                record.mask = nil
                _ = hidden.append(&record)
            }
            try hidden.readingGroup(skipping: 0, body)
        }
    }

    /// The records, without their secrets.
    func records(_ redaction: Redaction?) throws -> [ExchangeRecord] {
        var records: [ExchangeRecord] = []
        records.reserveCapacity(count)
        for part in parts { try Self.readingRecords(part, redaction) { records.append($0) } }
        return records
    }

    private static func readingRecords(
        _ part: Part, _ redaction: Redaction?, _ body: (inout ExchangeRecord) throws -> Void
    ) throws {
        let (chunk, first) = (part.chunk, part.skipped)
        let hasSecret = redaction != nil || chunk.hasSecret
        for index in first..<chunk.entries.count {
            var record = try chunk.record(index)
            if hasSecret {
                var coder = HidingCoder(mask: chunk.mask(of: index), redaction: redaction)
                try record.code(with: &coder)
            }
            try body(&record)
        }
    }
}
