import CanonicalModel
import PluginABI

/// What came out of one exchange.
struct Outcome: Sendable {
    var steps: [DescribedStep] = []
    /// Transforms: the request that goes up.
    var request: [UInt8]?
    var isChanged = false
    var events: [Event] = []
    var failure: CallFailure?
    var breaches: [Breach] = []
    var calls = 0
    /// Did it get to its end, or was it ended on the way?
    var isWhole = false
    /// Did the plugin take part in the reply?
    var hasExchange = true
    var sawFinish = false
    var sawError = false
    /// An emit or a plan_field was refused by the host.
    var wasRefused = false
    /// The longest call, ns, and its function.
    var longest: (nanoseconds: UInt64, function: String) = (0, "")

    /// What must be the same in every run of the same script.
    func isSame(as other: Outcome) -> String? {
        if failure != other.failure {
            let words = [failure, other.failure].map { $0.map { "\($0.function): \($0.message)" } ?? "no failure" }
            return "it ends with \(words[0]) the one time and with \(words[1]) the other"
        }
        if steps != other.steps { return "its plans differ" }
        if request != other.request { return "the requests that go up differ" }
        return EventComparison.difference(between: EventMerge.byChoice(events), and: EventMerge.byChoice(other.events))
    }
}

/// One exchange being driven, call by call, so that several can be interleaved.
class Exchange: @unchecked Sendable {
    // One thread at a time works on it; tests hand it over as a whole.
    let instance: KitInstance
    let script: Script
    let run: KitRun
    let stream: EventStream
    var outcome = Outcome()
    var pointer: OpaquePointer?
    var position = 0
    private(set) var isEnded = false
    let lending: LendingMode
    /// Asked for the time of each call; nil: not measured.
    var clock: (() -> UInt64)?

    init(_ instance: KitInstance, _ script: Script, behaviour: HostBehaviour, lending: LendingMode) {
        self.instance = instance
        self.script = script
        self.lending = lending
        run = KitRun(behaviour: behaviour)
        stream = EventStream(checksOrder: script.checksOrder)
        if behaviour.emitAnswer < 0 { stream.stopWord = "a failure" }
    }

    /// The right kind for the plugin.
    static func make(
        _ instance: KitInstance, _ script: Script, behaviour: HostBehaviour = HostBehaviour(),
        lending: LendingMode = .copies
    ) -> Exchange {
        instance.plugin.kind == .provider
            ? ProviderExchange(instance, script, behaviour: behaviour, lending: lending)
            : TransformExchange(instance, script, behaviour: behaviour, lending: lending)
    }

    /// Makes one call. False when the exchange is over.
    final func step() -> Bool {
        guard !isEnded else { return false }
        if let limit = script.endsAfterCalls, outcome.calls >= limit, pointer != nil {
            end(script.cancelReason)
            return false
        }
        if let why = advance() {
            end(why)
            outcome.isWhole = true
        }
        return !isEnded
    }

    /// Drives it to the end.
    final func finish() -> Outcome {
        while step() {}
        return result
    }

    final var result: Outcome {
        var outcome = outcome
        outcome.events = stream.events
        outcome.breaches = run.breaches
        outcome.sawFinish = stream.hasFinish
        outcome.sawError = stream.hasError
        outcome.wasRefused = outcome.wasRefused || stream.wasRefused
        return outcome
    }

    /// One call; the reason for which the exchange ends now, or nil.
    func advance() -> kimi_why? { KIMI_WHY_FAILED }
    func endPointer(_ pointer: OpaquePointer, _ why: kimi_why) {}

    /// Calls and keeps a failure. Nil after one.
    final func call(
        _ function: StaticString, _ body: (Lending, OpaquePointer?) -> kimi_status
    ) -> kimi_status? {
        let call = PluginCall(run, lending)
        let before = clock?() ?? 0
        let status = call.make(function) { body(call.lending, $0) }
        if let clock { note(clock() &- before, function) }
        outcome.calls += 1
        if let failure = call.failure(status) {
            outcome.failure = failure
            return nil
        }
        return status
    }

    /// As `call`, with a sink.
    final func callWithSink(
        _ function: StaticString, _ body: (Lending, OpaquePointer?, OpaquePointer?) -> kimi_status
    ) -> kimi_status? {
        let sink = SinkNote(run: run, stream: stream)
        let handle = Handles.lend(sink)
        defer {
            Handles.revoke(handle)
            sink.poison()
        }
        return call(function) { body($0, handle, $1) }
    }

    private func note(_ nanoseconds: UInt64, _ function: StaticString) {
        guard nanoseconds > outcome.longest.nanoseconds else { return }
        outcome.longest = (nanoseconds, "\(function)")
    }

    private func end(_ why: kimi_why) {
        isEnded = true
        guard let pointer else { return }
        run.call("end") { endPointer(pointer, why) }
        self.pointer = nil
    }

    /// `kimi_request` in lent memory.
    static func lend(_ input: RequestInput, _ lending: Lending) -> UnsafePointer<kimi_request>? {
        var request = kimi_request()
        request.struct_size = UInt32(MemoryLayout<kimi_request>.size)
        if input.isStream { request.flags |= KIMI_REQUEST_STREAM.rawValue }
        if input.isNative { request.flags |= KIMI_REQUEST_NATIVE.rawValue }
        request.json = lending.take(input.json)
        request.model = lending.take(input.model)
        request.exchange_id = lending.take("kit-exchange")
        request.dialect = lending.take(input.dialect)
        request.conversation = lending.take(input.conversation)
        request.attempt = input.attempt
        return lending.take([request])
    }
}
