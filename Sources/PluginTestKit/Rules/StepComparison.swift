import JSONSchema
import PluginABI
import WireJSON

/// Compares a described step with a transcript's.
enum StepComparison {
    static func difference(_ expected: ExpectedStep, _ actual: DescribedStep, request: [UInt8]) -> String? {
        guard expected.kind == actual.kind else {
            return "is \(TranscriptReader.word(actual.kind)), expected is \(TranscriptReader.word(expected.kind))"
        }
        if let method = expected.method, method != actual.method {
            return "the method is \(actual.method), not \(method)"
        }
        if let url = expected.url, url != actual.url { return "the URL is \(actual.url ?? "none"), not \(url)" }
        if let argument = expected.argument, argument != actual.argument {
            return "it takes \(actual.argument) ms, not \(argument)"
        }
        for (field, value) in expected.fields {
            let have = actual.fields.first { $0.field == field.rawValue }.map {
                String(decoding: $0.value, as: UTF8.self)
            }
            if have != value { return "\(PlanRules.word(field.rawValue)) is \(have ?? "missing"), not \(value)" }
        }
        return headers(expected.headers, actual, areSecret: false)
            ?? headers(expected.secretHeaders, actual, areSecret: true) ?? body(expected, actual, request)
    }

    private static func headers(
        _ expected: [(name: String, value: String)]?, _ actual: DescribedStep, areSecret: Bool
    ) -> String? {
        guard let expected else { return nil }
        let what = areSecret ? "secret header" : "header"
        var rest = actual.headers.filter { $0.isSecret == areSecret }
        for (name, value) in expected {
            guard let index = rest.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) else {
                return "the \(what) \(name) is missing"
            }
            let header = rest.remove(at: index)
            if header.value != value { return "the \(what) \(name) is '\(header.value)', not '\(value)'" }
        }
        return rest.first.map { "the \(what) \($0.name) is too much" }
    }

    private static func body(_ expected: ExpectedStep, _ actual: DescribedStep, _ request: [UInt8]) -> String? {
        guard expected.body != nil || expected.bodyBytes != nil else { return nil }
        let bytes: [UInt8]
        do {
            bytes = try actual.wholeBody(of: request)
        } catch {
            return "the body cannot be made: \(error.message)"
        }
        if let wanted = expected.bodyBytes, wanted != bytes {
            return "the body is \(short(bytes)), not byte for byte as written"
        }
        return expected.body.flatMap { bodyDifference($0, bytes, "the body") }
    }

    /// Compares as values and names the place of the first difference.
    static func bodyDifference(_ expected: ConfigNode, _ actual: [UInt8], _ what: String) -> String? {
        do {
            let node = try ConfigNode(parsingJSON: actual)
            return place(expected, node, "").map { "\(what) differs at \($0)" }
        } catch {
            return "\(what) is not JSON: \(short(actual))"
        }
    }

    private static func place(_ expected: ConfigNode, _ actual: ConfigNode, _ path: String) -> String? {
        if expected == actual { return nil }
        if let wanted = expected.object, let have = actual.object {
            for member in wanted.members {
                guard let value = have[member.key] else { return "\(path)/\(member.key), which is missing" }
                if let place = place(member.value, value, "\(path)/\(member.key)") { return place }
            }
            return have.keys.first { wanted[$0] == nil }.map { "\(path)/\($0), which is too much" }
        }
        if let wanted = expected.array, let have = actual.array, wanted.count == have.count {
            for (index, pair) in zip(wanted, have).enumerated() {
                if let place = place(pair.0, pair.1, "\(path)/\(index)") { return place }
            }
        }
        let spot = path.isEmpty ? "its root" : path
        return "\(spot): it is \(EventPattern.short(actual)), expected is \(EventPattern.short(expected))"
    }

    static func short(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(200), as: UTF8.self)
        return bytes.count > 200 ? text + "…" : text
    }
}
