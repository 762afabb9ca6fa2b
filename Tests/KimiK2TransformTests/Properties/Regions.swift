/// A plain reading of where each token stands, by the markers before it alone: the tests' own, cruder than the
/// transform's on purpose.
struct Regions {
    private var state = Planting.Region.text
    private var inSection = false
    /// The server strips what begins a call: then anything up to the end may be the head of one.
    private var beginsAreLost = false
    /// A bare call's head has more than one word, so it was text, and the last word may be a head of its own.
    private var headIsText = false
    /// A quote is open in the arguments.
    private var isQuoted = false
    /// A marker or an escape stood in a string: from there on text and arguments cannot be told apart so easily.
    private var isDoubtful = false

    static func of(_ tokens: [String], _ example: Case) -> [Planting.Region] {
        let text = tokens.joined()
        // Other dialects, and K3's channels, have rules and tests of their own.
        let foreign = MarkupTokens.k3 + ["<tool_call", "<invoke", "<function", "<exec", "<parameter", "antml:"]
        if example.model == "k3" || foreign.contains(where: text.contains) { return tokens.map { _ in .foreign } }
        var reader = Regions()
        return tokens.indices.map { index in
            // Without its begin markers a call's head is the word before its arguments.
            let next = tokens.indices.contains(index + 1) ? tokens[index + 1] : ""
            return reader.read(tokens[index], isHead: next == MarkupTokens.argumentBegin)
        }
    }

    private mutating func read(_ token: String, isHead: Bool) -> Planting.Region {
        let before = state
        if MarkupTokens.isMarker(token) { step(token) } else { pass(token) }
        switch state {
        case .text where isHead, .junk where isHead, .arguments where isHead: return .head
        case .text where beginsAreLost: return .junk
        case .text where isDoubtful: return .arguments
        default: return before == .head && state == .arguments && !MarkupTokens.isMarker(token) ? .head : state
        }
    }

    private mutating func pass(_ token: String) {
        // The marker between head and arguments may be missing.
        var token = token[...]
        if state == .head {
            if !inSection, token.split(whereSeparator: \.isWhitespace).count > 1 { headIsText = true }
            if let brace = token.firstIndex(of: "{") {
                (state, isQuoted) = (.arguments, false)
                token = token[brace...]
            }
        }
        guard state == .arguments else { return }
        if token.utf8.count(where: { $0 == 0x22 }) % 2 == 1 { isQuoted.toggle() }
        if token.contains("\\") { isDoubtful = true }
    }

    private mutating func step(_ marker: String) {
        if state == .arguments, isQuoted { isDoubtful = true }
        switch marker {
        case _ where MarkupTokens.sectionBegins.contains(marker): (state, inSection) = (.junk, true)
        case _ where MarkupTokens.sectionEnds.contains(marker): (state, inSection) = (.text, false)
        case MarkupTokens.callBegin: (state, headIsText) = (.head, false)
        case MarkupTokens.callEnd: state = inSection ? .junk : .text
        case MarkupTokens.argumentBegin:
            if state == .text || state == .role || headIsText { beginsAreLost = true }
            (state, isQuoted) = (.arguments, false)
        case _ where MarkupTokens.roles.contains(marker): state = .role
        case "<|im_middle|>" where state == .role: state = .text
        case _ where (MarkupTokens.thinking + ["<|im_end|>"]).contains(marker) && state != .arguments:
            (state, inSection) = (.text, false)
        default: break
        }
    }
}
