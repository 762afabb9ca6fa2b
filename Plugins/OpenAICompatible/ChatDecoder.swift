internal import PluginABI
internal import PluginKit
internal import WireJSON

/// From `chat.completion.chunk` and `chat.completion` objects to canonical events, in the order of rule S11.
struct ChatDecoder: ReplyDecoder {
    /// More choices than this are refused.
    static let maxChoices = 128

    private(set) var hasStarted = false
    /// An ERROR event was made: nothing may follow.
    private(set) var hasFailed = false
    private var choices: [ChoiceDecoder] = []
    private var extras = SeenMembers()
    private var preamble = Preamble()
    private var usage = UsageStash()
    private let details: Reasoning.Details

    init(details: Reasoning.Details = .mute) {
        self.details = details
    }

    var isFinished: Bool { !choices.isEmpty && choices.allSatisfy(\.isFinished) }
    var hasContent: Bool { choices.contains { $0.hasContent || $0.isFinished } }
    /// What upstreams sent that no event could carry any more, for one line in the log.
    var lateBytes: Int { choices.reduce(0) { $0 + $1.lateBytes } }

    /// Decodes one chunk of a stream.
    mutating func event(
        _ root: JSONValue, name: UnsafeRawBufferPointer, frame: UnsafeRawBufferPointer, to workspace: Workspace
    ) throws(PluginFailure) {
        guard root.isObject else {
            throw .protocolError("The upstream sent an event that is not a JSON object: \(Excerpt.of(frame)).")
        }
        let top = TopLevel(root)
        if let error = top.error ?? (name.matches("error") ? root : top.bareError(root)) {
            return fail(error, to: workspace)
        }
        try decode(top, root, isWhole: false, to: workspace)
    }

    /// Decodes a whole body.
    mutating func body(_ root: JSONValue, frame: UnsafeRawBufferPointer, to workspace: Workspace) throws(PluginFailure)
    {
        guard root.isObject else {
            throw .protocolError("The upstream's answer is not a JSON object: \(Excerpt.of(frame)).")
        }
        let top = TopLevel(root)
        if let error = top.error ?? top.bareError(root) { return fail(error, to: workspace) }
        guard let list = top.choices, list.isArray, list.elementCount > 0 else {
            throw .protocolError("The upstream's answer has no \"choices\": \(Excerpt.of(frame)).")
        }
        try decode(top, root, isWhole: true, to: workspace)
        if !hasFailed { try finish(to: workspace) }
    }

    /// The answer is over without an error: finishes what the upstream left open. Fails if nothing came.
    mutating func complete(to workspace: Workspace) throws(PluginFailure) {
        guard hasContent else { throw .protocolError("The upstream ended the stream without an answer.") }
        try finish(to: workspace)
    }

    private mutating func finish(to workspace: Workspace) throws(PluginFailure) {
        for number in choices.indices where choices[number].isStarted {
            try choices[number].finishUnsaid(to: workspace)
        }
        usage.emit(to: workspace)
    }

    // MARK: Parts

    private mutating func decode(
        _ top: TopLevel, _ root: JSONValue, isWhole: Bool, to workspace: Workspace
    ) throws(PluginFailure) {
        if !hasStarted {
            if !isWhole, top.isPreamble, preamble.keep(root) { return }
            start(top, to: workspace)
            preamble.emit(to: workspace)
        }
        if top.hasExtras { emitExtras(root, to: workspace) }
        if let usage = top.usage { self.usage.keep(usage) }
        if let list = top.choices {
            var position = 0
            for choice in list.elements where !hasFailed {
                try decode(choice, position, isWhole: isWhole, to: workspace)
                position += 1
            }
        }
        if isFinished, !hasFailed { usage.emit(to: workspace) }
    }

    private mutating func decode(
        _ value: JSONValue, _ position: Int, isWhole: Bool, to workspace: Workspace
    ) throws(PluginFailure) {
        let number = value["index"]?.int ?? Int64(isWhole ? position : 0)
        guard number >= 0, number < Self.maxChoices else {
            throw .protocolError("The upstream sent choice \(number); at most \(Self.maxChoices) are taken.")
        }
        while choices.count <= Int(number) {
            choices.append(ChoiceDecoder(number: UInt32(choices.count), details: details))
        }
        let parts = ChoiceParts(value)
        if let usage = parts.usage { self.usage.keep(usage) }
        if let error = parts.error { return fail(error, to: workspace) }
        try choices[Int(number)].decode(parts, value, isWhole: isWhole, to: workspace)
        // OpenRouter's word for an upstream that failed in the middle; its error may be missing.
        if parts.finishReason?.matches("error") == true { failUnsaid(value, to: workspace) }
    }

    private mutating func failUnsaid(_ choice: JSONValue, to workspace: Workspace) {
        guard !hasFailed else { return }
        hasFailed = true
        let said = choice["native_finish_reason"]?.string.map { " (\($0))" } ?? ""
        var report = UpstreamError(message: "The upstream's model broke off with an error\(said).")
        report.add(to: workspace)
    }

    private mutating func start(_ top: TopLevel, to workspace: Workspace) {
        hasStarted = true
        var event = kimi_event(KIMI_EVENT_START)
        if let id = top.id?.stringBytes { event.a = kimi_bytes(id) }
        if let model = top.model?.stringBytes { event.b = kimi_bytes(model) }
        event.i0 = max(0, top.created?.double.flatMap { Int64(exactly: $0.rounded(.down)) } ?? 0)
        workspace.add(event)
        // Some upstreams number their answers.
        if let id = top.id, !id.isNull, !id.isString { workspace.attach(.a, copyOf: id.json) }
    }

    private mutating func emitExtras(_ root: JSONValue, to workspace: Workspace) {
        for (key, value) in root.members where !value.isNull && !TopLevel.isKnown(key) {
            guard extras.isNew(key, value) else { continue }
            workspace.add(member: key, value, of: KIMI_SCOPE_RESPONSE, choice: 0)
        }
    }

    private mutating func fail(_ error: JSONValue, to workspace: Workspace) {
        hasFailed = true
        var report = UpstreamError(error, httpStatus: 0)
        report.add(to: workspace)
    }
}

extension kimi_event {
    /// A JSON event for a member of that name; its value is attached by the caller.
    static func member(_ name: UnsafeRawBufferPointer, of scope: kimi_scope, choice: UInt32 = 0) -> kimi_event {
        var event = kimi_event(KIMI_EVENT_JSON, choice: choice)
        event.b = kimi_bytes(name)
        event.i0 = Int64(scope.rawValue)
        return event
    }
}
