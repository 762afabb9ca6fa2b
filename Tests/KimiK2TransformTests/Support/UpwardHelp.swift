import KimiK2TransformLogic
import PluginABI
import PluginKit
import WireJSON

/// The host's memory, in a dictionary.
final class FakeMemory {
    private(set) var values: [[UInt8]: [UInt8]] = [:]
    private(set) var puts = 0
    /// What a host whose context this is offers besides.
    var notesTable: UnsafeRawPointer?
    var isOffered = true
    let table = UnsafeMutablePointer<kimi_host_kv>.allocate(capacity: 1)

    init() {
        var kv = kimi_host_kv()
        kv.struct_size = UInt32(MemoryLayout<kimi_host_kv>.size)
        kv.put = { ctx, key, value, _ in
            FakeMemory.of(ctx)?.put(Array(key.buffer), Array(value.buffer))
            return kimi_status(KIMI_OK.rawValue)
        }
        kv.get = { ctx, key, target, capacity, length in
            guard let value = FakeMemory.of(ctx)?.values[Array(key.buffer)] else {
                return kimi_status(KIMI_NONE.rawValue)
            }
            length?.pointee = value.count
            guard value.count <= capacity, let target else { return kimi_status(KIMI_E_LIMIT.rawValue) }
            for (at, byte) in value.enumerated() { target[at] = byte }
            return kimi_status(KIMI_OK.rawValue)
        }
        table.initialize(to: kv)
    }

    deinit { table.deallocate() }

    var store: KeyValueStore {
        KeyValueStore(table: table, ctx: pointer)
    }

    var pointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    private func put(_ key: [UInt8], _ value: [UInt8]) {
        puts += 1
        values[key] = value
    }

    static func of(_ ctx: OpaquePointer?) -> FakeMemory? {
        ctx.map { Unmanaged<FakeMemory>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }
}

/// A request after its way up.
struct Rewritten {
    /// The whole request.
    var text: String
    /// nil: nothing to change.
    var patch: String?
    var notes: [UpwardNote]
    var conversation: Conversation
    var recorder: ThoughtRecorder?

    init(
        _ request: String, config: KimiK2Config = KimiK2Config(), model: String = "kimi", memory: FakeMemory? = nil,
        conversation: String = ""
    ) {
        let bytes = Array(request.utf8)
        let settings = UpwardSettings(
            config: config, modelName: model, memory: memory?.store, conversation: Array(conversation.utf8))
        self = bytes.withUnsafeBytes { json in
            var upward = Upward(json, RequestReading(json: json), settings)
            let patch = upward.patch()
            let text = patch.flatMap { try? JSONEdit.mergePatch($0.unsafeBytes, into: json) }
            return Rewritten(
                text: text.map { String(decoding: $0, as: UTF8.self) } ?? (patch == nil ? request : "broken patch"),
                patch: patch.map { String(decoding: $0.bytes, as: UTF8.self) }, notes: upward.notes,
                conversation: upward.conversation, recorder: upward.recorder())
        }
    }

    private init(
        text: String, patch: String?, notes: [UpwardNote], conversation: Conversation, recorder: ThoughtRecorder?
    ) {
        self.text = text
        self.patch = patch
        self.notes = notes
        self.conversation = conversation
        self.recorder = recorder
    }

    /// How often something was counted.
    func count(_ kind: String) -> Int { notes.first { $0.kind == kind }?.count ?? 0 }

    /// Reads the rewritten request.
    func read<Result>(_ body: (JSONValue) -> Result) -> Result? { withJSON(Array(text.utf8), body) }

    /// What `pick` finds in the messages of a role.
    private func pick(_ role: String, _ pick: (JSONValue) -> [JSONValue?]) -> [String] {
        read { root in
            root["messages"]?.elements.filter { $0["role"]?.string == role }.flatMap(pick).map { $0.text } ?? []
        } ?? []
    }

    /// Strings as they are, anything else as JSON, `-` for what is not there.
    var callIDs: [String] { pick("assistant") { $0["tool_calls"]?.elements.map { $0["id"] } ?? [] } }
    var callNames: [String] { pick("assistant") { $0["tool_calls"]?.elements.map { $0["function"]?["name"] } ?? [] } }
    var resultIDs: [String] { pick("tool") { [$0["tool_call_id"]] } }
    var thoughts: [String] { pick("assistant") { [$0["reasoning_content"]] } }
    func contents(_ role: String) -> [String] { pick(role) { [$0["content"]] } }
}

extension JSONValue? {
    var text: String {
        guard let self else { return "-" }
        return self.string ?? String(decoding: self.json, as: UTF8.self)
    }
}

/// Messages as JSON, for scripts.
enum Say {
    static func user(_ text: String) -> String { #"{"role":"user","content":"\#(text)"}"# }

    /// `calls`: (id as JSON, name, arguments as JSON). `more`: further members, with a comma before.
    static func assistant(_ calls: [(String, String, String)] = [], _ content: String = "null", _ more: String = "")
        -> String
    {
        let list = calls.map { id, name, arguments in
            let escaped = arguments.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                .replacing("\n", with: "\\n")
            return #"{"id":\#(id),"type":"function","function":{"name":"\#(name)","arguments":"\#(escaped)"}}"#
        }
        let calls = calls.isEmpty ? "" : #","tool_calls":[\#(list.joined(separator: ","))]"#
        return #"{"role":"assistant","content":\#(content)\#(calls)\#(more)}"#
    }

    /// `id`: as JSON; nil for none.
    static func result(_ id: String?, _ content: String = "ok", _ more: String = "") -> String {
        #"{"role":"tool"\#(id.map { #","tool_call_id":\#($0)"# } ?? ""),"content":"\#(content)"\#(more)}"#
    }

    static func request(_ messages: [String], _ more: String = "") -> String {
        #"{"model":"kimi","messages":[\#(messages.joined(separator: ","))]\#(more)}"#
    }
}
