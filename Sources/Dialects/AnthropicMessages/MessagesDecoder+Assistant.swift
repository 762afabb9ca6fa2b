import CanonicalModel
import WireJSON

/// What only the assistant says: thinking and tool calls.
extension MessagesDecoder {
    /// `thinking_blocks` verbatim, for upstreams that check signatures, and their text as `reasoning_content`, with a
    /// blank line between blocks, for those that want a string.
    func thinking(_ blocks: [JSONSpan]) throws(ExchangeError) {
        guard !blocks.isEmpty else { return }
        try reasoningContent(blocks)
        write("thinking_blocks")
        for (number, block) in blocks.enumerated() {
            out.append(number == 0 ? "[" : ",")
            out.append(bytes: block.raw)
        }
        out.append("]")
    }

    private func reasoningContent(_ blocks: [JSONSpan]) throws(ExchangeError) {
        let start = out.count
        write("reasoning_content")
        out.append("\"")
        let empty = out.count
        for block in blocks {
            guard let text = try thought(block), !text.inner.isEmpty else { continue }
            if out.count > empty { out.append(#"\n\n"#) }
            out.append(bytes: text.inner)
        }
        if out.count == empty { return out.truncate(to: start) }
        out.append("\"")
    }

    /// Checks a block; the text of one that has any.
    private func thought(_ block: JSONSpan) throws(ExchangeError) -> JSONSpan? {
        guard try kind(of: block) == .thinking else {
            _ = try string("data", of: block)
            return nil
        }
        _ = try optionalString("signature", of: block)
        return try string("thinking", of: block)
    }

    mutating func calls(_ blocks: [JSONSpan]) throws(ExchangeError) {
        guard !blocks.isEmpty else { return }
        write("tool_calls")
        for (number, block) in blocks.enumerated() {
            out.append(number == 0 ? "[" : ",")
            try call(block)
        }
        out.append("]")
    }

    /// The input's own text becomes the arguments' string, so it keeps the order of its members and its numbers.
    private mutating func call(_ block: JSONSpan) throws(ExchangeError) {
        let id = try string("id", of: block)
        let name = try string("name", of: block)
        guard !name.inner.isEmpty else { throw problem(name, "must not be empty") }
        let input = try optionalObject("input", of: block)
        out.append(#"{"id":"#)
        ToolCallID.writeOriginal(id, to: out)
        out.append(#","type":"function","function":{"name":"#)
        out.append(bytes: name.raw)
        out.append(#","arguments":"#)
        if let input { out.appendJSONString(input.raw) } else { out.append(#""{}""#) }
        out.append("}")
        try cacheControl(block)
        out.append("}")
        dropUnknown(
            block, blockPattern, known: ["type", "id", "name", "input", "cache_control", "caller"])
        if let caller = block.some("caller"), caller["type"]?.matches("direct") != true {
            dropped.add("messages[*].content[*].caller", "only Anthropic's own tools call other tools")
        }
    }
}
