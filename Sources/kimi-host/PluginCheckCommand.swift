import ArgumentParser
import JSONSchema
import PluginTestKit

/// Options that the commands of the conformance kit share.
struct KitOptions: ParsableArguments {
    @Argument(help: "The shared library, or a plugin's Python file.")
    var file = ""

    @Option(help: "Configuration: JSON text, or a file with it. Default: the transcripts' own, or made up.")
    var config: String?

    @Option(help: "Seed of everything random.")
    var seed: UInt64 = 1

    @Flag(help: "Skip the checks of owner and mode.")
    var pluginsInsecurePath = false

    /// Ends the program with status 2 where the input is unusable.
    func request(transcripts: [String]) throws -> CheckRequest {
        var request = CheckRequest(file: file)
        if file.isEmpty { throw Self.unusable("name the plugin's file") }
        if let missing = request.missing { throw Self.unusable(missing) }
        request.seed = seed
        request.insecurePaths = pluginsInsecurePath
        request.config = try configText()
        for path in transcripts {
            guard let files = CheckRequest.transcriptFiles(path) else {
                throw Self.unusable("\(path): there is no such folder or transcript (.yaml, .yml, .json)")
            }
            if files.isEmpty { throw Self.unusable("\(path): there is no transcript in it (.yaml, .yml, .json)") }
            request.transcripts += files
        }
        do {
            _ = try request.configNode()
        } catch {
            throw Self.unusable("--config \(error.message)")
        }
        do {
            _ = try request.readTranscripts()
        } catch {
            throw Self.unusable(error.description)
        }
        return request
    }

    private static let maxConfigBytes = 100_000

    private func configText() throws -> String? {
        guard let config, !config.hasPrefix("{") else { return config }
        guard let bytes = Files.read(config, maxBytes: Self.maxConfigBytes) else {
            throw Self.unusable("--config \(config): no such file, or longer than \(Self.maxConfigBytes) bytes")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func unusable(_ message: String) -> ExitCode {
        Console.error("error: \(message)")
        return ExitCode(2)
    }
}

/// `kimi-host plugin check`: every rule, each in a process of its own.
struct PluginCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a plugin against the rules of the ABI.",
        discussion: """
            Each rule runs in a process of its own with limits of time and memory. Exit status: 0 all rules hold, \
            1 some do not, 2 the input is unusable. docs/plugins/testing.md explains the rules.
            """)

    @OptionGroup var options: KitOptions

    @Option(help: "Folder with transcripts, or one file; may be given several times.")
    var transcripts: [String] = []

    @Option(help: "Only these rules or groups: R40,memory")
    var only: String?

    @Option(help: "Seconds that each rule may take, in place of its own limit of 30 to 120.")
    var seconds: Int?

    @Flag(help: "One JSON object per rule and line, and a last one with the sums.")
    var json = false

    @Flag(help: "List the rules and check nothing.")
    var rules = false

    @Flag(help: "Warnings count as failures.")
    var strict = false

    func validate() throws {
        if let seconds, !(1...86_400).contains(seconds) { throw ValidationError("--seconds must be from 1 to 86400") }
    }

    func run() throws {
        if rules { return listRules() }
        let wanted = only.map { Set($0.split(separator: ",").map { String($0).trimmedOfBlanks }) }
        if let unknown = wanted.flatMap({ CheckRun.unknown($0).first }) {
            throw KitOptions.unusable("--only: there is no rule or group '\(unknown)'; --rules lists them")
        }
        let request = try options.request(transcripts: transcripts)
        let results = CheckRun(request, only: wanted, seconds: seconds).run { result in
            if json { Console.print(result.node.json) } else { result.lines.forEach(Console.print) }
        }
        let sums = RuleResult.Status.allCases.map { status in (status, results.count { $0.status == status }) }
        Console.print(json ? Self.json(sums) : Self.text(sums, seed: options.seed))
        let isFailed = results.contains { $0.status == .fail || strict && $0.status == .warn }
        if isFailed { throw ExitCode.failure }
    }

    private func listRules() {
        for rule in Rule.all { Console.print("\(rule.id)  \(rule.group.rawValue): \(rule.title)") }
    }

    private static func text(_ sums: [(RuleResult.Status, Int)], seed: UInt64) -> String {
        let words = sums.map { status, count in "\(count) \(status.rawValue)" }
        return words.joined(separator: ", ") + " (seed \(seed))"
    }

    private static func json(_ sums: [(RuleResult.Status, Int)]) -> String {
        let members = sums.map { status, count in "\"\(status.rawValue.lowercased())\":\(count)" }
        return "{\"summary\":{\(members.joined(separator: ","))}}"
    }
}

extension String {
    fileprivate var trimmedOfBlanks: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

/// `kimi-host plugin run`: a quick look.
struct PluginRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Put transcripts through a plugin and print its plan and its events.")

    @OptionGroup var options: KitOptions

    @Option(name: .customLong("in"), help: "A transcript, or a folder of them.")
    var input: String

    private static let seconds = 60

    func run() throws {
        let request = try options.request(transcripts: [input])
        let isFine = ChildRun(request, seconds: Self.seconds).run("run", KitOutput.show)
        if !isFine { throw ExitCode.failure }
    }
}

/// What children say, for people.
enum KitOutput {
    static func show(_ message: ChildRun.Message) {
        switch message {
        case .note(let text): Console.print(text)
        case .failure(let text, let cure): Console.error("error: " + text + (cure.map { "; cure: \($0)" } ?? ""))
        }
    }
}

/// What the commands above start; not for people.
struct PluginKitChild: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kit-child", abstract: "One task of the conformance kit.", shouldDisplay: false)

    @Argument var task: String
    @Argument var file: String
    @Option var seed: UInt64 = 1
    @Option var config: String?
    @Option var transcript: [String] = []
    @Flag var pluginsInsecurePath = false

    func run() throws {
        var request = CheckRequest(file: file)
        (request.seed, request.config, request.transcripts) = (seed, config, transcript)
        request.insecurePaths = pluginsInsecurePath
        guard ChildTask.run(task, request) else { throw KitOptions.unusable("no such task") }
        // Not through exit: a plugin's atexit handlers and destructors have no part in the check.
        ChildTask.leave()
    }
}
