import FoundationEssentials

/// Where the random examples of a run begin. `KIMI_SEED=random` takes one that nobody has seen, a number repeats a
/// run; without it every run is the same. `KIMI_ROUNDS` multiplies the rounds.
enum PropertySeed {
    static let run: UInt64 = {
        switch ProcessInfo.processInfo.environment["KIMI_SEED"] {
        case "random": UInt64.random(in: 0..<1_000_000_000)
        case let text: text.flatMap(UInt64.init) ?? 20_261_123
        }
    }()

    static let factor = ProcessInfo.processInfo.environment["KIMI_ROUNDS"].flatMap(Int.init) ?? 1

    /// The generator of one round: each can be repeated without those before it.
    static func generator(_ property: String, _ shard: Int, _ round: Int) -> SeededGenerator {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(property) \(run) \(shard) \(round)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var generator = SeededGenerator(seed: hash)
        for _ in 0..<4 { _ = generator.next() }
        return generator
    }

    /// What a failure says about how to see it again.
    static func place(_ shard: Int, _ round: Int) -> String { "KIMI_SEED=\(run), shard \(shard), round \(round)" }
}
