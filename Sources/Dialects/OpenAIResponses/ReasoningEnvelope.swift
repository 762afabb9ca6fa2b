import WireJSON

/// What a reasoning item of ours carries in `encrypted_content`: everything that must come back with the next request
/// for the upstream to accept its own reasoning. Clients keep that member and send it back unchanged; Codex drops
/// `content`, so the text is in here too.
///
/// `kimi-host.1.` and the base64 of a JSON object: `thinking` (text), `signature`, `blocks` (redacted_thinking, as they
/// were), `reasoning_details`, `tool_call_extras` (as they were). It is not encrypted: the client has seen the text.
enum ReasoningEnvelope {
    static let prefix: StaticString = "kimi-host.1."

    /// Writes a JSON string.
    static func write(_ json: ByteWriter, to out: ByteWriter) {
        out.append("\"")
        out.append(prefix)
        json.withBytes { Base64.write($0, to: out) }
        out.append("\"")
    }

    /// The envelope's JSON; nil if the text is none of ours.
    static func open(_ content: JSONSpan) -> [UInt8]? {
        let text = content.inner
        let length = prefix.utf8CodeUnitCount
        guard text.count > length, UnsafeRawBufferPointer(rebasing: text[..<length]).matches(prefix) else { return nil }
        return Base64.read(UnsafeRawBufferPointer(rebasing: text[length...]))
    }
}

/// What an encoder collects for an envelope.
struct ReasoningPayload {
    /// A JSON string's inside.
    var thinking: ByteWriter?
    var signature: [UInt8] = []
    var blocks = ListWriter()
    var details = ListWriter()
    var callExtras = ListWriter()
    /// An `encrypted_content` of the upstream's own: a JSON string, passed on as it is.
    var foreign: [UInt8] = []

    /// Is there something that only an envelope can carry?
    var isNeeded: Bool {
        !signature.isEmpty || !foreign.isEmpty || blocks.count + details.count + callExtras.count > 0
    }

    /// Writes the value of `encrypted_content`.
    func write(to out: ByteWriter) {
        guard foreign.isEmpty else { return out.append(bytes: foreign) }
        let json = ByteWriter(capacity: (thinking?.count ?? 0) + 256)
        json.append("{")
        var members = MemberWriter(json)
        if let thinking, thinking.count > 0 {
            members.name("thinking")
            json.append("\"")
            json.append(thinking)
            json.append("\"")
        }
        if !signature.isEmpty {
            members.name("signature")
            signature.withUnsafeBytes { json.appendJSONString($0) }
        }
        write("blocks", blocks, to: &members)
        write("reasoning_details", details, to: &members)
        write("tool_call_extras", callExtras, to: &members)
        json.append("}")
        ReasoningEnvelope.write(json, to: out)
    }

    private func write(_ name: StaticString, _ list: ListWriter, to members: inout MemberWriter) {
        guard list.count > 0 else { return }
        members.name(name)
        list.write(to: members.out)
    }
}
