import JSONSchema
import PluginABI

/// Structure-aware changes: JSON stays JSON, texts stay texts, the order of things changes.
enum Mutation {
    static func apply(_ script: inout Script, _ random: inout SplitMix) {
        if !script.frames.isEmpty {
            frames(&script.frames, &random)
        } else if !script.events.isEmpty {
            events(&script.events, &random)
        } else {
            script.request.json = json(script.request.json, &random)
        }
        if Int.random(in: 0..<8, using: &random) == 0 {
            script.request.json = json(script.request.json, &random)
        }
    }

    private static func frames(_ batches: inout [[Frame]], _ random: inout SplitMix) {
        let index = Int.random(in: 0..<batches.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: batches.remove(at: index)
        case 1: batches.insert(batches[index], at: index)
        case 2: batches.swapAt(index, Int.random(in: 0..<batches.count, using: &random))
        default:
            for place in batches[index].indices {
                batches[index][place].data = json(batches[index][place].data, &random)
            }
        }
    }

    private static func events(_ batches: inout [[Event]], _ random: inout SplitMix) {
        let index = Int.random(in: 0..<batches.count, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: batches.remove(at: index)
        case 1: batches.insert(batches[index], at: index)
        case 2: batches.swapAt(index, Int.random(in: 0..<batches.count, using: &random))
        default:
            for place in batches[index].indices { text(&batches[index][place].a, &random) }
        }
    }

    private static let words = [
        "<think>", "</think>", "<|tool_call_begin|>", "```", "{", "}", "\"", "\\u0000", "\n", "é", "😀", "null", "[]",
        "functions.x:0", " ", "\\", ":", ",",
    ]

    private static func text(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        var characters = Array(String(decoding: bytes, as: UTF8.self))
        let place = Int.random(in: 0...characters.count, using: &random)
        if Bool.random(using: &random), place < characters.count {
            characters.remove(at: place)
        } else {
            characters.insert(contentsOf: words.randomElement(using: &random) ?? "", at: place)
        }
        bytes = Array(String(characters).utf8)
    }

    /// Changes one value of a JSON text; of anything else, one byte.
    static func json(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        do {
            var node = try ConfigNode(parsingJSON: bytes)
            var budget = Int.random(in: 1...max(1, min(count(node), 60)), using: &random)
            change(&node, &budget, &random)
            return node.jsonBytes
        } catch {
            var bytes = bytes
            guard !bytes.isEmpty else { return [UInt8.random(in: 0x20..<0x7F, using: &random)] }
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20..<0x7F, using: &random)
            return bytes
        }
    }

    private static func count(_ node: ConfigNode) -> Int {
        switch node.value {
        case .array(let elements): 1 + elements.reduce(0) { $0 + count($1) }
        case .object(let object): 1 + object.members.reduce(0) { $0 + count($1.value) }
        default: 1
        }
    }

    /// Walks to the budget-th value and replaces it.
    private static func change(_ node: inout ConfigNode, _ budget: inout Int, _ random: inout SplitMix) {
        budget -= 1
        if budget == 0 { return node = replacement(node, &random) }
        guard budget > 0 else { return }
        switch node.value {
        case .array(var elements):
            for index in elements.indices where budget > 0 { change(&elements[index], &budget, &random) }
            node.value = .array(elements)
        case .object(var object):
            for index in object.members.indices where budget > 0 {
                change(&object.members[index].value, &budget, &random)
            }
            node.value = .object(object)
        default: break
        }
    }

    private static func replacement(_ node: ConfigNode, _ random: inout SplitMix) -> ConfigNode {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return .null
        case 1: return ConfigNode(.int([-1, 0, 1, 7, Int64.max, Int64.min].randomElement(using: &random) ?? 0))
        case 2: return ConfigNode(.array([node]))
        case 3: return ConfigNode(.array([]))
        case 4: return ConfigNode(.object(ConfigObject([.init(key: "x", value: node)])))
        case 5: return ConfigNode(.bool(true))
        case 6: return ConfigNode(.double(1e300))
        default:
            var bytes = Array((node.string ?? "").utf8)
            text(&bytes, &random)
            return .string(String(decoding: bytes, as: UTF8.self))
        }
    }
}
