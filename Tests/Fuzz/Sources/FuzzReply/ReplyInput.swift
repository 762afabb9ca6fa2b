import KimiK2TransformLogic

/// An answer, and how it is read, told by the bytes of one input.
struct ReplyInput: CustomStringConvertible {
    private static let models = [
        "kimi", "kimi-k2-instruct", "kimi-k2-thinking", "kimi-k2.5", "kimi-k3", "kimi-k2", "mock", "kimi-k2.7-code",
    ]
    private static let configurations = [
        "{}", #"{"startsInThinking":true}"#, #"{"startsInThinking":false}"#, #"{"maxHeldThinkingBytes":24}"#,
        #"{"ids":"native"}"#, #"{"ids":"unique"}"#, #"{"repairs":{"inline_calls":false,"thinking":false}}"#,
        #"{"repairs":{"names":false,"coercion":false,"duplicates":false,"markers":false,"foreign_calls":false}}"#,
    ]
    private static let tools = [
        "[]",
        #"[{"type":"function","function":{"name":"read","parameters":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}}}]"#,
        #"[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"tags":{"type":"array"},"deep":{"type":"object"},"b":{"type":"boolean"}},"additionalProperties":false}}}]"#,
        #"[{"type":"function","function":{"name":"a.b","parameters":{"type":"object","properties":{"q":{"anyOf":[{"type":"number"},{"type":"null"}]}}}}},{"type":"function","function":{"name":"find_it"}},{"name":"find-it"}]"#,
    ]

    private let options: NormaliserOptions
    private let toolsJSON: [UInt8]
    private let seed: UInt64
    /// The answer's pieces by field: both fields may take turns.
    private let fields: [(TextChannel, [UInt8])]
    /// The bytes are as they came, which no host would let through: only traps and order are looked for.
    private let isRaw: Bool

    /// nil if there are too few bytes.
    init?(_ data: UnsafeRawBufferPointer) {
        guard data.count > 5 else { return nil }
        let model = Self.models[Int(data[0]) % 8]
        guard let config = KimiK2Config(json: Array(Self.configurations[Int(data[1]) % 8].utf8)) else { return nil }
        options = config.options(modelName: model, asksForThought: data[1] & 0x80 != 0 ? false : nil)
        toolsJSON = Array(Self.tools[Int(data[2]) % 4].utf8)
        seed = UInt64(data[3])
        isRaw = data[4] & 1 != 0
        let bytes = UnsafeRawBufferPointer(rebasing: data[5...])
        let text = isRaw ? Array(bytes) : Array(String(decoding: bytes, as: UTF8.self).utf8)
        let first: TextChannel = data[4] & 2 != 0 ? .reasoning : .content
        // A form feed changes the field, which no marker contains.
        let parts = data[4] & 4 != 0 ? text.split(separator: 0x0C, omittingEmptySubsequences: false) : [text[...]]
        fields = parts.enumerated().map { index, part in
            ((first == .content) == (index % 2 == 0) ? .content : .reasoning, Array(part))
        }
    }

    var description: String {
        fields.map { "\($0.0): \(String(decoding: $0.1, as: UTF8.self).debugDescription)" }.joined(separator: "\n")
    }

    /// What is wrong with what comes out.
    func fault() -> String? {
        let whole = read(fields)
        let breaches = whole.breaches.filter { !isRaw || !$0.contains("code point") }
        if let breach = breaches.first { return "\(breach): \(whole.answer)" }
        for call in whole.answer.calls where call.id.isEmpty || call.id.utf8.contains(0x3C) {
            return "the id \(call.id.debugDescription): \(whole.answer)"
        }
        if isRaw { return nil }
        for longest: UInt64 in [1, 3, 40] {
            let parts = read(cut(longest))
            if parts.answer != whole.answer {
                return "pieces of at most \(longest): \(parts.answer), but whole \(whole.answer)"
            }
            if let breach = parts.breaches.first { return "pieces of at most \(longest): \(breach): \(parts.answer)" }
        }
        return nil
    }

    private func read(_ pieces: [(TextChannel, [UInt8])]) -> Collector {
        var normaliser = Normaliser(options: options, tools: DeclaredTools(json: toolsJSON))
        var output = Collector()
        for (channel, piece) in pieces {
            piece.withUnsafeBytes { bytes in
                output.feeds(bytes)
                if let target = normaliser.cleanTarget(channel, bytes) {
                    output.text(target, bytes, transient: false)
                } else {
                    normaliser.text(channel, bytes, to: &output)
                }
            }
        }
        output.feeds(nil)
        normaliser.finish(to: &output)
        return output.finished(normaliser.finishReason(upstream: "stop"))
    }

    /// Pieces of one to `longest` code points, the same for the same seed.
    private func cut(_ longest: UInt64) -> [(TextChannel, [UInt8])] {
        var state = seed &* 2 + 1
        return fields.flatMap { channel, text in
            var pieces: [(TextChannel, [UInt8])] = []
            var rest = text[...]
            while !rest.isEmpty {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                var end = rest.startIndex
                for _ in 0...(state >> 33) % longest where end < rest.endIndex {
                    end += 1
                    while end < rest.endIndex, rest[end] & 0xC0 == 0x80 { end += 1 }
                }
                pieces.append((channel, Array(rest[..<end])))
                rest = rest[end...]
            }
            return pieces
        }
    }
}
