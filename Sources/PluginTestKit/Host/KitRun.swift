import CPluginTestKit
package import PluginABI
import Synchronization

/// A rule that a plugin broke while it ran.
package struct Breach: Sendable, Equatable {
    /// What kind of rule; each check asks about its own.
    package enum Topic: String, Sendable {
        /// S11.
        case order
        /// Texts, JSON, numbers of events.
        case value
        /// S06, S07, and what stands in a plan.
        case plan
        /// The changed request.
        case edit
        /// S12 and the handles.
        case handle
        /// S16.
        case stop
        /// A negative result without a reason.
        case reason
        /// Results and behaviour against the header.
        case state
    }

    package var topic: Topic
    package var message: String
}

/// How the host behaves towards a plugin; all well by default.
package struct HostBehaviour: Sendable {
    /// From the n-th emit or text of the exchange on (1 is the first) the host answers `emitAnswer`.
    package var emitAnswersFrom: Int?
    package var emitAnswer = kimi_status(KIMI_STOP.rawValue)
    /// The n-th plan_field or plan_step fails with KIMI_E_LIMIT.
    package var planFailsAt: Int?
    /// Every put of the changed request fails with KIMI_E_LIMIT.
    package var putFails = false
    package var randomFails = false
    package var scratchFails = false
    package var extensions = Extensions.all
    package var memoryFails = false

    package enum Extensions: Sendable {
        case all
        /// Every id is unknown.
        case none
        /// Tables with `struct_size` and `flags` and nothing else.
        case short
    }

    package init() {}
}

/// What belongs to one exchange, or to an instance between exchanges: behaviour, counters, and what was noticed.
///
/// Everything that a plugin can ask the host for comes from here, so that exchanges do not influence each other and a
/// run can be repeated. `@unchecked`: an exchange is used by one thread at a time, the state is behind a lock anyway.
package final class KitRun: @unchecked Sendable {
    struct State {
        var breaches: [Breach] = []
        var emits = 0
        var planCalls = 0
        var clock: UInt64 = 0
        var random: SplitMix
        var memory: [[UInt8]: [UInt8]] = [:]
        var notes = 0
        var asked = 0
    }

    let behaviour: HostBehaviour
    private let state: Mutex<State>
    /// More breaches of one run say nothing new.
    private static let maxBreaches = 32

    init(behaviour: HostBehaviour = HostBehaviour(), seed: UInt64 = 1) {
        self.behaviour = behaviour
        state = Mutex(State(random: SplitMix(seed)))
    }

    /// The run whose call is on this thread's stack.
    static var current: KitRun? {
        ptk_current().map { Unmanaged<KitRun>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Breaches that cannot be pinned to a run.
    static let stray = KitRun()

    func with<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    func breach(_ topic: Breach.Topic, _ message: String) {
        with { state in
            guard state.breaches.count < Self.maxBreaches else { return }
            state.breaches.append(Breach(topic: topic, message: message))
        }
    }

    var breaches: [Breach] { with(\.breaches) }

    /// Calls into the plugin: names function and run for crashes and for the host's functions.
    func call<Value>(_ function: StaticString, _ body: () -> Value) -> Value {
        let before = ptk_current()
        ptk_set_current(Unmanaged.passUnretained(self).toOpaque())
        ptk_enter(UnsafeRawPointer(function.utf8Start).assumingMemoryBound(to: CChar.self))
        defer {
            ptk_enter(nil)
            ptk_set_current(before)
        }
        return body()
    }
}

/// SplitMix64: small, good enough for cuts, and the same everywhere.
package struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
