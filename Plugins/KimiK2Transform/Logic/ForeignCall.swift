import WireJSON

/// One call written in another family's markup.
struct ForeignCall {
    var name: String
    var id: String?
    var arguments: [UInt8]

    /// Longest name that is looked at behind `<tool_call>`, in bytes.
    static let longestName = 128
    /// What may follow a call on its line.
    static let followers = ["<|", "<tool_call>", "<function=", "<function_calls>", "<invoke ", "</think>", "<think>"]
    /// Closing tags whose opening tag was lost.
    static let lostClosers = ["</tool_call>", "</function_calls>"]

    static func isNameByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x3A
            || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
    }

    /// The declared tool of this name, exactly or by the repair of names.
    static func tool(_ name: String, _ tools: ToolCatalogue, _ repairs: RepairSet) -> DeclaredTool? {
        if let tool = tools.tool(name) { return tool }
        guard case .call(let found, _) = CallHeader.read(name.utf8, tools, repairing: repairs.contains(.names)) else {
            return nil
        }
        return tools.tool(found)
    }

    /// Is `word` a declared tool's name, or three bytes or more of its beginning?
    static func beginsName(_ word: ArraySlice<UInt8>, _ tools: ToolCatalogue) -> Bool {
        tools.names.contains { $0.utf8.starts(with: word) && (word.count >= 3 || word.count == $0.utf8.count) }
    }

    /// The parameter that the bare text between `<exec>` and its end is; nil if that cannot be told.
    static func onlyText(of tool: DeclaredTool, _ schema: ParameterSchema?) -> String? {
        if tool.required.count == 1, schema?.kinds(ofParameter: tool.required[0]).contains(.string) ?? true {
            return tool.required[0]
        }
        return tool.properties?.contains("command") ?? true ? "command" : nil
    }

    // MARK: - JSON

    /// `{"name": …, "arguments": {…}}`, or several in an array; empty if any of it is something else.
    static func read(_ json: [UInt8], _ tools: ToolCatalogue, _ repairs: RepairSet) -> [ForeignCall] {
        withJSON(json) { root in
            guard root.kind == .array else { return read(root, tools, repairs).map { [$0] } ?? [] }
            let calls = root.elements.map { read($0, tools, repairs) }
            return calls.contains { $0 == nil } ? [] : calls.compactMap { $0 }
        } ?? []
    }

    private static func read(_ entry: JSONValue, _ tools: ToolCatalogue, _ repairs: RepairSet) -> ForeignCall? {
        let known = ["name", "tool_name", "tool", "function", "arguments", "parameters", "input", "args", "id", "type"]
        guard entry.isObject,
            entry.members.allSatisfy({ member in
                known.contains { $0.utf8.elementsEqual(member.key) }
            })
        else { return nil }
        if let inner = entry["function"], inner.isObject {
            var call = read(inner, tools, repairs)
            call?.id = entry["id"]?.string
            return call
        }
        guard let name = (entry["name"] ?? entry["tool_name"] ?? entry["tool"] ?? entry["function"])?.string,
            let tool = tool(name, tools, repairs),
            let arguments = arguments(of: entry, tool)
        else { return nil }
        return ForeignCall(name: tool.name, id: entry["id"]?.string, arguments: arguments)
    }

    private static func arguments(of entry: JSONValue, _ tool: DeclaredTool) -> [UInt8]? {
        guard let value = entry["arguments"] ?? entry["parameters"] ?? entry["input"] ?? entry["args"] else {
            return tool.required.isEmpty ? Array("{}".utf8) : nil
        }
        if value.isObject { return value.json }
        guard let text = value.stringBytes.map({ Array($0) }) else { return nil }
        return withJSON(text) { $0.isObject } == true ? text : nil
    }
}

extension ForeignCall {
    /// A call whose parameters are being read.
    struct Draft {
        private let tool: DeclaredTool
        private let schema: ParameterSchema?
        private var keys: [String] = []
        private var members: [UInt8] = []
        private var json: [UInt8]?

        init(_ tool: DeclaredTool, _ schema: ParameterSchema?) {
            self.tool = tool
            self.schema = schema
        }

        var isEmpty: Bool { keys.isEmpty && json == nil }

        /// May a parameter of this name come? Each comes once.
        func takes(_ key: String) -> Bool { json == nil && keys.count < 256 && !keys.contains(key) }

        mutating func set(_ text: ArraySlice<UInt8>, of key: String) {
            let writer = ByteWriter(capacity: text.count + key.utf8.count + 16)
            if !keys.isEmpty { writer.append(",") }
            Array(key.utf8).withUnsafeBytes { writer.appendJSONString($0) }
            writer.append(":")
            PlainValue.append(text, as: schema?.kinds(ofParameter: key) ?? .any, to: writer)
            members += writer.bytes
            keys.append(key)
        }

        /// The text of `<exec>`: all arguments as JSON, or the one there is; false if it is neither.
        mutating func setText(_ text: ArraySlice<UInt8>, of key: String) -> Bool {
            guard let first = text.first, first != 0x3C else { return false }
            let names = ArgumentJSON.names(in: Array(text))
            if let names, !names.isEmpty, tool.fits(arguments: names) {
                json = Array(text)
            } else {
                set(text, of: key)
            }
            return true
        }

        mutating func setJSON(_ json: [UInt8]) -> Bool {
            guard withJSON(json, { $0.isObject }) == true else { return false }
            self.json = json
            return true
        }

        /// The call; nil if arguments are missing altogether.
        func finished() -> ForeignCall? {
            if isEmpty, !tool.required.isEmpty { return nil }
            let arguments = json ?? Array("{".utf8) + members + Array("}".utf8)
            return ForeignCall(name: tool.name, id: nil, arguments: arguments)
        }
    }
}

extension ArraySlice<UInt8> {
    /// What is before `suffix`; nil if it does not end so.
    func without(suffix: String) -> ArraySlice<UInt8>? { without(suffix: Array(suffix.utf8)) }

    func without(suffix: [UInt8]) -> ArraySlice<UInt8>? {
        count >= suffix.count && self.suffix(suffix.count).elementsEqual(suffix) ? dropLast(suffix.count) : nil
    }

    /// Without blanks at its ends.
    var trimmedSlice: ArraySlice<UInt8> { drop(while: isBlank).droppingLast(while: isBlank) }

    /// Without the newline behind the opening tag and the one before the closing tag.
    var withoutOuterNewlines: ArraySlice<UInt8> {
        var rest = self
        if rest.first == 0x0D { rest = rest.dropFirst() }
        if rest.first == 0x0A { rest = rest.dropFirst() }
        if rest.last == 0x0A { rest = rest.dropLast() }
        if rest.last == 0x0D { rest = rest.dropLast() }
        return rest
    }

    private func droppingLast(while isDropped: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        var rest = self
        while let last = rest.last, isDropped(last) { rest = rest.dropLast() }
        return rest
    }
}
