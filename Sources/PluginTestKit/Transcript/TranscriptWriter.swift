import CanonicalModel
import JSONSchema
import PluginABI

/// Writes a script as a transcript: what the fuzzer keeps of a failure, and what can be corrected by hand.
enum TranscriptWriter {
    /// JSON, and hence YAML. Expectations are left out: whoever keeps it adds what is right.
    static func text(_ script: Script, kind: Transcript.Kind, config: ConfigNode) -> String {
        var object = ConfigObject()
        object["kimi-transcript"] = ConfigNode(.int(1))
        object["name"] = .string(script.name)
        object["kind"] = .string(kind.rawValue)
        object["config"] = script.config ?? config
        object["request"] = .string(String(decoding: script.request.json, as: UTF8.self))
        object["model"] = .string(script.request.model)
        object["stream"] = ConfigNode(.bool(script.request.isStream))
        object[script.request.isNative ? "native" : "dialect"] = .string(script.request.dialect)
        if !script.request.conversation.isEmpty { object["conversation"] = .string(script.request.conversation) }
        if kind == .provider {
            object["steps"] = ConfigNode(.array(steps(script)))
        } else {
            object["events-in"] = ConfigNode(.array(script.events.joined().map(\.node)))
        }
        if script.why == KIMI_WHY_TRUNCATED { object["ends"] = .string("truncated") }
        if script.why == KIMI_WHY_CANCELLED { object["ends"] = .string("cancelled") }
        return lines(object)
    }

    /// One member per line, and one item of a long list.
    private static func lines(_ object: ConfigObject) -> String {
        let members = object.members.map { member -> String in
            let key = ConfigNode.string(member.key).json
            guard let items = member.value.array, !items.isEmpty else { return "  \(key): \(member.value.json)" }
            return "  \(key): [\n" + items.map { "    " + $0.json }.joined(separator: ",\n") + "\n  ]"
        }
        return "{\n" + members.joined(separator: ",\n") + "\n}\n"
    }

    private static func steps(_ script: Script) -> [ConfigNode] {
        var steps = script.sideAnswers.map { step("token", answer($0)) }
        var head = answer(script.head)
        let frames = Array(script.frames.joined())
        let isEvents = frames.contains { $0.kind == KIMI_FRAME_SSE.rawValue }
        if isEvents, script.head.status < 400 {
            head["sse"] = ConfigNode(.array(frames.map(event)))
        } else {
            let body = frames.isEmpty ? script.head.body : frames.flatMap(\.data)
            head["body-base64"] = .string(Base64.encoded(body))
        }
        steps.append(step("send", head))
        return steps
    }

    private static func step(_ word: String, _ answer: ConfigObject) -> ConfigNode {
        ConfigNode(
            .object(
                ConfigObject([
                    .init(key: word, value: ConfigNode(.object(ConfigObject()))),
                    .init(key: "answer", value: ConfigNode(.object(answer))),
                ])))
    }

    private static func answer(_ answer: Answer) -> ConfigObject {
        var object = ConfigObject([.init(key: "status", value: ConfigNode(.int(Int64(answer.status))))])
        var headers = ConfigObject()
        for header in answer.headers { headers[header.name] = .string(header.value) }
        object["headers"] = ConfigNode(.object(headers))
        if let failure = answer.failure { object["fails"] = .string(failure) }
        return object
    }

    private static func event(_ frame: Frame) -> ConfigNode {
        let data = ConfigNode.string(String(decoding: frame.data, as: UTF8.self))
        guard !frame.name.isEmpty else { return data }
        return ConfigNode(
            .object(
                ConfigObject([
                    .init(key: "event", value: .string(String(decoding: frame.name, as: UTF8.self))),
                    .init(key: "data", value: data),
                ])))
    }
}
