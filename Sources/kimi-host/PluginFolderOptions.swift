import ArgumentParser
import PluginHost

/// Options that say which libraries of the plugins folder are loaded.
struct PluginFolderOptions: ParsableArguments {
    @Option(help: "Folder with plugin libraries.")
    var pluginsDir = "plugins.d"

    @Flag(help: "Load plugins from folders that others may write to. Said in the log at each start.")
    var pluginsInsecurePath = false

    @Flag(help: "Load no plugin at all; the folder is not even looked at.")
    var noPlugins = false

    @Option(help: "Load this plugin and no other (name in the load order, or of the file). May be repeated.")
    var onlyPlugin: [String] = []

    @Flag(help: "Refuse libraries without a sha256 in their sidecar (kimi-host plugins pin writes them).")
    var requirePins = false

    func validate() throws {
        if noPlugins, !onlyPlugin.isEmpty {
            throw ValidationError("--no-plugins and --only-plugin contradict each other: give one of them")
        }
    }

    /// Nil: none.
    var selection: PluginSelection? {
        noPlugins ? nil : PluginSelection(only: onlyPlugin, requiresPins: requirePins)
    }
}
