internal import OpenAICompatible
internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Content blocks.
extension MessageDecoder {
    mutating func openBlock(_ index: Int64, _ value: JSONValue?, _ workspace: Workspace) {
        guard let value, let type = value["type"]?.stringBytes else { return }
        guard !isFinished else { return late(value) }
        start(nil, workspace)
        if type.matches("text") {
            openText(index, value, workspace)
        } else if type.matches("thinking") {
            var open = OpenBlock(.thinking, index: index)
            if form == .chat { open.thought = ByteWriter(capacity: 256) }
            block = open
            thought(value["thinking"]?.stringBytes, workspace)
            sign(value["signature"]?.stringBytes)
        } else if type.matches("tool_use") {
            openCall(index, value, workspace)
        } else if isNative {
            block = OpenBlock(.ignored, index: index)
        } else if type.matches("redacted_thinking") {
            block = OpenBlock(.ignored, index: index)
            hidden(value.json, workspace)
        } else {
            openWhole(index, value, type)
        }
    }

    private mutating func openText(_ index: Int64, _ value: JSONValue, _ workspace: Workspace) {
        var open = OpenBlock(.text, index: index)
        open.start = textLength
        block = open
        text(value["text"]?.stringBytes, workspace)
        guard let citations = value["citations"], citations.isArray else { return }
        for citation in citations.elements { cite(citation, workspace) }
    }

    private mutating func openCall(_ index: Int64, _ value: JSONValue, _ workspace: Workspace) {
        var open = OpenBlock(.call, index: index)
        if let input = value["input"], input.isObject ? input.elementCount > 0 : !input.isNull {
            open.json = input.json
        }
        block = open
        var event = kimi_event(KIMI_EVENT_TOOL_BEGIN, index: callCount)
        if let id = value["id"]?.stringBytes { event.a = kimi_bytes(id) }
        if let name = value["name"]?.stringBytes { event.b = kimi_bytes(name) }
        workspace.add(event)
    }

    private mutating func openWhole(_ index: Int64, _ value: JSONValue, _ type: UnsafeRawBufferPointer) {
        guard form == .messages else {
            losses.add("content[*].type ", member: Array(type), "the client's API has no blocks of this type")
            block = OpenBlock(.ignored, index: index)
            return
        }
        var open = OpenBlock(.whole, index: index)
        open.json = value.json
        block = open
    }

    // MARK: Pieces

    mutating func delta(_ root: JSONValue, _ workspace: Workspace) {
        guard let delta = root["delta"], let type = delta["type"]?.stringBytes else { return }
        guard !isFinished else { return late(delta) }
        start(nil, workspace)
        let index = root["index"]?.int ?? -1
        if let open = block, open.index >= 0, index >= 0, open.index != index { closeBlock(workspace) }
        if type.matches("text_delta") {
            if block?.kind != .text { reopen(.text, index, workspace) }
            text(delta["text"]?.stringBytes, workspace)
        } else if type.matches("input_json_delta") {
            input(delta["partial_json"]?.stringBytes, workspace)
        } else if type.matches("thinking_delta") {
            if block?.kind != .thinking { reopen(.thinking, index, workspace) }
            thought(delta["thinking"]?.stringBytes, workspace)
        } else if type.matches("signature_delta") {
            sign(delta["signature"]?.stringBytes)
        } else if type.matches("citations_delta"), let citation = delta["citation"] {
            cite(citation, workspace)
        }
    }

    /// A block whose beginning was not sent.
    private mutating func reopen(_ kind: OpenBlock.Kind, _ index: Int64, _ workspace: Workspace) {
        closeBlock(workspace)
        var open = OpenBlock(kind, index: index)
        open.start = textLength
        if kind == .thinking, form == .chat { open.thought = ByteWriter(capacity: 256) }
        block = open
    }

