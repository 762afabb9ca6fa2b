internal import WireJSON

/// Makes a legal chat request of a canonical one whose client speaks another dialect: docs/openai-compatible.md says
/// what becomes of what. The result is a merge patch that names only members that change; values in them that do not
/// change keep their bytes. Shapes that canonical requests do not have stay as they are: the upstream judges them.
///
/// One pass to find all values, one over messages, parts and tools: linear in the request.
struct CanonicalAdapter {
    let options: CanonicalOptions
    /// The client does not speak Chat. For those that do, only what the server would refuse or misread is changed.
    let isForeign: Bool
    /// The upstream's name of the model.
    let model: UnsafeRawBufferPointer
    var losses = CanonicalLosses()
    /// An object without its closing brace; empty if nothing changes.
    let patch: ByteWriter
    /// Parts of tool messages that wait for the user message behind the run; each with a comma before it.
    let moved = ByteWriter(capacity: 64)
    /// Names of tools that were left out.
    var removedTools: [[UInt8]] = []

    /// Writes the patch; nothing if the request goes up as it is.
    ///
    /// - Parameters:
    ///   - json: the canonical request; what is not a JSON object stays as it is.
    ///   - base: a merge patch that every request gets, which wins; an object. Nothing is written if it is all.
    ///   - patch: an empty writer.
    /// - Returns: what the request loses.
    static func adapt(
        _ json: UnsafeRawBufferPointer, _ options: CanonicalOptions, isForeign: Bool, model: UnsafeRawBufferPointer,
        base: [UInt8]?, to patch: ByteWriter
    ) -> CanonicalLosses {
        guard let outline = try? JSONOutline(json), outline.root.kind == .object else { return CanonicalLosses() }
        // No more than the pool keeps: a patch may turn out to be short.
        if isForeign { patch.reserve(min(json.count + 256, PatchPool.maxBytes)) }
        var adapter = CanonicalAdapter(
            options: options, isForeign: isForeign, model: model, patch: patch)
        adapter.run(outline.root)
        withExtendedLifetime(outline) {}
        adapter.close(base)
        return adapter.losses
    }

    private mutating func run(_ root: JSONSpan) {
        messages(root)
        tools(root)
        parameters(root)
    }

    /// Begins a member of the patch and returns where, so that it can be taken back.
    @discardableResult
    func begin(_ name: StaticString) -> Int {
        let start = patch.count
        patch.append(start == 0 ? "{\"" : ",\"")
        patch.append(name)
        patch.append("\":")
        return start
    }

    func delete(_ name: StaticString) {
        begin(name)
        patch.append("null")
    }

    private func close(_ base: [UInt8]?) {
        guard patch.count > 0 else { return }
        // An object without members ends with its second token.
        let rest = base?.dropFirst().drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) } ?? []
        guard let first = rest.first, first != UInt8(ascii: "}") else { return patch.append("}") }
        patch.append(",")
        patch.append(bytes: [UInt8](rest))
    }
}
