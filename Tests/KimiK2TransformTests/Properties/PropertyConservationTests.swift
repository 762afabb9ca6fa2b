import KimiK2TransformLogic
import Testing

/// Property (g): words planted anywhere come out exactly once.
///
/// What may vanish, and nothing else: markup; the head of a call, whose name and id take its place; text between the
/// calls of a section; a role's name; and the calls that the notes count as dropped, doubled or cut.
@Suite("Nothing is lost and nothing comes twice")
struct PropertyConservationTests {
    @Test("words planted in damaged examples come out once", arguments: 0..<8)
    func planted(_ shard: Int) {
        for round in 0..<500 * PropertySeed.factor {
            var mutator = Mutator(PropertySeed.generator("planted", shard, round))
            let planting = Planting(mutator.example(damages: 0...3), &mutator.generator)
            if let fault = planting.fault() {
                let example = planting.example
                Issue.record(
                    "\(PropertySeed.place(shard, round)): \(example.name)\n\(example.input.debugDescription)\n\(fault)")
                return
            }
        }
    }
}

/// An example with words planted in it, and where each stands.
struct Planting {
    /// Where a word stands, as far as the markers before it tell.
    enum Region { case text, arguments, head, junk, role, foreign }

    private(set) var example: Case
    private var words: [(word: String, region: Region)] = []

    init(_ example: Case, _ generator: inout SeededGenerator) {
        self.example = example
        plant(&generator)
    }

    /// Puts a word into up to four tokens that are no markers.
    private mutating func plant(_ generator: inout SeededGenerator) {
        var tokens = MarkupTokens.split(example.input)
        let regions = Regions.of(tokens, example)
        let places = tokens.indices.filter { !MarkupTokens.isMarker(tokens[$0]) }.shuffled(using: &generator).prefix(4)
        for place in places {
            let word = "Qz\(words.count)\(Int.random(in: 100...999, using: &generator))w"
            var scalars = tokens[place].unicodeScalars
            let offset = Int.random(in: 0...scalars.count, using: &generator)
            scalars.insert(contentsOf: word.unicodeScalars, at: scalars.index(scalars.startIndex, offsetBy: offset))
            tokens[place] = String(scalars)
            words.append((word, regions[place]))
        }
        example.pieces = [tokens.joined()]
    }

    func fault() -> String? {
        let reading = Reading.of(example)
        let texts = [reading.answer.content, reading.answer.thinking] + reading.answer.calls.map(\.text)
        for (word, region) in words {
            let count = texts.reduce(0) { $0 + $1.occurrences(of: word) }
            if count > 1 || count == 0 && !mayVanish(word, region, reading) {
                return "\(word) in \(region) comes \(count) times: \(reading.answer), notes \(reading.notes)"
            }
        }
        return nil
    }

    private func mayVanish(_ word: String, _ region: Region, _ reading: Reading) -> Bool {
        switch region {
        case .text: false
        case .arguments:
            Self.counted.contains { reading.notes[$0] != nil }
                || reading.answer.calls.contains { $0.name.contains(word) }
        case .head, .junk, .role, .foreign: true
        }
    }

    /// The notes that tell of arguments which go nowhere, of a fence, whose language does, or of a head with more in it
    /// than a name.
    private static let counted = [
        Flag.droppedCall.rawValue, Flag.cutCall.rawValue, Repair.duplicates.word, Repair.trailingGarbage.word,
        Repair.fenced.word, Repair.names.word,
    ]
}

extension String {
    func occurrences(of word: String) -> Int {
        let (text, word) = (Array(utf8), Array(word.utf8))
        return text.indices.count { text[$0...].starts(with: word) }
    }
}
