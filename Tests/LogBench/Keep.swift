import LogModel
import RequestLog

/// What it costs to take a log down to its bound, while exchanges come and lists are read.
enum Keep {
    private static let rate = 200
    private static let mostSeconds = 1_800

    /// False: something was dropped, or waited for long.
    static func run(_ path: String, count: Int) async throws -> Bool {
        var limits = Fill.limits()
        limits.maxEntries = count
        let reader = try LogReader(path: path)
        let before = try reader.totals()
        print("from \(before.entries) exchanges, \(before.bytes >> 20) MB, to \(count)")
        let log = try RequestLog(path: path, limits: limits, onWarning: { print($0) })
        let records = Records(requestBytes: 700, replyBytes: 300, began: unixMilliseconds(), gap: 0)
        let (began, used) = (ContinuousClock.now, processorTime())
        var (submitted, longestWait, longestRead, total) = (0, 0.0, 0.0, before)
        var reads: [Double] = []
        var times: [ContinuousClock.Instant] = []
        while total.entries > count + rate, ContinuousClock.now - began < .seconds(mostSeconds) {
            for _ in 0..<(rate / 20) {
                log.submit(records.record(submitted))
                times.append(.now)
                submitted += 1
            }
            try await Task.sleep(for: .milliseconds(50))
            // The oldest that is not on disk yet.
            let written = log.stats.written
            if written < submitted {
                let wait = (ContinuousClock.now - times[written]).milliseconds
                if wait > longestWait + 500 {
                    print("an exchange has waited for \(Int(wait)) ms when \(log.stats.evicted) were removed")
                }
                longestWait = max(longestWait, wait)
            }
            let read = ContinuousClock.now
            _ = try reader.list(limit: 50)
            total = try reader.totals()
            reads.append((ContinuousClock.now - read).milliseconds)
            longestRead = max(longestRead, reads.last ?? 0)
        }
        let spent = ContinuousClock.now - began
        let stats = log.stats
        let processor = processorTime() - used
        await log.close()
        reads.sort()
        print(
            "\(stats.evicted) removed in \(spent.formatted) (\(processor.formatted) of CPU, bench included), "
                + "\(submitted) exchanges came meanwhile, \(stats.dropped) dropped")
        print(
            "longest wait of an exchange for the disk \(Int(longestWait)) ms, the batch of 200 ms included; a list meanwhile: "
                + "median \(reads[reads.count / 2].rounded()) ms, longest \(longestRead.rounded()) ms")
        return stats.dropped == 0 && total.entries <= count + rate && longestWait < 2_000
    }
}
