internal import PluginABI
internal import PluginKit
internal import WireJSON

/// From `GenerateContentResponse` objects to canonical events, in the order of rule S11.
struct GeminiDecoder {
    /// More candidates than this are refused; Vertex AI makes 8 at most.
    static let maxChoices = 64

    private let context: PluginContext
    private let names: FunctionNames
    /// Clients of the Messages API keep signatures in thinking blocks.
    private let marksThoughts: Bool
    private var hasStarted = false
    /// An ERROR event was made: nothing may follow.
    private(set) var hasFailed = false
    private var candidates: [CandidateDecoder] = []
    private var usage = Usage()
    private var blockReason = ""

    init(_ context: PluginContext, names: FunctionNames, marksThoughts: Bool) {
        self.context = context
        self.names = names
        self.marksThoughts = marksThoughts
    }

    /// Did every candidate that began get its reason to end?
    var isFinished: Bool {
        !blockReason.isEmpty || (!candidates.isEmpty && candidates.allSatisfy(\.isFinished))
    }

    /// One chunk, or the whole body.
    mutating func chunk(_ root: JSONSpan, to batch: EventBatch) throws(PluginFailure) {
        if root.kind == .array {
            for element in root.elements where !hasFailed { try chunk(element, to: batch) }
            return
        }
        guard root.kind == .object else {
            throw .protocolError("Vertex AI sent an answer that is no JSON object: \(excerpt(root.raw)).")
        }
        if let error = root.given("error") {
            hasFailed = true
            return UpstreamError(error).add(to: batch)
        }
        start(root, to: batch)
        if let usage = root["usageMetadata"], usage.kind == .object { self.usage.keep(usage) }
        if let feedback = root["promptFeedback"], feedback.kind == .object { prompt(feedback, to: batch) }
        for (place, candidate) in (root["candidates"]?.elements ?? JSONSpanElements(none: root)).enumerated() {
            let number = candidate["index"]?.integer ?? Int64(place)
            guard number >= 0, number < Self.maxChoices else {
                throw .protocolError("Vertex AI sent candidate \(number); at most \(Self.maxChoices) are taken.")
            }
            while candidates.count <= Int(number) {
                candidates.append(CandidateDecoder(UInt32(candidates.count), marksThoughts: marksThoughts))
            }
            try candidates[Int(number)].decode(candidate, names, context, to: batch)
        }
    }

    /// The answer is over: reasons to end, then what it cost.
    mutating func complete(to batch: EventBatch) throws(PluginFailure) {
        guard !hasFailed else { return }
        if candidates.isEmpty {
            guard !blockReason.isEmpty else {
                throw PluginFailure(
                    KIMI_E_PROTOCOL, KIMI_CAT_UPSTREAM, "Vertex AI ended its answer without any candidate.")
            }
            var finish = kimi_event(KIMI_EVENT_FINISH)
            finish.a = kimi_bytes(literal: "content_filter")
            batch.add(finish, a: Array("content_filter".utf8), b: Array(blockReason.utf8))
        }
        for number in candidates.indices where !hasFailed {
            if let error = candidates[number].finish(to: batch) {
                hasFailed = true
                error.add(to: batch)
            }
        }
        if !hasFailed { usage.emit(to: batch) }
    }

    private mutating func start(_ root: JSONSpan, to batch: EventBatch) {
        guard !hasStarted else { return }
        hasStarted = true
        var event = kimi_event(KIMI_EVENT_START)
        event.i0 = root["createTime"]?.string.flatMap(Timestamp.unixSeconds) ?? 0
        batch.add(event, a: root["responseId"]?.decoded ?? [], b: root["modelVersion"]?.decoded ?? [])
    }

    /// The prompt was refused: there will be no candidate.
    private mutating func prompt(_ feedback: JSONSpan, to batch: EventBatch) {
        guard blockReason.isEmpty, let reason = feedback["blockReason"]?.word else { return }
        blockReason = reason
        batch.json("prompt_feedback", feedback.raw, KIMI_SCOPE_RESPONSE)
        guard candidates.isEmpty else { return }
        let message = feedback["blockReasonMessage"]?.word ?? "The prompt was blocked: \(reason)."
        let out = ByteWriter()
        out.appendJSONString(message)
        batch.json("refusal", out.unsafeBytes, KIMI_SCOPE_MESSAGE)
    }
}
