import FoundationEssentials
import KimiK2TransformLogic
import Testing
import WireJSON

@Suite("Upward: the shared request vectors")
struct UpwardVectorTests {
    static let text = (try? Data(contentsOf: URL(filePath: "\(Case.sharedVectors)/kimi-wire-vectors.json"))).map {
        [UInt8]($0)
    }
    static let names: [String] =
        text.flatMap { text in
            withJSON(text) { $0.elements.filter { $0["kind"]?.string == "request" }.compactMap { $0["name"]?.string } }
        } ?? []

    @Test("each one, also for known families", arguments: names, ["kimi", "kimi-k2-thinking", "kimi-k2.5", "kimi-k3"])
    func vector(_ name: String, _ model: String) {
        let faults = Self.text.flatMap { text in
            withJSON(text) { all in
                all.elements.first { $0["name"]?.string == name }.map { Self.faults($0, model) }
            }
        }
        #expect(faults == .some(.some([])))
    }

    private static func faults(_ vector: JSONValue, _ model: String) -> [String] {
        guard let request = vector["client_request"]?.json, let expected = vector["expect_upstream"] else {
            return ["?"]
        }
        let result = Rewritten(String(decoding: request, as: UTF8.self), model: model)
        let again = Rewritten(result.text, model: model)
        var faults: [String] = again.patch.map { ["rewritten again: \($0)"] } ?? []
        for (key, value) in expected.members {
            let wanted = value.elements.map { Optional($0).text }
            let name = String(decoding: key, as: UTF8.self)
            let seen = result.member(name)
            let isRight = name == "tool_choice" ? wanted.contains(seen.first ?? "-") : seen == wanted
            if !isRight { faults.append("\(name): \(seen)") }
        }
        return faults
    }
}
