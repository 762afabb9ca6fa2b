import KimiK2TransformLogic
import Testing

@Suite("However the upstream's text is cut, the same comes out")
struct RechunkingTests {
    static let all = Case.own + Case.shared

    /// Each way of telling the model: by name, and as one that thinks or does not.
    static func readings(_ example: Case) -> [NormaliserOptions] {
        [
            example.options, NormaliserOptions(startsInThinking: .yes), NormaliserOptions(startsInThinking: .no),
            NormaliserOptions(isThinker: true, maxHeldThinkingBytes: 24),
        ]
    }

    @Test("at every single place", arguments: all)
    func singleCuts(_ example: Case) {
        for options in Self.readings(example) {
            let whole = example.answer(options: options)
            for pieces in Cuts.single(example.input) {
                let parts = example.answer(cut: pieces, options: options)
                guard parts.answer == whole.answer, parts.breaches == whole.breaches else {
                    let place = "\(example.name), cut before \(pieces[1].prefix(40))"
                    Issue.record("\(place): \(parts.answer) \(parts.breaches), but whole \(whole.answer)")
                    return
                }
            }
        }
    }

    @Test("one character at a time", arguments: all)
    func everyCharacter(_ example: Case) {
        for options in Self.readings(example) {
            let whole = example.answer(options: options)
            let parts = example.answer(cut: Cuts.everyCharacter(example.input), options: options)
            #expect(parts.answer == whole.answer)
            #expect(parts.breaches == [])
        }
    }

    @Test("in 200 random ways", arguments: all)
    func randomCuts(_ example: Case) {
        var generator = SeededGenerator(seed: 20_261_123)
        for round in 0..<200 {
            let options = Self.readings(example)[round % 4]
            let pieces = Cuts.random(example.input, longest: 1 + round % 24, &generator)
            let parts = example.answer(cut: pieces, options: options)
            guard parts.answer == example.answer(options: options).answer, parts.breaches.isEmpty else {
                Issue.record("\(example.name), cut as \(pieces): \(parts.answer) \(parts.breaches)")
                return
            }
        }
    }
}
