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
    /// Nil: exchanges cannot be replayed.
    let replays: ReplaySpawner?

    package init(settings: DashboardSettings, version: String, logPath: String, replays: ReplaySpawner?) {
        (self.settings, self.version, self.logPath, self.replays) = (settings, version, logPath, replays)
    }
}

/// The running host, as the dashboard sees it. Any thread.
final class ServedDashboard: DashboardHost {
    private let setup: DashboardSetup
    private let current: CurrentServing
    private let state: ServerState
    private let log: ExchangeLog?
    private let store: PluginStore
    private let metrics: HostMetrics
    private let access: Mutex<Access>

    /// Counts the changes of who may come in.
    private struct Access {
        var generation: Int
        var rules: AdminRules
        var stamp = 0
    }

    init(
        _ setup: DashboardSetup, _ current: CurrentServing, _ state: ServerState, _ log: ExchangeLog?,
        _ store: PluginStore, _ metrics: HostMetrics
    ) {
        (self.setup, self.current, self.state, self.log, self.store) = (setup, current, state, log, store)
        self.metrics = metrics
        let generation = current.generation
        access = Mutex(Access(generation: generation, rules: current.serving.admin.rules))
    }

    var version: String { setup.version }
    var isEnding: Bool { state.isEnding }
    var logPath: String? { log == nil ? nil : setup.logPath }
    var logStats: LogStats? { log?.sink.stats }

    // MARK: Access

    private var rules: AdminRules { current.serving.admin.rules }
    var entryWay: EntryWay {
        switch rules.way {
        case .key: .key
        case .link: .link
        case .none: .none
        }
    }

    var accessStamp: Int {
        access.withLock { access in
            let generation = current.generation
            guard access.generation != generation else { return access.stamp }
            // Not the whole of it: plugins of a configuration end when another one takes its place.
            let rules = rules
            if !rules.isSame(as: access.rules) { access.stamp += 1 }
            (access.generation, access.rules) = (generation, rules)
            return access.stamp
        }
    }

    func visitor(_ headers: HTTPFields) -> Visitor? { visitor(offered: OfferedKeys.of(headers)) }
    func visitor(key: String) -> Visitor? { visitor(offered: [key[...]]) }

    private func visitor(offered: [Substring]) -> Visitor? {
        rules.isAdmin(offered: offered) ? Visitor(name: "", isAdmin: true) : nil
    }

    // MARK: Routes and plugins

    func routes() -> [UInt8]? { current.serving.runtime.routesJSON().bytes }

    func plugins() -> [UInt8]? {
        let serving = current.serving
        return PluginsJSON.bytes(
            of: serving.plugins, serving.config.routes, store, notes: metrics.snapshot.notes)
    }

    func clearCooldowns(route: String?) -> Int? {
        var selection = RouteSelection()
        selection.path = route
        return try? current.serving.runtime.clearCooldowns(of: selection)
    }

    // MARK: Replay

    var hasReplay: Bool { log != nil && setup.replays != nil }

    func replay(sequence: Int64) async -> ReplayAnswer {
        guard hasReplay, let replays = setup.replays else { return .notAvailable }
        let state = state
        return await replays.replay(sequence: sequence) { state.isEnding }
    }
}
