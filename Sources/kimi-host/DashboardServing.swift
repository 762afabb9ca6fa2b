import Dashboard
import KimiHostCore
import KimiHostHTTP

/// The dashboard as the configuration wants it.
enum DashboardServing {
    /// Nil: it is switched off.
    static func setup(_ config: HostConfig, _ environment: Environment) -> DashboardSetup? {
        guard config.dashboard.isEnabled else { return nil }
        var settings = DashboardSettings()
        settings.read(environment.values)
        settings.isReadOnly = config.dashboard.isReadOnly
        settings.hosts = config.dashboard.hosts
        settings.isSecure = config.server.tls != nil
        return DashboardSetup(settings: settings, version: HostVersion.text, logPath: config.log.path)
    }
}
