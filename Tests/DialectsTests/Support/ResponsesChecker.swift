import Dialects
import WireJSON

/// Reads a stream of response events as a strict client would, and keeps its own account of what must hold.
/// It knows nothing of the encoder.
final class ResponsesChecker {
    private let parser = JSONParser()
    private var sequence: Int64 = 0
    private var nextIndex: Int64 = 0
    private var open: OpenItem?
    private var done: [String] = []
    private var ids: Set<String> = []
    private(set) var ending: String?
    private(set) var problems: [String] = []
    /// The last event's response object.
    private(set) var response = ""
    /// Deltas of custom tools' inputs, by call id.
    private(set) var inputs: [String: String] = [:]

    private struct OpenItem {
        var id: String
        var index: Int64
        var type: String
        var part: (type: String, text: String)?
        var parts = 0
        var text = ""
        var isTextDone = false
    }

    init(_ stream: String) {
        defer { withExtendedLifetime(parser) {} }
        for block in stream.split(separator: "\n\n") {
            let lines = block.split(separator: "\n", omittingEmptySubsequences: false)
            guard lines.count == 2, lines[0].hasPrefix("event: "), lines[1].hasPrefix("data: ") else {
                note("no event: \(block)")
                continue
            }
            guard let root = try? parser.parse(Array(lines[1].dropFirst(6).utf8)) else {
                note("no JSON: \(block)")
                continue
            }
            take(String(lines[0].dropFirst(7)), root)
        }
        if ending == nil { note("no end") }
    }

    private func note(_ problem: String) { problems.append(problem) }
    private func expect(_ condition: Bool, _ problem: @autoclosure () -> String) {
        if !condition { note(problem()) }
    }

    private func take(_ name: String, _ event: JSONValue) {
        expect(event["type"]?.string == name, "\(name) is called \(event["type"]?.string ?? "nothing")")
        expect(event["sequence_number"]?.int == sequence, "\(name) is not number \(sequence)")
        expect(ending == nil, "\(name) after the end")
        defer { sequence += 1 }
        switch name {
        case "response.created": expect(sequence == 0, "created late")
        case "response.in_progress": expect(sequence == 1, "in_progress late")
        case "response.completed", "response.incomplete", "response.failed": end(name, event)
        case "error": expect(event["message"]?.string != nil, "an error without a message")
        case "response.output_item.added": added(event)
        case "response.output_item.done": finished(event)
        default: inside(name, event)
        }
    }

    private func added(_ event: JSONValue) {
        expect(open == nil, "two items open")
        let item = event["item"]
        let id = item?["id"]?.string ?? ""
        expect(!id.isEmpty && ids.insert(id).inserted, "id \(id) is used twice")
        expect(event["output_index"]?.int == nextIndex, "index is not \(nextIndex)")
        open = OpenItem(id: id, index: nextIndex, type: item?["type"]?.string ?? "")
        nextIndex += 1
    }

    private func finished(_ event: JSONValue) {
        guard let open else { return note("done without added") }
        let item = event["item"]
        expect(item?["id"]?.string == open.id && event["output_index"]?.int == open.index, "done of another item")
        expect(open.part == nil, "a part is open at its item's end")
        switch open.type {
        case "message":
            expect(item?["content"]?.elementCount == open.parts && open.parts > 0, "parts of \(open.id)")
            expect(texts(item?["content"]) == open.text, "text of \(open.id)")
        case "reasoning":
            expect(texts(item?["content"]) + texts(item?["summary"]) == open.text, "reasoning of \(open.id)")
        case "function_call":
            expect(open.isTextDone && item?["arguments"]?.string == open.text, "arguments of \(open.id)")
        case "custom_tool_call":
            expect(open.isTextDone && item?["input"]?.string == open.text, "input of \(open.id)")
            inputs[item?["call_id"]?.string ?? ""] = open.text
        default: break
        }
        done.append(item.map(Self.json) ?? "")
        self.open = nil
    }

    private func texts(_ parts: JSONValue?) -> String {
        var text = ""
        parts?.forEachElement { text += $0["text"]?.string ?? $0["refusal"]?.string ?? "?" }
        return text
    }

    private func inside(_ name: String, _ event: JSONValue) {
        guard var item = open else { return note("\(name) outside of an item") }
        defer { open = item }
        expect(event["item_id"]?.string == item.id && event["output_index"]?.int == item.index, "\(name) of another")
        if name.hasSuffix("part.added") {
            expect(item.part == nil, "two parts open")
            item.part = (event["part"]?["type"]?.string ?? "", "")
            return checkIndex(name, event, item)
        }
        if name.hasSuffix("part.done") {
            expect(item.isTextDone, "a part ends before its text")
            let part = event["part"]
            expect(part?["type"]?.string == item.part?.type, "the part changed its type")
            expect((part?["text"] ?? part?["refusal"])?.string == item.part?.text, "the part's text")
            checkIndex(name, event, item)
            item.part = nil
            item.parts += 1
            item.isTextDone = false
            return
        }
        if name == "response.output_text.annotation.added" { return checkIndex(name, event, item) }
        text(name, event, &item)
    }

    private func text(_ name: String, _ event: JSONValue, _ item: inout OpenItem) {
        let types = [
            "response.output_text": "output_text", "response.refusal": "refusal",
            "response.reasoning_text": "reasoning_text", "response.reasoning_summary_text": "summary_text",
            "response.function_call_arguments": "function_call", "response.custom_tool_call_input": "custom_tool_call",
        ]
        let isDone = name.hasSuffix(".done")
        let kind = types[String(name.dropLast(isDone ? 5 : 6))] ?? "unknown"
        expect(kind == item.part?.type || kind == item.type, "\(name) in \(item.type)")
        if item.part != nil { checkIndex(name, event, item) }
        expect(!item.isTextDone, "\(name) after the text's end")
        if isDone {
            let text = event["text"] ?? event["refusal"] ?? event["arguments"] ?? event["input"]
            expect(text?.string == (item.part?.text ?? item.text), "\(name) has another text")
            item.isTextDone = true
        } else {
            let delta = event["delta"]?.string ?? ""
            expect(!delta.isEmpty, "an empty delta")
            item.text += delta
            item.part?.text += delta
        }
    }

    private func checkIndex(_ name: String, _ event: JSONValue, _ item: OpenItem) {
        let index = event["content_index"]?.int ?? event["summary_index"]?.int
        expect(index == Int64(item.parts), "\(name) has index \(index ?? -1)")
    }

    private func end(_ name: String, _ event: JSONValue) {
        ending = name
        let object = event["response"]
        expect(object?["status"]?.string == String(name.dropFirst(9)), "status differs from \(name)")
        expect(name == "response.failed" || open == nil, "an item is open at the end")
        var output: [String] = []
        object?["output"]?.forEachElement { output.append(Self.json($0)) }
        expect(output == done, "output differs from the items")
        response = object.map(Self.json) ?? ""
    }

    /// A text, printed anew.
    static func normal(_ text: String) throws(JSONError) -> String {
        let parser = JSONParser()
        let result = json(try parser.parse(Array(text.utf8)))
        return withExtendedLifetime(parser) { result }
    }

    private static func json(_ value: JSONValue) -> String {
        let out = ByteWriter()
        value.write(to: out)
        return String(decoding: out.bytes, as: UTF8.self)
    }
}
