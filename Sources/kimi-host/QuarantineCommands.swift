import ArgumentParser
import KimiHostCore
import PluginHost

/// Options of commands that look into `state_dir`.
struct StateOptions: ParsableArguments {
    @Option(help: "Model configuration that says state_dir; found as serve finds it.")
    var config: String?

    @Option(help: "The folder itself. Default: $KIMI_STATE_DIR, state_dir of the configuration, data.")
    var stateDir: String?

    var settings: StateSettings { StateSettings(config: config, folder: stateDir) }
}

/// What has to be known before any plugin is loaded. A configuration with mistakes says what it can.
struct StateSettings {
    let folder: String
    /// Seconds.
    let window: Int64
    let logFormat: LogFormat

    init(config: String?, folder: String? = nil) {
        let environment = Environment.process().loadingDotEnv().environment
        let source = ConfigSource.locate(option: config, environment: environment)
        let settings = ConfigLoader.settings(source, environment: environment)
        self.folder = folder ?? settings.stateDir
        window = settings.plugins.quarantineWindow.components.seconds
        logFormat = settings.logging.format
    }

    func safety(_ options: PluginFolderOptions, mayWrite: Bool) -> PluginSafety {
        PluginSafety(
            folder: StateFolder(path: folder, mayWrite: mayWrite), window: window,
            insecurePaths: options.pluginsInsecurePath)
    }
}

extension Plugins {
    struct Unquarantine: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let plugins that crashed the host be loaded again: at SIGHUP, or from the next start on.",
            discussion: "Crash files stay where they are, in state_dir/crashes. docs/plugins-operations.md tells more.")

        @OptionGroup var state: StateOptions

        @Flag(help: "All that are quarantined.")
        var all = false

        @Argument(help: "The plugin's id, its file, or the first 8 or more digits of its sha256.")
        var plugins: [String] = []

        func validate() throws {
            if all == !plugins.isEmpty { throw ValidationError("name plugins, or give --all") }
        }

        func run() throws {
            let settings = state.settings
            let folder = StateFolder(path: settings.folder)
            do {
                let (cleared, unknown) = try Quarantine.clear(all ? nil : plugins, in: folder, window: settings.window)
                for record in cleared {
                    Console.print(
                        "\(record.plugin.words) is free again; it \(record.words). Send SIGHUP to the host, or restart it."
                    )
                }
                if cleared.isEmpty, all { Console.print("nothing is quarantined in \(folder.path)") }
                for name in unknown { Console.error("error: " + sentence(name, folder, settings.window)) }
                if !unknown.isEmpty { throw ExitCode.failure }
            } catch let failure as StateFolder.Failure {
                Console.error("error: \(failure)")
                throw ExitCode.failure
            }
        }

        private func sentence(_ name: String, _ folder: StateFolder, _ window: Int64) -> String {
            let names = Quarantine(folder, window: window).records.values.map(\.plugin.handle).sorted()
            let list = names.isEmpty ? "nothing is" : "these are: " + names.joined(separator: ", ")
            return "'\(name)' is not quarantined in \(folder.path); \(list)"
        }
    }
}

/// What the host starts to try libraries out; not for people.
struct PluginProbeChild: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe-child", abstract: "Load libraries and report.", shouldDisplay: false)

    @Flag var pluginsInsecurePath = false
    @Argument var files: [String]

    func run() {
        ProbeChild.run(files, insecurePaths: pluginsInsecurePath)
    }
}
