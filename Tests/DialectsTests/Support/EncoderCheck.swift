import CanonicalModel
import Dialects
import PluginABI
import WireJSON

/// Gives an encoder what no plugin should send, and reads what it writes as a strict client would.
///
/// The first byte chooses the encoder, the second how events are batched; the rest are the events, see
/// `HostileEvents`.
struct EncoderCheck: CustomStringConvertible {
    enum Kind: Int, CaseIterable, Sendable {
        case chatStream, chatWhole, messagesStream, messagesWhole, responsesStream, responsesWhole, responsesSummary
    }

    private let kind: Kind
    private let cut: UInt8
    private let hostile: HostileEvents

    init?(_ data: UnsafeRawBufferPointer) {
        guard data.count > 2, let kind = Kind(rawValue: Int(data[0]) % Kind.allCases.count) else { return nil }
        self.kind = kind
        cut = data[1]
        hostile = HostileEvents(UnsafeRawBufferPointer(rebasing: data[2...]))
    }

    var description: String {
        let lines = hostile.events.entries.map { entry in
            let text = { (bytes: [UInt8]) in String(decoding: bytes, as: UTF8.self) }
            return "\(entry.event.type) choice \(entry.event.choice) index \(entry.event.index) '\(text(entry.a))' "
                + "'\(text(entry.b))' \(entry.event.i0)"
        }
        return "\(kind) cut \(cut)\n\(lines.joined(separator: "\n"))"
    }

