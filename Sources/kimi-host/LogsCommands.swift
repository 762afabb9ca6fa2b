import ArgumentParser
import RequestLog

/// `kimi-host logs …`: what went through a host. Works beside a running one and after a crash.
struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look into the request log.",
        subcommands: [List.self, Show.self, Tail.self, Export.self, Prune.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List exchanges, newest first.")

        @OptionGroup var log: LogOption
        @OptionGroup var filter: LogFilterOptions

        @Flag(help: "One JSON object a line.")
        var json = false

        @Option(help: "The most that are listed.")
        var limit = 50

        @Option(help: "Only those before this sequence: the last line's of the page before.")
        var before: Int64?

        func validate() throws { try LogOption.check(limit, "--limit") }

        func run() throws {
            try LogOption.telling {
                for row in try log.reader.list(try filter.filter, before: before, limit: limit) {
                    Console.print(json ? row.json : row.line)
                }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print one exchange with its bodies.")

        @OptionGroup var log: LogOption

        @Argument(help: "The request's id (x-request-id of its reply), or its sequence.")
        var id: String

        @Flag(help: "One JSON object.")
        var json = false

        func run() throws {
            try LogOption.telling {
                let reader = try log.reader
                guard let row = try reader.find(id) else { throw LogError.setting("there is no exchange '\(id)'") }
                let bodies = try reader.bodies(of: row)
                if json { return Console.print(row.json(with: bodies)) }
                Console.print(row.line)
                Console.print(row.json)
                for body in bodies { Console.print(body.titled) }
            }
        }
    }

    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print exchanges as they end, until interrupted.")

        @OptionGroup var log: LogOption
        @OptionGroup var filter: LogFilterOptions

        @Flag(help: "One JSON object a line.")
        var json = false

        /// Rows read at once, and the pause after the last of them.
        private static let page = 500
        private static let pause = Duration.milliseconds(250)

        func run() async throws {
            do {
                let (reader, filter) = (try log.reader, try filter.filter)
                var last = try reader.newest()
                while !Task.isCancelled {
                    let rows = try reader.list(filter, after: last, limit: Self.page)
                    for row in rows { Console.print(json ? row.json : row.line) }
                    last = rows.last?.sequence ?? last
                    if rows.count < Self.page { try await Task.sleep(for: Self.pause) }
                }
            } catch let error as LogError {
                throw LogOption.said(error)
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print exchanges with their bodies, oldest first: one JSON object a line, or curl commands.")

        @OptionGroup var log: LogOption
        @OptionGroup var filter: LogFilterOptions

        @Argument(help: "Only these ids. Without any: all that fit the filter.")
        var ids: [String] = []

        @Flag(help: "Commands that send the clients' requests again, instead of JSON.")
        var curl = false

        @Option(help: "With --curl: where they are sent.")
        var base = "http://127.0.0.1:8000"

        private static let page = 200

        func run() throws {
            try LogOption.telling {
                let (reader, filter) = (try log.reader, try filter.filter)
                for id in ids {
                    guard let row = try reader.find(id) else { throw LogError.setting("there is no exchange '\(id)'") }
                    try print(row, reader)
                }
                guard ids.isEmpty else { return }
                var last: Int64 = 0
                while case let rows = try reader.list(filter, after: last, limit: Self.page), let end = rows.last {
                    for row in rows { try print(row, reader) }
                    last = end.sequence
                }
            }
        }

        private func print(_ row: LogRow, _ reader: LogReader) throws {
            let bodies = try reader.bodies(of: row)
            Console.print(curl ? CurlCommand.text(of: row, bodies: bodies, base: base) : row.json(with: bodies))
        }
    }

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove the oldest exchanges.")

        @OptionGroup var log: LogOption

        @Option(help: "Remove what is older.")
        var maxAgeDays: Int?

        @Option(help: "Keep so many.")
        var maxEntries: Int?

        @Option(help: "Keep so many compressed bytes.")
        var maxBytes: Int?

        func validate() throws {
            guard maxAgeDays != nil || maxEntries != nil || maxBytes != nil else {
                throw ValidationError("say what may stay: --max-age-days, --max-entries or --max-bytes")
            }
            if let maxAgeDays, maxAgeDays > LogOption.longestAgeDays {
                throw ValidationError("--max-age-days must be at most \(LogOption.longestAgeDays)")
            }
            for (value, name) in [
                (maxAgeDays, "--max-age-days"), (maxEntries, "--max-entries"), (maxBytes, "--max-bytes"),
            ] {
                if let value { try LogOption.check(value, name) }
            }
        }

        func run() throws {
            var limits = RequestLog.Limits()
            limits.maxAgeDays = maxAgeDays ?? LogOption.longestAgeDays
            limits.maxEntries = maxEntries ?? .max
            limits.maxBytes = maxBytes ?? .max
            limits.spoolFolder = log.spoolFolder
            try LogOption.telling {
                Console.print("\(try LogPruner.prune(path: log.path, limits: limits)) exchanges removed")
            }
        }
    }
}
