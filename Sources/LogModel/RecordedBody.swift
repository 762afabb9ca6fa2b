/// Bytes that somebody else holds and never changes. Any thread.
package protocol SharedBytes: Sendable {
    /// Calls `body` with all of them, in one piece.
    func reading(_ body: (UnsafeRawBufferPointer) -> Void)
}

/// A body up to a bound, and its true length.
package struct RecordedBody: Sendable {
    private enum Piece: Sendable {
        case own([UInt8])
        /// The first so many of them.
        case shared(any SharedBytes, Int)
    }

    /// Smaller pieces are copied behind each other: an allocation each costs more.
    private static let minShared = 2 << 10

    private var pieces: [Piece] = []
    /// The last piece was made here and may grow.
    private var isGrowing = false
    /// Bytes in `pieces`.
    package private(set) var kept = 0
    /// All bytes, those behind the bound included.
    package private(set) var total = 0

    package init() {}

    /// `bytes` are the first of `total`.
    package init(_ bytes: [UInt8], total: Int) {
        if !bytes.isEmpty { pieces = [.own(bytes)] }
        (kept, self.total) = (bytes.count, max(total, bytes.count))
    }

    package var isEmpty: Bool { total == 0 }
    package var isCut: Bool { kept < total }

    /// Takes bytes, shared where that is worth it, as far as `limit` allows.
    package mutating func append(_ bytes: [UInt8], limit: Int) {
        guard bytes.count >= Self.minShared, bytes.count <= limit - kept else {
            return bytes.withUnsafeBytes { append(copying: $0, limit: limit) }
        }
        total += bytes.count
        kept += bytes.count
        pieces.append(.own(bytes))
        isGrowing = false
    }

    /// As `append`, of bytes that are `count`.
    package mutating func append(_ bytes: any SharedBytes, count: Int, limit: Int) {
        guard count >= Self.minShared else { return bytes.reading { append(copying: $0, limit: limit) } }
        total += count
        let taken = min(count, max(0, limit - kept))
        guard taken > 0 else { return }
        kept += taken
        pieces.append(.shared(bytes, taken))
        isGrowing = false
    }

    /// Copies borrowed bytes as far as `limit` allows.
    package mutating func append(copying bytes: UnsafeRawBufferPointer, limit: Int) {
        total += bytes.count
        let count = min(bytes.count, max(0, limit - kept))
        guard count > 0 else { return }
        kept += count
        let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
        // Taken out meanwhile, so that it grows in place.
        if isGrowing, case .own(var last)? = pieces.popLast() {
            last.append(contentsOf: piece)
            pieces.append(.own(last))
        } else {
            pieces.append(.own(Array(piece)))
            isGrowing = true
        }
    }

    /// Keeps the length only.
    package mutating func forget() {
        pieces = []
        kept = 0
        isGrowing = false
    }

    /// Whether `readingWhole` copies nothing.
    package var isOnePiece: Bool { pieces.count == 1 }

    /// Calls `body` with what is kept, piece by piece.
    package func reading(_ body: (UnsafeRawBufferPointer) -> Void) {
        for piece in pieces {
            switch piece {
            case .own(let bytes): bytes.withUnsafeBytes(body)
            case .shared(let bytes, let count):
                bytes.reading { body(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
            }
        }
    }

    /// Calls `body` with what is kept in one piece, copied only if it came in several.
    package func readingWhole<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard pieces.count == 1, case .shared(let bytes, let count) = pieces[0] else {
            return bytes.withUnsafeBytes(body)
        }
        var result: Result?
        bytes.reading { result = body(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        return result ?? body(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// In one piece.
    package var bytes: [UInt8] {
        if pieces.count == 1, case .own(let bytes) = pieces[0] { return bytes }
        var all: [UInt8] = []
        all.reserveCapacity(kept)
        reading { all.append(contentsOf: $0) }
        return all
    }
}
