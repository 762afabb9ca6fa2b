import WireJSON

/// Schemas of tools, in the flavour that the upstream reads.
extension Upward {
    mutating func adaptTools() {
        let flavour = settings.config.history.schemas
        guard isOn(.toolSchemas), flavour != .keep, let span = reading.toolsSpan else { return }
        let tools = elements(span)
        let most = flavour == .moonshot ? settings.config.history.maxTools : 0
        let kept = most > 0 ? min(tools.count, most) : tools.count
        var edits = SpanEdits()
        for tool in tools.prefix(kept) where SchemaScan.mayNeedWork(json.slice(tool.range), flavour) {
            adapt(tool, flavour, &edits)
        }
        if kept < tools.count {
            let start = kept == 0 ? span.range.lowerBound + 1 : tools[kept - 1].range.upperBound
            edits.replace(start..<span.range.upperBound - 1) { _ in }
            counts.add(.toolSchemas, "tools from number \(kept) on were left out: the upstream takes \(most)")
            counts.add(.schemaLossy, "tools were left out", count: tools.count - kept)
        }
        guard !edits.isEmpty else { return }
        put("tools") { [json] output in edits.write(span.range, of: json, to: output) }
    }

    private func elements(_ span: Span) -> [Span] {
        var cursor = JSONCursor(json, at: span.range.lowerBound)
        guard cursor.enter(UInt8(ascii: "[")) else { return [] }
        var (list, isFirst) = ([Span](), true)
        while cursor.nextElement(&isFirst) {
            guard let value = cursor.value() else { return [] }
            list.append(value)
        }
        return cursor.isBroken ? [] : list
    }

    /// Writes one tool's parameters anew, if the flavour wants that.
    private mutating func adapt(_ tool: Span, _ flavour: HistoryOptions.Schemas, _ edits: inout SpanEdits) {
        guard let (name, schema) = parameters(of: tool) else { return }
        let shown = UpwardCounts.shown(json.slice(name?.inner ?? 0..<0))
        let result = text.withValue(json.slice(schema.range)) { value in
            SchemaAdapter.adapt(SchemaNode(value), flavour)
        }
        guard let result else {
            return counts.add(.schemaLossy, "the schema of \(shown) is too deep to be looked at")
        }
        if let reason = result.lossy { counts.add(.schemaLossy, "\(shown): \(reason)") }
        guard let new = result.schema else { return }
        counts.add(.toolSchemas, "\(shown): \(result.changes.joined(separator: ", "))")
        edits.replace(schema.range) { new.write(to: $0) }
    }

    /// The `parameters` of a function, and its name.
    private func parameters(of tool: Span) -> (name: Span?, schema: Span)? {
        guard let function = members(tool, ["function"])[0] else { return nil }
        let found = members(function, ["name", "parameters"])
        guard let schema = found[1], json[schema.range.lowerBound] == UInt8(ascii: "{") else { return nil }
        return (found[0].flatMap { text.isString($0) ? $0 : nil }, schema)
    }

    private func members(_ object: Span, _ names: [StaticString]) -> [Span?] {
        var found = [Span?](repeating: nil, count: names.count)
        var cursor = JSONCursor(json, at: object.range.lowerBound)
        guard cursor.enter(UInt8(ascii: "{")) else { return found }
        var isFirst = true
        while let key = cursor.nextKey(&isFirst), let value = cursor.value() {
            for (at, name) in names.enumerated() where json.slice(key.inner).matches(name) { found[at] = value }
        }
        return found
    }
}

/// A cheap look at a tool, to tell whether its schema must be parsed.
enum SchemaScan {
    static func mayNeedWork(_ tool: Bytes, _ flavour: HistoryOptions.Schemas) -> Bool {
        if flavour == .moonshot { return true }
        var index = tool.firstReferenceByte(from: 0)
        while index < tool.count {
            let rest = tool.slice(index..<tool.count)
            if rest.starts(with: "$ref\"".utf8) { return true }
            if rest.starts(with: "Of\"".utf8), index >= 4, tool.slice(index - 4..<index).matches("\"any") {
                return true
            }
            index = tool.firstReferenceByte(from: index + 1)
        }
        return false
    }
}
