import ArgumentParser
import JSONSchema
import KimiHostCore
import PluginHost

/// `kimi-host plugins …`: the folder.
struct Plugins: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look after the plugins folder.", subcommands: [List.self, Pin.self, Unquarantine.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Load every plugin and list them in load order.")

        @OptionGroup var options: PluginFolderOptions
        @OptionGroup var state: StateOptions

        func run() throws {
            let loaded = Preparation.load(options, state.settings.safety(options, mayWrite: false))
            for notice in loaded.notices { Console.error(notice) }
            for plugin in loaded.plugins {
                Console.print(plugin.description + (plugin.quarantine == nil ? "" : " QUARANTINED"))
            }
            for error in loaded.errors + loaded.broken { Console.error(error.description) }
            if !loaded.errors.isEmpty || !loaded.broken.isEmpty { throw ExitCode.failure }
        }
    }
}

extension Plugins {
    struct Pin: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the sha256 of libraries into their sidecars: from then on no other file is loaded.",
            discussion: "None of the plugins' code runs. Sidecars are made where there are none.")

        @Option(help: "Folder with plugin libraries.")
        var pluginsDir = "plugins.d"

        @Flag(help: "Skip the checks of owner and mode.")
        var pluginsInsecurePath = false

        @Argument(help: "Names in the load order, or of files. None: all.")
        var names: [String] = []

        func run() throws {
            let (outcomes, errors) = PluginPins(folder: pluginsDir, insecurePaths: pluginsInsecurePath)
                .pin(PluginSelection(only: names))
            for one in outcomes {
                Console.print("\(one.sidecar): sha256 \(one.sha256)" + (one.isChanged ? "" : " (as it was)"))
            }
            for error in errors { Console.error(error.description) }
            if !errors.isEmpty { throw ExitCode.failure }
        }
    }
}

/// `kimi-host plugin …`: one file.
struct Plugin: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Begin a plugin, look at one, check it, run it.",
        subcommands: [
            PluginNew.self, Inspect.self, PluginCheck.self, PluginRun.self, PluginBench.self, PluginFuzz.self,
            PluginKitChild.self, PluginProbeChild.self,
        ])

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the loader's checks on a file and print its manifest, interfaces and configuration.")

        @Argument(help: "The shared library, or a plugin's Python file.")
        var file: String

        @Flag(help: "One line of JSON.")
        var json = false

        @Flag(help: "Skip the checks of owner and mode.")
        var pluginsInsecurePath = false

        func run() throws {
            let loader = PluginLoader(
                host: HostTable.pointer, services: BridgeHandshakeServices(), insecurePaths: pluginsInsecurePath)
            do {
                let inspection = try loader.inspect(file: file, sidecar: try loader.sidecar(beside: file))
                Console.print(json ? inspection.json : inspection.text)
            } catch {
                Console.error(error.description)
                throw ExitCode.failure
            }
        }
    }
}
