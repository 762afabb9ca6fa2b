import OpenAIProviderLogic
import PluginABI
import Testing
import WireJSON

@Suite("What upstreams say went wrong")
struct ErrorTableTests {
    struct Row: CustomTestStringConvertible {
        let title: String
        let status: UInt32
        let headers: [(String, String)]
        let body: String
        let expected: String
        var testDescription: String { title }
    }

    /// Cases/errors.json: title, HTTP status, headers, body, and the event it becomes.
    static let rows: [Row] = {
        let parser = JSONParser()
        guard let root = try? parser.parse(Array(CaseFiles.text("errors.json").utf8)) else { return [] }
        return root.elements.map { row in
            var headers: [(String, String)] = []
            row[index: 2]?.forEachMember { name, value in
                headers.append((String(decoding: name, as: UTF8.self), value.string ?? ""))
            }
            return Row(
                title: row[index: 0]?.string ?? "", status: UInt32(row[index: 1]?.int ?? 0), headers: headers,
                body: String(decoding: row[index: 3]?.json ?? [], as: UTF8.self), expected: row[index: 4]?.string ?? "")
        }
    }()

    @Test("is there") func exist() { #expect(Self.rows.count >= 28) }

    @Test("becomes a category, a wait and its own message", arguments: rows)
    func table(row: Row) {
        let attempt = Attempt()
        attempt.head(row.status, row.headers)
        attempt.errorBody(row.body)
        #expect(attempt.record.lines == [row.expected])
        #expect(attempt.status == KIMI_DONE.rawValue)
    }

    @Test("a refused call with the model's text becomes that text, unless it is switched off")
    func recovered() {
        let body = #"{"error":{"message":"m","code":"tool_use_failed","failed_generation":"<tool>\n\"f\""}}"#
        func run(_ config: String, _ status: UInt32, _ body: String) -> [String] {
            let attempt = Attempt(config: config)
            attempt.head(status)
            attempt.errorBody(body)
            #expect(attempt.record.violations.isEmpty)
            return attempt.record.lines
        }
        let text = ["START   0", "TEXT 0 <tool>\n\"f\"", "FINISH 0 stop (tool_use_failed)"]
        #expect(run(#"{"apiKey":"k"}"#, 400, body) == text)
        let error = ["ERROR 7 400 -1 [tool_use_failed] m"]
        #expect(run(#"{"apiKey":"k","recover_failed_generation":false}"#, 400, body) == error)
        #expect(run(#"{"apiKey":"k"}"#, 500, body) == ["ERROR 7 500 -1 [tool_use_failed] m"])
        let empty = body.replacing(#""<tool>\n\"f\"""#, with: "null")
        #expect(run(#"{"apiKey":"k"}"#, 400, empty) == error)
    }
}
