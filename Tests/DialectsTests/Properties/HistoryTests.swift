import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

/// A reply that the client sends back as history becomes the assistant's message that the upstream made: the same
/// texts, ids, arguments byte for byte, and signatures. (`ResponsesRoundTripTests` does it for the third API.)
@Suite struct HistoryTests {
    private struct Reply {
        var events = ScriptedEvents()
        var text = ""
        var thoughts: [(text: String, signature: String)] = []
        var calls: [(id: String, name: String, arguments: String)] = []

        init(_ random: inout SplitMix, signed: Bool) {
            events.add(KIMI_EVENT_START, a: Array("chatcmpl-1".utf8), b: Array("m".utf8))
            for number in 0..<Int.random(in: 0...(signed ? 2 : 1), using: &random) { think(number, signed, &random) }
            for _ in 0..<Int.random(in: 1...3, using: &random) { say(&random) }
            for number in 0..<Int.random(in: 0...3, using: &random) { call(number, &random) }
            events.add(KIMI_EVENT_FINISH, a: Array((calls.isEmpty ? "stop" : "tool_calls").utf8))
        }

        private static let words = ["a", " é😀\n", "\"q\" \\ /", "\u{0}\t", "日本", "{\"x\":1}", "\u{2028}"]

        private mutating func say(_ random: inout SplitMix) {
            let word = Self.words.randomElement(using: &random) ?? ""
            text += word
            events.add(KIMI_EVENT_TEXT, a: Array(word.utf8))
        }

        private mutating func think(_ number: Int, _ signed: Bool, _ random: inout SplitMix) {
            let word = (Self.words.randomElement(using: &random) ?? "") + "\(number)"
            let signature = signed ? "c2ln+\(number)/==" : ""
            thoughts.append((word, signature))
            events.add(KIMI_EVENT_REASONING, a: Array(word.utf8))
            if signed { events.add(KIMI_EVENT_REASONING, b: Array(signature.utf8)) }
        }

        private mutating func call(_ number: Int, _ random: inout SplitMix) {
            let id =
                ["toolu_\(number)", "functions.f:\(number)", "call ü\(number)"].randomElement(using: &random) ?? ""
            let arguments =
                [
                    "{}", #"{"a":1.0,"b":[1e5,123456789012345678901234567890]}"#, #"{ "u" : "\u00e9\/\ud83d\ude00" }"#,
                    #"{"a":"日\n"}"#,
                ].randomElement(using: &random) ?? ""
            calls.append((id, "f\(number)", arguments))
            events.add(
                KIMI_EVENT_TOOL_BEGIN, a: Array(id.utf8), b: Array("f\(number)".utf8), index: UInt32(number))
            var rest = Array(arguments.utf8)[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...5, using: &random))
                rest = rest.dropFirst(piece.count)
                events.add(KIMI_EVENT_TOOL_ARGS, a: Array(piece), index: UInt32(number))
            }
            events.add(KIMI_EVENT_TOOL_END, index: UInt32(number))
        }
    }

    @Test(arguments: 0..<4) func `Messages`(shard: Int) throws {
        for round in 0..<150 * Rounds.factor {
            var random = Rounds.generator("history messages", shard, round)
            let reply = Reply(&random, signed: true)
            let encoder = MessagesUnaryEncoder()
            #expect(reply.events.send(to: encoder) { 3 } == kimi_status(KIMI_OK))
            try encoder.complete()
            #expect(encoder.repairs.count(.dropped) + encoder.repairs.count(.arguments) == 0)
            let parser = JSONParser()
            let content = try #require(try parser.parse(encoder.output.bytes)["content"]).json
            let question = #"{"role":"user","content":"q"}"#
            let body =
                Array(#"{"model":"m","max_tokens":9,"messages":[\#(question),{"role":"assistant","content":"#.utf8)
                + content + Array("},\(question)]}".utf8)
            let decoded = try body.withBytes { try MessagesDecoder.decode($0, parser: parser) }
            try check(decoded.json, reply, Rounds.place(shard, round), areArgumentsReprinted: true)
        }
    }

    @Test(arguments: 0..<4) func `Chat`(shard: Int) throws {
        for round in 0..<150 * Rounds.factor {
            var random = Rounds.generator("history chat", shard, round)
            let reply = Reply(&random, signed: false)
            let encoder = ChatUnaryEncoder()
            #expect(reply.events.send(to: encoder) { 3 } == kimi_status(KIMI_OK))
            try encoder.complete()
            let parser = JSONParser()
            let message = try #require(try parser.parse(encoder.output.bytes)["choices"]?[index: 0]?["message"]).json
            let question = #"{"role":"user","content":"q"}"#
            let body = Array(#"{"model":"m","messages":[\#(question),"#.utf8) + message + Array("]}".utf8)
            _ = try body.withBytes { try ChatRequest($0, parser: parser) }
            try check(body, reply, Rounds.place(shard, round), areArgumentsReprinted: false)
        }
    }

    private func check(_ json: [UInt8], _ reply: Reply, _ place: String, areArgumentsReprinted: Bool) throws {
        let parser = JSONParser()
        let message = try #require(try parser.parse(json)["messages"]?[index: 1])
        var text = message["content"]?.string ?? ""
        for part in message["content"]?.elements.map({ $0 }) ?? [] { text += part["text"]?.string ?? "" }
        #expect(text.utf8.elementsEqual(reply.text.utf8), "\(place)")
        let calls = message["tool_calls"]?.elements.map { $0 } ?? []
        #expect(calls.count == reply.calls.count, "\(place)")
        for (call, wanted) in zip(calls, reply.calls) {
            #expect(call["id"]?.string == wanted.id, "\(place)")
            #expect(call["function"]?["name"]?.string == wanted.name, "\(place)")
            let arguments = Array((call["function"]?["arguments"]?.string ?? "").utf8)
            if areArgumentsReprinted {
                // `JSONValue.json` above prints the input anew, as a client's JSON library does.
                let other = JSONParser()
                let printed = try other.parse(arguments).json
                #expect(try printed == other.parse(Array(wanted.arguments.utf8)).json, "\(place)")
            } else {
                #expect(arguments == Array(wanted.arguments.utf8), "\(place)")
            }
        }
        let thoughts = message["thinking_blocks"]?.elements.map { $0 } ?? []
        if reply.thoughts.contains(where: { !$0.signature.isEmpty }) {
            #expect(thoughts.compactMap { $0["thinking"]?.string } == reply.thoughts.map(\.text), "\(place)")
            #expect(thoughts.compactMap { $0["signature"]?.string } == reply.thoughts.map(\.signature), "\(place)")
        } else {
            #expect((message["reasoning_content"]?.string ?? "") == reply.thoughts.map(\.text).joined(), "\(place)")
        }
    }
}
