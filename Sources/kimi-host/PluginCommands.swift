import ArgumentParser
import JSONSchema
import KimiHostCore
import PluginHost

/// `kimi-host plugins …`: the folder.
struct Plugins: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look after the plugins folder.", subcommands: [List.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Load every plugin and list them in load order.")

        @Option(help: "Folder with plugin libraries.")
        var pluginsDir = "plugins.d"

        @Flag(help: "Load plugins from folders that others may write to.")
        var pluginsInsecurePath = false

        func run() throws {
            let loaded = Preparation.load(folder: pluginsDir, insecurePaths: pluginsInsecurePath)
            for notice in loaded.notices { Console.error(notice) }
            for plugin in loaded.plugins { Console.print(plugin.description) }
            for error in loaded.errors { Console.error(error.description) }
            if !loaded.errors.isEmpty { throw ExitCode.failure }
        }
    }
}

/// `kimi-host plugin …`: one file.
struct Plugin: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at one plugin file, check it, run it.",
        subcommands: [
            Inspect.self, PluginCheck.self, PluginRun.self, PluginBench.self, PluginFuzz.self, PluginKitChild.self,
        ])

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the loader's checks on a file and print its manifest, interfaces and configuration.")

        @Argument(help: "The shared library.")
        var file: String

        @Flag(help: "One line of JSON.")
        var json = false

        @Flag(help: "Skip the checks of owner and mode.")
        var pluginsInsecurePath = false

        func run() throws {
            let loader = PluginLoader(
                host: HostTable.pointer, services: BridgeHandshakeServices(), insecurePaths: pluginsInsecurePath)
            do {
                let inspection = try loader.inspect(file: file)
                Console.print(json ? inspection.json : inspection.text)
            } catch {
                Console.error(error.description)
                throw ExitCode.failure
            }
        }
    }
}
