import Testing
import WireJSON

@Suite("Random JSON")
struct RoundTripTests {
    /// A random value's minified text.
    private func value(_ random: inout SeededNumbers, depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 4 ? 6 : 8), using: &random) {
        case 0: return ["null", "true", "false"].randomElement(using: &random) ?? "null"
        case 1: return String(Int64.random(in: .min ... .max, using: &random))
        case 2: return String(Int.random(in: -9...9, using: &random))
        case 3: return Double.random(in: -1e6...1e6, using: &random).description
        case 4, 5: return string(&random)
        case 6:
            let items = (0..<Int.random(in: 0..<5, using: &random)).map { _ in value(&random, depth: depth + 1) }
            return "[" + items.joined(separator: ",") + "]"
        default: return object(&random, depth: depth)
        }
    }

    private func object(_ random: inout SeededNumbers, depth: Int) -> String {
        let items = (0..<Int.random(in: 0..<5, using: &random)).map { number in
            "\"k\(number)\":" + value(&random, depth: depth + 1)
        }
        return "{" + items.joined(separator: ",") + "}"
    }

    private func string(_ random: inout SeededNumbers) -> String {
        let parts = ["a", "\\n", "\\\"", "\\\\", "é", "月", "😀", "long plain text ", "\\u0001", "/", "}"]
        return "\""
            + (0..<Int.random(in: 0..<12, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }
            .joined()
            + "\""
    }

    @Test("minified text survives parsing and printing byte for byte", arguments: 0..<20)
    func roundTrip(seed: Int) throws {
        var random = SeededNumbers(state: UInt64(seed))
        for _ in 0..<100 {
            let text = value(&random, depth: 0)
            #expect(try minified(text) == text)
        }
    }

    @Test("a patch by spans gives the same value as a merge of trees", arguments: 0..<20)
    func merges(seed: Int) throws {
        var random = SeededNumbers(state: UInt64(seed) &+ 1000)
        for _ in 0..<100 {
            let target = object(&random, depth: 0)
            let patch = object(&random, depth: 0)
            let result = try patched(target, patch)
            #expect(try minified(result) == Tree(target).merged(with: Tree(patch)).text, "\(target) \(patch)")
        }
    }
}

/// A slow and plain model of RFC 7396 to compare with.
private indirect enum Tree {
    case leaf(String)
    case object([(key: String, value: Tree)])

    init(_ text: String) throws {
        let parser = JSONParser()
        self.init(try parser.parse(Array(text.utf8)))
    }

    init(_ value: JSONValue) {
        guard value.isObject else {
            self = .leaf(String(decoding: value.json, as: UTF8.self))
            return
        }
        self = .object(value.members.map { (String(decoding: $0.key, as: UTF8.self), Tree($0.value)) })
    }

    func merged(with patch: Tree) -> Tree {
        guard case .object(let changes) = patch else { return patch }
        var members: [(key: String, value: Tree)] = []
        if case .object(let own) = self { members = own }
        for (key, change) in changes {
            let place = members.firstIndex { $0.key == key }
            if case .leaf("null") = change {
                if let place { members.remove(at: place) }
            } else if let place {
                members[place].value = members[place].value.merged(with: change)
            } else {
                members.append((key, Tree.object([]).merged(with: change)))
            }
        }
        return .object(members)
    }

    var text: String {
        switch self {
        case .leaf(let text): text
        case .object(let members):
            "{" + members.map { "\"\($0.key)\":\($0.value.text)" }.joined(separator: ",") + "}"
        }
    }
}
