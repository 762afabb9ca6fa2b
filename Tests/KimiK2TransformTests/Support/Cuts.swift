/// A small generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// Ways of cutting a text between code points.
enum Cuts {
    /// Every way with one cut.
    static func single(_ text: String) -> [[String]] {
        text.unicodeScalars.indices.dropFirst().map { cut in
            [String(text.unicodeScalars[..<cut]), String(text.unicodeScalars[cut...])]
        }
    }

    static func everyCharacter(_ text: String) -> [String] { text.unicodeScalars.map(String.init) }

    /// Pieces of one to `longest` code points.
    static func random(_ text: String, longest: Int, _ generator: inout SeededGenerator) -> [String] {
        var pieces: [String] = []
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...longest, using: &generator)
            pieces.append(String(String.UnicodeScalarView(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
