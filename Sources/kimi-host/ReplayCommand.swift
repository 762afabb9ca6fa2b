import ArgumentParser
import KimiHostCore
import KimiHostHTTP
import LogModel
import Logging
import PluginHost
import RequestLog

/// `kimi-host replay`: recorded answers of upstreams through today's configuration and plugins.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Put recorded exchanges through today's plugins, offline, and compare what the client gets.",
        discussion: """
            Exit status: 0 all are the same, 1 some differ, 2 none could be replayed. Those that cannot be replayed (bodies \
            not kept, answered without an upstream, a stored response before it) are named and do not count.
            """)

    @OptionGroup var log: LogOption
    @OptionGroup var filter: LogFilterOptions
    @OptionGroup var host: ReplayHostOptions

    @Argument(help: "The request's id (x-request-id of its reply), or its sequence.")
    var ids: [String] = []

    @Flag(help: "All that fit the filter, oldest first.")
    var all = false

    @Flag(help: "Print the lines that differ.")
    var diff = false

    @Flag(help: "One JSON object a line, with both replies where they differ, and no sums.")
    var json = false

    /// What the dashboard's replays say: an id may look like a sequence.
    @Flag(help: .hidden)
    var bySequence = false

    /// Seconds after which the process ends itself, should the host that started it be gone.
    @Option(help: .hidden)
    var endAfter: Int?

    private static let page = 200

    func validate() throws {
        guard all != !ids.isEmpty else {
            throw ValidationError("say which: an ID, or --all (with --since 1d, for example)")
        }
    }

    func run() throws {
        if let endAfter { Patience.endProcess(after: endAfter) }
        var tally = Tally()
        try LogOption.telling {
            // The host that asks sees to its spool itself.
            let reader = bySequence ? try LogReader(path: log.path) : try log.reader
            let replayer = try host.replayer()
            for id in ids {
                let row = bySequence ? try Int64(id).flatMap { try reader.find(sequence: $0) } : try reader.find(id)
                guard let row else { throw LogError.setting("there is no exchange '\(id)'") }
                tally.count(try replay(row, reader, replayer))
            }
            guard all else { return }
            let filter = try filter.filter
            var last: Int64 = 0
            while case let rows = try reader.list(filter, after: last, limit: Self.page), let end = rows.last {
                for row in rows { tally.count(try replay(row, reader, replayer)) }
                last = end.sequence
            }
        }
        if !json { Console.print("\(tally.same) same, \(tally.different) different, \(tally.impossible) not replayed") }
        if tally.different > 0 { throw ExitCode(1) }
        if tally.same == 0, !all || tally.impossible > 0 { throw ExitCode(2) }
    }

    private struct Tally {
        var (same, different, impossible) = (0, 0, 0)

        mutating func count(_ outcome: ReplayReport.Outcome) {
            switch outcome {
            case .same: same += 1
            case .different: different += 1
            case .skipped: impossible += 1
            }
        }
    }

    private func replay(_ row: LogRow, _ reader: LogReader, _ replayer: Replayer) throws -> ReplayReport.Outcome {
        let report = try ReplayReport(row, reader, replayer)
        if json {
            Console.print(String(decoding: report.json, as: UTF8.self))
            return report.outcome
        }
        let name = "\(row.sequence) \(row.id)"
        switch report.outcome {
        case .same: Console.print("same      \(name)")
        case .different: Console.print("different \(name)")
        case .skipped: Console.print("skipped   \(name): \(report.reason ?? "")")
        }
        if diff { for line in report.differences { Console.print("  " + Terminal.visible(line, lines: true)) } }
        return report.outcome
    }
}

