import WireJSON

/// Insertions into a JSON text; everything else keeps its bytes.
struct RequestText {
    private let text: UnsafeRawBufferPointer
    private var insertions: [(place: Int, bytes: [UInt8])] = []
    /// What is left out: for a value that is replaced.
    private var gap: Range<Int>?

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    /// `span` is a value of this text.
    func start(of span: JSONSpan) -> Int { offset(span.raw.baseAddress) }
    func end(of span: JSONSpan) -> Int { start(of: span) + span.raw.count }

    private func offset(_ address: UnsafeRawPointer?) -> Int {
        guard let base = text.baseAddress, let address else { return 0 }
        return address - base
    }

    mutating func insert(_ bytes: [UInt8], at place: Int) { insertions.append((place, bytes)) }

    mutating func replace(_ span: JSONSpan, with bytes: [UInt8]) {
        gap = start(of: span)..<end(of: span)
        insert(bytes, at: start(of: span))
    }

    /// The new text. Insertions at one place keep their order.
    var edited: [UInt8] {
        let ordered = insertions.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + insertions.reduce(0) { $0 + $1.bytes.count })
        var position = 0
        for (_, insertion) in ordered {
            copy(position..<insertion.place, to: &result)
            result += insertion.bytes
            position = insertion.place
        }
        copy(position..<text.count, to: &result)
        return result
    }

    private func copy(_ range: Range<Int>, to result: inout [UInt8]) {
        guard let gap, gap.overlaps(range) else { return result.append(contentsOf: text[range]) }
        if range.lowerBound < gap.lowerBound { result.append(contentsOf: text[range.lowerBound..<gap.lowerBound]) }
        if gap.upperBound < range.upperBound { result.append(contentsOf: text[gap.upperBound..<range.upperBound]) }
    }
}

/// What is done to a canonical request.
enum RequestEdits {
    /// The host's tool, behind the client's.
    static func addTool(_ root: JSONSpan, _ edit: inout RequestText) {
        let tool = Wording.definition.bytes
        if let tools = root["tools"], tools.kind == .array {
            var elements = tools.elements
            edit.insert((elements.next() == nil ? [] : [UInt8(ascii: ",")]) + tool, at: edit.end(of: tools) - 1)
        } else if let tools = root["tools"] {
            edit.replace(tools, with: [UInt8(ascii: "[")] + tool + [UInt8(ascii: "]")])
        } else {
            edit.insert(Array(#""tools":["#.utf8) + tool + Array("],".utf8), at: edit.start(of: root) + 1)
        }
        guard let choice = root["tool_choice"], choice["type"]?.matches("allowed_tools") == true,
            let allowed = choice["allowed_tools"]?["tools"] ?? choice["tools"], allowed.kind == .array
        else { return }
        var elements = allowed.elements
        let name = #"{"type":"function","function":{"name":"done"}}"#
        edit.insert(Array(((elements.next() == nil ? "" : ",") + name).utf8), at: edit.end(of: allowed) - 1)
    }

    /// The rule, at the end of the first system message, or in one of its own before all others.
    static func instruct(_ words: String, _ messages: JSONSpan, _ edit: inout RequestText) {
        let text = ByteWriter(capacity: words.utf8.count + 64)
        let system = messages.elements.first { isSystem($0) }
        if let content = system?["content"], let place = lastText(content) {
            if place.inner.isEmpty { text.append(utf8: words) } else { text.append(utf8: #"\n\n"# + words) }
            return edit.insert(text.bytes, at: edit.end(of: place) - 1)
        }
        text.append(#"{"role":"system","content":""#)
        text.append(utf8: words)
        var elements = messages.elements
        text.append(elements.next() == nil ? "\"}" : "\"},")
        edit.insert(text.bytes, at: edit.start(of: messages) + 1)
    }

    private static func isSystem(_ message: JSONSpan) -> Bool {
        guard let role = message["role"] else { return false }
        return role.matches("system") || role.matches("developer")
    }

    /// The text to which something can be added: the content itself, or its last text part.
    private static func lastText(_ content: JSONSpan) -> JSONSpan? {
        if content.kind == .string { return content }
        var last: JSONSpan?
        for part in content.elements {
            if let text = part["text"], text.kind == .string { last = text }
        }
        return last
    }

    /// `request` with further messages at the end. `messages`: each with a comma before it.
    static func append(_ messages: [UInt8], to request: [UInt8]) -> [UInt8] {
        request.withUnsafeBytes { bytes in
            guard let members = try? JSONSpans.members(of: bytes),
                let list = members.last(where: { $0.key == "messages" && $0.kind == .array })
            else { return request }
            var result = Array(bytes[..<(list.valueRange.upperBound - 1)])
            result.reserveCapacity(bytes.count + messages.count)
            result += messages
            result.append(contentsOf: bytes[(list.valueRange.upperBound - 1)...])
            return result
        }
    }
}

extension StaticString {
    var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)) }
}
