import FoundationEssentials
import KimiK2TransformLogic
import Testing
import WireJSON

/// `Cases/requests`: the shape of the shared `request` vectors, and `models` (`kimi` if there are none), `config`, and
/// the expectations `unchanged` and `member:NAME`. What is not there is expected as `-`.
@Suite("Upward: cases")
struct UpwardCaseTests {
    struct RequestCase: CustomStringConvertible, Sendable {
        var name: String
        var model: String
        var json: [UInt8]

        var description: String { "\(name), \(model)" }

        func read<Result>(_ body: (JSONValue) -> Result) -> Result? { withJSON(json, body) }
    }

    static let all: [RequestCase] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases/requests").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().flatMap { name -> [RequestCase] in
            let data = (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))).map { [UInt8]($0) } ?? []
            return withJSON(data) { $0.elements.flatMap(Self.cases) } ?? []
        }
    }()

    private static func cases(_ json: JSONValue) -> [RequestCase] {
        let models = json["models"]?.elements.compactMap(\.string) ?? ["kimi"]
        return models.map { RequestCase(name: json["name"]?.string ?? "?", model: $0, json: json.json) }
    }

    @Test("each one, also sent again", arguments: all)
    func request(_ one: RequestCase) {
        #expect(one.read { Self.faults($0, Self.fullName(one.model)) } == .some([]))
    }

    private static func fullName(_ model: String) -> String {
        switch model {
        case "kimi": "kimi"
        case "k2": "kimi-k2-instruct-0905"
        default: "moonshotai/kimi-\(model)"
        }
    }

    private static func faults(_ one: JSONValue, _ model: String) -> [String] {
        guard let request = one["client_request"]?.json, let expected = one["expect_upstream"] else { return ["?"] }
        let config = KimiK2Config(json: one["config"]?.json ?? []) ?? KimiK2Config()
        let text = String(decoding: request, as: UTF8.self)
        let result = Rewritten(text, config: config, model: model)
        let again = Rewritten(result.text, config: config, model: model)
        var faults: [String] = again.patch.map { ["rewritten again: \($0)"] } ?? []
        for (key, value) in expected.members {
            let name = String(decoding: key, as: UTF8.self)
            if !isRight(result, name, value) { faults.append("\(name): \(result.member(name))") }
        }
        return faults
    }

    private static func isRight(_ result: Rewritten, _ name: String, _ value: JSONValue) -> Bool {
        if name == "unchanged" { return result.patch == nil }
        if name.hasPrefix("member:") { return result.member(name) == [Optional(value).text] }
        let (seen, wanted) = (result.member(name), value.elements.map { Optional($0).text })
        return name == "tool_choice" ? wanted.contains(seen.first ?? "-") : seen == wanted
    }
}

extension Rewritten {
    /// What an expectation of that name speaks of.
    func member(_ name: String) -> [String] {
        switch name {
        case "ids": callIDs
        case "tool_message_ids": resultIDs
        case "tool_message_contents": contents("tool")
        case "assistant_reasoning_content": thoughts
        case "assistant_content": contents("assistant")
        case "user_content": contents("user")
        case "tool_choice": [read { $0["tool_choice"].text } ?? ""]
        case "unchanged": [patch ?? ""]
        case _ where name.hasPrefix("member:"): [read { $0.member(String(name.dropFirst(7))).text } ?? ""]
        default: ["unknown expectation"]
        }
    }
}
