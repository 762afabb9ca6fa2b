package import Dashboard
import HTTPTypes
import KimiHostCore
import LogModel
package import PluginHost
import Synchronization
import WireJSON

/// What the dashboard is made of, beside the server.
package struct DashboardSetup: Sendable {
    let settings: DashboardSettings
    let version: String
    /// The log's file.
    let logPath: String
    let plugins: [LoadedPlugin]

    package init(settings: DashboardSettings, version: String, logPath: String, plugins: [LoadedPlugin]) {
        (self.settings, self.version, self.logPath, self.plugins) = (settings, version, logPath, plugins)
    }
}

/// The running host, as the dashboard sees it. Any thread.
final class ServedDashboard: DashboardHost {
    private let setup: DashboardSetup
    private let current: CurrentServing
    private let state: ServerState
    private let log: ExchangeLog?
    private let access: Mutex<Access>

    /// Counts the changes of who may come in.
    private struct Access {
        var serving: Serving
        var stamp = 0
    }

    init(_ setup: DashboardSetup, _ current: CurrentServing, _ state: ServerState, _ log: ExchangeLog?) {
        (self.setup, self.current, self.state, self.log) = (setup, current, state, log)
        access = Mutex(Access(serving: current.serving))
    }

    var version: String { setup.version }
    var isEnding: Bool { state.isEnding }
    var logPath: String? { log == nil ? nil : setup.logPath }
    var logStats: LogStats? { log?.sink.stats }

    // MARK: Access

    private var rules: AdminRules { current.serving.admin.rules }
    var hasKeys: Bool { !rules.isForLinks }

    var accessStamp: Int {
        let now = current.serving
        return access.withLock { access in
            guard access.serving !== now else { return access.stamp }
            let isSame =
                now.admin.rules.isSame(as: access.serving.admin.rules) && now.keys.isSame(as: access.serving.keys)
            access.serving = now
            if !isSame { access.stamp += 1 }
            return access.stamp
        }
    }

    func visitor(_ headers: HTTPFields) -> Visitor? { visitor(offered: OfferedKeys.of(headers)) }
    func visitor(key: String) -> Visitor? { visitor(offered: [key[...]]) }

    private func visitor(offered: [Substring]) -> Visitor? {
        let serving = current.serving
        return serving.admin.rules.visitor(offered: offered, serving.keys).map {
            Visitor(name: $0.name, isAdmin: $0.mayAct)
        }
    }

    // MARK: Routes and plugins

    func routes() -> [UInt8]? { current.serving.runtime.routesJSON().bytes }

    func plugins() -> [UInt8]? { PluginsJSON.bytes(of: setup.plugins, current.serving.config.routes) }

    func clearCooldowns(route: String?) -> Int? {
        var selection = RouteSelection()
        selection.path = route
        return try? current.serving.runtime.clearCooldowns(of: selection)
    }

    /// A replay needs a process of its own: it sets the clock that plugins see.
    var hasReplay: Bool { false }
    func replay(sequence: Int64) async -> [UInt8]? { nil }
}
