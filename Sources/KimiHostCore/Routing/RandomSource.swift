import Synchronization

/// Random numbers for routing: one atomic step per number, shared by all threads. Not for secrets.
///
/// The generator is SplitMix64: a counter with a good mixing function, so that concurrent callers need no lock.
package final class RandomSource: Sendable {
    private let state: Atomic<UInt64>

    /// A seed gives the same numbers every time, for tests; without one they differ from start to start.
    package init(seed: UInt64 = .random(in: .min ... .max)) {
        state = Atomic(seed)
    }

    /// A number from 0 up to, not including, 1.
    package func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A whole number from 0 up to, not including, `bound`, which must be at least 1.
    package func index(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    private func next() -> UInt64 {
        var mixed = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
