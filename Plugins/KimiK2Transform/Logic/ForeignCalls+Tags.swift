/// Tags and what is in them.
extension ForeignCalls {
    private static let prefixedParameterEnd = Array("</".utf8) + ForeignTag.prefix + Array("parameter>".utf8)

    /// Follows a tag; false if it has no place here.
    mutating func act(on tag: ForeignTag) -> Bool {
        state = .between
        if words > 0 { return tag == .open("tool_call") }
        switch tag {
        case .open(let word):
            guard call == nil, wrappers.count < 3, wrappers.last != "tool_call" else { return false }
            wrappers.append(word)
            return true
        case .call(let name, let closer): return begin(name, closer)
        case .exec: return beginExec()
        case .parameter(let key):
            guard call?.takes(key) == true, closer != "exec" else { return false }
            self.key = key
            state = .value(bytes.count)
            return true
        case .close(let word): return close(word)
        case .other: return false
        }
    }

    private mutating func begin(_ name: String, _ closer: String) -> Bool {
        guard repairs.contains(.foreignCalls), call == nil,
            let tool = ForeignCall.tool(name, tools, repairs)
        else { return false }
        call = ForeignCall.Draft(tool, declared.schema(of: tool.name))
        self.closer = closer
        return true
    }

    private mutating func beginExec() -> Bool {
        guard repairs.contains(.foreignCalls), call == nil, wrappers.isEmpty, let tool = tools.tool("exec"),
            let key = ForeignCall.onlyText(of: tool, declared.schema(of: tool.name))
        else { return false }
        call = ForeignCall.Draft(tool, declared.schema(of: tool.name))
        closer = "exec"
        self.key = key
        state = .value(bytes.count)
        return true
    }

    private mutating func close(_ word: String) -> Bool {
        if let open = call {
            guard word == closer, let finished = open.finished() else { return false }
            call = nil
            found.append(finished)
        } else {
            guard word == wrappers.last, !found.isEmpty else { return false }
            wrappers.removeLast()
        }
        if wrappers.isEmpty {
            state = .after
            end = bytes.count
        }
        return true
    }

    /// At a `>` inside a value: is it the end of its close tag? False if the value cannot be one.
    mutating func endValue(_ start: Int) -> Bool {
        let value = bytes[start...]
        if closer == "exec" {
            guard let text = value.without(suffix: "</exec>") else { return true }
            return call?.setText(text.trimmedSlice, of: key) == true && close("exec")
        }
        let end = value.without(suffix: "</parameter>") ?? value.without(suffix: Self.prefixedParameterEnd)
        guard let text = end else { return true }
        call?.set(text.withoutOuterNewlines, of: key)
        state = .between
        return true
    }

    mutating func takeJSON(_ json: [UInt8]) -> Bool {
        guard repairs.contains(.foreignCalls) else { return false }
        if call != nil { return call?.setJSON(json) == true }
        let calls = ForeignCall.read(json, tools, repairs)
        found += calls
        return !calls.isEmpty
    }

    func isName(_ range: Range<Int>) -> Bool { ForeignCall.beginsName(bytes[range], tools) }
}
