import ArgumentParser
import KimiHostHTTP
import Upstream
import WireJSON

/// `kimi-host routes …`: the routes of a running host.
struct Routes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See how the routes of a running host stand, and end their cooldowns.",
        subcommands: [List.self, Clear.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List routes and keys: state, cooldown, reason, requests under way, latency.")

        @OptionGroup var host: RunningHostOptions

        @Flag(help: "The answer of GET /admin/routes as it is.")
        var json = false

        func run() async throws {
            let body = try await host.ask("GET", "/admin/routes")
            if json { return Console.print(String(decoding: body, as: UTF8.self)) }
            for line in try RoutesTable.lines(body) { Console.print(line) }
        }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End cooldowns, and forget failures: of all routes, or of those that the options mean.")

        @OptionGroup var host: RunningHostOptions

        @Option(help: "The name that clients ask for.")
        var model: String?

        @Option(help: "Its profile; empty: entries without one.")
        var profile: String?

        @Option(help: "The provider plugin's name.")
        var provider: String?

        @Option(help: "The entry's place, as routes list prints it, such as 'models[2]'.")
        var route: String?

        @Option(help: "Only this key of it, from 1.")
        var key: Int?

        func run() async throws {
            let out = ByteWriter()
            out.append("{")
            for (name, value) in [("model", model), ("profile", profile), ("provider", provider), ("route", route)] {
                guard let value else { continue }
                if out.count > 1 { out.append(",") }
                out.appendJSONString(name)
                out.append(":")
                out.appendJSONString(value)
            }
            if let key {
                out.append(out.count > 1 ? #","key":"# : #""key":"#)
                out.append(int: Int64(key))
            }
            out.append("}")
            let body = try await host.ask("POST", "/admin/cooldowns/clear", body: out.bytes)
            Console.print(String(decoding: body, as: UTF8.self))
        }
    }
}

/// Options that say which running host is meant.
struct RunningHostOptions: ParsableArguments {
    @Option(help: "Where the host listens.")
    var url = "http://127.0.0.1:8000"

    @Option(help: "Environment variable that holds the admin's key (auth.admin_key), if the host has one.")
    var keyVariable = "KIMI_ADMIN_KEY"

    /// The body of a successful answer; otherwise says why there is none, and fails.
    func ask(_ method: String, _ path: String, body: [UInt8]? = nil) async throws -> [UInt8] {
        do {
            let answer = try await AdminClient(url: url, key: ProcessVariables.value(keyVariable))
                .send(method, path, body: body)
            if answer.status == 200 { return answer.body }
            Console.error("error: \(url) answers \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
        } catch {
            Console.error("error: no answer from \(url): \(error.message)")
        }
        throw ExitCode.failure
    }
}
