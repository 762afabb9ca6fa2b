internal import CPlatform
import CanonicalModel
import NIOCore
import PluginABI
import Synchronization

/// A plugin whose code runs in child processes, one for each event loop that uses it. Any thread.
///
/// Its children end when it does: when the last instance is gone, and nobody can begin an attempt any more.
package final class IsolatedPlugin: Sendable {
    let command: ChildCommand
    /// Of the file as it was loaded: a child that says something else is not taken.
    let manifest: [UInt8]
    let file: String
    /// Counts its instances and exchanges; nothing of it is mapped here.
    let library: PluginLibrary
    let services = ChildServices()
    /// What its calls are counted under.
    let mark: PluginMark
    private let copies: PluginCopies?
    private let state: Mutex<State>

    private struct LoopLink: Sendable {
        let eventLoop: any EventLoop
        let link: NIOLoopBound<IsolatedLink>
    }

    private struct State: ~Copyable {
        /// A child that was loaded and waits for a loop to need it.
        var spare: SendableChild?
        var links: [LoopLink] = []
        var lastInstance: UInt32 = 0
        /// Uptime of deaths within the window, milliseconds.
        var deaths: [Int64] = []
        var lastDeath = ""
    }

    /// A child between two owners.
    struct SendableChild: @unchecked Sendable {
        let child: WaitingChild
    }

    /// `copies`: where the file that runs lies, if it is a copy; it goes when this goes.
    init(
        command: ChildCommand, copies: PluginCopies?, manifest: [UInt8], _ plugin: LoadedPlugin, spare: WaitingChild
    ) {
        self.command = command
        self.copies = copies
        self.manifest = manifest
        (file, library, mark) = (plugin.file, plugin.library, plugin.mark)
        state = Mutex(State(spare: SendableChild(child: spare)))
    }

    deinit {
        let links = state.withLock { $0.links }
        for entry in links { entry.eventLoop.execute { entry.link.value.retire() } }
        if command.path != command.origin { copies?.discard(command.path) }
    }

    // MARK: Instances

    /// Makes an instance in a waiting child, to learn whether the plugin takes this configuration.
    func create(
        _ kind: IsolationWire.Kind, name: String, context: PluginContextRecord, config: [UInt8]
    ) throws(ExchangeError) -> RemoteInstance {
        let id = state.withLock { state in
            state.lastInstance += 1
            return state.lastInstance
        }
        let instance = RemoteInstance(
            id: id, kind: kind, name: name, plugin: self, context: context, config: config)
        let errors = ErrorRecord()
        var status: kimi_status = kimi_status(KIMI_E_INTERNAL)
        do {
            let child = try spareChild()
            try child.create(instance) { message in
                let reply = CallReply(message)
                reply.apply(errors: errors)
                status = reply.status
                if let time = reply.nanoseconds { mark.count(PG_CREATE, nanoseconds: UInt64(time)) }
            }
            keep(child)
        } catch {
            throw ExchangeError(KIMI_CAT_CONFIG, "plugin '\(name)' (isolation: process): \(error.message)")
        }
        if status.isFailure { throw errors.take(status, mark, plugin: name, PG_CREATE) }
        return instance
    }

    /// The child that waits, or a new one that has said hello.
    func spareChild() throws(StepFailure) -> WaitingChild {
        if let spare = takeSpare() { return spare }
        let child = try WaitingChild(command)
        _ = try child.hello()
        return child
    }

    private func keep(_ child: WaitingChild) {
        let child = SendableChild(child: child)
        state.withLock { state in if state.spare == nil { state.spare = child } }
    }

    /// The child that waits, if there is one.
    func takeSpare() -> WaitingChild? {
        state.withLock { state in
            defer { state.spare = nil }
            return state.spare
        }?.child
    }

    /// Children need this instance no longer.
    func forget(_ instance: UInt32) {
        let links = state.withLock { $0.links }
        for entry in links { entry.eventLoop.execute { entry.link.value.destroy(instance) } }
    }

    // MARK: Event loops

    /// The way to this loop's child. On the loop.
    func link(on eventLoop: any EventLoop) -> IsolatedLink {
        let known = state.withLock { state in state.links.first { $0.eventLoop === eventLoop } }
        if let known { return known.link.value }
        let link = IsolatedLink(plugin: self, eventLoop: eventLoop)
        let entry = LoopLink(eventLoop: eventLoop, link: NIOLoopBound(link, eventLoop: eventLoop))
        state.withLock { $0.links.append(entry) }
        return link
    }

    // MARK: Deaths

    /// Notes that a child died. Milliseconds until the next one may be started.
    func died(_ words: String, now: Int64) -> Int64 {
        state.withLock { state in
            state.deaths.removeAll { $0 < now - IsolationLimits.deathWindowMs }
            state.deaths.append(now)
            state.lastDeath = words
            let count = state.deaths.count
            guard count < IsolationLimits.maxDeaths else { return IsolationLimits.quarantineMs }
            return IsolationLimits.restartMs[count]
        }
    }

    /// Did its children die so often that none is started now?
    package var isQuarantined: Bool {
        let now = IsolatedLink.milliseconds(.now())
        return state.withLock { state in
            guard state.deaths.count >= IsolationLimits.maxDeaths, let last = state.deaths.last else { return false }
            return last + IsolationLimits.quarantineMs > now
        }
    }

    /// Why no attempt may be begun now; nil if it may.
    func quarantine(_ name: String, now: Int64) -> ExchangeError? {
        state.withLock { state in
            guard state.deaths.count >= IsolationLimits.maxDeaths, let last = state.deaths.last else { return nil }
            let left = last + IsolationLimits.quarantineMs - now
            guard left > 0 else {
                state.deaths = Array(state.deaths.suffix(IsolationLimits.maxDeaths - 1))
                return nil
            }
            return ExchangeError(
                KIMI_CAT_INTERNAL,
                "plugin '\(name)' is in quarantine: its process died \(state.deaths.count) times within "
                    + "\(IsolationLimits.deathWindowMs / 1000) s, last it \(state.lastDeath); it is tried again in "
                    + "\((left + 999) / 1000) s",
                httpStatus: 503, code: "plugin_quarantined", retryAfterMs: Int(left))
        }
    }
}
