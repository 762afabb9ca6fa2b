internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Makes the body of `generateContent` from a canonical request (docs/vertex.md). Texts, schemas and base64 keep their
/// bytes where they can. One value per request; linear in its length.
struct GeminiRequest {
    let config: VertexConfig
    let model: ModelName
    let store: KeyValueStore?
    let out: ByteWriter
    var losses = RequestLosses()
    var names = FunctionNames()

    init(_ config: VertexConfig, _ model: ModelName, store: KeyValueStore?, length: Int) {
        self.config = config
        self.model = model
        self.store = store
        out = ByteWriter(capacity: length + 1024)
    }

    /// Is it a model that refuses calls without signatures?
    var checksSignatures: Bool { (model.generation ?? 0) >= 3 }
    /// Calls and results carry ids in this version of the API.
    var sendsIDs: Bool { config.apiVersion == "v1beta1" }

    mutating func write(_ root: JSONSpan) throws(PluginFailure) {
        out.append("{")
        // The functions' names come first: calls in the history must have the same ones.
        let declared = declaredFunctions(root)
        let messages = root["messages"]?.elements.map { Message($0) } ?? []
        try contents(messages)
        systemInstruction(messages)
        tools(declared, root)
        generationConfig(root)
        if let settings = config.safetySettings { member("safetySettings", settings) }
        labels(root)
        out.append("}")
        dropUnknown(root)
    }

    // MARK: Pieces

    /// `,"name":` or, as the object's first member, `"name":`.
    func begin(_ name: StaticString) {
        if out.unsafeBytes.last != UInt8(ascii: "{") { out.append(",") }
        out.append("\"")
        out.append(name)
        out.append("\":")
    }

    func member(_ name: StaticString, _ json: [UInt8]) {
        begin(name)
        out.append(bytes: json)
    }

    func member(_ name: StaticString, _ value: JSONSpan) {
        begin(name)
        out.append(bytes: value.raw)
    }

    func member(_ name: StaticString, text: String) {
        begin(name)
        out.appendJSONString(text)
    }

    private func labels(_ root: JSONSpan) {
        // A client's own ones come in the request as `labels`, the Vertex API's name.
        if let labels = root.given("labels"), labels.kind == .object {
            member("labels", labels)
        } else if let labels = config.labels {
            member("labels", labels)
        }
    }

    private mutating func dropUnknown(_ root: JSONSpan) {
        for (key, value) in root.members where value.isGiven {
            let name = key.string ?? ""
            if Self.known.contains(name) { continue }
            if name == "parallel_tool_calls", value.bool == true { continue }
            losses.drop(String(name.prefix(64)))
        }
    }

    /// Members that are sent in some way, or that say nothing to an upstream.
    private static let known: Set<String> = [
        "model", "messages", "tools", "tool_choice", "stream", "stream_options", "temperature", "top_p", "top_k",
        "max_tokens", "max_completion_tokens", "stop", "seed", "n", "presence_penalty", "frequency_penalty",
        "logprobs", "top_logprobs", "response_format", "modalities", "reasoning_effort", "thinking",
        "thinking_config", "thinkingConfig", "google", "extra_body", "labels",
    ]
}

/// What of a message decides where it goes.
struct Message {
    enum Role { case system, user, assistant, tool }

    let span: JSONSpan
    let role: Role
    let content: JSONSpan?
    let calls: [JSONSpan]
    let callID: String?

    init(_ span: JSONSpan) {
        self.span = span
        content = span.given("content")
        calls = span["tool_calls"]?.elements.filter { $0.kind == .object } ?? []
        callID = span["tool_call_id"]?.string
        switch span["role"]?.string {
        case "system", "developer": role = .system
        case "assistant": role = .assistant
        case "tool", "function": role = .tool
        default: role = .user
        }
    }
}
