import PluginKit
import WireJSON

/// The thoughts of one conversation in the host's memory.
final class ThoughtMemory {
    private let store: KeyValueStore
    private let conversation: Hash128
    private let text: RequestText
    /// How often an answer without calls was given so far: "Done." may stand there many times.
    private var answers: [Hash128: Int] = [:]

    /// The conversation is what the host says it is, or else what its first message says.
    init(_ store: KeyValueStore, _ settings: UpwardSettings, _ history: History, _ text: RequestText) {
        self.store = store
        self.text = text
        if settings.conversation.isEmpty {
            let first = history.messages.first { $0.role == .user && $0.content != nil } ?? history.messages.first
            conversation = Self.opening(first?.content, text)
        } else {
            conversation = settings.conversation.withUnsafeBytes { Hash128($0) }
        }
    }

    private static func opening(_ content: Span?, _ text: RequestText) -> Hash128 {
        guard let content else { return Hash128(0, 0) }
        return Self.plainText(content, text).withUnsafeBytes { all in
            var hash = Hashing128()
            hash.add(all.slice(0..<min(all.count, UpwardLimits.opening)))
            hash.add(UInt64(all.count))
            return hash.value
        }
    }

    /// The texts of a content, one behind the other: the same for a string and for a list of it.
    static func plainText(_ content: Span, _ text: RequestText) -> [UInt8] {
        if text.isString(content) { return text.text(content) ?? [] }
        return ContentParts(text.json, content).list.reduce(into: []) { all, part in
            if let own = part.text { all += text.text(own) ?? [] }
        }
    }

    // MARK: - Looking up

    /// The thought that led to a message with calls.
    func thought(calls: ArraySlice<HistoryCall>) -> [UInt8]? {
        guard calls.count <= UpwardLimits.calls else { return nil }
        var key = ThoughtKey()
        for call in calls {
            guard let name = call.name.flatMap(text.text), add(call, name, to: &key) else { return nil }
        }
        return get(key.value, 0)
    }

    /// The thought that led to an answer without calls; to be asked for each one, in order. `wanted`: is it needed?
    func thought(answer content: Span?, wanted: Bool) -> [UInt8]? {
        let key = Self.plainText(content, text)
        let count = answers[key, default: 0]
        answers[key] = count + 1
        return wanted ? get(key, count) : nil
    }

    private static func plainText(_ content: Span?, _ text: RequestText) -> Hash128 {
        let all = content.map { plainText($0, text) } ?? []
        return all.withUnsafeBytes { all in
            let own = all.slice(all.trimmedRange())
            return ThoughtKey.answer(own.slice(0..<min(own.count, UpwardLimits.answer)), length: own.count)
        }
    }

    private func add(_ call: HistoryCall, _ name: [UInt8], to key: inout ThoughtKey) -> Bool {
        guard let id = call.id, let arguments = call.arguments else { return false }
        let idText = text.isString(id) ? text.text(id) ?? [] : Array(text.json.slice(id.range))
        return idText.withUnsafeBytes { id in
            name.withUnsafeBytes { name in
                if !text.isString(arguments) {
                    return text.withValue(text.json.slice(arguments.range)) {
                        key.add(id: id, name: name, arguments: $0)
                    } != nil
                }
                return text.withText(arguments) { key.addArguments($0, id: id, name: name, text) } != nil
            }
        }
    }

    // MARK: - Filing

    /// Remembers what the coming answer thinks.
    func recorder(keepsTexts: Bool) -> ThoughtRecorder {
        // The request's text is gone by then, so nothing of it is captured.
        ThoughtRecorder(keepsTexts: keepsTexts) { [store, conversation, answers] thought, message, isAnswer in
            let count = isAnswer ? answers[message, default: 0] : 0
            Self.key(conversation, message, count).withUnsafeBytes { _ = store.put($0, thought) }
        }
    }

    private func get(_ message: Hash128, _ count: Int) -> [UInt8]? {
        let found = Self.key(conversation, message, count).withUnsafeBytes { store.get($0) }
        return found.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// `t1`, conversation and message.
    private static func key(_ conversation: Hash128, _ message: Hash128, _ count: Int) -> [UInt8] {
        var hash = Hashing128()
        hash.add(conversation)
        hash.add(message)
        hash.add(UInt64(count))
        let own = hash.value
        var key: [UInt8] = [0x74, 0x31]
        for word in [conversation.low, conversation.high, own.low, own.high] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) { key.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return key
    }
}

extension ThoughtKey {
    /// A call whose arguments are text, which ought to be JSON. None at all count as an empty object.
    mutating func addArguments(_ arguments: Bytes, id: Bytes, name: Bytes, _ text: RequestText) {
        let own = arguments.slice(arguments.trimmedRange())
        let isJSON: Void? =
            own.isEmpty
            ? [0x7B, 0x7D].withUnsafeBytes { empty in
                text.withInnerValue(empty) { add(id: id, name: name, arguments: $0) }
            }
            : text.withInnerValue(own) { add(id: id, name: name, arguments: $0) }
        if isJSON == nil { add(id: id, name: name, text: own) }
    }
}
