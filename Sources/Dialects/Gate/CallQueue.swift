import CanonicalModel
import PluginABI

/// The tool calls of one choice in legal order: one open at a time, numbered from 0, with an id of its own each.
///
/// Calls that a plugin interleaves wait, whole, for the end of the one that is open.
struct CallQueue {
    /// Bytes of a choice's calls that wait; more fail the reply.
    static let maxWaitingBytes = 4 << 20

    private struct Open {
        let number: UInt32
        let shown: UInt32
        let id: [UInt8]
        var tail = TextTail()
    }

    /// A call whose beginning, arguments and end have come while another was open.
    private struct Waiting {
        let begin: HeldEvent
        var arguments: [UInt8]
        var isEnded = false
    }

    private enum State { case open, waiting(Int), ended }

    private let repairs: Repairs
    private var open: Open?
    private var next: UInt32 = 0
    /// Of the newest call of each of the plugin's numbers.
    private var states: [UInt32: State] = [:]
    private var waiting: [Waiting] = []
    private var firstWaiting = 0
    /// Arguments that came before their call.
    private var early: [UInt32: [UInt8]] = [:]
    private var waitingBytes = 0
    private var ids: Set<[UInt8]> = []

    init(_ repairs: Repairs) {
        self.repairs = repairs
    }

    /// Has no call gone on yet?
    var isEmpty: Bool { next == 0 }

    // MARK: Events

    mutating func begin(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        if event.b.len == 0 { return Self.nameless }
        if let open, open.number == event.index {
            if event.a.len > 0, open.id.elementsEqual(event.a.buffer) {
                repairs.add(.order, "a tool call began twice; the second beginning was left out")
                return nil
            }
            repairs.add(.order, "a tool call began with the number of one that was open; that one was ended")
            endOpen(pass)
        }
        if case .waiting(let place) = states[event.index] { waiting[place].isEnded = true }
        let arguments = early.removeValue(forKey: event.index) ?? []
        guard open != nil else {
            start(event, pass)
            if !arguments.isEmpty { add(arguments, pass) }
            return nil
        }
        repairs.add(.order, "tool calls were interleaved; they were put one behind the other")
        states[event.index] = .waiting(waiting.count)
        waiting.append(Waiting(begin: HeldEvent(event), arguments: arguments))
        return wait(event.a.len + event.b.len)
    }

    mutating func arguments(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        if let open, open.number == event.index {
            var shown = event
            shown.index = open.shown
            self.open?.tail.join(shown, repairs, pass)
            return nil
        }
        switch states[event.index] {
        case .waiting(let place):
            waiting[place].arguments.append(contentsOf: event.a.buffer)
            return wait(event.a.len)
        case .ended, .open: return late(event)
        case nil:
            repairs.add(.order, "arguments came before their tool call; they waited for it")
            early[event.index, default: []].append(contentsOf: event.a.buffer)
            return wait(event.a.len)
        }
    }

    mutating func end(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) {
        if open?.number == event.index {
            endOpen(pass)
        } else if case .waiting(let place) = states[event.index] {
            waiting[place].isEnded = true
        } else {
            repairs.add(.order, "a tool call ended that was not open; that was left out")
        }
    }

    /// No event follows, and there is no `problem`: ends what is open.
    mutating func finish(_ pass: (CanonicalEvent) -> Void) {
        guard open != nil || firstWaiting < waiting.count else { return }
        repairs.add(.order, "a tool call was open at the end of its choice; it was ended")
        while open != nil { endOpen(pass) }
    }

    /// Why the choice cannot end, or nil.
    var problem: ExchangeError? {
        early.values.contains { $0.contains { !$0.isJSONSpace } } ? Self.nameless : nil
    }

    // MARK: Order

    private mutating func start(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) {
        if event.index != next { repairs.add(.order, "tool calls were not numbered from 0 on; they were renumbered") }
        var event = event
        set(.open, of: event.index)
        let id = ownID(event.a)
        open = Open(number: event.index, shown: next, id: Array(event.a.buffer))
        event.index = next
        next &+= 1
        id.withUnsafeBytes { id in
            event.a = kimi_bytes(id)
            pass(event)
        }
    }

    /// A second call of the same id could not be told from the first when its result comes.
    private mutating func ownID(_ id: kimi_bytes) -> [UInt8] {
        let said = Array(id.buffer)
        guard !said.isEmpty, !ids.insert(said).inserted else { return said }
        repairs.add(.content, "two tool calls had one id; the second got another")
        var number = Int(next)
        while true {
            let made = said + Array("_\(number)".utf8)
            if ids.insert(made).inserted { return made }
            number += 1
        }
    }

    /// Ends the open call, and hands on those that waited for it, up to one that has not ended.
    private mutating func endOpen(_ pass: (CanonicalEvent) -> Void) {
        closeOpen(pass)
        while open == nil, firstWaiting < waiting.count {
            let call = waiting[firstWaiting]
            firstWaiting += 1
            call.begin.withEvent { start($0, pass) }
            if !call.arguments.isEmpty { add(call.arguments, pass) }
            if call.isEnded { closeOpen(pass) }
        }
        if firstWaiting == waiting.count { (waiting, firstWaiting, waitingBytes) = ([], 0, 0) }
    }

    private mutating func closeOpen(_ pass: (CanonicalEvent) -> Void) {
        guard var ended = open else { return }
        open = nil
        set(.ended, of: ended.number)
        var event = kimi_event()
        event.type = KIMI_EVENT_TOOL_ARGS.rawValue
        event.index = ended.shown
        ended.tail.flush(event, pass)
        event.type = KIMI_EVENT_TOOL_END.rawValue
        pass(event)
    }

    /// A later call of the same number that waits keeps its state.
    private mutating func set(_ state: State, of number: UInt32) {
        if case .waiting(let place) = states[number], place >= firstWaiting { return }
        states[number] = state
    }

    private mutating func add(_ arguments: [UInt8], _ pass: (CanonicalEvent) -> Void) {
        guard let shown = open?.shown else { return }
        arguments.withUnsafeBytes { bytes in
            var event = kimi_event()
            event.type = KIMI_EVENT_TOOL_ARGS.rawValue
            event.index = shown
            event.a = kimi_bytes(bytes)
            open?.tail.join(event, repairs, pass)
        }
    }

    // MARK: What cannot be put right

    private mutating func wait(_ count: Int) -> ExchangeError? {
        waitingBytes += count + MemoryLayout<CanonicalEvent>.size
        guard waitingBytes > Self.maxWaitingBytes else { return nil }
        return Self.misbehaved(
            "interleaved tool calls of more than \(Self.maxWaitingBytes) bytes, so they cannot be put in order")
    }

    /// The client has the call already, and may have run it.
    private func late(_ event: CanonicalEvent) -> ExchangeError? {
        guard event.a.buffer.contains(where: { !$0.isJSONSpace }) else {
            repairs.add(.order, "white space came after the end of its tool call; it was left out")
            return nil
        }
        return Self.misbehaved("arguments of tool call \(event.index) after its end")
    }

    private static func misbehaved(_ what: String) -> ExchangeError {
        ExchangeError(KIMI_CAT_INTERNAL, "a plugin sent \(what) (rule S11)", code: "plugin_misbehaved")
    }

    private static let nameless = ExchangeError(
        KIMI_CAT_PROTOCOL, "the upstream sent a tool call without a name, and nothing told which tool it means",
        code: "upstream_invalid_response")
}
