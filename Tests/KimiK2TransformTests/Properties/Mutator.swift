/// Damages an example in one to four random ways.
struct Mutator {
    static let corpus = Case.own + Case.shared
    /// What the wire, the model or an attacker may put anywhere.
    private static let scraps = [
        "\0", "\n", "\r\n", "`", "```", "\"", "\\", "{", "}", "[", "]", "<", "<|", "|>", "<|tool_", "</", "◁", "é",
        "🌦️", " ", "  ", ":", ",", "functions.", ":0", "(no content)", "{}", "null", "\u{FEFF}", "\u{2028}", "a", "7",
    ]

    var generator: SeededGenerator

    init(_ generator: SeededGenerator) { self.generator = generator }

    /// An example of the corpus, damaged.
    mutating func example(of corpus: [Case] = Mutator.corpus, damages: ClosedRange<Int> = 1...4) -> Case {
        var example = pick(corpus)
        var text = example.input
        for _ in 0..<Int.random(in: damages, using: &generator) {
            text = damaged(text, example, corpus)
        }
        example.pieces = [text]
        return example
    }

    private mutating func damaged(_ text: String, _ example: Case, _ corpus: [Case]) -> String {
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: return withoutMarker(text)
        case 1: return withDoubledMarker(text)
        case 2: return withSwappedMarkers(text)
        case 3, 4: return inserting(pick(MarkupTokens.ofFamily(example.model) + MarkupTokens.legacy), text)
        case 5: return inserting(pick(Self.scraps), text)
        case 6: return prefix(text, place(text))
        case 7: return prefix(text, place(text)) + suffix(text, place(text))
        default:
            let other = pick(corpus).input
            return prefix(text, place(text)) + suffix(other, place(other))
        }
    }

    private mutating func withoutMarker(_ text: String) -> String {
        edited(text) { tokens, at, _ in tokens.remove(at: at) }
    }

    private mutating func withDoubledMarker(_ text: String) -> String {
        edited(text) { tokens, at, _ in tokens.insert(tokens[at], at: at) }
    }

    private mutating func withSwappedMarkers(_ text: String) -> String {
        edited(text) { tokens, at, other in tokens.swapAt(at, other) }
    }

    /// Changes the list of tokens at two random markers.
    private mutating func edited(_ text: String, _ change: (inout [String], Int, Int) -> Void) -> String {
        var tokens = MarkupTokens.split(text)
        let places = tokens.indices.filter { MarkupTokens.isMarker(tokens[$0]) }
        guard !places.isEmpty else { return text }
        let (first, second) = (pick(places), pick(places))
        change(&tokens, first, second)
        return tokens.joined()
    }

    // MARK: - Places and choices

    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int.random(in: 0..<choices.count, using: &generator)]
    }

    private mutating func place(_ text: String) -> Int {
        Int.random(in: 0...text.unicodeScalars.count, using: &generator)
    }

    private mutating func inserting(_ word: String, _ text: String) -> String {
        let place = place(text)
        return prefix(text, place) + word + suffix(text, place)
    }

    private func prefix(_ text: String, _ count: Int) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(count)))
    }

    private func suffix(_ text: String, _ from: Int) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.dropFirst(from)))
    }
}
