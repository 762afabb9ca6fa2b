import CanonicalModel
import PluginABI
import WireJSON

/// Calls, and members of the message.
extension EnforcedTurn {
    mutating func begin(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) -> Bool {
        attempt.isTouched = true
        guard names.end(event.b.text) else {
            attempt.readers[event.index] = nil
            attempt.realCalls += 1
            return pass(call: event, emit)
        }
        // Without room it passes, which fails the reply: nothing else bounds such calls.
        guard attempt.turn.makesRoom(event.a.len + event.b.len + MemoryLayout<AssistantTurn.Ending>.size) else {
            return true
        }
        attempt.turn.endings.append(
            AssistantTurn.Ending(index: event.index, id: Array(event.a.buffer), name: Array(event.b.buffer)))
        attempt.readers[event.index] = AnswerReader()
        texts.begin()
        return false
    }

    mutating func arguments(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) -> Bool {
        guard var reader = attempt.readers[event.index] else { return pass(call: event, emit) }
        if attempt.turn.makesRoom(event.a.len),
            let place = attempt.turn.endings.lastIndex(where: { $0.index == event.index })
        {
            attempt.turn.endings[place].arguments.append(contentsOf: event.a.buffer)
        }
        var answer: [UInt8] = []
        reader.read(event.a.buffer, into: &answer)
        attempt.hasAnswer = attempt.hasAnswer || reader.hasAnswer
        attempt.readers[event.index] = reader
        answer.withUnsafeBytes { answer in
            guard !answer.isEmpty else { return }
            say(answer, emit)
            var text = kimi_event()
            text.type = KIMI_EVENT_TEXT.rawValue
            text.a = kimi_bytes(answer)
            emit(text)
        }
        return false
    }

    /// An event of the client's calls, which are numbered without those that were taken out.
    func pass(call event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) -> Bool {
        guard attempt.readers[event.index] == nil else { return false }
        let before = attempt.readers.keys.count { $0 < event.index }
        guard before > 0 else { return true }
        var event = event
        event.index -= UInt32(before)
        emit(event)
        return false
    }

    // MARK: Members

    mutating func member(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) -> Bool {
        guard event.i0 == Int64(KIMI_SCOPE_MESSAGE.rawValue) else { return true }
        attempt.isTouched = true
        let (name, json) = (event.b.buffer, event.a.buffer)
        if name.matches("tool_call_extras") { return extras(event, emit) }
        if name.matches("tool_calls"),
            (try? JSONSpans.elements(of: json))?.contains(where: { $0.kind == .object }) == true
        {
            attempt.realCalls += 1
        }
        if name.matches("refusal"), json.count > 2, !json.matches("null") { attempt.isRefused = true }
        attempt.turn.add(member: name, json)
        return true
    }

    /// What belongs to calls that were taken out stays here; the others' numbers change.
    private mutating func extras(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) -> Bool {
        guard !attempt.readers.isEmpty else { return true }
        var others: [CallExtras.Element] = []
        for element in CallExtras.read(event.a.buffer) {
            if attempt.readers[element.index] == nil {
                let before = attempt.readers.keys.count { $0 < element.index }
                others.append(CallExtras.Element(index: element.index - UInt32(before), members: element.members))
            } else if attempt.turn.makesRoom(element.members.count),
                let place = attempt.turn.endings.lastIndex(where: { $0.index == element.index })
            {
                attempt.turn.endings[place].extras += element.members
            }
        }
        guard !others.isEmpty else { return false }
        CallExtras.write(others).withUnsafeBytes { json in
            var event = event
            event.a = kimi_bytes(json)
            emit(event)
        }
        return false
    }
}
