package import CanonicalModel
import JSONSchema
import PluginABI

/// Why a plugin is not let near a request.
package struct QuarantineReason: Sendable, Equatable {
    /// What `plugins unquarantine` takes.
    package let handle: String
    /// One sentence, with the cure: for logs, lists and clients.
    package let message: String

    package init(handle: String, message: String) {
        (self.handle, self.message) = (handle, message)
    }

    init(_ record: CrashRecord, until: Int64) {
        let plugin = record.plugin
        self.init(
            handle: plugin.handle,
            message: "plugin '\(plugin.handle)' is quarantined: it \(record.words); cure: replace "
                + "\(FileSystem.split(plugin.file).name), or 'kimi-host plugins unquarantine \(plugin.handle)' and "
                + "SIGHUP or a restart; starts after \(CrashRecord.text(until)) try it again")
    }

    /// What a client hears.
    package var error: ExchangeError {
        ExchangeError(KIMI_CAT_CONFIG, message, httpStatus: 503, code: "plugin_quarantined")
    }
}

/// Which contents of libraries are quarantined: those with a crash file that is younger than the window and than the
/// last `unquarantine`. A value: what it was when it was read.
package struct Quarantine: Sendable {
    private var reasons: [String: QuarantineReason] = [:]
    /// By content hash; the newest record of each.
    package private(set) var records: [String: CrashRecord] = [:]

    package static let file = "quarantine.json"
    /// Seconds.
    private static let maxSecondsAhead: Int64 = 86_400

    package init() {}

    /// - Parameter window: seconds; 0: nothing is quarantined.
    package init(_ folder: StateFolder, window: Int64, now: Int64 = CrashRecord.now) {
        let cleared = Self.cleared(in: folder)
        for record in folder.crashRecords where record.time > now - window && window > 0 {
            // A clock may have been set back a little; what lies further ahead is no time at all.
            guard record.time - now <= Self.maxSecondsAhead else { continue }
            let hash = record.plugin.sha256
            guard record.time > cleared[hash] ?? .min else { continue }
            let (until, isBeyond) = min(record.time, now).addingReportingOverflow(window)
            reasons[hash] = QuarantineReason(record, until: isBeyond ? .max : until)
            records[hash] = record
        }
    }

    package subscript(sha256: String) -> QuarantineReason? { reasons[sha256] }

    // MARK: Clearing

    /// Unix seconds by content hash: crash files up to then do not count.
    private static func cleared(in folder: StateFolder) -> [String: Int64] {
        var times: [String: Int64] = [:]
        for member in folder.read(file)?["cleared"]?.object?.members ?? [] { times[member.key] = member.value.int }
        return times
    }

    /// Clears the plugins that `names` names by id, file or the beginning of the hash; all, where it is nil. Returns
    /// what was cleared, and the names that nothing is quarantined under.
    package static func clear(
        _ names: [String]?, in folder: StateFolder, window: Int64, now: Int64 = CrashRecord.now
    ) throws(StateFolder.Failure) -> (cleared: [CrashRecord], unknown: [String]) {
        let present = Quarantine(folder, window: window, now: now).records.values.sorted { $0.time < $1.time }
        let chosen = present.filter { record in names?.contains { record.isCalled($0) } ?? true }
        let unknown = names?.filter { name in !present.contains { $0.isCalled(name) } } ?? []
        guard !chosen.isEmpty else { return ([], unknown) }
        var times = Self.cleared(in: folder).filter { $0.value > now - window }
        for record in chosen { times[record.plugin.sha256] = max(now, record.time) }
        let members = times.sorted { $0.key < $1.key }.map {
            ConfigObject.Member(key: $0.key, value: ConfigNode(.int($0.value)))
        }
        let object = ConfigObject([.init(key: "cleared", value: ConfigNode(.object(ConfigObject(members))))])
        try folder.write(ConfigNode(.object(object)), to: file)
        return (chosen, unknown)
    }
}

extension CrashRecord {
    fileprivate func isCalled(_ name: String) -> Bool {
        guard !name.isEmpty else { return false }
        let base = FileSystem.split(plugin.file).name
        return name == plugin.id || name == plugin.file || name == base
            || (name.utf8.count >= 8 && plugin.sha256.hasPrefix(name))
    }
}
