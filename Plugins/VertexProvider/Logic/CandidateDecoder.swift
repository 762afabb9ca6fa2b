internal import PluginABI
internal import PluginKit
internal import WireJSON

/// One candidate: its parts in their order, its reason to end when the answer is over.
struct CandidateDecoder {
    /// More calls than this are refused.
    static let maxCalls = 4096

    private let number: UInt32
    private let marksThoughts: Bool
    private var calls: UInt32 = 0
    private var hasContent = false
    private var reason = ""
    private var message = ""
    private var ratings: [UInt8] = []
    /// Of the last part with text.
    private var textSignature: [UInt8] = []

    init(_ number: UInt32, marksThoughts: Bool) {
        self.number = number
        self.marksThoughts = marksThoughts
    }

    var isFinished: Bool { !reason.isEmpty }

    mutating func decode(
        _ candidate: JSONSpan, _ names: FunctionNames, _ context: PluginContext, to batch: EventBatch
    ) throws(PluginFailure) {
        for part in candidate["content"]?["parts"]?.elements ?? JSONSpanElements(none: candidate) {
            try self.part(part, names, context, to: batch)
        }
        for (name, own) in Self.passed {
            if let value = candidate.given(name), value.kind == .object, value.members.contains(where: { _ in true }) {
                batch.json(own, value.raw, KIMI_SCOPE_CHOICE, choice: number)
            }
        }
        if let result = candidate["logprobsResult"], result.kind == .object {
            let json = Logprobs.write(result)
            json.withUnsafeBytes { batch.json("logprobs", $0, KIMI_SCOPE_CHOICE, choice: number) }
        }
        if let list = candidate["safetyRatings"], list.kind == .array { ratings = Array(list.raw) }
        if let text = candidate["finishMessage"]?.word { message = text }
        if let word = candidate["finishReason"]?.word, word != "FINISH_REASON_UNSPECIFIED" { reason = word }
    }

    /// The FINISH event; an error instead if the model failed and nothing of it is to be had.
    mutating func finish(to batch: EventBatch) -> UpstreamError? {
        if !textSignature.isEmpty, !marksThoughts { emitTextSignature(to: batch) }
        let word: StaticString
        switch FinishReason(reason, hasCalls: calls > 0) {
        case .canonical(let known): word = known
        case .failure:
            guard hasContent || calls > 0 else { return UpstreamError(reason: reason, message: message) }
            word = calls > 0 ? "tool_calls" : "stop"
        }
        if reason != "STOP" { emitDetails(to: batch) }
        batch.add(
            kimi_event(KIMI_EVENT_FINISH, choice: number), a: Array(word.description.utf8), b: Array(reason.utf8))
        return nil
    }

    /// Members of the candidate that go down beside the content.
    private static let passed: [(StaticString, String)] = [
        ("groundingMetadata", "grounding_metadata"), ("citationMetadata", "citation_metadata"),
        ("urlContextMetadata", "url_context_metadata"),
    ]

    // MARK: Parts

    private mutating func part(
        _ part: JSONSpan, _ names: FunctionNames, _ context: PluginContext, to batch: EventBatch
    ) throws(PluginFailure) {
        let signature = part["thoughtSignature"]?.word ?? ""
        if let call = part.given("functionCall"), call.kind == .object {
            return try self.call(call, signature, names, context, to: batch)
        }
        if let text = part["text"], text.kind == .string {
            return self.text(text, signature, isThought: part["thought"]?.bool == true, to: batch)
        }
        if let data = part.given("inlineData") {
            hasContent = true
            return inline(data, to: batch)
        }
        if let file = part.given("fileData") {
            hasContent = true
            return media(file["fileUri"], file["mimeType"]?.string ?? "", prefix: "", to: batch)
        }
        for (name, own) in [("executableCode", "executable_code"), ("codeExecutionResult", "code_execution_result")]
        where part.members.contains(where: { $0.key.string == name }) {
            guard let value = part.members.first(where: { $0.key.string == name })?.value else { continue }
            return batch.json(own, value.raw, KIMI_SCOPE_MESSAGE, choice: number)
        }
        if !signature.isEmpty { return textSignature = Array(signature.utf8) }
        context.log(KIMI_LOG_WARNING, "Vertex AI sent a part of a kind that is not known: \(excerpt(part.raw))")
    }

    private mutating func text(_ text: JSONSpan, _ signature: String, isThought: Bool, to batch: EventBatch) {
        if isThought {
            guard !text.inner.isEmpty || !signature.isEmpty else { return }
            let mark = signature.isEmpty ? "" : Signatures.markThought(signature)
            return batch.add(
                kimi_event(KIMI_EVENT_REASONING, choice: number), a: text.decoded, b: Array(mark.utf8))
        }
        if !signature.isEmpty { textSignature = Array(signature.utf8) }
        guard !text.inner.isEmpty else { return }
        hasContent = true
        batch.add(kimi_event(KIMI_EVENT_TEXT, choice: number), a: text.decoded)
    }

