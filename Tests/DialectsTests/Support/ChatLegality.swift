import WireJSON

/// Reads Chat Completions replies as a strict client would, and says what is illegal. Knows nothing of the encoder.
struct ChatReader {
    private(set) var problems: [String] = []
    /// By the choices' numbers.
    private(set) var choices: [Int64: Choice] = [:]
    private(set) var hasUsage = false
    /// The reply ended with an error.
    private(set) var hasFailed = false
    private var head: String?
    private var isOver = false
    private let parser = JSONParser()

    struct Choice {
        var text = ""
        var thinking = ""
        var arguments: [String] = []
        var ids: Set<String> = []
        var finish: String?
        var hasRole = false
    }

    static let reasons = ["stop", "length", "tool_calls", "content_filter", "function_call"]

    init(stream: [UInt8]) {
        readStream(stream)
        if hasFailed { return }
        for (number, choice) in choices { endChoice(number, choice) }
    }

    init(whole: [UInt8]) {
        readWhole(whole)
        for (number, choice) in choices { endChoice(number, choice) }
    }

    private mutating func readStream(_ stream: [UInt8]) {
        guard let text = String(validating: stream, as: UTF8.self) else { return bad("not UTF-8") }
        guard text.isEmpty || text.hasSuffix("\n\n") else { return bad("the last event is not closed") }
        for frame in text.split(separator: "\n\n") { read(frame: frame) }
        if !isOver { bad("no end") }
    }

    private mutating func readWhole(_ whole: [UInt8]) {
        guard let root = try? parser.parse(whole) else { return bad("no JSON") }
        if let key = whole.withUnsafeBytes(JSONKeys.repeated) { bad("'\(key)' stands twice") }
        readHead(root, "chat.completion")
        for choice in root["choices"]?.elements.map({ $0 }) ?? [] {
            let number = choice["index"]?.int ?? -1
            if choices[number] != nil { bad("choice \(number) stands twice") }
            choices[number] = Choice()
            if let message = choice["message"] { delta(message, number, isWhole: true) } else { bad("no message") }
            finish(choice, number)
        }
        if choices.isEmpty { bad("no choices") }
        if let value = root["usage"] { usage(value) }
    }

    private mutating func bad(_ problem: String) { problems.append(problem) }

    private mutating func read(frame: Substring) {
        if isOver { bad("an event after the end") }
        guard frame.hasPrefix("data: "), !frame.contains("\n") else { return bad("frame \(frame)") }
        let data = Array(frame.dropFirst(6).utf8)
        if data == Array("[DONE]".utf8) { return isOver = true }
        guard let root = try? parser.parse(data) else { return bad("no JSON: \(frame)") }
        if let key = data.withUnsafeBytes(JSONKeys.repeated) { bad("'\(key)' stands twice: \(frame)") }
        if let error = root["error"] {
            if error["message"]?.string == nil || error["type"]?.string == nil { bad("error \(frame)") }
            (isOver, hasFailed) = (true, true)
            return
        }
        readHead(root, "chat.completion.chunk")
        guard let list = root["choices"], list.isArray else { return bad("no choices: \(frame)") }
        if let value = root["usage"] {
            if list.elementCount > 0 { bad("usage beside choices") }
            usage(value)
        }
        for choice in list.elements { read(choice) }
    }

    private mutating func readHead(_ root: JSONValue, _ object: String) {
        let id = root["id"]?.string ?? ""
        if id.isEmpty || root["object"]?.string != object || root["model"]?.string == nil { bad("head") }
        if (root["created"]?.int ?? -1) < 0 { bad("created") }
        let head = "\(id) \(root["created"]?.int ?? -1) \(root["model"]?.string ?? "")"
        if let before = self.head, before != head { bad("the head changed from \(before) to \(head)") }
        self.head = head
        for name in ["system_fingerprint", "service_tier"] {
            if let value = root.member(name), !value.isNull, !value.isString { bad(name) }
        }
    }

