import Dashboard
import KimiHostCore
import KimiHostHTTP

/// The dashboard as the configuration wants it.
enum DashboardServing {
    /// Nil: it is switched off.
    static func setup(_ config: HostConfig, _ environment: Environment, _ options: HostOptions) -> DashboardSetup? {
        guard config.dashboard.isEnabled else { return nil }
        var settings = DashboardSettings()
        settings.read(environment.values)
        settings.isReadOnly = config.dashboard.isReadOnly
        settings.hosts = config.dashboard.hosts
        settings.isSecure = config.server.tls != nil
        return DashboardSetup(
            settings: settings, version: HostVersion.text, logPath: config.log.path, replays: replays(config, options))
    }

    /// What to say at the start of who may open it, if that is nobody.
    static func note(_ config: HostConfig) -> String? {
        guard config.dashboard.isEnabled, AdminRules(config).way == .none else { return nil }
        return "dashboard: nobody may open it, for others than this machine reach the host; set auth.admin_key for it "
            + "(or dashboard.enabled: false)"
    }

    /// Replays by the configuration and plugins that are there then. Nil: without plugins there is nothing to replay.
    private static func replays(_ config: HostConfig, _ options: HostOptions) -> ReplaySpawner? {
        let plugins = options.plugins
        guard config.log.isEnabled, !plugins.noPlugins else { return nil }
        var words = ["replay", "--db", config.log.path, "--plugins-dir", plugins.pluginsDir]
        if let file = options.config { words += ["--config", file] }
        if plugins.pluginsInsecurePath { words.append("--plugins-insecure-path") }
        if plugins.requirePins { words.append("--require-pins") }
        words += plugins.onlyPlugin.flatMap { ["--only-plugin", $0] }
        return ReplaySpawner(arguments: words)
    }
}
