import LogModel
import RequestLog

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum Fill {
    private static let days: Int64 = 20
    private static let most = 4_000

    /// - Parameter spools: a rush goes to the spool first, as in the host.
    static func limits(spools: Bool = true) -> RequestLog.Limits {
        var limits = RequestLog.Limits()
        if !spools { limits.spoolBytes = 0 }
        (limits.maxEntries, limits.maxBytes) = (10_000_000, 64 << 30)
        return limits
    }

    static func run(_ path: String, count: Int) async throws {
        // The writer waits for nothing here, and the index for little.
        var timing = RequestLog.Timing()
        (timing.batch, timing.indexing) = (.milliseconds(1), .milliseconds(1))
        let log = try RequestLog(path: path, limits: limits(spools: false), timing: timing, onWarning: { print($0) })
        let gap = days * 86_400_000 / Int64(max(1, count))
        let records = Records(
            requestBytes: 700, replyBytes: 300, began: unixMilliseconds() - days * 86_400_000, gap: gap)
        let began = ContinuousClock.now
        for number in 0..<count {
            log.submit(records.record(number))
            while log.stats.pending > most { try await Task.sleep(for: .milliseconds(2)) }
            if number % 100_000 == 99_999 { tell("\(number + 1) submitted", began) }
        }
        while log.stats.pending > 0 { try await Task.sleep(for: .milliseconds(10)) }
        tell("\(log.stats.written) written, \(log.stats.dropped) dropped", began)
        let reader = try LogReader(path: path)
        let newest = try reader.newest()
        while try reader.indexed() < newest { try await Task.sleep(for: .milliseconds(500)) }
        tell("indexed", began)
        await log.close()
    }

    static func tell(_ what: String, _ began: ContinuousClock.Instant) {
        print("\(what) after \((ContinuousClock.now - began).formatted)")
        fflush(nil)
    }
}

extension Duration {
    var milliseconds: Double { Double(components.seconds) * 1_000 + Double(components.attoseconds) / 1e15 }
    var formatted: String {
        milliseconds < 1_000 ? "\((milliseconds * 10).rounded() / 10) ms" : "\((milliseconds / 10).rounded() / 100) s"
    }
}

/// CPU time of the whole process.
func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(Int(time.tv_sec)) + .nanoseconds(Int(time.tv_nsec))
}
