import ArgumentParser
import PluginTestKit

/// `kimi-host plugin fuzz`: changed transcripts until the plugin fails or the time is over.
struct PluginFuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Feed a plugin with changed transcripts, in child processes; keep what makes it fail.",
        discussion: "Exit status: 0 nothing found, 1 a failure was found and written, 2 the input is unusable.")

    @OptionGroup var options: KitOptions

    @Option(help: "Folder with transcripts, or one file; may be given several times.")
    var transcripts: [String] = []

    @Option(help: "How long to search.")
    var seconds = 60

    @Option(help: "Where a failure's transcript is written. Default: kimi-fuzz-SEED.json.")
    var output: String?

    func validate() throws {
        if seconds < 1 { throw ValidationError("--seconds must be at least 1") }
    }

    func run() throws {
        let request = try options.request(transcripts: transcripts)
        Console.print("seed \(options.seed), \(seconds) s")
        var cases = 0
        let failure = FuzzRun(request, seconds: seconds).run { cases = $0 }
        guard let failure else { return Console.print("\(cases) cases, nothing found") }
        Console.error("seed \(failure.seed): \(failure.sentence)")
        guard !failure.transcript.isEmpty else { throw ExitCode.failure }
        let file = output ?? "kimi-fuzz-\(failure.seed).json"
        guard Files.write(file, failure.transcript) else { throw KitOptions.unusable("\(file) cannot be written") }
        Console.error("written to \(file); see it with: kimi-host plugin run \(options.file) --in \(file)")
        Console.error("again: kimi-host plugin fuzz \(options.file) --seed \(failure.seed) --seconds 10")
        throw ExitCode.failure
    }
}

/// `kimi-host plugin bench`: what a call costs.
struct PluginBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure ns per event or frame and bytes copied, beside a plugin that does nothing.")

    @OptionGroup var options: KitOptions

    @Option(help: "Folder with transcripts, or one file; may be given several times.")
    var transcripts: [String] = []

    private static let seconds = 300

    func run() throws {
        let request = try options.request(transcripts: transcripts)
        if !ChildRun(request, seconds: Self.seconds).run("bench", KitOutput.show) { throw ExitCode.failure }
    }
}
