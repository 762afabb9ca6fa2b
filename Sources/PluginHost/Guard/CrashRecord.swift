package import JSONSchema

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// What a crash file says. The signal handler writes them (CPlatform/crash_report.c), and the prober.
package struct CrashRecord: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case crash, hang
    }

    /// In the folder of crash files; empty for a record that was not read.
    package var name = ""
    /// Unix seconds.
    package var time: Int64
    package var kind: Kind
    /// `SIGSEGV`; for a hang what was waited for.
    package var signal: String
    package var plugin: PluginIdentity
    /// `feed`, `dlopen` and the like.
    package var function: String
    /// Empty: not in a request.
    package var request: String

    /// `crashed in feed (SIGSEGV, request abc) at 2026-11-23T12:00:00Z`
    package var words: String {
        let verb = kind == .hang ? "hung in" : "crashed in"
        let details = [signal, request.isEmpty ? "" : "request \(request)"].filter { !$0.isEmpty }
        return "\(verb) \(function) (\(details.joined(separator: ", "))) at \(Self.text(time))"
    }

    package init(
        time: Int64 = CrashRecord.now, kind: Kind, signal: String, plugin: PluginIdentity, function: String,
        request: String = ""
    ) {
        (self.time, self.kind, self.signal, self.plugin) = (time, kind, signal, plugin)
        (self.function, self.request) = (function, request)
    }

    package init?(_ node: ConfigNode, name: String) {
        guard let time = node["time"]?.int, let sha256 = node["sha256"]?.string, !sha256.isEmpty else { return nil }
        self.init(
            time: time, kind: node["kind"]?.string.flatMap(Kind.init) ?? .crash, signal: node["signal"]?.string ?? "",
            plugin: PluginIdentity(
                id: node["plugin"]?.string ?? "", version: node["version"]?.string ?? "",
                file: node["file"]?.string ?? "", sha256: sha256),
            function: node["function"]?.string ?? "", request: node["request"]?.string ?? "")
        self.name = name
    }

    var node: ConfigNode {
        var object = ConfigObject([
            .init(key: "format", value: ConfigNode(.int(1))), .init(key: "time", value: ConfigNode(.int(time))),
        ])
        let members = [
            ("kind", kind.rawValue), ("signal", signal), ("plugin", plugin.id), ("version", plugin.version),
            ("file", plugin.file), ("sha256", plugin.sha256), ("function", function), ("request", request),
        ]
        for (key, value) in members { object[key] = .string(value) }
        return ConfigNode(.object(object))
    }

    package static var now: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec)
    }

    /// Unix seconds as ISO 8601, UTC.
    static func text(_ seconds: Int64) -> String {
        var clock = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&clock, &parts) != nil else { return "\(seconds)" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}

extension StateFolder {
    /// Crash files that are kept; the oldest go first, at each start.
    static let maxCrashFiles = 100

    /// The crash files, oldest first. Files that are something else are left alone.
    package var crashRecords: [CrashRecord] {
        names(in: Self.crashes).filter { $0.hasPrefix("crash-") && $0.hasSuffix(".json") }
            .compactMap { name in read(Self.crashes + "/" + name).flatMap { CrashRecord($0, name: name) } }
            .sorted { ($0.time, $0.name) < ($1.time, $1.name) }
    }

    /// Takes the oldest ones away, if there are too many.
    func pruneCrashFiles() {
        for record in crashRecords.dropLast(Self.maxCrashFiles) { remove(Self.crashes + "/" + record.name) }
    }

    /// Writes a crash file for what a child process did.
    package func add(_ record: CrashRecord) throws(Failure) {
        let short = record.plugin.sha256.prefix(12)
        try write(record.node, to: "\(Self.crashes)/crash-\(record.time)-\(getpid())-\(short).json")
    }
}
