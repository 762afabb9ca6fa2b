import KimiK2TransformLogic
import Testing

/// Properties (a), (b), (c) and (f) of the catalogue's §4.3, over 12 000 damaged examples in three cuts each.
@Suite("Properties of damaged examples")
struct PropertyCutTests {
    @Test("streamed is whole, cuts do not matter, no marker leaves, calls are in order", arguments: 0..<12)
    func damaged(_ shard: Int) {
        for round in 0..<1000 * PropertySeed.factor {
            var mutator = Mutator(PropertySeed.generator("cuts", shard, round))
            let example = mutator.example()
            let options = Self.options(example, &mutator)
            if let fault = Self.fault(example, options, &mutator.generator) {
                Issue.record(
                    "\(PropertySeed.place(shard, round)): \(example.name)\n\(example.input.debugDescription)\n\(fault)")
                return
            }
        }
    }

    /// Mostly what the model's name tells; sometimes what a configuration could say.
    private static func options(_ example: Case, _ mutator: inout Mutator) -> NormaliserOptions {
        var options = mutator.pick([example.options] + RechunkingTests.readings(example))
        options.family = example.options.family
        return options
    }

    private static func fault(
        _ example: Case, _ options: NormaliserOptions, _ generator: inout SeededGenerator
    ) -> String? {
        let whole = Reading.of(example, options: options)
        if let fault = legal(whole, example) { return "whole: \(fault)" }
        let cuts = [
            Cuts.random(example.input, longest: 4, &generator), Cuts.random(example.input, longest: 60, &generator),
            example.input.utf8.count < 2000 ? Cuts.everyCharacter(example.input) : [example.input],
        ]
        for pieces in cuts {
            let parts = Reading.of(example, cut: pieces, options: options)
            if parts.answer != whole.answer { return "\(pieces):\n\(parts.answer), but whole\n\(whole.answer)" }
            if parts.notes != whole.notes { return "\(pieces):\nnotes \(parts.notes), but whole \(whole.notes)" }
            if let fault = legal(parts, example) { return "\(pieces):\n\(fault)" }
        }
        return nil
    }

    /// Events in their order, and no marker in what leaves. One that stands in code was quoted; what becomes one only
    /// when another is taken out of its middle had been text when it was read.
    private static func legal(_ reading: Reading, _ example: Case) -> String? {
        if !reading.breaches.isEmpty { return "\(reading.breaches): \(reading.answer)" }
        for call in reading.answer.calls {
            if let marker = MarkupTokens.first(of: MarkupTokens.all, in: call.id) {
                return "\(marker) in an id: \(reading.answer)"
            }
        }
        guard !["`", "~~~"].contains(where: example.input.contains), !MarkupTokens.isNested(example.input) else {
            return nil
        }
        guard let markers = markers(example) else { return nil }
        let heads = reading.answer.calls.map(\.name)
        for text in reading.texts + heads + [reading.answer.content, reading.answer.thinking] {
            if let marker = MarkupTokens.first(of: markers, in: text) {
                return "\(marker) leaves: \(reading.answer)"
            }
        }
        return nil
    }

    /// What must not leave: the tokens of the grammar in use. Those of K3 alone, where nothing says that the model is
    /// one, are words; and so are those that a known model does not have.
    private static func markers(_ example: Case) -> [String]? {
        guard let markers = MarkupTokens.ofGrammar(of: example.input) else { return nil }
        let isK3 = markers == MarkupTokens.k3
        // K3's tokens count with blanks inside too: half a one may be nested in ways that `isNested` does not see.
        let halves = isK3 && MarkupTokens.split(example.input).contains { !markers.contains($0) && $0.contains("<|") }
        return (example.options.family == .k3) == isK3 && !halves ? markers : nil
    }
}
