import KimiK2TransformLogic
import WireJSON

extension Case {
    /// Feeds `pieces` and gives what came out.
    func answer(cut pieces: [String]? = nil, options: NormaliserOptions? = nil) -> Collector {
        var normaliser = Normaliser(options: options ?? self.options, tools: DeclaredTools(tools))
        var output = Collector()
        for piece in pieces ?? [input] {
            var piece = piece
            piece.withUTF8 { utf8 in
                let bytes = UnsafeRawBufferPointer(utf8)
                output.feeds(bytes)
                if let target = normaliser.cleanTarget(channel, bytes) {
                    output.text(target, bytes, transient: false)
                } else {
                    normaliser.text(channel, bytes, to: &output)
                }
            }
        }
        output.feeds(nil)
        normaliser.finish(to: &output)
        return output.finished(normaliser.finishReason(upstream: upstreamReason))
    }

    /// Why `answer` is wrong; nil if it is one of the accepted ones.
    func fault(_ answer: Answer) -> String? {
        if accepted.contains(where: { matches(answer, $0) }) { return nil }
        return "\(name): \(answer)"
    }

    private func matches(_ answer: Answer, _ expected: Expectation) -> Bool {
        same(answer.content, expected.content) && same(answer.thinking, expected.thinking)
            && answer.finishReason == expected.finishReason
            && answer.calls.count == expected.calls.count
            && zip(answer.calls, expected.calls).allSatisfy {
                $0.name == $1.name && Case.sameArguments($0.text, $1.arguments)
            }
    }

    private func same(_ left: String, _ right: String) -> Bool {
        if isExact { return left == right }
        if ignoresBlanks { return left.filter { !$0.isWhitespace } == right.filter { !$0.isWhitespace } }
        return Case.trimmed(left) == Case.trimmed(right)
    }

    static func trimmed(_ text: String) -> Substring {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }

    static func sameArguments(_ left: String, _ right: String) -> Bool {
        guard let first = canonical(left), let second = canonical(right) else { return trimmed(left) == trimmed(right) }
        return first == second
    }

    /// Minified, with members sorted; nil if it is no JSON.
    static func canonical(_ text: String) -> String? {
        withJSON(Array(text.utf8)) { canonical($0) }
    }

    private static func canonical(_ value: JSONValue) -> String {
        switch value.kind {
        case .object:
            let members = value.members.map { (String(decoding: $0.key, as: UTF8.self), canonical($0.value)) }
            return
                "{\(members.sorted { $0.0 < $1.0 }.map { "\($0.0.debugDescription):\($0.1)" }.joined(separator: ","))}"
        case .array: return "[\(value.elements.map(canonical).joined(separator: ","))]"
        default: return String(decoding: value.json, as: UTF8.self)
        }
    }
}
