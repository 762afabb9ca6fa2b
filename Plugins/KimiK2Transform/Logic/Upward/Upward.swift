package import PluginKit
package import WireJSON

/// What was changed in a request, or only seen.
package struct UpwardNote: Equatable, Sendable {
    package var kind: String
    package var count: Int
    /// One line for the log.
    package var detail: String
}

/// What decides how a request is rewritten.
package struct UpwardSettings: Sendable {
    package var config: KimiK2Config
    package var family: ModelFamily?
    package var memory: KeyValueStore?
    /// The host's name of the conversation; empty if it has none.
    package var conversation: [UInt8]
    /// Does this model see the thoughts of all turns, not only those of the last calls?
    package var keepsThoughts: Bool

    package init(
        config: KimiK2Config, modelName: some StringProtocol, memory: KeyValueStore? = nil, conversation: [UInt8] = []
    ) {
        self.config = config
        self.memory = memory
        self.conversation = conversation
        family = config.family ?? ModelFamily(modelName: modelName)
        let name = modelName.lowercased()
        keepsThoughts = family == .k3 || ["k2.7", "k2-7", "k2p7"].contains(where: name.contains)
    }
}

/// Rewrites a request on its way up: what clients and servers made of the model's history is made the model's again.
///
/// What becomes of a message depends on it and what is before it (a call's results excepted), so the history of one
/// turn is, byte for byte, the beginning of the next one's. What needs no change keeps its bytes.
package struct Upward {
    let json: Bytes
    let history: History
    let reading: RequestReading
    let settings: UpwardSettings
    let tools: DeclaredTools
    let text: RequestText
    let memory: ThoughtMemory?

    var edits = SpanEdits()
    var register: CallRegister
    /// The names of the calls in `register`; nil for a call without one.
    var callNames: [CallName?] = []
    var counts = UpwardCounts()
    /// Does the answer begin with a thought? nil: the request does not say. Changes with `tool_choice`.
    package private(set) var asksForThought: Bool?
    /// Has a message had a thought so far? Then the model behind an unknown name thinks, and takes thoughts back.
    var hasMetThought = false
    /// What the answer's side must know of the calls so far.
    package var conversation = Conversation()
    private var members = ByteWriter(capacity: 64)

    /// Takes a request apart. The bytes must outlive this value.
    package init(_ json: UnsafeRawBufferPointer, _ reading: RequestReading, _ settings: UpwardSettings) {
        self.json = json
        self.reading = reading
        self.settings = settings
        history = reading.history
        register = CallRegister(count: history.calls.count)
        conversation.usedIDs.reserveCapacity(history.calls.count)
        tools = DeclaredTools(json: reading.tools)
        text = RequestText(json)
        asksForThought = reading.asksForThought
        let thinks = settings.family != .k2 && settings.config.repairs.contains(.historyReasoning)
        if thinks, let store = settings.memory {
            memory = ThoughtMemory(store, settings, reading.history, text)
        } else {
            memory = nil
        }
    }

    /// Rewrites everything; the merge patch that does it, or nil if nothing is to be changed.
    package mutating func patch() -> ByteWriter? {
        adaptToolChoice()
        rewriteHistory()
        adaptTools()
        dropSamplers()
        if !edits.isEmpty, let span = history.span {
            put("messages") { [edits, json] output in edits.write(span.range, of: json, to: output) }
        }
        guard members.count > 0 else { return nil }
        members.append("}")
        return members
    }

    /// What was done and seen, for the log.
    package var notes: [UpwardNote] { counts.notes }

    /// Remembers the thought of the answer to come; nil if there is nothing to remember it for.
    package func recorder() -> ThoughtRecorder? {
        guard asksForThought != false else { return nil }
        return memory?.recorder(keepsTexts: keepsAllThoughts)
    }

    var keepsAllThoughts: Bool { settings.keepsThoughts || reading.keepsThoughts }

    /// Is this a model that thinks, as far as its name, the request or the history so far say?
    var isKnownToThink: Bool {
        asksForThought != false && (settings.family?.thinks ?? (asksForThought == true || hasMetThought))
    }

    func isOn(_ repair: Repair) -> Bool { settings.config.repairs.contains(repair) }

    private mutating func dropSamplers() {
        guard settings.config.history.dropsSamplers, isOn(.samplers) else { return }
        for sampler in reading.samplers {
            counts.add(.samplers, "\(sampler) and the like were left out")
            put(sampler) { $0.append("null") }
        }
    }

    /// Sets a member of the request.
    mutating func put(_ name: StaticString, _ write: (ByteWriter) -> Void) {
        members.append(members.count == 0 ? "{\"" : ",\"")
        members.append(name)
        members.append("\":")
        write(members)
    }

    /// Thinking is switched off in this request.
    mutating func switchThinkingOff() { asksForThought = false }
}

/// Counts of changes with an example of each.
struct UpwardCounts {
    private(set) var notes: [UpwardNote] = []

    mutating func add(_ repair: Repair, _ detail: @autoclosure () -> String, count: Int = 1) {
        add(repair.word, detail, count)
    }

    mutating func add(_ flag: Flag, _ detail: @autoclosure () -> String, count: Int = 1) {
        add(flag.rawValue, detail, count)
    }

    func has(_ repair: Repair) -> Bool { notes.contains { $0.kind == repair.word } }

    /// The detail is that of the first one; no other is made.
    private mutating func add(_ kind: String, _ detail: () -> String, _ count: Int) {
        if let at = notes.firstIndex(where: { $0.kind == kind }) {
            notes[at].count += count
        } else {
            notes.append(UpwardNote(kind: kind, count: count, detail: detail()))
        }
    }

    /// A name from the request, fit for one line of a log.
    static func shown(_ name: some Sequence<UInt8>) -> String {
        let bytes = name.prefix(UpwardLimits.noteName).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }
}
