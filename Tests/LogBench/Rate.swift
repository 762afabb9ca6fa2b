import LogModel
import RequestLog

/// The writer alone: so many exchanges a second, of 4 kB each way.
enum Rate {
    /// False: something was dropped.
    static func run(_ path: String, rate: Int, seconds: Int) async throws -> Bool {
        let log = try RequestLog(path: path, limits: Fill.limits(), onWarning: { print($0) })
        let records = Records(requestBytes: 4_000, replyBytes: 400, began: unixMilliseconds(), gap: 1)
        // Made beforehand: making them up takes longer than writing them.
        let made = (0..<min(rate * seconds, 20_000)).map(records.record)
        let (began, used) = (ContinuousClock.now, processorTime())
        var (number, most) = (0, 0)
        while number < rate * seconds {
            let due = Int((ContinuousClock.now - began).milliseconds * Double(rate) / 1_000)
            while number < min(due, rate * seconds) {
                log.submit(made[number % made.count])
                number += 1
            }
            most = max(most, log.stats.pending)
            try await Task.sleep(for: .milliseconds(5))
        }
        while log.stats.pending > 0 { try await Task.sleep(for: .milliseconds(5)) }
        let meanwhile = processorTime() - used
        let spooled = log.stats.spoolBytes
        while log.stats.spoolBytes > 0 { try await Task.sleep(for: .milliseconds(50)) }
        let (spent, processor) = (ContinuousClock.now - began, processorTime() - used)
        let stats = log.stats
        await log.close()
        print(
            "\(number) exchanges in \(spent.formatted): \(stats.written) written, \(stats.dropped) dropped, at most \(most) "
                + "waited; \(each(meanwhile, number)) us of CPU each until \(spooled >> 20) MB lay in the spool, "
                + "\(each(processor, number)) us until all were in the database")
        return stats.dropped == 0
    }

    private static func each(_ time: Duration, _ count: Int) -> Int { Int(time.milliseconds * 1_000) / max(1, count) }
}
