import CanonicalModel
import PluginABI
import PluginHost
import Testing

/// A child's bytes are hostile: whatever they are, the decoder reads no byte that is not there and does not trap.
struct HostileRepliesTests {
    private final class Reader: EventReceiver {
        var bytes = 0
        func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
            // Touches every byte that an event points to.
            for event in events {
                for slice in [event.a, event.b, event.c] { bytes += slice.buffer.reduce(0) { $0 + Int($1 & 1) } }
            }
            return kimi_status(KIMI_OK)
        }
    }

    @Test func `the examples are read in full`() {
        #expect(HostileReplies.read(HostileReplies.examples, to: Reader(), book: NoteBook()) == 6)
    }

    @Test func `cut anywhere nothing is read past the end`() {
        let examples = HostileReplies.examples
        for count in 0..<examples.count {
            #expect(HostileReplies.read(Array(examples[..<count]), to: Reader(), book: NoteBook()) < 6)
        }
    }

    /// Whatever a child says, reading it ends, and says no more than there can be.
    @Test func `a hundred thousand mutations`() {
        var random = SplitMix(state: 2_026)
        let examples = HostileReplies.examples
        let odd: [UInt8] = [0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF]
        for _ in 0..<100_000 {
            var bytes = examples
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[place] = odd.randomElement(using: &random) ?? 0
                case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 2: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
            }
            let read = HostileReplies.read(bytes, to: Reader(), book: NoteBook())
            #expect((0...7).contains(read), "\(bytes)")
        }
    }

    /// The same numbers each time.
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}
