/// Reads an old answer with the `Normaliser`, as it reads a new one.
struct MarkupReader: NormalisedOutput {
    private(set) var content: [UInt8] = []
    private(set) var thought: [UInt8] = []
    private(set) var calls: [FoundCall] = []

    /// What is in `text`, which came together with `structured` calls.
    static func read(
        _ text: [UInt8], _ structured: [FoundCall], _ options: NormaliserOptions, _ tools: DeclaredTools
    ) -> MarkupReader {
        var normaliser = Normaliser(options: options, tools: tools)
        var output = MarkupReader()
        text.withUnsafeBytes { normaliser.text(.content, $0, to: &output) }
        for (number, call) in structured.enumerated() {
            let number = UInt32(truncatingIfNeeded: number)
            call.id.withUnsafeBytes { id in
                call.name.withUnsafeBytes { normaliser.structuredBegin(number, id: id, name: $0, to: &output) }
            }
            call.arguments.withUnsafeBytes { normaliser.structuredArguments(number, $0, to: &output) }
            normaliser.structuredEnd(number, to: &output)
        }
        normaliser.finish(to: &output)
        return output
    }

    mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        if channel == .content { content += bytes } else { thought += bytes }
    }

    mutating func toolBegin(_ index: UInt32, id: String, name: String) {
        calls.append(FoundCall(name: Array(name.utf8), id: Array(id.utf8)))
    }

    mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        if Int(index) < calls.count { calls[Int(index)].arguments += bytes }
    }

    mutating func toolEnd(_ index: UInt32) {}
}

/// Cheap looks at a text, to tell whether a closer one is worth it.
enum MarkupScan {
    /// Can there be markup in this JSON, strings of which may be written with escapes?
    static func mayHaveMarkup(_ json: Bytes) -> Bool {
        var index = json.firstMarkupByte(from: 0)
        while index < json.count {
            let rest = json.slice(index..<json.count)
            switch json[index] {
            case UInt8(ascii: "\\"):
                if rest.starts(with: "\\u003".utf8) || rest.starts(with: "\\u25".utf8) { return true }
                // What is escaped begins nothing.
                index += 1
            case UInt8(ascii: "<"): if beginnings.contains(where: { rest.starts(with: $0.utf8) }) { return true }
            default: if rest.starts(with: "◁".utf8) { return true }
            }
            index = json.firstMarkupByte(from: index + 1)
        }
        return false
    }

    private static let beginnings = ["<|", "<think>", "</think>", "<thinking>", "<reasoning>"]

    /// Is the first tag in the text one that opens a thought at its very start, or closes one?
    static func beginsWithThought(_ text: [UInt8]) -> Bool {
        let own = text.trimmed
        if opening.contains(where: { own.starts(with: $0.utf8) }) { return true }
        return text.withUnsafeBytes { text in
            var index = text.firstMarkupByte(from: 0)
            while index < text.count {
                let rest = text.slice(index..<text.count)
                if closing.contains(where: { rest.starts(with: $0.utf8) }) { return true }
                if opening.contains(where: { rest.starts(with: $0.utf8) }) { return false }
                index = text.firstMarkupByte(from: index + 1)
            }
            return false
        }
    }

    private static let opening = ["<think>", "<thinking>", "<reasoning>", "◁think▷", "<|open|>think", "(no content)"]
    private static let closing = ["</think>", "◁/think▷", "<|close|>think"]

    /// Is there nothing in the text but tokens that end turns and name roles?
    static func isOnlyEnvelope(_ text: [UInt8]) -> Bool {
        text.withUnsafeBytes { text in
            var (index, found) = (text.firstMarkupByte(from: 0), false)
            while index < text.count {
                let rest = text.slice(index..<text.count)
                if rest.starts(with: "<|im_".utf8) || rest.starts(with: "<|end_of_msg|>".utf8) {
                    found = true
                } else if rest.starts(with: "<|".utf8) || rest.starts(with: "</think>".utf8) {
                    return false
                }
                index = text.firstMarkupByte(from: index + 1)
            }
            return found
        }
    }
}
