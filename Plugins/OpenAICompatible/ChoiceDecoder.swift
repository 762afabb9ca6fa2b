internal import PluginABI
internal import PluginKit
internal import WireJSON

/// One choice of the answer.
struct ChoiceDecoder {
    let number: UInt32
    private(set) var isStarted = false
    private(set) var isFinished = false
    private(set) var hasContent = false
    private var calls = ToolCalls()
    private var bytesAfterFinish = 0

    private static var toolCalls: kimi_bytes { kimi_bytes(literal: "tool_calls") }
    private static var callExtras: kimi_bytes { kimi_bytes(literal: "tool_call_extras") }

    var lateBytes: Int { calls.lateBytes + bytesAfterFinish }

    private let details: Reasoning.Details

    init(number: UInt32, details: Reasoning.Details) {
        self.number = number
        self.details = details
    }

    mutating func decode(
        _ parts: ChoiceParts, _ value: JSONValue, isWhole: Bool, to workspace: Workspace
    ) throws(PluginFailure) {
        isStarted = true
        if let delta = parts.content(isWhole: isWhole) {
            if isFinished {
                bytesAfterFinish += DeltaParts(delta).content?.stringBytes?.count ?? 0
            } else {
                try decode(delta, isWhole: isWhole, to: workspace)
            }
        }
        guard !isFinished else { return }
        if parts.hasExtras { emitExtras(of: value, to: workspace) }
        if let reason = parts.finishReason, FinishReason.isReason(reason), !reason.matches("error") {
            try finish(reason, to: workspace)
        }
    }

    /// The upstream never said why it stopped: the answer ends as its content suggests.
    mutating func finishUnsaid(to workspace: Workspace) throws(PluginFailure) {
        guard !isFinished else { return }
        calls.close(choice: number, to: workspace)
        var event = kimi_event(KIMI_EVENT_FINISH, choice: number)
        event.a = kimi_bytes(literal: calls.isEmpty ? "stop" : "tool_calls")
        workspace.add(event)
        isFinished = true
    }

    private mutating func finish(_ reason: UnsafeRawBufferPointer, to workspace: Workspace) throws(PluginFailure) {
        calls.close(choice: number, to: workspace)
        var event = kimi_event(KIMI_EVENT_FINISH, choice: number)
        event.a = FinishReason.canonical(reason)
        event.b = kimi_bytes(reason)
        workspace.add(event)
        isFinished = true
    }

    private func emitExtras(of choice: JSONValue, to workspace: Workspace) {
        for (key, value) in choice.members where !value.isNull && !ChoiceParts.isKnown(key) {
            workspace.add(member: key, value, of: KIMI_SCOPE_CHOICE, choice: number)
        }
    }

    // MARK: Delta

    private mutating func decode(_ delta: JSONValue, isWhole: Bool, to workspace: Workspace) throws(PluginFailure) {
        let parts = DeltaParts(delta)
        if parts.hasExtras {
            hasContent = true
            for (key, value) in delta.members where !value.isNull && !DeltaParts.isKnown(key) {
                workspace.add(member: key, value, of: KIMI_SCOPE_MESSAGE, choice: number)
            }
        }
        if parts.reasoningContent != nil || parts.reasoning != nil || parts.details != nil {
            if Reasoning.add(parts, details, choice: number, to: workspace) { hasContent = true }
        }
        if let content = parts.content, Content.add(content, choice: number, to: workspace) { hasContent = true }
        if let list = parts.toolCalls { try decodeCalls(list, isWhole: isWhole, to: workspace) }
        if let function = parts.functionCall, function.isObject {
            hasContent = true
            try calls.add(ToolFragment(legacy: function), isWhole: isWhole, choice: number, to: workspace)
        }
    }

    private mutating func decodeCalls(_ list: JSONValue, isWhole: Bool, to workspace: Workspace) throws(PluginFailure) {
        var position = 0
        var hasExtras = false
        for entry in list.elements where entry.isObject {
            hasContent = true
            let fragment = ToolFragment(entry)
            if fragment.isForeign {
                workspace.add(
                    member: Self.toolCalls.buffer, entry, of: KIMI_SCOPE_MESSAGE, choice: number, asArray: true)
            } else {
                hasExtras = hasExtras || fragment.hasExtras
                try calls.add(fragment, isWhole: isWhole, choice: number, to: workspace)
            }
            position += 1
        }
        if hasExtras { emitExtras(ofCalls: list, to: workspace) }
    }

    /// `tool_call_extras`: what calls carry besides id, name and arguments, such as Gemini's thought signatures.
    private func emitExtras(ofCalls list: JSONValue, to workspace: Workspace) {
        let start = workspace.text.count
        var separator: StaticString = "["
        for (position, entry) in list.elements.enumerated() where entry.isObject && ToolFragment(entry).hasExtras {
            workspace.text.append(separator)
            separator = ","
            let index = entry["index"]?.int.map { Int(clamping: $0) } ?? position
            ToolFragment.writeExtras(of: entry, index: index, to: workspace.text)
        }
        workspace.text.append("]")
        workspace.add(.member(Self.callExtras.buffer, of: KIMI_SCOPE_MESSAGE, choice: number))
        workspace.attach(.a, from: start)
    }
}

extension Workspace {
    /// A JSON event for a member; the name is borrowed from the document or static.
    func add(
        member name: UnsafeRawBufferPointer, _ value: JSONValue, of scope: kimi_scope, choice: UInt32,
        asArray: Bool = false
    ) {
        add(.member(name, of: scope, choice: choice))
        let start = text.count
        if asArray { text.append("[") }
        value.write(to: text)
        if asArray { text.append("]") }
        attach(.a, from: start)
    }
}
