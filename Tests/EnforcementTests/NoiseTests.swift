import CanonicalModel
import Dialects
import Enforcement
import PluginABI
import Testing
import WireJSON

/// Whatever comes in whatever order, what the client gets is legal, and has nothing of the termination tool.
@Suite struct NoiseTests {
    private static let pieces: [Script.Line] = [
        Script.start(), Script.text("text "), Script.text("\n"), Script.text(""), Script.thought("thought "),
        Script.thought("", signature: "sig"), Script.begin(0, "done", id: "d"), Script.begin(1, "map", id: "m"),
        Script.begin(2, "15"), Script.begin(0, "time"), Script.arguments(0, #"{"final_answer":"ans"#),
        Script.arguments(0, #"wer"}"#), Script.arguments(1, "{}"), Script.arguments(2, "{}"), Script.arguments(3, "{}"),
        Script.end(0), Script.end(1), Script.end(2), Script.finish("stop"), Script.finish("tool_calls"),
        Script.finish("length"), Script.usage(#"{"prompt_tokens":1,"completion_tokens":2}"#, 1, 2),
        Script.usage("{", 1, 2),
        Script.member("tool_call_extras", #"[{"index":0,"x":1},{"index":1,"y":2},7,{"index":-1}]"#),
        Script.member("thinking_blocks", #"[{"type":"redacted_thinking","data":"d"},1]"#),
        Script.member("refusal", "null"), Script.member("tool_calls", "[]"), Script.member("extra_content", "{}"),
    ]

    private func encoders() -> [any ResponseEncoder] {
        [ChatStreamEncoder(wantsUsage: true), MessagesStreamEncoder(requestID: "r")]
    }

    @Test func noiseIsSurvivedAndLegal() throws {
        var random = SplitMix(state: 0x5EED)
        var accepted = 0
        for _ in 0..<1_500 {
            for encoder in encoders() {
                let reply = EnforcedReply(encoder, EnforcedTurn(names: TerminationNames(own: ["map", "time"])))
                if play(reply, &random) { accepted += 1 }
                try check(encoder.output.bytes)
            }
        }
        #expect(accepted > 300)
    }

    /// True if the reply could be completed.
    private func play(_ reply: EnforcedReply, _ random: inout SplitMix) -> Bool {
        while true {
            var lines = (0..<Int.random(in: 0...12, using: &random)).compactMap { _ in
                Self.pieces.randomElement(using: &random)
            }
            if Bool.random(using: &random) { lines.append(Script.finish("tool_calls")) }
            for line in lines { feed(line, to: reply) }
            if case .again(let demand) = reply.turn.verdict, reply.failure == nil {
                #expect(isMessages(reply.again(demand)))
                continue
            }
            reply.accept()
            do throws(ExchangeError) {
                try reply.complete()
            } catch {
                reply.abort(error)
                return false
            }
            return true
        }
    }

    private func feed(_ line: Script.Line, to reply: EnforcedReply) {
        var (a, b) = (line.a, line.b)
        a.withUTF8 { a in
            b.withUTF8 { b in
                var event = kimi_event()
                (event.type, event.index) = (line.type.rawValue, line.index)
                event.a = kimi_bytes(UnsafeRawBufferPointer(a))
                event.b = kimi_bytes(UnsafeRawBufferPointer(b))
                (event.i0, event.i1, event.i2, event.i3) = (line.i0, line.i1, -1, -1)
                withUnsafePointer(to: event) {
                    _ = reply.receive(UnsafeBufferPointer(start: $0, count: 1))
                }
            }
        }
    }

    /// Messages, each with a comma before it.
    private func isMessages(_ bytes: [UInt8]) -> Bool {
        let list = Array("[0".utf8) + bytes + Array("]".utf8)
        return list.withUnsafeBytes { (try? JSONSpans.elements(of: $0))?.count ?? 0 } > 1
    }

    private func check(_ output: [UInt8]) throws {
        let text = String(decoding: output, as: UTF8.self)
        #expect(!text.contains(#""name":"done""#) && !text.contains(#""name":"15""#))
        for line in text.split(separator: "\n") where line.hasPrefix("data: ") && line != "data: [DONE]" {
            _ = try Array(line.dropFirst(6).utf8).withUnsafeBytes { try JSONSpans.value(of: $0) }
        }
    }
}

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
