import Synchronization

/// The libraries of a process that loads its plugins folder again and again. A file whose content is mapped already is
/// not mapped again: its entry is called once, whatever the file's name (rule S01).
///
/// Any thread; loading and taking are for one thread at a time.
package final class PluginStore: Sendable {
    /// Mapped libraries from which on each further one comes with the advice to restart.
    package static let manyMapped = 64
    /// Mapped libraries beyond which no further one is loaded.
    package static let maxMapped = 256

    /// Nil: libraries are mapped where they lie.
    package let copies: PluginCopies?

    private struct State {
        /// In the order of their loading, with those whose handshake failed counted apart.
        var libraries: [PluginLibrary] = []
        var failed = 0
        /// By content.
        var known: [String: LoadedPlugin] = [:]
        var refused: [String: PluginLoadError] = [:]
        /// Plugins with processes of their own, until the last instance is gone.
        var isolated: [LoadedPlugin] = []
        /// Nil before the first are taken.
        var active: [PluginLibrary]?
        /// How many there were when ``PluginStore/warning()`` was asked last.
        var lastMany = 0
    }

    private let state = Mutex(State())

    package init(copies: PluginCopies?) {
        self.copies = copies
    }

    // MARK: Loading

    /// The plugin with this content, if it is mapped and may be used. Throws what it was refused with.
    func known(_ sha256: String, file: String) throws(PluginLoadError) -> LoadedPlugin? {
        let (found, refusal, count) = state.withLock { state in
            (state.known[sha256], state.refused[sha256], state.libraries.count + state.failed)
        }
        if let found, found.library.isUsable { return found }
        if var refusal {
            refusal.file = file
            throw refusal
        }
        guard count < Self.maxMapped else {
            throw PluginLoadError(
                file: file, step: .dlopen,
                message: "\(count) libraries have been mapped since the host was started, and none is ever unloaded",
                cure: "restart the host")
        }
        return nil
    }

    func add(_ plugin: LoadedPlugin) {
        state.withLock { state in
            state.known[plugin.sha256] = plugin
            state.libraries.append(plugin.library)
        }
    }

    /// The plugin with this content that runs in children begun in this way.
    func isolated(_ sha256: String, _ origin: String, _ python: String?) -> LoadedPlugin? {
        state.withLock { state in
            state.isolated.first { $0.sha256 == sha256 && $0.isolated?.command.serves(origin, python) == true }
        }
    }

    func addIsolated(_ plugin: LoadedPlugin) { state.withLock { $0.isolated.append(plugin) } }

    /// A mapped library that turned out to be none of ours: its entry is not called again.
    func refuse(_ sha256: String, _ error: PluginLoadError) {
        state.withLock { state in
            state.refused[sha256] = error
            state.failed += 1
        }
    }

    /// Lets libraries that were refused try once more, mapped anew: somebody asks for it.
    package func forgetRefusals() { state.withLock { $0.refused = [:] } }

    // MARK: Taking

    /// New requests are served with these from now on. Returns lines for the log, one for each change.
    package func take(_ plugins: [LoadedPlugin]) -> [String] {
        // What is quarantined is not mapped.
        let plugins = plugins.filter { $0.quarantine == nil }
        let libraries = plugins.map(\.library)
        let before = state.withLock { state in
            defer { state.active = libraries }
            return state.active
        }
        for plugin in plugins { plugin.library.activate(file: plugin.file) }
        guard let before else { return [] }
        for old in before where !libraries.contains(where: { $0 === old }) { old.retire() }
        return Self.changes(from: before, to: libraries)
    }

    private static func changes(from before: [PluginLibrary], to now: [PluginLibrary]) -> [String] {
        var lines: [String] = []
        for library in now where !before.contains(where: { $0 === library }) {
            guard let old = before.first(where: { $0.id == library.id }) else {
                lines.append("plugin \(library.id) \(library.release) added from \(library.file)")
                continue
            }
            lines.append(
                "plugin \(library.id): \(old.release) replaced by \(library.release) from \(library.file); "
                    + "requests under way on the old one finish there (\(old.exchangesText))")
        }
        for old in before where !now.contains(where: { $0.id == old.id }) {
            lines.append(
                "plugin \(old.id) \(old.release) removed, \(old.file) is gone or switched off; "
                    + "requests under way finish on it (\(old.exchangesText))")
        }
        return lines
    }

    /// Lets retired libraries rest whose last instance is gone. Returns lines for the log. Call it now and then.
    package func tidy() -> [String] {
        let (libraries, ended) = state.withLock { state in
            let isOver = { (plugin: LoadedPlugin) in plugin.library.state != .active && plugin.library.instances == 0 }
            let ended = state.isolated.filter(isOver)
            state.isolated.removeAll(where: isOver)
            return (state.libraries, ended)
        }
        let lines = ended.filter { $0.library.state == .retired }.map { plugin in
            "plugin \(plugin.library.id) \(plugin.library.release): its last exchange has ended, and so do its processes"
        }
        return lines
            + libraries.filter { $0.quiesceIfDone() }.map { library in
                "plugin \(library.id) \(library.release): its last exchange has ended, its instances are destroyed; "
                    + "the library stays mapped until the host ends"
            }
    }

    /// The advice to restart, once for each library that was mapped beyond ``manyMapped``.
    package func warning() -> String? {
        let (mapped, isNew) = state.withLock { state in
            let mapped = state.libraries.count + state.failed
            defer { state.lastMany = mapped }
            return (mapped, mapped > state.lastMany)
        }
        guard isNew, mapped >= Self.manyMapped else { return nil }
        return "\(mapped) plugin libraries are mapped, most of them retired, and none is ever unloaded: restart the "
            + "host when it suits you (at \(Self.maxMapped) no further one is loaded)"
    }

    /// All libraries that were ever mapped, oldest first, and those that run in processes of their own.
    package var libraries: [PluginLibrary] { state.withLock { $0.libraries + $0.isolated.map(\.library) } }

    /// How many are mapped into this process, for good.
    package var mappedCount: Int { state.withLock { $0.libraries.count } }

    /// Those that new requests are served with, in load order.
    package var active: [PluginLibrary] { state.withLock { $0.active ?? [] } }
}
