import KimiK2TransformLogic
import PluginABI
import PluginKit
import Testing

/// What no upstream should send and no host should pass on: it must neither trap nor break the order of events.
@Suite("Bytes that nobody should send")
struct PropertyBytesTests {
    @Test("invalid UTF-8 and NUL anywhere: no trap, calls in order, the rest is kept", arguments: 0..<4)
    func hostile(_ shard: Int) {
        for round in 0..<500 * PropertySeed.factor {
            var mutator = Mutator(PropertySeed.generator("bytes", shard, round))
            let example = mutator.example()
            let bytes = Self.spoiled(Array(example.input.utf8), &mutator)
            let whole = Reading.of([(example.channel, bytes)], example)
            let single = Reading.of(bytes.map { (example.channel, [$0]) }, example)
            // A code point that is cut in two may be told only here: such bytes are the host's to keep out.
            let faults = (whole.breaches + single.breaches).filter { !$0.contains("code point") }
            guard faults.isEmpty else {
                Issue.record("\(PropertySeed.place(shard, round)): \(example.name) \(faults)\n\(bytes)")
                return
            }
        }
    }

    private static func spoiled(_ bytes: [UInt8], _ mutator: inout Mutator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &mutator.generator) {
            let bad = mutator.pick([0x00, 0x80, 0xBF, 0xC0, 0xE2, 0xED, 0xF5, 0xFF, 0x1B, 0x7F] as [UInt8])
            let place = Int.random(in: 0...bytes.count, using: &mutator.generator)
            if place < bytes.count, Bool.random(using: &mutator.generator) {
                bytes[place] = bad
            } else {
                bytes.insert(bad, at: place)
            }
        }
        return bytes
    }

    /// One line of a megabyte in every place that holds something back.
    static let frames: [(String, before: String, after: String)] = {
        let call = "<|tool_calls_section_begin|><|tool_call_begin|>"
        let arguments = call + "functions.f:0<|tool_call_argument_begin|>"
        return [
            ("text", "", ""), ("code", "`<|tool_call_begin|>", "`"), ("a fence", "```\n<think>", "\n```"),
            ("a thought", "<think>", "</think>"), ("a section", "<|tool_calls_section_begin|>", call),
            ("a head", call, "{}"),
            ("arguments", arguments + "{\"a\":\"", "\"}"), ("broken arguments", arguments, ""),
            ("an encoded string", arguments + "\"{\\\"a\\\":\\\"", "\\\"}\""),
            ("a fence of arguments", arguments + "```", "```"),
            ("a quoted marker", arguments + "{\"a\":\"<|tool_call_end|>", "\"}"),
            ("a role", "<|im_user|>", "<|im_middle|>"),
            ("a nameless call", call + "7<|tool_call_argument_begin|>{\"a\":\"", "\"}<|tool_call_end|>"),
            ("a channel", "<|open|>", "<|sep|>"),
            ("a value", "<|open|>argument key=\"a\" type=\"object\"<|sep|>", "<|close|>"),
        ]
    }()

    @Test("a line of a megabyte anywhere: the same whole and in pieces, at once", arguments: frames.indices)
    func megabyte(_ number: Int) {
        let (name, before, after) = Self.frames[number]
        var example = Case(
            clean: [DeclaredTool(name: "f", properties: ["a"]), DeclaredTool(name: "g")], reason: "stop")
        for model in ["k2", "k2.5", "k3"] {
            example.model = model
            for (filler, count) in [("x", 1 << 20), ("<", 1 << 17), ("\\", 1 << 17), ("\"", 1 << 17), ("é", 1 << 17)] {
                let text = Array((before + String(repeating: filler, count: count) + after).utf8)
                let started = ContinuousClock().now
                let whole = Reading.of([(.content, text)], example)
                let parts = Reading.of(Self.pieces(text), example)
                #expect(whole.answer == parts.answer, "\(name) of \(filler), \(model)")
                #expect(whole.breaches + parts.breaches == [], "\(name) of \(filler), \(model)")
                #expect(ContinuousClock().now - started < .seconds(5), "\(name) of \(filler), \(model)")
            }
        }
    }

    /// Pieces of about 4000 bytes that are not cut inside a code point.
    private static func pieces(_ text: [UInt8]) -> [(TextChannel, [UInt8])] {
        var pieces: [(TextChannel, [UInt8])] = []
        var start = 0
        while start < text.count {
            var end = min(text.count, start + 4001)
            while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
            pieces.append((.content, Array(text[start..<end])))
            start = end
        }
        return pieces
    }
}
