import Dispatch
import KimiHostCore
import Logging
import PluginHost
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Loads configuration and plugins anew on SIGHUP, and when one of their files has changed and rests. Requests under way
/// keep what they began with; what fails to load is not taken.
struct ReloadService: Service {
    /// How often signals and files are looked at. Files rest when they have not changed between two looks, libraries
    /// when they have not for four: a large one may come slowly.
    private static let periodMs = 250
    private static let restingLooks = 1
    private static let restingLooksOfLibraries = 4
    /// Loads run here, one at a time.
    private static let queue = DispatchQueue(label: "kimi.reload")

    let current: CurrentServing
    let gate: ExchangeGate
    let loops: LoopContexts
    let plugins: PluginStore
    let metrics: HostMetrics
    let load: @Sendable (HostRuntime) -> LoadedSetup
    let logger: Logger

    @concurrent func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        let asked = Asked()
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                group.addTask { for await _ in signals { asked.set() } }
                group.addTask { await watch(asked) }
                await group.waitForAll()
            }
        }
    }

    private final class Asked: Sendable {
        private let flag = Atomic<Bool>(false)

        func set() { flag.store(true, ordering: .relaxed) }
        func take() -> Bool { flag.exchange(false, ordering: .relaxed) }
    }

    @concurrent private func watch(_ asked: Asked) async {
        var loaded = current.serving.stamps
        var last = loaded
        var rests = 0
        while (try? await Task.sleep(for: .milliseconds(Self.periodMs))) != nil {
            for line in plugins.tidy() { logger.info("\(line)", metadata: [LogKeys.event: "plugin_files"]) }
            PluginLogLimit.tell(logger)
            let now = current.serving.files.stamps()
            rests = now == last ? rests + 1 : 0
            last = now
            let isAsked = asked.take()
            guard isAsked || isReady(now, loaded, rests) else { continue }
            if isAsked { plugins.forgetRefusals() }
            guard await hasReloaded() else { return }
            // The new configuration may have other files. What changed while it was loaded is loaded again.
            loaded = now.with(namesOf: current.serving.files.stamps())
            last = loaded
        }
    }

    private func isReady(_ now: FileStamps, _ loaded: FileStamps, _ rests: Int) -> Bool {
        guard now != loaded, current.serving.config.server.watch else { return false }
        return rests >= (now.hasOtherLibraries(than: loaded) ? Self.restingLooksOfLibraries : Self.restingLooks)
    }

    /// On a thread of its own, as plugins' code may take its time. False: the host is to end, which does not wait for that.
    private func hasReloaded() async -> Bool {
        let (done, end) = AsyncStream.makeStream(of: Void.self)
        Self.queue.async {
            reload()
            end.yield()
        }
        for await _ in done { return true }
        return false
    }

    private func reload() {
        switch load(current.serving.runtime) {
        case .refused(let mistakes): refuse(mistakes)
        case .loaded(let setup, let notes):
            do throws(TLSMistake) {
                take(try Serving(setup), notes)
            } catch {
                refuse([error.description])
            }
        }
    }

    private func take(_ serving: Serving, _ notes: [String]) {
        for note in notes { logger.notice("\(note)", metadata: [LogKeys.event: "config_note"]) }
        let waiting = RestartOnly.changes(from: current.serving.config, to: serving.config)
        if !waiting.isEmpty {
            logger.warning(
                "taken at the next start only: \(waiting.joined(separator: ", "))",
                metadata: [LogKeys.event: "restart_needed"])
        }
        current.replace(serving)
        gate.adopt(serving.gateLimits, serving.keys)
        loops.refresh()
        metrics.reloaded(true)
        for line in plugins.take(serving.plugins) {
            logger.notice("\(line)", metadata: [LogKeys.event: "plugin_changed"])
        }
        if let warning = plugins.warning() { logger.warning("\(warning)", metadata: [LogKeys.event: "plugin_files"]) }
        logger.notice(
            "configuration loaded anew: \(serving.runtime.modelNames(profile: nil).count) models",
            metadata: [LogKeys.event: "reloaded"])
    }

    private func refuse(_ mistakes: [String]) {
        metrics.reloaded(false)
        let more = mistakes.count > 1 ? " (and \(mistakes.count - 1) more; kimi-host check lists them)" : ""
        logger.error(
            "configuration not loaded, the one before goes on: \(mistakes.first ?? "no reason given")\(more)",
            metadata: [LogKeys.event: "reload_refused"])
    }
}

/// What came of loading the configuration anew.
package enum LoadedSetup: Sendable {
    case loaded(HostSetup, notes: [String])
    /// At least one line, with file, place and cure.
    case refused([String])
}

/// Settings that a running host cannot change.
enum RestartOnly {
    static func changes(from old: HostConfig, to new: HostConfig) -> [String] {
        var names: [String] = []
        func compare(_ name: String, _ isSame: Bool) { if !isSame { names.append(name) } }
        compare("server.host", old.server.host == new.server.host)
        compare("server.port", old.server.port == new.server.port)
        compare("limits.max_connections", old.limits.maxConnections == new.limits.maxConnections)
        compare("limits.plugin_memory_bytes", old.limits.pluginMemoryBytes == new.limits.pluginMemoryBytes)
        compare("timeouts.drain", old.timeouts.drain == new.timeouts.drain)
        compare("timeouts.drain_notice", old.timeouts.drainNotice == new.timeouts.drainNotice)
        compare("responses", old.responses == new.responses)
        compare("log", old.log == new.log)
        compare("dashboard", old.dashboard == new.dashboard)
        compare("logging", old.logging == new.logging)
        compare("tracing", old.tracing == new.tracing)
        compare("state_dir", old.stateDir == new.stateDir)
        compare("plugins", old.plugins == new.plugins)
        return names
    }
}
