import LogModel

/// What is added up of exchanges, for the dashboard's charts. Values, no I/O.
package enum RollupScale {
    /// Lower ends of the histograms' places; each is about a quarter above the one before. Milliseconds, or tokens a
    /// second.
    package static let bounds: [Int64] = {
        var bounds: [Int64] = [0, 1]
        while let last = bounds.last, last < 3_600_000 { bounds.append(max(last + 1, last * 5 / 4)) }
        return bounds
    }()

    /// The place whose span holds a value; beyond the ends, the first or the last.
    package static func place(of value: Int64) -> Int {
        var (low, high) = (0, bounds.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if bounds[middle] <= value { low = middle } else { high = middle }
        }
        return low
    }
}

/// Whose exchanges are added up together.
struct RollupSeries: Hashable {
    var model = ""
    var provider = ""
    var upstream = ""

    init() {}

    /// What no route took has no name: clients choose the names that are not found, and there is no end of them.
    init(_ record: ExchangeRecord) {
        guard !record.provider.isEmpty else { return }
        (model, provider, upstream) = (record.model, record.provider, record.upstreamModel)
    }
}

/// Sums of one series in one step of time.
struct RollupSums {
    enum Histogram: Int64, CaseIterable {
        case firstToken = 1
        case latency = 2
        case rate = 3
    }

    struct Place: Hashable {
        let histogram: Histogram
        let place: Int
    }

    var ok: Int64 = 0
    var failed: Int64 = 0
    var cancelled: Int64 = 0
    var repaired: Int64 = 0
    var input: Int64 = 0
    var output: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    var reasoning: Int64 = 0
    var cost = 0.0
    var places: [Place: Int64] = [:]

    mutating func add(_ record: ExchangeRecord) {
        switch record.outcome {
        case .ok: ok += 1
        case .failed: failed += 1
        case .cancelled: cancelled += 1
        }
        if record.notes.contains(where: { $0.kind != "dropped" }) { repaired += 1 }
        input += Self.count(record.usage.input)
        output += Self.count(record.usage.output)
        cacheRead += Self.count(record.usage.cacheRead)
        cacheWrite += Self.count(record.usage.cacheWrite)
        reasoning += Self.count(record.usage.reasoning)
        cost += record.usage.countedCost ?? 0
        addTimes(record)
    }

    private mutating func addTimes(_ record: ExchangeRecord) {
        if let first = record.firstToken { add(.firstToken, first) }
        guard record.outcome == .ok else { return }
        add(.latency, record.duration)
        guard record.isStream, let first = record.firstToken, let output = record.usage.output, output > 1 else {
            return
        }
        let (time, count) = (record.duration - first, Self.count(output))
        if time > 0 { add(.rate, count * 1_000 / time) }
    }

    private mutating func add(_ histogram: Histogram, _ value: Int64) {
        places[Place(histogram: histogram, place: RollupScale.place(of: value)), default: 0] += 1
    }

    /// What an upstream says, within what can be added up.
    private static func count(_ value: Int64?) -> Int64 { min(max(0, value ?? 0), 1 << 32) }
}
