import CanonicalModel
import PluginABI
import WireJSON

extension CanonicalEvent {
    /// Is it a JSON event with calls of kinds that no other event tells of?
    fileprivate var hasForeignCalls: Bool {
        guard i0 == Int64(KIMI_SCOPE_MESSAGE.rawValue), b.buffer.matches("tool_calls") else { return false }
        return (try? JSONSpans.elements(of: a.buffer))?.contains { $0.kind == .object } ?? false
    }
}

/// One choice's events in legal order, whatever order they come in.
struct GateChoice {
    /// As the plugin numbers it, and as the client sees it.
    let number: UInt32
    private let shown: UInt32
    private let repairs: Repairs
    private var calls: CallQueue
    private var text = TextTail()
    private var reasoning = TextTail()
    /// The FINISH event waits for the reply's end, because content may follow it after all.
    private var finish: HeldEvent?
    private var hasContentBehind = false
    /// Calls of kinds that no event tells of came as JSON.
    private var hasForeignCalls = false

    init(number: UInt32, shown: UInt32, _ repairs: Repairs) {
        self.number = number
        self.shown = shown
        self.repairs = repairs
        calls = CallQueue(repairs)
    }

    var isFinished: Bool { finish != nil }

    mutating func take(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        let type = kimi_event_type(event.type)
        if type == KIMI_EVENT_FINISH {
            hold(event)
            return nil
        }
        if finish != nil { comeLate() }
        let shown = shown
        func forward(_ event: CanonicalEvent) {
            var event = event
            event.choice = shown
            pass(event)
        }
        switch type {
        case KIMI_EVENT_TEXT: text.join(event, repairs, forward)
        case KIMI_EVENT_REASONING: reasoning.join(event, repairs, forward)
        case KIMI_EVENT_TOOL_BEGIN: return calls.begin(event, forward)
        case KIMI_EVENT_TOOL_ARGS: return calls.arguments(event, forward)
        case KIMI_EVENT_TOOL_END: calls.end(event, forward)
        default:
            if event.hasForeignCalls { hasForeignCalls = true }
            forward(event)
        }
        return nil
    }

    private mutating func hold(_ event: CanonicalEvent) {
        if finish != nil {
            repairs.add(.order, "a choice was finished twice")
            // Said again without anything new, the first counts; if content came between, it was premature.
            guard hasContentBehind else { return }
        }
        hasContentBehind = false
        finish = HeldEvent(event)
    }

    private mutating func comeLate() {
        hasContentBehind = true
        repairs.add(.order, "an event came after the FINISH of its choice; it was put before it")
    }

    /// Why the choice cannot end, or nil.
    var problem: ExchangeError? { calls.problem }

    /// The reply is over: hands on what is left, FINISH last.
    mutating func end(_ pass: (CanonicalEvent) -> Void) {
        let shown = shown
        func forward(_ event: CanonicalEvent) {
            var event = event
            event.choice = shown
            pass(event)
        }
        var event = kimi_event()
        event.type = KIMI_EVENT_REASONING.rawValue
        reasoning.flush(event, forward)
        calls.finish(forward)
        event.type = KIMI_EVENT_TEXT.rawValue
        text.flush(event, forward)
        let hasCalls = !calls.isEmpty || hasForeignCalls
        finish?.withEvent { finish in
            FinishReason.canonical(finish, hasCalls: hasCalls, repairs, forward)
        }
    }
}
