import CanonicalModel
import PluginABI
import WireJSON

/// The response object, in each of its states.
struct ResponseObject {
    enum State { case inProgress, completed, incomplete(reason: StaticString), failed(ExchangeError) }

    private let id: String
    private let context: ResponsesContext
    var created: Int64 = 0
    var model: [UInt8] = []
    /// Members that the upstream's answer had besides.
    var extras = JSONMembers()
    /// The upstream's `service_tier`, JSON; empty: none.
    var serviceTier: [UInt8] = []
    var usage = ByteWriter(capacity: 0)

    init(id: String, _ context: ResponsesContext) {
        self.id = id
        self.context = context
    }

    func write(_ state: State, _ output: ListWriter, to out: ByteWriter) {
        out.append(#"{"id":"#)
        out.appendJSONString(id)
        out.append(#","object":"response","created_at":"#)
        out.append(int: created)
        out.append(#","status":"#)
        writeStatus(state, to: out)
        out.append(#","model":"#)
        if model.isEmpty { out.appendJSONString(context.model) } else { model.withUnsafeBytes(out.appendJSONString) }
        out.append(#","output":"#)
        output.write(to: out)
        out.append(#","usage":"#)
        if usage.count > 0 { out.append(usage) } else { out.append("null") }
        writeEcho(state, to: out)
        out.append("}")
    }

    private func writeStatus(_ state: State, to out: ByteWriter) {
        switch state {
        case .inProgress: out.append(#""in_progress","error":null,"incomplete_details":null"#)
        case .completed: out.append(#""completed","error":null,"incomplete_details":null"#)
        case .incomplete(let reason):
            out.append(#""incomplete","error":null,"incomplete_details":{"reason":""#)
            out.append(reason)
            out.append(#""}"#)
        case .failed(let error):
            out.append(#""failed","error":"#)
            ResponsesErrors.writeFailure(error, to: out)
            out.append(#","incomplete_details":null"#)
        }
    }

    private func writeEcho(_ state: State, to out: ByteWriter) {
        out.append(",")
        let isShort = if case .inProgress = state { true } else { context.longEcho.isEmpty }
        if isShort { out.append(#""instructions":null,"tools":[]"#) } else { out.append(bytes: context.longEcho) }
        out.append(",")
        if context.echo.isEmpty {
            out.append(#""parallel_tool_calls":true,"tool_choice":"auto""#)
        } else {
            out.append(bytes: context.echo)
        }
        let tier = serviceTier.isEmpty ? context.serviceTier : serviceTier
        if !tier.isEmpty {
            out.append(#","service_tier":"#)
            out.append(bytes: tier)
        }
        extras.write(to: out, leadingComma: true)
    }

    // MARK: Usage

    /// Takes a USAGE event; unknown numbers are 0, and if both counts are unknown there is no usage.
    mutating func setUsage(_ event: CanonicalEvent) {
        guard event.i0 >= 0 || event.i1 >= 0 else { return }
        let (input, output) = (max(0, event.i0), max(0, event.i1))
        let (sum, isTooMuch) = input.addingReportingOverflow(output)
        let out = ByteWriter(capacity: 256)
        func add(_ name: StaticString, _ value: Int64) {
            out.append(name)
            out.append(int: value)
        }
        add(#"{"input_tokens":"#, input)
        add(#","input_tokens_details":{"cached_tokens":"#, max(0, event.i2))
        add(#","cache_write_tokens":"#, Self.cacheWrites(event.a))
        add(#"},"output_tokens":"#, output)
        add(#","output_tokens_details":{"reasoning_tokens":"#, max(0, event.i3))
        add(#"},"total_tokens":"#, isTooMuch ? .max : sum)
        out.append("}")
        usage = out
    }

    /// What the upstream says it wrote into its cache, wherever it says so.
    private static func cacheWrites(_ json: kimi_bytes) -> Int64 {
        guard json.len > 0, let outline = try? JSONOutline(json.buffer) else { return 0 }
        return withExtendedLifetime(outline) {
            let root = outline.root
            let details = root["prompt_tokens_details"] ?? root["input_tokens_details"]
            let value = details?["cache_write_tokens"] ?? root["cache_creation_input_tokens"]
            guard let value, value.kind == .int else { return 0 }
            return max(0, Int64(String(decoding: value.raw, as: UTF8.self)) ?? 0)
        }
    }
}
