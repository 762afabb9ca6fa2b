internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Members of a chunk that came before the answer had an id; they follow its START.
struct Preamble {
    /// Bytes kept; a chunk that brings more begins the answer.
    private static let maxBytes = 64 << 10

    private var members: [(name: [UInt8], json: [UInt8])] = []
    private var byteCount = 0

    /// False when it is too much.
    mutating func keep(_ root: JSONValue) -> Bool {
        for (key, value) in root.members where !value.isNull && !TopLevel.isKnown(key) {
            let json = value.json
            byteCount += key.count + json.count
            guard byteCount <= Self.maxBytes else { return false }
            members.append((Array(key), json))
        }
        return true
    }

    mutating func emit(to workspace: Workspace) {
        for (name, json) in members {
            workspace.add(kimi_event.member(UnsafeRawBufferPointer(start: nil, count: 0), of: KIMI_SCOPE_RESPONSE))
            workspace.attach(.b, copyOf: name)
            workspace.attach(.a, copyOf: json)
        }
        members = []
    }
}
