/// What a tag is when nothing more fits, or nothing more comes.
extension XTMLTagReader {
    /// What was read so far.
    var tag: XTMLTag {
        var tag = XTMLTag(token: token, name: name)
        tag.attributes = attributes.map { (Array(bytes[$0.name]), XTMLTag.unescaped(bytes[$0.value])) }
        return tag
    }

    /// No more bytes come.
    var verdictAtEnd: Verdict {
        if case .token = place { return .none }
        guard token == .close, name != nil else { return .cut }
        if case .end = place { return .before(bytes.count) }  // Half a `<|sep|>`.
        return .before(end)
    }

    /// More than the token is there, and it cannot end here.
    var isInName: Bool { bytes.count > tokenLength && tokenLength > 0 && verdictAtEnd == .cut }

    /// Nothing more fits. What is held is a tag if it has all it needs.
    var failure: Verdict {
        switch (token, name) {
        case (.close, .some): return .before(end)
        case (.open, .argument): return hasAttribute("key") ? .before(end) : .none
        case (.open, .call): return hasAttribute("tool") ? .before(end) : .none
        default: return .none
        }
    }

    private func hasAttribute(_ name: String) -> Bool {
        attributes.contains { bytes[$0.name].elementsEqual(name.utf8) }
    }
}
