import GRDB

/// Finds the sequences that fit several conditions, page by page, out of indices alone.
struct LogFinder {
    /// Candidates of the first look, and of the greatest.
    private static let firstLook = 256
    private static let greatestLook = 65_536
    /// Conditions are counted so far to find the rarest one.
    private static let mostCounted = 32_768

    private let isDescending: Bool
    private var range: ClosedRange<Int64>
    private var streams: [LogStream]
    private var look: Int
    private var isCounted: Bool
    private var isOver = false

    /// - Parameter streams: at least one, the first of which drives.
    init(_ streams: [LogStream], _ range: ClosedRange<Int64>, isDescending: Bool, limit: Int) {
        self.streams = streams.filter { !$0.isNegative } + streams.filter(\.isNegative)
        (self.range, self.isDescending) = (range, isDescending)
        look = streams.count == 1 ? max(1, min(limit, Self.greatestLook)) : Self.firstLook
        isCounted = streams.count == 1
    }

    /// The next that fit, in order, at least one; nil: there are no more.
    mutating func next(_ db: Database) throws -> [Int64]? {
        while !isOver, let driver = streams.first {
            let candidates = try driver.take(range, isDescending: isDescending, limit: look, db)
            guard let last = candidates.last else { return nil }
            pass(last, isLast: candidates.count < look)
            var found = candidates
            for stream in streams.dropFirst() where !found.isEmpty { found = try stream.kept(found, db) }
            if !isOver { try prepare(db) }
            if !found.isEmpty { return found }
        }
        return nil
    }

    /// What is beyond `last` is next.
    private mutating func pass(_ last: Int64, isLast: Bool) {
        isOver = isLast || last == (isDescending ? range.lowerBound : range.upperBound)
        guard !isOver else { return }
        range = isDescending ? range.lowerBound...(last - 1) : (last + 1)...range.upperBound
    }

    /// The first look did not do: from now on the rarest conditions come first, in greater steps.
    private mutating func prepare(_ db: Database) throws {
        look = min(look * 4, Self.greatestLook)
        guard !isCounted else { return }
        isCounted = true
        var counted: [(stream: LogStream, count: Int)] = []
        var most = Self.mostCounted
        for stream in streams {
            let count = try stream.count(range, most: most, db)
            counted.append((stream, count))
            // What is more frequent than another one need not be counted further.
            most = max(1, min(most, count))
        }
        streams = counted.sorted { $0.count < $1.count }.map(\.stream)
    }
}
