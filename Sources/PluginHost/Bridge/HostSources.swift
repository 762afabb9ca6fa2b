import Synchronization

/// Clock and chance that plugins get in a replay, for the whole process; as long as none are set, the system's.
package enum HostSources {
    private struct State {
        var unixMs: UInt64 = 0
        var seed: UInt64 = 0

        /// SplitMix64.
        mutating func next() -> UInt64 {
            seed &+= 0x9E37_79B9_7F4A_7C15
            var z = seed
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let isSet = Atomic<Bool>(false)
    private static let state = Mutex(State())

    /// From now on the clock stands at `unixMs`, and chance follows from `seed`.
    package static func set(unixMs: UInt64, seed: UInt64) {
        state.withLock { $0 = State(unixMs: unixMs, seed: seed) }
        isSet.store(true, ordering: .releasing)
    }

    /// The clock is set; chance goes on.
    package static func set(unixMs: UInt64) { state.withLock { $0.unixMs = unixMs } }

    /// Nil: the system's.
    package static var unixMs: UInt64? {
        guard isSet.load(ordering: .acquiring) else { return nil }
        return state.withLock { $0.unixMs }
    }

    /// False: the system's are wanted.
    static func fill(_ bytes: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        guard isSet.load(ordering: .acquiring) else { return false }
        state.withLock { state in
            for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: state.next()) }
        }
        return true
    }
}
