import CanonicalModel
import PluginABI
import WireJSON

/// Stands before each encoder: whatever events come, in whatever order, those that go on keep rule S11 of
/// kimi_plugin.h. What it puts right or leaves out is told in `repairs`; what cannot be put right without losing a
/// call fails the reply.
///
/// Events that keep the rule pass at once, except FINISH, which goes on with `end`.
struct EventGate {
    /// Different choices that are taken; events of further ones are left out.
    static let maxChoices = 128
    /// A longer name of a JSON event's member is left out.
    static let maxNameBytes = 256

    /// What the reply used so far.
    private(set) var usage = TokenCounts()

    private let repairs: Repairs
    /// The client's API has one choice: the first that comes is it.
    private let isSingle: Bool
    private var hasStarted = false
    private var hasFailed = false
    private var choices: [GateChoice] = []
    /// Events of the whole response that came before START.
    private var early = HeldEvents()

    init(_ repairs: Repairs, isSingle: Bool) {
        self.repairs = repairs
        self.isSingle = isSingle
    }

    /// Has every choice that was begun got its FINISH, and was there one?
    var isComplete: Bool { !choices.isEmpty && choices.allSatisfy(\.isFinished) }

    /// Types of later minors are skipped by rule.
    static func isKnown(_ type: UInt32) -> Bool {
        type >= KIMI_EVENT_START.rawValue && type <= KIMI_EVENT_JSON.rawValue
    }

    /// Takes a next event and hands on what may go on. An error: the reply must end with it.
    mutating func take(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        guard !hasFailed, Self.isKnown(event.type) else { return nil }
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_TEXT, KIMI_EVENT_REASONING, KIMI_EVENT_TOOL_ARGS: return inChoice(event, pass)
        case KIMI_EVENT_START: start(event, pass)
        case KIMI_EVENT_ERROR:
            hasFailed = true
            pass(event)
        case KIMI_EVENT_USAGE:
            usage.take(event)
            ofResponse(event, pass)
        case KIMI_EVENT_JSON: return json(event, pass)
        case KIMI_EVENT_PART: return part(event, pass)
        default: return inChoice(event, pass)
        }
        return nil
    }

    /// The reply is complete: hands on what waited. An error: nothing was handed on.
    mutating func end(_ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        for choice in choices { if let problem = choice.problem { return problem } }
        for place in choices.indices { choices[place].end(pass) }
        return nil
    }

    // MARK: The response

    private mutating func start(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) {
        guard !hasStarted else { return repairs.add(.order, "a second START; it was left out") }
        hasStarted = true
        var event = event
        // Times before 1970 and after 9999 break clients' calendars.
        if !(0...253_402_300_799).contains(event.i0) {
            repairs.add(.content, "the reply's time was no time")
            event.i0 = 0
        }
        pass(event)
        for held in early.take() { held.withEvent(pass) }
    }

    private mutating func ofResponse(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) {
        if hasStarted { return pass(event) }
        repairs.add(.order, "an event came before START; it waited for it")
        if !early.add(event) { repairs.add(.dropped, "more came before START than is kept") }
    }

    // MARK: Choices

    private mutating func inChoice(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        if !hasStarted {
            repairs.add(.order, "an event came before START; one without id and model was put before it")
            var event = kimi_event()
            event.type = KIMI_EVENT_START.rawValue
            start(event, pass)
        }
        guard let place = place(event.choice) else {
            repairs.add(.dropped, isSingle ? "a further choice" : "a choice beyond the \(Self.maxChoices)th")
            return nil
        }
        return choices[place].take(event, pass)
    }

    private mutating func place(_ number: UInt32) -> Int? {
        if let place = choices.firstIndex(where: { $0.number == number }) { return place }
        if isSingle {
            guard choices.isEmpty else { return nil }
            choices.append(GateChoice(number: number, shown: 0, repairs))
            return 0
        }
        guard choices.count < Self.maxChoices, let shown = shown(number) else { return nil }
        choices.append(GateChoice(number: number, shown: shown, repairs))
        taken.insert(shown)
        return choices.count - 1
    }

    /// Numbers that clients have seen.
    private var taken: Set<UInt32> = []

    /// A number that no client asked for becomes the lowest that is free.
    private func shown(_ number: UInt32) -> UInt32? {
        if number < Self.maxChoices, !taken.contains(number) { return number }
        repairs.add(
            .order, "a choice had a number beyond \(Self.maxChoices - 1), or one that was taken; it was renumbered")
        return (0..<UInt32(Self.maxChoices)).first { !taken.contains($0) }
    }

    // MARK: JSON

    private mutating func json(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        let name = event.b.buffer
        guard !name.isEmpty, name.count <= Self.maxNameBytes, String(validating: name, as: UTF8.self) != nil else {
            repairs.add(.dropped, "a member without a usable name")
            return nil
        }
        guard Self.isJSON(event.a) else {
            repairs.add(.dropped, "member '\(LogText.oneLine(event.b.text))', whose value is no JSON")
            return nil
        }
        switch event.i0 {
        case Int64(KIMI_SCOPE_RESPONSE.rawValue):
            ofResponse(event, pass)
            return nil
        case Int64(KIMI_SCOPE_CHOICE.rawValue), Int64(KIMI_SCOPE_MESSAGE.rawValue): return inChoice(event, pass)
        default:
            repairs.add(.dropped, "member '\(LogText.oneLine(event.b.text))', whose scope this version does not know")
            return nil
        }
    }

    private mutating func part(_ event: CanonicalEvent, _ pass: (CanonicalEvent) -> Void) -> ExchangeError? {
        if event.a.len > 0 {
            if Self.isJSON(event.a) { return inChoice(event, pass) }
            repairs.add(.dropped, "a content part whose JSON is none")
            return nil
        }
        guard event.c.len > 0 else {
            repairs.add(.dropped, "a content part without content")
            return nil
        }
        let text = InlinePart.json(event)
        return text.bytes.withBytes { bytes in
            var event = event
            event.a = kimi_bytes(bytes)
            return inChoice(event, pass)
        }
    }

    /// No bytes stand for null.
    private static func isJSON(_ text: kimi_bytes) -> Bool {
        guard text.len > 0 else { return true }
        guard String(validating: text.buffer, as: UTF8.self) != nil else { return false }
        return (try? JSONSpans.value(of: text.buffer)) != nil
    }
}
