import ArgumentParser

/// Arguments in, one of the subcommands run, an exit status out.
@main
struct KimiHost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kimi-host",
        abstract: "An LLM proxy for coding agents; providers and model quirks are plugins.",
        version: HostVersion.text,
        subcommands: [Serve.self, Check.self, Auth.self, Routes.self, Logs.self, Plugins.self, Plugin.self])
}

/// Options that say what is to be served, and with which plugins.
struct HostOptions: ParsableArguments {
    @Option(help: "Model configuration. Default: $MODEL_CONFIG (inline YAML), $MODEL_CONFIG_PATH, ./model-config.yaml.")
    var config: String?

    @OptionGroup var plugins: PluginFolderOptions

    @Option(help: "Address to listen on. Default: $HOST, server.host of the configuration, 127.0.0.1.")
    var host: String?

    @Option(help: "Port to listen on. Default: $PORT, server.port of the configuration, 8000.")
    var port: Int?
}
