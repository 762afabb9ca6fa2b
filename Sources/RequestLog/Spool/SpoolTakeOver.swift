import SQLiteFiles

/// Takes over what a rush left in the spool, so that it is seen; also beside a running host and after a crash.
package enum SpoolTakeOver {
    /// How long it may take.
    private static let patience: Duration = .seconds(20)

    /// Blocks. Answers why something is left, nil if nothing is.
    ///
    /// - Parameter folder: the spool's; nil: beside the file.
    package static func run(path: String, folder: String?) -> String? {
        let place = folder ?? LogDisk.spoolFolder(of: path)
        let file = DatabaseFile(path: path)
        guard !SpoolFiles.logs(in: place).isEmpty, !file.isAbsent else { return nil }
        // What the log may hold is the host's to say.
        var limits = RequestLog.Limits()
        (limits.maxEntries, limits.maxBytes, limits.maxAgeDays) = (.max, .max, 36_500)
        (limits.spoolFolder, limits.spoolBytes) = (folder, 0)
        var disk = LogDisk(file: file, limits: limits)
        defer { disk.close() }
        let end = ContinuousClock.now + patience
        do {
            let now = unixMilliseconds()
            if let warning = try disk.open(now: now / 1_000) { return warning }
            while ContinuousClock.now < end {
                if try disk.takeOver(now).rest == .none { return disk.takeWarning() }
            }
            return "more exchanges wait in \(place) than could be taken over in \(patience); ask again"
        } catch {
            return "exchanges wait in \(place) and are not shown: \(LogFailure.reason(error))"
        }
    }
}
