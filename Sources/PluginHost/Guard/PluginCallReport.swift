internal import CPlatform
package import PluginABI
import Synchronization

/// What calls into plugins have cost so far, for `/metrics`. A value; sums over all threads, since the start.
package struct PluginCallReport: Sendable {
    /// The calls of one function of one plugin.
    package struct Calls: Sendable {
        package let plugin: String
        package let function: String
        package let count: Int
        /// Of the plugin's own work: without what it waited for other plugins and the host.
        package let seconds: Double
        /// Calls up to each of `bounds`, and the longer ones; not cumulative.
        package let buckets: [Int]
        /// Calls that took longer than 50 ms.
        package let slow: Int
        /// Of the longest call, by the same measure as `seconds`.
        package let longest: Double
    }

    package struct Errors: Sendable {
        package let plugin: String
        package let function: String
        package let category: kimi_category
        package let count: Int
    }

    /// Upper bounds of the buckets, in seconds, as Prometheus writes them.
    package static let bounds = ["0.00001", "0.0001", "0.001", "0.01", "0.1"]

    package var calls: [Calls] = []
    package var errors: [Errors] = []
    /// Calls that the watchdog found to run for too long, by plugin.
    package var stalls: [(plugin: String, count: Int)] = []

    package init() {}

    /// As it is now.
    package static var now: PluginCallReport {
        var report = PluginCallReport()
        for (id, place) in PluginSeries.all.sorted(by: { $0.id < $1.id }) {
            let calls = (0..<PG_FUNCTIONS.rawValue).compactMap { Self.calls(id, place, $0) }
            guard !calls.isEmpty else { continue }
            report.calls += calls
            report.errors += PluginErrors.all(id, place)
            report.stalls.append((id, Int(clamping: pg_read_stalls(UInt32(place)))))
        }
        return report
    }

    private static func calls(_ id: String, _ place: Int, _ function: UInt32) -> Calls? {
        var counts = pg_counts()
        pg_read_counts(UInt32(place), function, &counts)
        guard counts.calls > 0 else { return nil }
        let raw = counts.buckets
        let buckets = [raw.0, raw.1, raw.2, raw.3, raw.4, raw.5].map { Int(clamping: $0) }
        return Calls(
            plugin: id, function: String(cString: pg_function_name(function)), count: Int(clamping: counts.calls),
            seconds: Double(counts.nanoseconds) / 1_000_000_000, buckets: buckets, slow: Int(clamping: counts.slow),
            longest: Double(counts.longest) / 1_000_000_000)
    }
}

/// Failed calls by plugin, function and category. Any thread.
enum PluginErrors {
    private struct Key: Hashable {
        let series: Int
        let function: String
        let category: UInt32
    }

    private static let counts = Mutex<[Key: Int]>([:])

    static func count(_ mark: PluginMark, _ function: String, _ category: kimi_category) {
        // An open set: what the host does not know is internal to it.
        let known = category.rawValue <= KIMI_CAT_NETWORK.rawValue ? category : KIMI_CAT_INTERNAL
        let key = Key(series: mark.series, function: function, category: known.rawValue)
        counts.withLock { $0[key, default: 0] += 1 }
    }

    static func all(_ id: String, _ place: Int) -> [PluginCallReport.Errors] {
        counts.withLock { $0 }.filter { $0.key.series == place }
            .sorted { ($0.key.function, $0.key.category) < ($1.key.function, $1.key.category) }
            .map { key, count in
                PluginCallReport.Errors(
                    plugin: id, function: key.function, category: kimi_category(key.category), count: count)
            }
    }
}
