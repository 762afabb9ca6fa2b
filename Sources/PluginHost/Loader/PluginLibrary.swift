internal import CPlatform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One library that is mapped into the process: which version of which plugin, from which file, and who uses it.
///
/// Nothing is ever unmapped, so one that is replaced stays listed. Any thread.
package final class PluginLibrary: Sendable {
    package enum State: String, Sendable {
        /// New requests are served with it, or would be if a model named it.
        case active
        /// Another version has taken its place, or its file is gone; requests under way finish on it.
        case retired
        /// Mapped, but the configuration that it came with was refused.
        case unused
    }

    package let id: String
    package let version: String
    package let sha256: String
    /// What is mapped: a copy of that file, or the file itself where there are no copies.
    package let mapped: String
    /// Unix seconds.
    package let loadedAt: Int64
    private let quiesce: Quiesce?

    typealias Quiesce = @convention(c) () -> Void

    private struct Life {
        var file: String
        var state = State.unused
        var isQuiesced = false
    }

    private let life: Mutex<Life>
    private let instanceCount = Atomic<Int>(0)
    private let exchangeCount = Atomic<Int>(0)

    init(
        id: String, version: String, sha256: String, file: String, mapped: String,
        quiesce: Quiesce?
    ) {
        self.id = id
        self.version = version
        self.sha256 = sha256
        life = Mutex(Life(file: file))
        self.mapped = mapped
        self.quiesce = quiesce
        loadedAt = Int64(time(nil))
    }

    /// Where a plugin is quarantined, and nobody knows its manifest.
    convenience init(standingInFor name: String) {
        self.init(id: name, version: "", sha256: "", file: "", mapped: "", quiesce: nil)
    }

    package var state: State { life.withLock { $0.state } }
    /// The file in the plugins folder, as the operator knows it.
    package var file: String { life.withLock { $0.file } }
    /// Instances that are not destroyed yet.
    package var instances: Int { instanceCount.load(ordering: .relaxed) }
    /// Attempts and token fetches of requests under way that run in it.
    package var exchanges: Int { exchangeCount.load(ordering: .relaxed) }

    func instanceCreated() { instanceCount.add(1, ordering: .relaxed) }
    func instanceDestroyed() { instanceCount.subtract(1, ordering: .relaxed) }
    func exchangeBegan() { exchangeCount.add(1, ordering: .relaxed) }
    func exchangeEnded() { exchangeCount.subtract(1, ordering: .relaxed) }

    /// May new instances be made? Not after quiesce (rule S17).
    var isUsable: Bool { life.withLock { !$0.isQuiesced } }

    /// New requests are served with it from now on.
    func activate(file: String) {
        life.withLock { life in
            life.state = .active
            life.file = file
        }
    }

    func retire() { life.withLock { $0.state = .retired } }

    /// Stops the plugin's own threads, once, if it is retired and its last instance is gone. True when that was now. The
    /// call is made on a thread of its own: one that does not come back holds up nobody.
    func quiesceIfDone() -> Bool {
        let isDue = life.withLock { life in
            guard life.state == .retired, !life.isQuiesced, instances == 0 else { return false }
            life.isQuiesced = true
            return true
        }
        if isDue, let quiesce {
            let mark = PluginMark.of(PluginIdentity(id: id, version: version, file: file, sha256: sha256))
            OneCallThread.start { mark.call(PG_QUIESCE) { quiesce() } }
        }
        return isDue
    }

    /// `2 exchanges`
    var exchangesText: String {
        let count = exchanges
        return count == 1 ? "1 exchange" : "\(count) exchanges"
    }

    /// `1.2.0 (sha256 ab12cd34ef56…)`
    package var release: String { "\(version) (sha256 \(sha256.prefix(12))…)" }
}
