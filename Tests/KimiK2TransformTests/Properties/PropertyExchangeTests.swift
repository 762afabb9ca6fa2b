import KimiK2TransformLogic
import PluginABI
import PluginKit
import Testing

/// The same properties through the plugin's exchange: however events are batched, whatever fields they come in.
@Suite("Properties of batches of events")
struct PropertyExchangeTests {
    @Test("batches do not matter, and each choice ends once", arguments: 0..<6)
    func batches(_ shard: Int) throws {
        for round in 0..<250 * PropertySeed.factor {
            var mutator = Mutator(PropertySeed.generator("batches", shard, round))
            let example = mutator.example()
            let script = Self.script(example, &mutator)
            let whole = try Self.run(script, example, batches: [script.events.count])
            let single = try Self.run(script, example, batches: script.events.map { _ in 1 })
            let random = try Self.run(script, example, batches: Self.sizes(script.events.count, &mutator.generator))
            guard Self.same(whole, single), Self.same(whole, random), let finishes = Self.finishes(whole) else {
                Issue.record("\(PropertySeed.place(shard, round)): \(example.name) \(whole.events) or \(single.events)")
                return
            }
            #expect(finishes == [0, 3])
        }
    }

    /// The example in random pieces and now and then in the other field, a second choice between, and a call at the end.
    private static func script(_ example: Case, _ mutator: inout Mutator) -> EventScript {
        let script = EventScript()
        let other = mutator.pick(Mutator.corpus)
        var pieces = Cuts.random(example.input, longest: 30, &mutator.generator).map { ($0, UInt32(0)) }
        pieces += Cuts.random(other.input, longest: 900, &mutator.generator).map { ($0, UInt32(3)) }
        pieces.shuffleKeepingOrder(using: &mutator.generator)
        for (text, choice) in pieces {
            let strays = Int.random(in: 0..<40, using: &mutator.generator) == 0
            let isThought = (example.channel == .reasoning) != strays
            script.add(isThought ? KIMI_EVENT_REASONING : KIMI_EVENT_TEXT, text, choice: choice)
        }
        if Bool.random(using: &mutator.generator) {
            script.add(KIMI_EVENT_TOOL_BEGIN, "functions.read:0", "read").add(
                KIMI_EVENT_TOOL_ARGS, "{\"path\":\"/srv/a.txt\"}"
            )
            .add(KIMI_EVENT_TOOL_END)
        }
        return script.add(KIMI_EVENT_FINISH, "stop", "stop", choice: 3).add(
            KIMI_EVENT_FINISH, "stop", "stop", choice: 0)
    }

    private static func sizes(_ count: Int, _ generator: inout SeededGenerator) -> [Int] {
        var sizes: [Int] = []
        var left = count
        while left > 0 {
            sizes.append(Int.random(in: 1...min(left, 9), using: &generator))
            left -= sizes[sizes.count - 1]
        }
        return sizes
    }

    private static func run(_ script: EventScript, _ example: Case, batches: [Int]) throws -> FakeHost {
        let host = FakeHost()
        let exchange = KimiK2Exchange(options: example.options, tools: DeclaredTools(example.tools), context: nil)
        var start = 0
        for size in batches {
            try Array(script.events[start..<start + size]).withUnsafeBufferPointer { events throws(PluginFailure) in
                try exchange.feed(events, to: host.sink)
            }
            start += size
        }
        try exchange.flush(KIMI_WHY_END, to: host.sink)
        return host
    }

    private static func same(_ one: FakeHost, _ other: FakeHost) -> Bool {
        one.answer(choice: 0) == other.answer(choice: 0) && one.answer(choice: 3) == other.answer(choice: 3)
    }

    /// The choices that ended, sorted; nil if one says something after its end or a text is empty.
    private static func finishes(_ host: FakeHost) -> [UInt32]? {
        var ended: [UInt32] = []
        for event in host.events {
            if ended.contains(event.choice) { return nil }
            if event.type == KIMI_EVENT_FINISH.rawValue { ended.append(event.choice) }
            if event.type == KIMI_EVENT_TEXT.rawValue, event.a.isEmpty { return nil }
        }
        return ended.sorted()
    }
}

extension [(String, UInt32)] {
    /// Mixes the elements of different choices; those of one keep their order.
    mutating func shuffleKeepingOrder(using generator: inout SeededGenerator) {
        var queues = Dictionary(grouping: self, by: \.1).sorted { $0.key < $1.key }.map { $0.value[...] }
        for index in indices {
            queues.removeAll(where: \.isEmpty)
            let queue = Int.random(in: 0..<queues.count, using: &generator)
            self[index] = queues[queue].removeFirst()
        }
    }
}