    /// What is wrong with what the client would get, or nil.
    func fault() -> String? {
        guard let encoder = try? make() else { return "no encoder" }
        var step = 0
        let status = hostile.events.send(to: encoder) {
            step += 1
            return Int(cut) * step % 7
        }
        if status != kimi_status(KIMI_OK), encoder.failure == nil { return "status \(status) without a failure" }
        var isWhole = false
        if encoder.failure == nil, encoder.isComplete {
            isWhole = (try? encoder.complete()) != nil
            if !isWhole, encoder.failure == nil { return "complete failed without a failure" }
        }
        if encoder.repairs.entries.count > Repairs.maxEntries + Repairs.Kind.allCases.count {
            return "too many repairs"
        }
        guard isWhole || encoder.isStreaming && encoder.output.count > 0 else { return nil }
        if !isWhole { encoder.abort(encoder.failure ?? ExchangeError(KIMI_CAT_PROTOCOL, "broken off")) }
        let reading = read(encoder.output.bytes, isWhole)
        if !reading.problems.isEmpty { return "\(reading.problems)\n\(Self.text(encoder.output.bytes))" }
        guard isWhole else { return nil }
        return loss(reading, encoder.repairs).map { "\($0)\n\(Self.text(encoder.output.bytes))" }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    // MARK: Encoders

    private func make() throws(ExchangeError) -> any ResponseEncoder {
        switch kind {
        case .chatStream: ChatStreamEncoder(wantsUsage: cut & 1 == 0)
        case .chatWhole: ChatUnaryEncoder()
        case .messagesStream: MessagesStreamEncoder(requestID: "r")
        case .messagesWhole: MessagesUnaryEncoder()
        case .responsesStream: ResponsesEncoder(try Self.context(.content), responseID: "resp_a", isStreaming: true)
        case .responsesWhole: ResponsesEncoder(try Self.context(.content), responseID: "resp_a", isStreaming: false)
        case .responsesSummary: ResponsesEncoder(try Self.context(.summary), responseID: "resp_a", isStreaming: true)
        }
    }

    private static let tools = Array(
        #"{"model":"k2","input":"x","tools":[{"type":"function","name":"lookup"},{"type":"custom","name":"free"},{"type":"apply_patch"},{"type":"local_shell"},{"type":"shell"}],"include":["message.output_text.logprobs"]}"#
            .utf8)

    private static func context(_ form: ReasoningForm) throws(ExchangeError) -> ResponsesContext {
        var context = try tools.withBytes { bytes throws(ExchangeError) in
            try ResponsesDecoder().decode(bytes, parser: JSONParser()).context
        }
        context.reasoning = form
        return context
    }

    // MARK: Readings

    private struct Reading {
        var problems: [String] = []
        var texts = ""
        var thoughts = ""
        var arguments = ""
    }

    private func read(_ output: [UInt8], _ isWhole: Bool) -> Reading {
        switch kind {
        case .chatStream: Self.read(ChatReader(stream: output), isWhole)
        case .chatWhole: Self.read(ChatReader(whole: output), isWhole)
        case .messagesStream: Self.read(StreamReader(output), isWhole)
        case .messagesWhole: Self.read(message: output)
        case .responsesStream, .responsesSummary:
            Self.read(response: ResponsesChecker(Self.text(output)), isWhole)
        case .responsesWhole: Self.read(response: output)
        }
    }

    private static func read(_ reader: ChatReader, _ isWhole: Bool) -> Reading {
        var reading = Reading(problems: reader.problems)
        if reader.hasFailed == isWhole { reading.problems.append("failed: \(reader.hasFailed)") }
        for choice in reader.choices.values {
            reading.texts += choice.text
            reading.thoughts += choice.thinking
            reading.arguments += choice.arguments.joined(separator: "\n")
        }
        return reading
    }

    private static func read(_ reader: StreamReader, _ isWhole: Bool) -> Reading {
        var reading = Reading(
            problems: reader.problems, texts: reader.text, thoughts: reader.thinking,
            arguments: reader.inputs.joined(separator: "\n"))
        if reader.hasFailed == isWhole { reading.problems.append("failed: \(reader.hasFailed)") }
        return reading
    }

    private static func read(message: [UInt8]) -> Reading {
        let parser = JSONParser()
        guard let root = try? parser.parse(message) else { return Reading(problems: ["no JSON"]) }
        var reading = Reading()
        if root["type"]?.string != "message" || root["role"]?.string != "assistant" { reading.problems.append("head") }
        if !StreamReader.stopReasons.contains(root["stop_reason"]?.string ?? "") { reading.problems.append("stop") }
        for block in root["content"]?.elements.map({ $0 }) ?? [] {
            reading.texts += block["text"]?.string ?? ""
            reading.thoughts += block["thinking"]?.string ?? ""
            guard let input = block["input"] else { continue }
            if !input.isObject { reading.problems.append("input") }
            reading.arguments += text(input.json)
        }
        if let key = message.withUnsafeBytes(JSONKeys.repeated) { reading.problems.append("'\(key)' stands twice") }
        return reading
    }

    private static func read(response checker: ResponsesChecker, _ isWhole: Bool) -> Reading {
        var reading = read(response: Array(checker.response.utf8))
        reading.problems += checker.problems
        if (checker.ending == "response.failed") == isWhole {
            reading.problems.append("ending \(checker.ending ?? "")")
        }
        return reading
    }

    private static func read(response: [UInt8]) -> Reading {
        let parser = JSONParser()
        guard let root = try? parser.parse(response) else { return Reading(problems: ["no JSON"]) }
        var reading = Reading()
        for item in root["output"]?.elements.map({ $0 }) ?? [] {
            let isReasoning = item["type"]?.string == "reasoning"
            for name in ["content", "summary"] {
                for part in item.member(name)?.elements.map({ $0 }) ?? [] {
                    let text = part["text"]?.string ?? ""
                    if isReasoning { reading.thoughts += text } else { reading.texts += text }
                }
            }
            reading.arguments += item["arguments"]?.string ?? ""
        }
        if let key = response.withUnsafeBytes(JSONKeys.repeated) { reading.problems.append("'\(key)' stands twice") }
        return reading
    }

    // MARK: Losses

    /// A mark that did not arrive, though nothing says so.
    private func loss(_ reading: Reading, _ repairs: Repairs) -> String? {
        let marks = hostile.marks
        if let lost = Self.lost(marks.texts, reading.texts, repairs) { return "text \(lost) is lost" }
        if let lost = Self.lost(marks.thoughts, reading.thoughts, repairs) { return "reasoning \(lost) is lost" }
        switch kind {
        case .messagesStream, .messagesWhole: if repairs.count(.arguments) > 0 { return nil }
        case .responsesStream, .responsesWhole, .responsesSummary: if !hostile.isPlain { return nil }
        default: break
        }
        return Self.lost(marks.arguments, reading.arguments, repairs).map { "arguments \($0) are lost" }
    }

    /// A choice may be left out as a whole, if `repairs` says that one was.
    private static func lost(_ marks: [UInt32: [String]], _ text: String, _ repairs: Repairs) -> String? {
        let isLeftOut = repairs.entries.contains { $0.kind == .dropped && $0.detail.contains("choice") }
        for marks in marks.values {
            let missing = marks.filter { !text.utf8.contains($0.utf8) }
            guard let first = missing.first else { continue }
            if missing.count < marks.count || !isLeftOut { return first }
        }
        return nil
    }
}

extension String.UTF8View {
    fileprivate func contains(_ other: String.UTF8View) -> Bool {
        let (all, part) = (Array(self), Array(other))
        guard all.count >= part.count else { return false }
        return (0...all.count - part.count).contains { all[$0..<$0 + part.count].elementsEqual(part) }
    }
}
