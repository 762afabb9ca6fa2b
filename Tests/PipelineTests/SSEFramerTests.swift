import CanonicalModel
import KimiHostCore
import PluginABI
import Testing

@Suite struct SSEFramerTests {
    struct Frame: Equatable, CustomStringConvertible {
        let name: String
        let data: String
        var description: String { "\(name)|\(data)" }
    }

    /// A stream that has everything the standard allows.
    static let stream =
        [UInt8](
            "\u{FEFF}: a comment\ndata: one\n\ndata:two\r\n\r\nevent: named\ndata: a\ndata: b\n\nid: 7\nretry: 10\n\ndata\n\n"
                .utf8)
        + [UInt8]("data: x\rdata: y\r\rdata: Grüße 🎉\n\r\ndata: {\"a\":1}\n\ndata: unfinished".utf8)

    static let frames = [
        Frame(name: "", data: "one"), Frame(name: "", data: "two"), Frame(name: "named", data: "a\nb"),
        Frame(name: "", data: ""), Frame(name: "", data: "x\ny"), Frame(name: "", data: "Grüße 🎉"),
        Frame(name: "", data: "{\"a\":1}"),
    ]

    static func frames(of pieces: [[UInt8]]) -> [Frame] {
        var framer = SSEFramer()
        var frames: [Frame] = []
        for piece in pieces {
            let fits = framer.push(piece) { batch in
                for frame in batch { frames.append(Frame(name: frame.name.text, data: frame.data.text)) }
            }
            #expect(fits)
        }
        return frames
    }

    @Test func `the whole stream at once`() {
        #expect(Self.frames(of: [Self.stream]) == Self.frames)
    }

    @Test func `one byte at a time`() {
        #expect(Self.frames(of: Self.stream.map { [$0] }) == Self.frames)
    }

    @Test(arguments: 0...stream.count) func `cut in two`(at position: Int) {
        let pieces = [Array(Self.stream[..<position]), Array(Self.stream[position...])]
        #expect(Self.frames(of: pieces) == Self.frames)
    }

    @Test func `random cuts`() {
        var generator = SplitMix(state: 42)
        for _ in 0..<500 {
            var pieces: [[UInt8]] = []
            var rest = Self.stream[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(9, rest.count), using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(Self.frames(of: pieces) == Self.frames)
        }
    }

    @Test func `an event over the limit is refused`() {
        var framer = SSEFramer()
        let piece = [UInt8](repeating: 0x61, count: 1 << 20)
        var fits = framer.push(Array("data: ".utf8)) { _ in }
        var pushed = 0
        while fits, pushed < 32 {
            fits = framer.push(piece) { _ in }
            pushed += 1
        }
        #expect(!fits)
        #expect(pushed == 16)
    }

    @Test func `a long event in small pieces takes linear time`() {
        var framer = SSEFramer()
        _ = framer.push(Array("data: ".utf8)) { _ in }
        let piece = [UInt8](repeating: 0x61, count: 1024)
        let clock = ContinuousClock()
        let time = clock.measure {
            for _ in 0..<8192 { _ = framer.push(piece) { _ in } }
        }
        var length = 0
        _ = framer.push(Array("\n\n".utf8)) { length = $0.first.map { $0.data.len } ?? 0 }
        #expect(length == 8 << 20)
        // Quadratic work would be 8192 scans of up to 8 MB, some seconds; linear is a few milliseconds.
        #expect(time < .seconds(1))
    }
}

/// A small seeded generator, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
