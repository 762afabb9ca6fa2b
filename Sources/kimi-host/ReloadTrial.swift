import PluginHost
import PluginTestKit

/// Tries a configuration with libraries that have never served in a process of its own: what crashes when instances are
/// made there does not crash here.
struct ReloadTrial {
    static let seconds = 20

    let plugins: [LoadedPlugin]

    /// The mistake that keeps the configuration from being taken; nil: there is none.
    func mistake() -> String? {
        let fresh = plugins.filter { plugin in
            plugin.quarantine == nil && plugin.isolated == nil && plugin.library.state == .unused
        }
        guard !fresh.isEmpty, let death = TrialRun.death(Self.arguments, seconds: Self.seconds, isEnd: Check.isEnd)
        else { return nil }
        let files = fresh.map(\.file).joined(separator: ", ")
        return "error: a process that tried the new configuration first, with \(files), did not come to its end: "
            + "\(death); cure: replace the library"
    }

    /// The command line of this process, with another command.
    private static var arguments: [String] {
        var words = Array(CommandLine.arguments.dropFirst())
        if let place = words.firstIndex(of: "serve") { words.remove(at: place) }
        return ["check", "--trial"] + words
    }
}
