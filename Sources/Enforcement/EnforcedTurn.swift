package import CanonicalModel
import Dialects
import PluginABI
import WireJSON

/// The events of one reply, of all its attempts: what goes to the client, what is kept back, and whether another attempt
/// must follow. A value; knows no clock and no connection.
///
/// Thoughts, text and the client's calls pass at once. FINISH waits for the verdict. Calls that end the task are taken
/// out; their answer passes as text while its JSON arrives.
package struct EnforcedTurn {
    /// How a reply ended.
    package enum Result: String, Sendable, CaseIterable {
        /// With calls of the client's tools.
        case call
        /// With the termination tool.
        case answer
        /// Cut off, refused or broken: no matter of tool calls.
        case cut
        /// All attempts were made, and the last one is delivered as it is.
        case spent
        /// The client has called again after a final answer: no attempt was made.
        case stopped
    }

    package enum Demand: Sendable { case toolCall, finalAnswer }

    package enum Verdict: Sendable, Equatable {
        case accept(Result)
        case again(Demand)
    }

    /// What one attempt said.
    struct Attempt {
        var turn = AssistantTurn()
        var readers: [UInt32: AnswerReader] = [:]
        var realCalls = 0
        var isVisible = false
        var hasAnswer = false
        var isRefused = false
        var isTouched = false
        var isSigned = false
        var finish: Held?
    }

    /// FINISH, with bytes of its own.
    struct Held {
        let event: CanonicalEvent
        let reason: [UInt8]
        let word: [UInt8]
    }

    let names: TerminationNames
    private let attempts: Int
    /// Do thoughts of several attempts make one text, as chat clients get them?
    private let joinsThoughts: Bool
    /// Has the user read something since the last thing that the user said?
    private var hasBeenRead: Bool
    var attempt = Attempt()
    private var hasStarted = false
    var texts = Breaks()
    private var thoughts = Breaks()
    private var usage = UsageSum()
    /// Of everything that the client gets as text.
    package private(set) var print = TextPrint()
    /// From 1.
    package private(set) var number = 1

    package init(
        names: TerminationNames, attempts: Int = EnforcementPolicy.defaultAttempts, hasBeenRead: Bool = false,
        joinsThoughts: Bool = true
    ) {
        self.names = names
        self.attempts = attempts
        self.hasBeenRead = hasBeenRead
        self.joinsThoughts = joinsThoughts
    }

    /// Has nothing that this attempt said gone on? Then it can be made again.
    package var isUntouched: Bool { !attempt.isTouched }
    /// What this attempt used; -1 is unknown.
    package var tokens: (input: Int64, output: Int64) { usage.ofAttempt }

    // MARK: Events

    /// Takes a next event. True: it goes on as it is, behind what was handed to `emit` meanwhile.
    package mutating func take(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) -> Bool {
        guard event.choice == 0 else { return true }
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START:
            defer { hasStarted = true }
            return !hasStarted
        case KIMI_EVENT_TEXT: text(event, emit)
        case KIMI_EVENT_REASONING: thought(event, emit)
        case KIMI_EVENT_TOOL_BEGIN: return begin(event, emit)
        case KIMI_EVENT_TOOL_ARGS: return arguments(event, emit)
        case KIMI_EVENT_TOOL_END: return pass(call: event, emit)
        case KIMI_EVENT_PART: part(event)
        case KIMI_EVENT_JSON: return member(event, emit)
        case KIMI_EVENT_USAGE: return usage.take(event, emit)
        case KIMI_EVENT_FINISH:
            attempt.finish = Held(event: event, reason: Array(event.a.buffer), word: Array(event.b.buffer))
            return false
        default: break
        }
        return true
    }

    private mutating func text(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) {
        attempt.turn.add(text: event.a.buffer)
        say(event.a.buffer, emit)
    }

    /// Text goes to the client.
    mutating func say(_ text: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard !text.isEmpty else { return }
        attempt.isTouched = true
        texts.before(text, KIMI_EVENT_TEXT, emit)
        if !joinsThoughts { thoughts = Breaks() }  // Text stands between: what follows is a block of its own.
        print.add(text)
        if !attempt.isVisible { attempt.isVisible = text.contains { $0 > 0x20 } }
    }

    private mutating func thought(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) {
        attempt.isTouched = true
        attempt.turn.add(thought: event)
        thoughts.before(event.a.buffer, KIMI_EVENT_REASONING, emit)
        // What is signed is a block of its own, and must not be changed.
        if event.b.len > 0, !joinsThoughts { thoughts = Breaks() }
    }

    private mutating func part(_ event: CanonicalEvent) {
        attempt.isTouched = true
        attempt.turn.add(part: event.a.buffer)
    }

    // MARK: The end of an attempt

    /// What becomes of the attempt, now that it is complete.
    package var verdict: Verdict {
        if attempt.realCalls > 0 { return .accept(.call) }
        guard let finish = attempt.finish, !attempt.isRefused, !Self.isCut(finish.reason) else { return .accept(.cut) }
        let isEnding = !attempt.readers.isEmpty
        if isEnding, attempt.hasAnswer || attempt.isVisible || hasBeenRead { return .accept(.answer) }
        guard number < attempts, !attempt.turn.isTooLong else { return .accept(.spent) }
        return .again(isEnding ? .finalAnswer : .toolCall)
    }

    private static func isCut(_ reason: [UInt8]) -> Bool {
        let word = reason.withUnsafeBytes { FinishReason.word($0) }?.description
        return word == "length" || word == "content_filter"
    }

    /// Another attempt follows. Returns what it is asked besides: messages, each with a comma before it.
    package mutating func again(_ demand: Demand) -> [UInt8] {
        let out = ByteWriter(capacity: attempt.turn.size + 512)
        attempt.turn.write(demand == .toolCall ? Wording.reminder : Wording.demand, number: number, to: out)
        hasBeenRead = hasBeenRead || attempt.isVisible
        usage.next()
        number += 1
        begin()
        return out.bytes
    }

    /// The attempt, of which nothing has gone on, is made again.
    package mutating func restart() {
        usage.restart()
        begin()
    }

    private mutating func begin() {
        attempt = Attempt()
        texts.begin()
        thoughts.begin()
    }

    /// The reply is accepted: hands on the FINISH that waits.
    package mutating func finish(_ emit: (CanonicalEvent) -> Void) {
        guard let held = attempt.finish else { return }
        attempt.finish = nil
        let wantsCalls = attempt.realCalls == 0 && !attempt.readers.isEmpty && !Self.isCut(held.reason)
        // The calls it was finished for are not the client's.
        let reason = wantsCalls ? Array("stop".utf8) : held.reason
        let word = wantsCalls ? reason : held.word
        reason.withUnsafeBytes { reason in
            word.withUnsafeBytes { word in
                var event = held.event
                event.a = kimi_bytes(reason)
                event.b = kimi_bytes(word)
                event.c = kimi_bytes()
                emit(event)
            }
        }
    }
}