/// `kimi-host record`: a recorded exchange as a transcript for `kimi-host plugin check`.
struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Print a recorded attempt as a transcript of the plugin kit (docs/plugin-testing.md).",
        discussion: """
            The provider's part: its configuration (secrets as ***), the request that it works with, and the upstream's \
            answer. Expected events are left out: 'kimi-host plugin run' prints them.
            """)

    @OptionGroup var log: LogOption
    @OptionGroup var host: ReplayHostOptions

    @Argument(help: "The request's id (x-request-id of its reply), or its sequence.")
    var id: String

    @Option(help: "Which attempt, from 1. Default: the last.")
    var attempt: Int?

    func validate() throws {
        if let attempt { try LogOption.check(attempt, "--attempt") }
    }

    func run() throws {
        try LogOption.telling {
            let reader = try log.reader
            guard let row = try reader.find(id) else { throw LogError.setting("there is no exchange '\(id)'") }
            let recorded = try RecordedExchange(row, bodies: try reader.bodies(of: row))
            let place = (attempt ?? recorded.attempts.count) - 1
            guard recorded.attempts.indices.contains(place) else {
                throw LogError.setting("the exchange has \(recorded.attempts.count) attempts")
            }
            do {
                let replay = try host.replayer().replay(recorded)
                guard replay.requests.indices.contains(place) else {
                    throw LogError.setting("today's plugins make no request of that attempt")
                }
                let config = try host.providerConfig(of: recorded, place)
                Console.print(
                    RecordedTranscript.text(
                        "\(recorded.id), attempt \(place + 1)", replay.requests[place], recorded.attempts[place],
                        config: config, usesToken: replay.usesToken))
            } catch let error as ReplayFailure {
                throw LogError.setting("it cannot be replayed: \(error)")
            }
        }
    }
}

/// Today's configuration and plugins.
struct ReplayHostOptions: ParsableArguments {
    @Option(help: "Model configuration. Default: $MODEL_CONFIG (inline YAML), $MODEL_CONFIG_PATH, ./model-config.yaml.")
    var config: String?

    @Option(name: [.customLong("plugins"), .customLong("plugins-dir")], help: "Folder with plugin libraries.")
    var plugins = "plugins.d"

    @Flag(help: "Load plugins from folders that others may write to.")
    var pluginsInsecurePath = false

    @Option(help: "Load this plugin and no other. May be repeated.")
    var onlyPlugin: [String] = []

    @Flag(help: "Refuse libraries without a sha256 in their sidecar.")
    var requirePins = false

    private func prepared() throws -> Preparation {
        var words = ["--plugins-dir", plugins]
        if let config { words += ["--config", config] }
        if pluginsInsecurePath { words.append("--plugins-insecure-path") }
        if requirePins { words.append("--require-pins") }
        words += onlyPlugin.flatMap { ["--only-plugin", $0] }
        let prepared = Preparation(try HostOptions.parse(words))
        guard prepared.mistakes.isEmpty, prepared.config != nil else {
            for mistake in prepared.mistakes { Console.error(mistake) }
            throw ExitCode(2)
        }
        return prepared
    }

    func replayer() throws -> Replayer {
        let prepared = try prepared()
        guard let config = prepared.config else { throw ExitCode(2) }
        var logger = Logger(label: "replay") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        return Replayer(logger: logger) {
            let services = PluginServices(memoryBytes: config.limits.pluginMemoryBytes)
            do throws(RuntimeError) {
                let runtime = try HostRuntime(
                    config: config, plugins: prepared.plugins, services: services, logger: logger)
                let files = WatchedFiles(files: [], folder: nil)
                return HostSetup(
                    config: config, runtime: runtime, files: files, stamps: files.stamps(),
                    plugins: prepared.plugins.plugins)
            } catch {
                throw ReplayFailure(description: error.refusals.first?.description ?? "the configuration is refused")
            }
        }
    }

    /// The configuration of the entry that the attempt at `place` took: JSON, secrets hidden.
    func providerConfig(of recorded: RecordedExchange, _ place: Int) throws -> [UInt8] {
        let prepared = try prepared()
        guard let config = prepared.config else { throw ExitCode(2) }
        // The entries that the profile leads to, taken as a replay takes them.
        let entries = (try? Router(config).plan(model: recorded.model, profile: recorded.profile))?.attempts ?? []
        var taken: [RouteConfig] = []
        for attempt in recorded.attempts.prefix(place + 1) {
            let fitting = entries.filter {
                $0.provider == attempt.provider && $0.upstreamModel == attempt.upstreamModel
            }
            let fresh = fitting.first { entry in !taken.contains { $0.index == entry.index } }
            guard let entry = fresh ?? fitting.first else {
                throw LogError.setting("the configuration has no such entry any more")
            }
            taken.append(entry)
        }
        guard let route = taken.last else { throw LogError.setting("the exchange has no such attempt") }
        return prepared.plugins.shownConfig(ofProvider: route.provider, route.providerConfig)
    }
}
