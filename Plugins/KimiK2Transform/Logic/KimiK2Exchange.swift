package import PluginABI
package import PluginKit

/// The transform's part in one answer: a normaliser per choice, between the host's events.
package final class KimiK2Exchange: TransformExchange {
    /// Choices beyond this number pass untouched.
    private static let maxChoices = 128

    private let options: NormaliserOptions
    private let tools: DeclaredTools
    private let context: PluginContext?
    /// Remembers the thought of choice 0.
    private let recorder: ThoughtRecorder?
    /// Does it want to hear answers too?
    private var recordsTexts = false
    /// In order of appearance, which is nearly always just choice 0.
    private var choices: [(number: UInt32, normaliser: Normaliser)] = []
    private let arena = ByteArena()
    private var storage: [kimi_event] = []
    /// What was counted and is not reported yet.
    private var notes = NoteCounts()

    package init(
        options: NormaliserOptions, tools: DeclaredTools, context: PluginContext?, recorder: ThoughtRecorder? = nil
    ) {
        self.options = options
        self.tools = tools
        self.context = context
        self.recorder = recorder
    }

    package func feed(_ events: UnsafeBufferPointer<kimi_event>, to sink: Sink) throws(PluginFailure) {
        let (clean, hasThought) = cleanCount(events)
        if hasThought || recordsTexts { record(events, clean) }
        if clean == events.count { return try sink.emit(events) }
        var batch = EventBatch(sink, arena, storage, recorder)
        storage = []
        for index in 0..<clean { batch.pass(events[index]) }
        for index in clean..<events.count { take(events[index], &batch) }
        recordsTexts = recorder?.wantsTexts ?? false
        report(sink)
        storage = try batch.end()
    }

    package func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure) {
        if why == KIMI_WHY_CANCELLED || why == KIMI_WHY_FAILED {
            for at in choices.indices { gatherNotes(at) }
            return report(sink)
        }
        var batch = EventBatch(sink, arena, storage, recorder)
        storage = []
        for at in choices.indices where !choices[at].normaliser.isFinished {
            batch.choice = choices[at].number
            if why == KIMI_WHY_TIMEOUT {
                choices[at].normaliser.releaseHeld(to: &batch)
            } else {
                let isMissed = why == KIMI_WHY_END && options.repairs.contains(.finishReason)
                end(at, isMissed ? kimi_event(KIMI_EVENT_FINISH, choice: batch.choice) : nil, &batch)
            }
        }
        if why == KIMI_WHY_END { recorder?.finish() }
        report(sink)
        storage = try batch.end()
    }

    // MARK: - Events

    /// How many events at the start go on exactly as they are, and is one of them a thought?
    private func cleanCount(_ events: UnsafeBufferPointer<kimi_event>) -> (count: Int, hasThought: Bool) {
        var (count, hasThought) = (0, false)
        while count < events.count {
            let event = events[count]
            guard let channel = Self.channel(event), event.b.len == 0, let at = find(event.choice),
                choices[at].normaliser.cleanTarget(channel, event.a.buffer) == channel
            else { break }
            if channel == .reasoning { hasThought = true }
            count += 1
        }
        return (count, hasThought)
    }

    /// Events that go on as they are pass no batch.
    private func record(_ events: UnsafeBufferPointer<kimi_event>, _ clean: Int) {
        guard let recorder else { return }
        for index in 0..<clean where events[index].choice == 0 {
            if let channel = Self.channel(events[index]) { recorder.text(channel, events[index].a.buffer) }
        }
        recordsTexts = recorder.wantsTexts
    }

    private func take(_ event: kimi_event, _ batch: inout EventBatch) {
        batch.choice = event.choice
        switch kimi_event_type(rawValue: event.type) {
        case KIMI_EVENT_ERROR:
            for at in choices.indices {
                batch.choice = choices[at].number
                choices[at].normaliser.finish(to: &batch)
                gatherNotes(at)
            }
            batch.pass(event)
        case KIMI_EVENT_TEXT, KIMI_EVENT_REASONING, KIMI_EVENT_TOOL_BEGIN, KIMI_EVENT_TOOL_ARGS, KIMI_EVENT_TOOL_END,
            KIMI_EVENT_FINISH:
            guard let at = find(event.choice) ?? add(event.choice) else { return batch.pass(event) }
            takeOfChoice(event, at, &batch)
        default: batch.pass(event)
        }
    }

    private func takeOfChoice(_ event: kimi_event, _ at: Int, _ batch: inout EventBatch) {
        switch kimi_event_type(rawValue: event.type) {
        case KIMI_EVENT_TOOL_BEGIN:
            choices[at].normaliser.structuredBegin(event.index, id: event.a.buffer, name: event.b.buffer, to: &batch)
        case KIMI_EVENT_TOOL_ARGS:
            choices[at].normaliser.structuredArguments(event.index, event.a.buffer, to: &batch)
        case KIMI_EVENT_TOOL_END: choices[at].normaliser.structuredEnd(event.index, to: &batch)
        case KIMI_EVENT_FINISH: end(at, event, &batch)
        default: takeText(event, at, &batch)
        }
    }

    private func takeText(_ event: kimi_event, _ at: Int, _ batch: inout EventBatch) {
        guard let channel = Self.channel(event) else { return }
        if let target = choices[at].normaliser.cleanTarget(channel, event.a.buffer) {
            batch.text(target, event.a.buffer, transient: false)
        } else {
            choices[at].normaliser.text(channel, event.a.buffer, to: &batch)
        }
        // A thought's signature belongs behind the thought, whatever was held of that.
        if event.b.len > 0 {
            var signature = kimi_event(KIMI_EVENT_REASONING, choice: event.choice)
            signature.b = event.b
            batch.pass(signature)
        }
    }

    /// Ends a choice; `finish` is the upstream's FINISH, or one to make up, or nil for none.
    private func end(_ at: Int, _ finish: kimi_event?, _ batch: inout EventBatch) {
        guard !choices[at].normaliser.isFinished else { return }
        choices[at].normaliser.finish(upstreamReason: finish?.a.text, to: &batch)
        defer { gatherNotes(at) }
        guard var event = finish else { return }
        // Before anybody can answer: the next request may come on the heels of this event.
        if event.choice == 0 { recorder?.finish() }
        let upstream = event.a.text
        let reason = choices[at].normaliser.finishReason(upstream: upstream)
        if reason != upstream {
            notes.add(.finishReason)
            context?.log(KIMI_LOG_DEBUG, "choice \(event.choice): finish reason \(upstream) becomes \(reason)")
            event.a = batch.copy(reason)
        }
        batch.pass(event)
    }

    // MARK: - Counters

    /// A choice is over: what it counted waits for `report`.
    private func gatherNotes(_ at: Int) {
        guard !choices[at].normaliser.notes.isEmpty else { return }
        notes.add(choices[at].normaliser.notes)
        choices[at].normaliser.notes = NoteCounts()
    }

    /// Tells the host what was counted, if it wants to know. There are only so many kinds, so that waiting for the
    /// end of a choice costs no memory.
    private func report(_ sink: Sink) {
        guard !notes.isEmpty else { return }
        let told = context?.notes
        for (kind, count) in notes.drain() { told?.reply(sink, kind, count: count) }
    }

    // MARK: - Choices

    @inline(__always)
    private func find(_ number: UInt32) -> Int? {
        for at in choices.indices where choices[at].number == number { return at }
        return nil
    }

    private func add(_ number: UInt32) -> Int? {
        guard choices.count < Self.maxChoices else { return nil }
        var own = options
        own.idSeed ^= UInt64(number) &* 0xD6E8_FEB8_6659_FD93  // Random ids differ between choices.
        choices.append((number, Normaliser(options: own, tools: tools)))
        return choices.count - 1
    }

    @inline(__always)
    private static func channel(_ event: kimi_event) -> TextChannel? {
        switch event.type {
        case KIMI_EVENT_TEXT.rawValue: .content
        case KIMI_EVENT_REASONING.rawValue: .reasoning
        default: nil
        }
    }
}
