internal import WireJSON

/// Gemini's `logprobsResult` in the form of Chat Completions.
enum Logprobs {
    static func write(_ result: JSONSpan) -> [UInt8] {
        let out = ByteWriter()
        out.append(#"{"content":["#)
        let top = result["topCandidates"]?.elements.map { $0 } ?? []
        let chosen = result["chosenCandidates"]?.elements.map { $0 } ?? []
        for (number, token) in chosen.enumerated() {
            out.append(number == 0 ? "{" : ",{")
            self.token(token, to: out)
            out.append(#","top_logprobs":["#)
            let candidates = number < top.count ? top[number]["candidates"]?.elements.map { $0 } ?? [] : []
            for (place, candidate) in candidates.enumerated() {
                out.append(place == 0 ? "{" : ",{")
                self.token(candidate, to: out)
                out.append("}")
            }
            out.append("]}")
        }
        out.append("]}")
        return out.bytes
    }

    private static func token(_ token: JSONSpan, to out: ByteWriter) {
        out.append(#""token":"#)
        if let text = token["token"], text.kind == .string { out.append(bytes: text.raw) } else { out.append("\"\"") }
        out.append(#","logprob":"#)
        if let value = token["logProbability"], value.double != nil {
            out.append(bytes: value.raw)
        } else {
            out.append("0")
        }
        out.append(#","bytes":null"#)
    }
}