    private mutating func read(_ choice: JSONValue) {
        let number = choice["index"]?.int ?? -1
        if !(0..<128).contains(number) { bad("choice \(number)") }
        if choices[number]?.finish != nil { bad("choice \(number) goes on after its finish_reason") }
        guard let delta = choice["delta"], delta.isObject else { return bad("no delta") }
        self.delta(delta, number, isWhole: false)
        finish(choice, number)
    }

    private mutating func finish(_ choice: JSONValue, _ number: Int64) {
        guard let reason = choice["finish_reason"] else { return bad("no finish_reason") }
        if let logprobs = choice["logprobs"], !logprobs.isNull, !logprobs.isObject { bad("logprobs") }
        if reason.isNull { return }
        if !Self.reasons.contains(reason.string ?? "") { bad("finish_reason \(reason.string ?? "?")") }
        choices[number, default: Choice()].finish = reason.string
    }

    private mutating func delta(_ delta: JSONValue, _ number: Int64, isWhole: Bool) {
        var choice = choices[number] ?? Choice()
        if let role = delta["role"] {
            if role.string != "assistant" || choice.hasRole { bad("role in choice \(number)") }
        } else if !choice.hasRole {
            bad("the first delta of choice \(number) has no role")
        }
        choice.hasRole = true
        choice.text += text(delta, "content")
        choice.thinking += text(delta, "reasoning_content")
        _ = text(delta, "refusal")
        for name in ["annotations", "images", "reasoning_details"] {
            if let value = delta.member(name), !value.isNull, !value.isArray { bad(name) }
        }
        if let calls = delta["tool_calls"] {
            if !calls.isArray || calls.elementCount == 0 { bad("tool_calls") }
            for (place, call) in calls.elements.map({ $0 }).enumerated() {
                let index = isWhole ? Int64(place) : call["index"]?.int ?? -1
                read(call, at: index, of: &choice)
            }
        }
        choices[number] = choice
    }

    private mutating func text(_ delta: JSONValue, _ name: String) -> String {
        guard let value = delta.member(name), !value.isNull else { return "" }
        guard let text = value.string else {
            bad("\(name) is no text")
            return ""
        }
        return text
    }

    private mutating func read(_ call: JSONValue, at index: Int64, of choice: inout Choice) {
        guard call.isObject, index >= 0, index <= choice.arguments.count else { return bad("call index \(index)") }
        let function = call["function"]
        if index == choice.arguments.count {
            let id = call["id"]?.string ?? ""
            let isFunction = call["type"]?.string == "function"
            choice.arguments.append("")
            // Pieces of foreign calls are the upstream's to judge.
            if function == nil { return }
            if id.isEmpty || !choice.ids.insert(id).inserted { bad("call id '\(id)'") }
            if !isFunction || function?["name"]?.string?.isEmpty != false { bad("call \(index) begins without name") }
        } else if let name = function?["name"] {
            bad("call \(index) is named again: \(name.string ?? "")")
        }
        guard let function else { return }
        guard let piece = function["arguments"]?.string else { return bad("arguments of call \(index)") }
        choice.arguments[Int(index)] += piece
    }

    private mutating func endChoice(_ number: Int64, _ choice: Choice) {
        guard let finish = choice.finish else { return bad("choice \(number) has no finish_reason") }
        if finish == "tool_calls", choice.arguments.isEmpty { bad("choice \(number) ends for calls and has none") }
    }

    private mutating func usage(_ usage: JSONValue) {
        if hasUsage { bad("usage twice") }
        hasUsage = true
        for name in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            if (usage.member(name)?.double ?? -1) < 0 { bad("usage.\(name)") }
        }
        for name in ["prompt_tokens_details", "completion_tokens_details"] {
            if let value = usage.member(name), !value.isObject { bad("usage.\(name)") }
        }
    }
}
