internal import OpenAICompatible
internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Token counts, as they add up: `message_start` brings some, each `message_delta` replaces what it names.
struct ReplyUsage {
    private var members: [(name: [UInt8], json: [UInt8])] = []
    private var input: Int64 = -1
    private var cacheRead: Int64 = 0
    private var cacheCreation: Int64 = 0
    private var event = kimi_event(KIMI_EVENT_USAGE)
    private var isNew = false

    /// Members beyond these are an upstream's joke.
    private static let maxMembers = 64

    init() {
        (event.i0, event.i1, event.i2, event.i3) = (-1, -1, -1, -1)
    }

    mutating func take(_ usage: JSONValue?) {
        guard let usage, usage.isObject else { return }
        for (key, value) in usage.members where !value.isNull {
            isNew = true
            set(Array(key), value.json)
        }
        Self.set(&input, usage["input_tokens"])
        Self.set(&cacheRead, usage["cache_read_input_tokens"])
        Self.set(&cacheCreation, usage["cache_creation_input_tokens"])
        Self.set(&event.i1, usage["output_tokens"])
        Self.set(&event.i2, usage["cache_read_input_tokens"])
        Self.set(&event.i3, usage["output_tokens_details"]?["thinking_tokens"])
        guard input >= 0 else { return }
        let (some, isMuch) = input.addingReportingOverflow(cacheRead)
        let (all, isTooMuch) = some.addingReportingOverflow(cacheCreation)
        event.i0 = isMuch || isTooMuch ? -1 : all
    }

    /// Emits what has changed since the last time.
    mutating func emit(to workspace: Workspace) {
        guard isNew else { return }
        isNew = false
        let json = ByteWriter(capacity: 256)
        for (number, member) in members.enumerated() {
            json.append(number == 0 ? "{" : ",")
            member.name.withUnsafeBytes { json.appendJSONString($0) }
            json.append(":")
            json.append(bytes: member.json)
        }
        json.append("}")
        workspace.add(event)
        workspace.attach(.a, copyOf: json.bytes)
    }

    private mutating func set(_ name: [UInt8], _ json: [UInt8]) {
        if let known = members.firstIndex(where: { $0.name == name }) {
            members[known].json = json
        } else if members.count < Self.maxMembers {
            members.append((name, json))
        }
    }

    private static func set(_ count: inout Int64, _ value: JSONValue?) {
        if let value = value?.int, value >= 0 { count = value }
    }
}
