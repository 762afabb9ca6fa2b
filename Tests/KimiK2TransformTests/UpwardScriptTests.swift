import KimiK2TransformLogic
import PluginABI
import PluginKit
import Testing

@Suite("Upward: ten turns, each a beginning of the next")
struct UpwardScriptTests {
    /// How a client writes ids into its history.
    enum Client: String, CaseIterable, Sendable {
        case asIs, sanitising, foreign, restarting, integers, none
    }

    private func id(_ client: Client, _ turn: Int, _ call: Int, _ number: Int, _ own: String) -> String? {
        switch client {
        case .asIs: "\"\(own)\""
        case .sanitising: "\"functions_get_it_\(number)\""
        case .foreign: "\"call_\(turn)x\(call * 7)\""
        case .restarting: "\"get_it:\(call)\""
        case .integers: "\(call + 1)"
        case .none: nil
        }
    }

    @Test(
        "ids are canonical and global, thoughts are back, bytes are stable", arguments: Client.allCases,
        ["kimi-k2.5", "kimi-k3"])
    func tenTurns(_ client: Client, _ model: String) throws {
        let host = BeginHost()
        var messages = [#"{"role":"system","content":"be brief"}"#, Say.user("hi")]
        var (before, number) = ("", 0)
        for turn in 0..<10 {
            let (request, exchange) = try host.begin(Say.request(messages), model: model)
            let history = try #require(Self.messages(request))
            #expect(history.hasPrefix(before), "turn \(turn)")
            before = history
            check(request, calls: number)
            let sink = FakeHost()
            let script = EventScript().add(KIMI_EVENT_REASONING, "thought \(turn)").add(KIMI_EVENT_TEXT, "text")
            let count = 1 + turn % 3
            for call in 0..<count {
                script.add(KIMI_EVENT_TOOL_BEGIN, "functions.get_it:\(number + call)", "get_it", index: UInt32(call))
                    .add(KIMI_EVENT_TOOL_ARGS, #"{"n":\#(call)}"#, index: UInt32(call))
                    .add(KIMI_EVENT_TOOL_END, index: UInt32(call))
            }
            script.add(KIMI_EVENT_FINISH, "tool_calls")
            try script.events.withUnsafeBufferPointer { try exchange?.feed($0, to: sink.sink) }
            withExtendedLifetime(script) {}
            append(&messages, sink.answer().calls, client, turn, number)
            number += count
            if turn % 4 == 3 { messages += [Say.assistant([], "\"Done.\""), Say.user("more")] }
        }
    }

    private func append(
        _ messages: inout [String], _ calls: [Answer.Call], _ client: Client, _ turn: Int, _ number: Int
    ) {
        let ids = calls.enumerated().map { id(client, turn, $0.offset, number + $0.offset, $0.element.id) }
        let list = zip(calls, ids).map { (id: $1 ?? "null", name: $0.name, arguments: $0.text) }
        messages.append(Say.assistant(list.map { ($0.id, $0.name, $0.arguments) }, "\"\""))
        messages += ids.enumerated().map { Say.result($0.element, "result \(turn).\($0.offset)") }
    }

    private func check(_ request: String, calls: Int) {
        var read = Rewritten("{}")
        read.text = request
        #expect(read.callIDs == (0..<calls).map { "functions.get_it:\($0)" })
        #expect(read.resultIDs == read.callIDs)
        #expect(read.contents("assistant").allSatisfy { $0 == "null" || $0 == "Done." })
        let beside = read.thoughts.filter { $0 != "-" }
        #expect(beside.allSatisfy { $0 == " " || $0.hasPrefix("thought") })
    }

    /// The messages of a request, without the bracket that ends them.
    static func messages(_ request: String) -> String? {
        request.split(separator: "\"messages\":[", maxSplits: 1).last.map { String($0.dropLast(2)) }
    }

    @Test("with ids as they were given every thought is back") func allThoughts() throws {
        let host = BeginHost()
        var messages = [Say.user("hi")]
        for turn in 0..<10 {
            let (request, exchange) = try host.begin(Say.request(messages))
            var read = Rewritten("{}")
            read.text = request
            #expect(read.thoughts == (0..<turn).map { "thought \($0)" })
            let sink = FakeHost()
            let script = EventScript().add(KIMI_EVENT_REASONING, "thought \(turn)")
                .add(KIMI_EVENT_TOOL_BEGIN, "functions.x:\(turn)", "x").add(KIMI_EVENT_TOOL_ARGS, "{}")
                .add(KIMI_EVENT_TOOL_END).add(KIMI_EVENT_FINISH, "tool_calls")
            try script.events.withUnsafeBufferPointer { try exchange?.feed($0, to: sink.sink) }
            withExtendedLifetime(script) {}
            append(&messages, sink.answer().calls, .asIs, turn, turn)
        }
    }
}