    private mutating func call(
        _ call: JSONSpan, _ signature: String, _ names: FunctionNames, _ context: PluginContext, to batch: EventBatch
    ) throws(PluginFailure) {
        guard calls < Self.maxCalls else {
            throw .protocolError("Vertex AI sent more than \(Self.maxCalls) function calls in one answer.")
        }
        guard let name = call["name"]?.word else {
            throw .protocolError("Vertex AI sent a function call without a name: \(excerpt(call.raw))")
        }
        let id: String
        if let own = call["id"]?.word { id = own } else { id = try CallID.make(context) }
        let index = calls
        calls += 1
        if !signature.isEmpty {
            Signatures.file(signature, call: id, in: context.keyValues)
            if marksThoughts { emitMark(signature, index, to: batch) }
        }
        batch.add(
            kimi_event(KIMI_EVENT_TOOL_BEGIN, choice: number, index: index), a: Array(id.utf8),
            b: Array(names.receive(name).utf8))
        let arguments = call["args"].flatMap { $0.kind == .object ? Array($0.raw) : nil } ?? Array("{}".utf8)
        batch.add(kimi_event(KIMI_EVENT_TOOL_ARGS, choice: number, index: index), a: arguments)
        batch.add(kimi_event(KIMI_EVENT_TOOL_END, choice: number, index: index))
        if !signature.isEmpty, !marksThoughts { emitExtra(signature, index, to: batch) }
    }

    // MARK: Signatures

    private func emitMark(_ signature: String, _ index: UInt32, to batch: EventBatch) {
        batch.add(
            kimi_event(KIMI_EVENT_REASONING, choice: number), b: Array(Signatures.markCall(Int(index), signature).utf8))
    }

    /// As the plugins for chat upstreams tell of what a call carries besides name and arguments.
    private func emitExtra(_ signature: String, _ index: UInt32, to batch: EventBatch) {
        let out = ByteWriter()
        out.append(#"[{"index":"#)
        out.append(uint: UInt64(index))
        out.append(#","extra_content":{"google":{"thought_signature":"#)
        out.appendJSONString(signature)
        out.append("}}}]")
        batch.json("tool_call_extras", out.unsafeBytes, KIMI_SCOPE_MESSAGE, choice: number)
    }

    private func emitTextSignature(to batch: EventBatch) {
        let out = ByteWriter()
        out.append(#"{"google":{"thought_signature":"#)
        textSignature.withUnsafeBytes { out.appendJSONString($0) }
        out.append("}}")
        batch.json("extra_content", out.unsafeBytes, KIMI_SCOPE_MESSAGE, choice: number)
    }

    /// Why the answer ended early.
    private func emitDetails(to batch: EventBatch) {
        ratings.withUnsafeBytes {
            if !$0.isEmpty { batch.json("safety_ratings", $0, KIMI_SCOPE_CHOICE, choice: number) }
        }
        guard !message.isEmpty else { return }
        let out = ByteWriter()
        out.appendJSONString(message)
        batch.json("finish_message", out.unsafeBytes, KIMI_SCOPE_CHOICE, choice: number)
    }

    // MARK: Media

    private func inline(_ data: JSONSpan, to batch: EventBatch) {
        let type = data["mimeType"]?.word ?? "application/octet-stream"
        media(data["data"], type, prefix: "data:\(type);base64,", to: batch)
    }

    /// An image or file part of Chat Completions; `text` is an address, or base64 after the prefix.
    private func media(_ text: JSONSpan?, _ type: String, prefix: String, to batch: EventBatch) {
        guard let text, text.kind == .string else { return }
        let out = ByteWriter(capacity: text.raw.count + 128)
        let isImage = type.hasPrefix("image/")
        out.append(isImage ? #"{"type":"image_url","image_url":{"url":""# : #"{"type":"file","file":{"file_data":""#)
        Array(prefix.utf8).withUnsafeBytes { out.appendJSONEscaped($0) }
        out.append(bytes: text.inner)
        out.append(#""}}"#)
        let mime = Array(type.utf8)
        mime.withUnsafeBytes { batch.add(kimi_event(KIMI_EVENT_PART, choice: number), out.unsafeBytes, $0) }
    }
}

/// Ids for calls that come without: random, because signatures are filed by them.
enum CallID {
    static func make(_ context: PluginContext) throws(PluginFailure) -> String {
        var word: UInt64 = 0
        var failure: PluginFailure?
        withUnsafeMutableBytes(of: &word) { buffer in
            do throws(PluginFailure) { try context.random(into: buffer) } catch { failure = error }
        }
        if let failure { throw failure }
        let text = String(word, radix: 16)
        return "call_" + String(repeating: "0", count: 16 - text.count) + text
    }
}
