import SQLiteFiles

/// Removes the oldest exchanges, also beside a running host.
package enum LogPruner {
    /// Removes all that `limits` do not allow, in small transactions; answers how many went. Blocks.
    package static func prune(
        path: String, limits: RequestLog.Limits, now: Int64 = unixMilliseconds()
    ) throws(LogError) -> Int {
        try limits.check()
        let file = DatabaseFile(path: path)
        guard !file.isAbsent else {
            throw .unusable(path: path, reason: "there is no such file; name the log with --db FILE")
        }
        var disk = LogDisk(file: file, limits: limits)
        defer { disk.close() }
        do {
            if let warning = try disk.open(now: now / 1_000) { throw LogError.broken(warning) }
            var evicted = 0
            while true {
                let outcome = try disk.write(LogBatch(), now: now)
                evicted += outcome.evicted
                if outcome.rest == .none { return evicted }
            }
        } catch {
            throw (error as? LogError) ?? .unusable(path: path, reason: LogFailure.reason(error))
        }
    }
}
