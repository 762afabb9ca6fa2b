import KimiK2TransformLogic
import Testing

/// Properties (d) and (e): what is clean already is left alone.
@Suite("Properties of clean replies")
struct PropertyCleanTests {
    @Test("text, thought and structured calls without markup pass as they are", arguments: 0..<8)
    func clean(_ shard: Int) {
        for round in 0..<250 * PropertySeed.factor {
            var reply = CleanReply(PropertySeed.generator("clean", shard, round))
            let sent = reply.make()
            let got = reply.send(sent)
            guard got.answer == sent, got.breaches.isEmpty, got.notes.isEmpty else {
                Issue.record(
                    "\(PropertySeed.place(shard, round)): \(got.breaches) \(got.notes)\n\(got.answer), but sent\n\(sent)"
                )
                return
            }
        }
    }

    @Test(
        "half a marker at the end of one field stays in it", arguments: ["<", "<|tool_call", "</thi", "◁", "(no con"])
    func halfMarker(_ half: String) {
        var answer = Answer()
        (answer.thinkingBytes, answer.contentBytes) = (Array("Hm. a \(half)".utf8), Array("b c \(half)".utf8))
        answer.finishReason = "stop"
        let got = CleanReply.send(answer, Case(clean: [], reason: "stop"))
        #expect(got.answer == answer)
    }

    @Test("an answer that is sent once more stays as it is: the examples", arguments: Mutator.corpus)
    func idempotent(_ example: Case) {
        // Of two grammars in one reply one is text, which the second reader cannot know; as with a tool nobody declared.
        if MarkupTokens.ofGrammar(of: example.input) == nil || Self.hasUndeclared(Reading.of(example).answer, example) {
            return
        }
        if let fault = Self.changed(example) { Issue.record("\(example.name): \(fault)") }
    }

    @Test("an answer that is sent once more stays as it is: damaged examples", arguments: 0..<8)
    func idempotentWhenDamaged(_ shard: Int) {
        for round in 0..<500 * PropertySeed.factor {
            var mutator = Mutator(PropertySeed.generator("again", shard, round))
            let example = mutator.example()
            if Self.isDoubtful(example) { continue }
            if let fault = Self.changed(example) {
                Issue.record(
                    "\(PropertySeed.place(shard, round)): \(example.name)\n\(example.input.debugDescription)\n\(fault)")
                return
            }
        }
    }

    /// What cannot be read twice: what is a marker only because another stood inside it; markup of any kind that was
    /// quoted or made no sense, when what stood before it is gone; a name that no tool has; half of the arguments.
    private static func isDoubtful(_ example: Case) -> Bool {
        if MarkupTokens.isNested(example.input, with: MarkupTokens.openers) { return true }
        let answer = Reading.of(example).answer
        let texts = answer.content + answer.thinking
        let markup = ["<|", "◁", "think>", "tool_call", "invoke", "function", "exec", "parameter"]
        return texts.contains(where: "<◁".contains) && markup.contains(where: texts.contains)
            || hasUndeclared(answer, example) || answer.calls.contains { Case.canonical($0.text) == nil }
    }

    private static func hasUndeclared(_ answer: Answer, _ example: Case) -> Bool {
        !answer.calls.allSatisfy { call in example.tools.contains { $0.name == call.name } }
    }

    /// Sends the answer to the example as a well-behaved upstream would, and says what changed.
    private static func changed(_ example: Case) -> String? {
        let first = Reading.of(example)
        var clean = example
        clean.upstreamReason = first.answer.finishReason
        let second = CleanReply.send(first.answer, clean)
        if second.answer == first.answer && second.breaches.isEmpty { return nil }
        return "\(second.breaches) \(second.answer), but first\n\(first.answer)"
    }
}
