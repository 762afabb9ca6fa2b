package import KimiHostCore
import NIOSSL
package import PluginHost
import Synchronization

/// A configuration with what was made of it: what `serve` starts with, and what a reload brings.
package struct HostSetup: Sendable {
    package let config: HostConfig
    package let runtime: HostRuntime
    /// Whose change is worth loading the configuration anew.
    package let files: WatchedFiles
    /// How these files were before they were read.
    package let stamps: FileStamps
    package let plugins: [LoadedPlugin]

    package init(
        config: HostConfig, runtime: HostRuntime, files: WatchedFiles, stamps: FileStamps, plugins: [LoadedPlugin]
    ) {
        self.config = config
        self.runtime = runtime
        self.files = files
        self.stamps = stamps
        self.plugins = plugins
    }
}

/// What new requests are served with. Immutable; a reload puts another one in its place, and requests under way keep
/// theirs to the end. Any thread.
final class Serving: Sendable {
    let config: HostConfig
    let runtime: HostRuntime
    let keys: ClientKeys
    let admin: AdminAccess
    let files: WatchedFiles
    let stamps: FileStamps
    let plugins: [LoadedPlugin]
    /// For new connections; nil: plain HTTP.
    let tls: NIOSSLContext?

    init(_ setup: HostSetup) throws(TLSMistake) {
        config = setup.config
        runtime = setup.runtime
        files = setup.files
        stamps = setup.stamps.with(namesOf: setup.files.stamps())
        plugins = setup.plugins
        keys = ClientKeys(setup.config.auth)
        admin = AdminAccess(setup.config)
        tls = try setup.config.server.tls.map { tls throws(TLSMistake) in try TLSFiles.context(tls) }
    }

    /// The bounds for the gate.
    var gateLimits: ExchangeGate.Limits {
        ExchangeGate.Limits(
            maxExchanges: config.limits.maxExchanges, maxQueued: config.limits.maxQueued,
            queueMs: config.timeouts.queue.milliseconds)
    }
}

/// The present ``Serving``. Any thread; who asks often asks for the generation first.
final class CurrentServing: Sendable {
    private let value: Mutex<Serving>
    private let count = Atomic<Int>(0)

    init(_ serving: Serving) { value = Mutex(serving) }

    /// Grows with each replacement.
    var generation: Int { count.load(ordering: .acquiring) }

    var serving: Serving { value.withLock { $0 } }

    func replace(_ serving: Serving) {
        value.withLock { $0 = serving }
        count.add(1, ordering: .releasing)
    }
}
