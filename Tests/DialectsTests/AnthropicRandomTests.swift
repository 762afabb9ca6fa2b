import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

/// Whatever legal order the events come in, and however they are batched, the client gets a legal answer.
@Suite struct AnthropicRandomTests {
    static let cases: UInt64 = 3_000

    @Test func `streams`() throws {
        for seed in 0..<Self.cases {
            var events = RandomEvents(seed: seed)
            let batch = events.make()
            let encoder = MessagesStreamEncoder(requestID: "r")
            var sizes = SplitMix(seed: seed &+ 1)
            #expect(batch.send(to: encoder) { Int(sizes.next() % 5) } == kimi_status(KIMI_OK))
            try encoder.complete()
            let reader = StreamReader(encoder.output.bytes)
            #expect(reader.problems.isEmpty, "seed \(seed): \(reader.problems)")
            #expect(reader.text == events.text, "seed \(seed)")
            #expect(reader.thinking == events.thinking, "seed \(seed)")
            checkInputs(reader, encoder.repairs.count(.arguments), seed)
            if reader.blockTypes.contains("tool_use") { #expect(reader.stopReason != "end_turn") }
        }
    }

    /// Every input is an object, or at least the beginning of one and counted.
    private func checkInputs(_ reader: StreamReader, _ violations: Int, _ seed: UInt64) {
        let parser = JSONParser()
        var broken = 0
        for input in reader.inputs {
            #expect(input.first == "{", "seed \(seed)")
            if (try? parser.parse(Array(input.utf8)).isObject) != true { broken += 1 }
        }
        #expect(broken <= violations, "seed \(seed)")
    }

    @Test func `unstreamed replies`() throws {
        let parser = JSONParser()
        for seed in 0..<Self.cases {
            var events = RandomEvents(seed: seed)
            let batch = events.make()
            let encoder = MessagesUnaryEncoder()
            #expect(batch.send(to: encoder) { 3 } == kimi_status(KIMI_OK))
            try encoder.complete()
            let message = try parser.parse(encoder.output.bytes)
            #expect(message["type"]?.string == "message")
            #expect(message["id"]?.string?.isEmpty == false)
            #expect(StreamReader.stopReasons.contains(message["stop_reason"]?.string ?? ""))
            #expect(message["usage"]?["output_tokens"]?.int != nil)
            let content = try #require(message["content"])
            #expect(joined(content, "text", "text") == events.text, "seed \(seed)")
            #expect(joined(content, "thinking", "thinking") == events.thinking, "seed \(seed)")
            let calls = content.elements.filter { $0["type"]?.string == "tool_use" }
            #expect(calls.count == events.arguments.count)
            #expect(calls.allSatisfy { $0["input"]?.isObject == true }, "seed \(seed)")
        }
    }

    private func joined(_ content: JSONValue, _ type: String, _ member: String) -> String {
        content.elements.filter { $0["type"]?.string == type }.compactMap { $0.member(member)?.string }.joined()
    }

    /// Both encoders make the same blocks of the same events.
    @Test func `streamed and unstreamed agree`() throws {
        let parser = JSONParser()
        for seed in 0..<Self.cases {
            var events = RandomEvents(seed: seed)
            let batch = events.make()
            let (streaming, whole) = (MessagesStreamEncoder(requestID: "r"), MessagesUnaryEncoder())
            _ = batch.send(to: streaming) { 1 }
            _ = batch.send(to: whole) { 100 }
            try streaming.complete()
            try whole.complete()
            let reader = StreamReader(streaming.output.bytes)
            let message = try parser.parse(whole.output.bytes)
            #expect(message["content"]?.elements.compactMap { $0["type"]?.string } == reader.blockTypes)
            #expect(message["stop_reason"]?.string == reader.stopReason)
            #expect(streaming.repairs.count(.arguments) == whole.repairs.count(.arguments))
            #expect(streaming.repairs.count(.dropped) == whole.repairs.count(.dropped))
        }
    }

    /// Events in any order at all: either the encoder refuses, or what it wrote is legal.
    @Test func `disorder`() {
        var random = SplitMix(seed: 3)
        for seed in 0..<Self.cases {
            let encoder = MessagesStreamEncoder(requestID: "r")
            for _ in 0..<20 { disorderly(&random).send(to: encoder) }
            guard encoder.failure == nil, (try? encoder.complete()) != nil else { continue }
            #expect(StreamReader(encoder.output.bytes).problems.isEmpty, "seed \(seed)")
        }
    }

    private func disorderly(_ random: inout SplitMix) -> Step {
        let index = UInt32(random.next() % 2)
        switch random.next() % 16 {
        case 0, 1, 2: return .start()
        case 3, 4: return .text("x", choice: UInt32(random.next() % 2))
        case 5: return .reasoning("y")
        case 6: return .begin(index, id: "i", name: "n")
        case 7: return .arguments(index, "{")
        case 8: return .end(index)
        case 9: return .finish("stop")
        case 10: return .usage("", 1, 1)
        default: return .json(KIMI_SCOPE_CHOICE, "logprobs", "null")
        }
    }
}
