import ArgumentParser
import KimiHostCore
import RequestLog
import SQLiteFiles

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Which log.
struct LogOption: ParsableArguments {
    static let longestAgeDays = 36_500

    @Option(help: "The log's file. Default: $LOG_DB_PATH, logs.db in $KIMI_STATE_DIR, data/logs.db.")
    var db: String?

    @Option(help: "Folder of the log's spool (log.spool_path). Default: $LOG_BLOB_ROOT, beside the file.")
    var spool: String?

    var path: String {
        db ?? Self.variable("LOG_DB_PATH")
            ?? HostConfig.Log.standardPath(stateDir: Self.variable("KIMI_STATE_DIR") ?? "data")
    }

    /// Nil: beside the file.
    var spoolFolder: String? { spool ?? Self.variable("LOG_BLOB_ROOT") }

    private static func variable(_ name: String) -> String? { Environment.process()[name] }

    var reader: LogReader {
        get throws(LogError) {
            if let spool, !DatabaseFile(path: spool).isFolder {
                throw .setting("--spool \(spool): there is no such folder")
            }
            if let left = SpoolTakeOver.run(path: path, folder: spoolFolder) {
                Console.error("warning: \(left)")
            }
            return try LogReader(path: path)
        }
    }

    static func check(_ value: Int, _ name: String) throws {
        guard (1...Int.max).contains(value) else { throw ValidationError("\(name) must be above zero") }
    }

    /// Does it, and says a failure in a sentence.
    static func telling(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as LogError {
            throw said(error)
        }
    }

    static func said(_ error: LogError) -> ExitCode {
        Console.error("error: \(error)")
        return .failure
    }
}

/// Which exchanges.
struct LogFilterOptions: ParsableArguments {
    @Option(help: "Only of this model, by the client's name.")
    var model: String?

    @Option(help: "Only of this provider.")
    var provider: String?

    @Option(help: "Only of this client API, such as openai.chat.")
    var dialect: String?

    @Option(help: "Only of this profile.")
    var profile: String?

    @Option(help: "Only with this status.")
    var status: Int?

    @Option(help: "Only what ended in the last 30s, 15m, 6h or 1d.")
    var since: String?

    @Option(help: "Only where all these words were said first; word* is any word that begins so.")
    var search: String?

    @Flag(help: "Only what failed or was given up.")
    var errors = false

    @Flag(help: "Only what was repaired.")
    var repaired = false

    func validate() throws { _ = try filter }

    var filter: LogFilter {
        get throws {
            var filter = LogFilter()
            (filter.model, filter.provider, filter.dialect) = (model, provider, dialect)
            (filter.profile, filter.status) = (profile, status)
            filter.search = search
            (filter.hasError, filter.hasRepair) = (errors, repaired)
            if let since { filter.since = unixMilliseconds() - (try Self.milliseconds(since)) }
            return filter
        }
    }

    private static func milliseconds(_ text: String) throws -> Int64 {
        let units: [Character: Int64] = ["s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            (1...100_000).contains(count)
        else { throw ValidationError("--since must be a number with s, m, h or d, such as 15m, not '\(text)'") }
        return count * unit
    }
}

extension LogRow {
    /// One line for people.
    var line: String {
        let tokens = "\(input.map(String.init) ?? "-")/\(output.map(String.init) ?? "-")"
        let end = outcome == "ok" ? "" : " \(outcome)"
        let changes = repairs > 0 ? " repairs=\(repairs)" : ""
        return "\(sequence) \(UTCTime.text(ended)) \(id) \(dialect) \(Self.visible(model)) \(provider) \(status)"
            + " \(duration)ms tokens=\(tokens)\(changes)\(end)"
    }

    /// Clients choose the model's name.
    private static func visible(_ text: String) -> String { text.isEmpty ? "-" : Terminal.visible(text, lines: false) }
}

extension LogBody {
    /// The body under a line that says what it is.
    var titled: String {
        let place = attempt > 0 ? " of attempt \(attempt)" : ""
        let cut = isCut ? ", the first \(bytes.count)" : ""
        return "--- \(kind.name)\(place), \(total) bytes\(cut)\n"
            + Terminal.visible(String(decoding: bytes, as: UTF8.self), lines: true)
    }
}

enum Terminal {
    /// Text of others without what would command a terminal. `lines`: line ends and tabs stay.
    static func visible(_ text: String, lines: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            let stays = !isControl || lines && (scalar == "\n" || scalar == "\t")
            result.append(stays ? scalar : "\u{FFFD}")
        }
        return String(result)
    }
}

enum UTCTime {
    /// Unix milliseconds as `2026-11-23T08:26:14.123Z`.
    static func text(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let text = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let rest = String(milliseconds % 1_000 + 1_000).dropFirst()
        return "\(text).\(rest)Z"
    }
}
