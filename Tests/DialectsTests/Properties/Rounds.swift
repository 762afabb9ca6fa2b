#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where the random examples of a run begin. `KIMI_SEED=random` takes one that nobody has seen, a number repeats a
/// run; without it every run is the same. `KIMI_ROUNDS` multiplies the rounds.
enum Rounds {
    static let seed: UInt64 = {
        guard let text = getenv("KIMI_SEED").map({ String(cString: $0) }) else { return 20_261_123 }
        let seed = UInt64(text) ?? UInt64.random(in: 0..<1_000_000_000)
        print("DialectsTests: KIMI_SEED=\(seed)")
        return seed
    }()

    static let factor = getenv("KIMI_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 1

    /// The generator of one round: each can be repeated without those before it.
    static func generator(_ property: String, _ shard: Int, _ round: Int) -> SplitMix {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(property) \(seed) \(shard) \(round)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return SplitMix(seed: hash)
    }

    /// What a failure says about how to see it again.
    static func place(_ shard: Int, _ round: Int) -> String { "KIMI_SEED=\(seed), shard \(shard), round \(round)" }
}
