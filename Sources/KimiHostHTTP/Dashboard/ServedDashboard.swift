package import Dashboard
import HTTPTypes
import KimiHostCore
import LogModel
import PluginHost
import Synchronization
import WireJSON

/// What the dashboard is made of, beside the server.
package struct DashboardSetup: Sendable {
    let settings: DashboardSettings
    let version: String
    /// The log's file.
    let logPath: String

    package init(settings: DashboardSettings, version: String, logPath: String) {
        (self.settings, self.version, self.logPath) = (settings, version, logPath)
    }
}

/// The running host, as the dashboard sees it. Any thread.
final class ServedDashboard: DashboardHost {
    private let setup: DashboardSetup
    private let current: CurrentServing
    private let state: ServerState
    private let log: ExchangeLog?
    private let store: PluginStore
    private let access: Mutex<Access>

    /// Counts the changes of who may come in.
    private struct Access {
        var generation: Int
        var rules: AdminRules
        var keys: ClientKeys
        var stamp = 0
    }

    init(
        _ setup: DashboardSetup, _ current: CurrentServing, _ state: ServerState, _ log: ExchangeLog?,
        _ store: PluginStore
    ) {
        (self.setup, self.current, self.state, self.log, self.store) = (setup, current, state, log, store)
        let generation = current.generation
        let serving = current.serving
        access = Mutex(Access(generation: generation, rules: serving.admin.rules, keys: serving.keys))
    }

    var version: String { setup.version }
    var isEnding: Bool { state.isEnding }
    var logPath: String? { log == nil ? nil : setup.logPath }
    var logStats: LogStats? { log?.sink.stats }

    // MARK: Access

    private var rules: AdminRules { current.serving.admin.rules }
    var hasKeys: Bool { !rules.isForLinks }

    var accessStamp: Int {
        access.withLock { access in
            let generation = current.generation
            guard access.generation != generation else { return access.stamp }
            // Not the whole of it: plugins of a configuration end when another one takes its place.
            let (rules, keys) = (current.serving.admin.rules, current.serving.keys)
            if !rules.isSame(as: access.rules) || !keys.isSame(as: access.keys) { access.stamp += 1 }
            (access.generation, access.rules, access.keys) = (generation, rules, keys)
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

    func plugins() -> [UInt8]? { PluginsJSON.bytes(of: current.serving.plugins, current.serving.config.routes, store) }

    func clearCooldowns(route: String?) -> Int? {
        var selection = RouteSelection()
        selection.path = route
        return try? current.serving.runtime.clearCooldowns(of: selection)
    }

    /// A replay needs a process of its own: it sets the clock that plugins see.
    var hasReplay: Bool { false }
    func replay(sequence: Int64) async -> [UInt8]? { nil }
}