    private mutating func text(_ text: UnsafeRawBufferPointer?, _ workspace: Workspace) {
        guard let text, !text.isEmpty else { return }
        for byte in text where byte & 0xC0 != 0x80 { textLength += 1 }
        workspace.add(KIMI_EVENT_TEXT, choice: 0, text)
    }

    private mutating func thought(_ text: UnsafeRawBufferPointer?, _ workspace: Workspace) {
        guard let text, !text.isEmpty else { return }
        workspace.add(KIMI_EVENT_REASONING, choice: 0, text)
        if let kept = block?.thought, kept.count + text.count <= OpenBlock.maxKept {
            kept.append(bytes: text)
        } else {
            // A signature holds for the whole thought.
            block?.thought = nil
        }
    }

    private mutating func sign(_ signature: UnsafeRawBufferPointer?) {
        guard let signature, !signature.isEmpty, block?.kind == .thinking else { return }
        block?.signature = Array(signature)
    }

    private mutating func input(_ piece: UnsafeRawBufferPointer?, _ workspace: Workspace) {
        guard let piece, !piece.isEmpty else { return }
        switch block?.kind {
        case .call:
            block?.hasInput = true
            workspace.add(KIMI_EVENT_TOOL_ARGS, choice: 0, index: callCount, piece)
        case .whole:
            guard let input = block?.input, input.count + piece.count <= OpenBlock.maxKept else { return }
            input.append(bytes: piece)
        case .ignored: break
        default: lateBytes += piece.count
        }
    }

    private mutating func late(_ value: JSONValue) {
        for name: StaticString in ["text", "thinking", "partial_json"] {
            lateBytes += value[name]?.stringBytes?.count ?? 0
        }
    }

    // MARK: Ends

    mutating func closeBlock(_ workspace: Workspace) {
        guard let open = block else { return }
        block = nil
        switch open.kind {
        case .text: closeText(open, workspace)
        case .thinking: closeThought(open, workspace)
        case .call: closeCall(open, workspace)
        case .whole: closeWhole(open, workspace)
        case .ignored: break
        }
    }

    private func closeThought(_ open: OpenBlock, _ workspace: Workspace) {
        guard !open.signature.isEmpty else { return }
        workspace.add(kimi_event(KIMI_EVENT_REASONING))
        workspace.attach(.b, copyOf: open.signature)
        if let text = open.thought, gathered.hasRoom { gathered.thought(text, signature: open.signature) }
    }

    /// Arguments are an object always: a call without any has an empty one.
    private mutating func closeCall(_ open: OpenBlock, _ workspace: Workspace) {
        if !open.hasInput {
            workspace.add(kimi_event(KIMI_EVENT_TOOL_ARGS, index: callCount))
            workspace.attach(.a, copyOf: open.json.isEmpty ? Array("{}".utf8) : open.json)
        }
        workspace.add(kimi_event(KIMI_EVENT_TOOL_END, index: callCount))
        callCount += 1
    }

    private func closeWhole(_ open: OpenBlock, _ workspace: Workspace) {
        var block = open.json
        if open.input.count > 0 {
            let filled = block.withUnsafeBytes {
                try? JSONEdit.replaceMember("input", with: open.input.unsafeBytes, in: $0)
            }
            if let filled { block = filled }
        }
        workspace.add(kimi_event(KIMI_EVENT_PART))
        workspace.attach(.a, copyOf: block)
    }

    /// A thought that only the upstream can read.
    private func hidden(_ json: [UInt8], _ workspace: Workspace) {
        switch form {
        case .messages:
            workspace.add(kimi_event(KIMI_EVENT_PART))
            workspace.attach(.a, copyOf: json)
        case .responses:
            let list = [UInt8(ascii: "[")] + json + [UInt8(ascii: "]")]
            member("thinking_blocks", list, KIMI_SCOPE_MESSAGE, workspace)
        default: if gathered.hasRoom { json.withUnsafeBytes { gathered.thought($0) } }
        }
    }
}
