import CanonicalModel
package import Logging
import WireJSON

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// How lines of the process log look.
package enum LogFormat: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// An object a line: `time`, `level`, `event`, `message`, and fields.
    case json
}

package enum LogKeys {
    /// Metadata that names what happened, in words that stay: `exchange_failed`. Text lines leave it out.
    package static let event = "event"
}

/// Everything that a serving host says on standard error goes through here: one line at a time, each in one piece, with
/// what looks like a secret hidden. Any thread.
package final class ProcessLog: Sendable {
    package let format: LogFormat
    private let output: LogOutput

    /// `descriptor`: where lines go; standard error.
    package init(_ format: LogFormat, to descriptor: Int32 = 2) {
        self.format = format
        output = LogOutput(descriptor)
    }

    /// Lines that nobody took: standard error is a pipe that is not read. Of all process logs.
    package static var dropped: Int { LogOutput.dropped }

    /// A line of the host's own, without a logger: as it is in text, with time and level in JSON. `isSecret`: the line
    /// is there to tell somebody a secret, which is not hidden.
    package func say(_ level: Logger.Level, _ event: String, _ text: String, isSecret: Bool = false) {
        write(line(level, event, isSecret ? text : SecretText.masked(text)))
    }

    private func line(_ level: Logger.Level, _ event: String, _ text: String) -> [UInt8] {
        switch format {
        case .text: Array((LogText.plain(text) + "\n").utf8)
        case .json: JSONLine.bytes(level, event, text, [:])
        }
    }

    /// A logger's line. `label` and `source`: who says it.
    func log(_ level: Logger.Level, _ text: String, _ metadata: Logger.Metadata, label: String, source: String) {
        switch format {
        case .text: write(TextLine.bytes(level, text, metadata, label: label, source: source))
        case .json:
            let event = metadata[LogKeys.event].map { "\($0)" } ?? "log"
            write(JSONLine.bytes(level, event, SecretText.masked(text), metadata))
        }
    }

    private func write(_ line: [UInt8]) {
        output.write(line) { dropped in
            self.line(
                .warning, "log_dropped",
                "\(dropped) line\(dropped == 1 ? "" : "s") of this log \(dropped == 1 ? "was" : "were") dropped: "
                    + "nobody read standard error")
        }
    }
}

/// Gives loggers' lines to the process log.
package struct ProcessLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel = Logger.Level.info
    private let label: String
    private let log: ProcessLog

    package init(label: String, log: ProcessLog) {
        (self.label, self.log) = (label, log)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: Logging.LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata {
            if all.isEmpty { all = own } else { all.merge(own) { $1 } }
        }
        if let error = event.error { all["error"] = "\(error)" }
        log.log(event.level, "\(event.message)", all, label: label, source: event.source)
    }
}

/// A line for people: `TIME LEVEL LABEL: key=value … [SOURCE] message`.
enum TextLine {
    static func bytes(
        _ level: Logger.Level, _ text: String, _ metadata: Logger.Metadata, label: String, source: String
    ) -> [UInt8] {
        var line = "\(time()) \(level) \(label):"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != LogKeys.event {
            line += " \(key)=\(value)"
        }
        line = LogText.plain(line + " [\(source)] \(text)")
        return Array((SecretText.masked(line) + "\n").utf8)
    }

    /// Local time with its distance from UTC.
    private static func time() -> String {
        var seconds = time_t()
        var parts = tm()
        Self.now(&seconds)
        localtime_r(&seconds, &parts)
        return LogTime.text(&parts, "%Y-%m-%dT%H:%M:%S%z")
    }

    private static func now(_ seconds: inout time_t) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        seconds = time.tv_sec
    }
}

/// A line for programs.
enum JSONLine {
    /// Fields whose values are numbers.
    private static let numbers: Set<String> = [
        "ms", "status", "input_tokens", "output_tokens", "cached_tokens", "cost", "next_try_ms",
    ]
    private static let taken: Set<String> = ["time", "level", "event", "message"]

    /// `text`: without secrets.
    static func bytes(_ level: Logger.Level, _ event: String, _ text: String, _ metadata: Logger.Metadata) -> [UInt8] {
        let out = ByteWriter(capacity: 512)
        out.append(#"{"time":""#)
        out.append(utf8: LogTime.utc())
        out.append(#"","level":""#)
        out.append(utf8: level.rawValue)
        out.append(#"","event":"#)
        out.appendJSONString(event)
        out.append(#","message":"#)
        out.appendJSONString(LogText.plain(text))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != LogKeys.event {
            out.append(",")
            out.appendJSONString(taken.contains(key) ? key + "_" : key)
            out.append(":")
            write("\(value)", isNumber: numbers.contains(key), name: key, to: out)
        }
        out.append("}\n")
        return out.bytes
    }

    private static func write(_ value: String, isNumber: Bool, name: String, to out: ByteWriter) {
        if isNumber, let number = Int64(value) { return out.append(int: number) }
        if isNumber, let number = Double(value), number.isFinite { return out.append(double: number) }
        // With its name, so that a field that is called "authorization" is hidden.
        let named = SecretText.masked("\(name): \(LogText.plain(value))")
        let prefix = "\(name): "
        out.appendJSONString(named.hasPrefix(prefix) ? String(named.dropFirst(prefix.count)) : SecretText.hidden)
    }
}

enum LogTime {
    /// Now, as `2026-11-23T08:26:14.123Z`.
    static func utc() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        let milliseconds = String(1_000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(text(&parts, "%Y-%m-%dT%H:%M:%S")).\(milliseconds)Z"
    }

    static func text(_ parts: inout tm, _ format: String) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
