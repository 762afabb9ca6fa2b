/// K3's markup (XTML): finding its tags, and what they mean in running text.
extension Normaliser {
    /// What the bytes from `at` on are, by the markup that counts here.
    func lookUp(_ bytes: Bytes, _ at: Int) -> MarkerMatch {
        switch mode {
        case .section, .header, .arguments, .tail, .role: return MarkerTable.match(bytes, at: at)
        case .text, .tools, .call, .value, .valueEnd: break
        }
        if xtml.reading != .seen {
            let found = MarkerTable.match(bytes, at: at)
            if found != .none || xtml.reading == .off { return found }
        }
        return XTMLToken.match(bytes, at: at)
    }

    mutating func beginTag(_ spelled: Bytes) {
        var reader = XTMLTagReader()
        for byte in spelled { _ = reader.take(byte) }
        xtml.tag = reader
    }

    /// Feeds the tag that has begun.
    mutating func readTag(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        guard var reader = xtml.tag else { return start }
        xtml.tag = nil
        for index in start..<bytes.count {
            switch reader.take(bytes[index]) {
            case .undecided: continue
            case .complete:
                meet(reader, reader.bytes.count, isCertain: reader.isCertain, &output)
                return index + 1
            case .before(let length): meet(reader, length, isCertain: reader.isCertain, &output)
            case .none, .cut: refuse(reader, &output)
            }
            return index
        }
        xtml.tag = reader
        return bytes.count
    }

    /// No more bytes come: what has begun of a tag is one, or half of one, or text.
    mutating func endTag(_ output: inout some NormalisedOutput) {
        guard let reader = xtml.tag else { return }
        xtml.tag = nil
        switch reader.verdictAtEnd {
        case .before(let length): meet(reader, length, isCertain: true, &output)
        case .cut where xtml.reading.isKnown && options.repairs.contains(.markers):
            if reader.tag.token == .open { isCut = true }
            if mode == .text { junction(&output) }
        default: if mode == .text || mode == .value { feedHeld(reader.bytes[...], asText: true, &output) }
        }
    }

    // MARK: - Tags and what only looks like one

    private mutating func meet(
        _ reader: XTMLTagReader, _ length: Int, isCertain: Bool, _ output: inout some NormalisedOutput
    ) {
        let held = reader.bytes
        if mode != .text || accepts(reader.tag, isCertain) {
            asTransient(held[..<length], &output) { $0.tagMet($1, &$2) }
        } else {
            feedHeld(held[..<length], asText: true, &output)
        }
        feedHeld(held[length...], asText: false, &output)
    }

    /// A token without a tag is a leftover if the model is K3, else it is text; what follows is worked on again.
    private mutating func refuse(_ reader: XTMLTagReader, _ output: inout some NormalisedOutput) {
        let held = reader.bytes
        let isLeftover = reader.tokenLength > 0 && xtml.reading.isKnown && options.repairs.contains(.markers)
        let length = max(2, reader.tokenLength)
        if isLeftover, mode == .text {
            asTransient(held[..<length], &output) { $0.textMarker(.xtml, $1, &$2) }
        } else if !isLeftover || mode == .value || mode == .valueEnd {
            feedHeld(held[..<length], asText: true, &output)
        }
        feedHeld(held[length...], asText: false, &output)
    }

    private mutating func feedHeld(
        _ held: ArraySlice<UInt8>, asText: Bool, _ output: inout some NormalisedOutput
    ) {
        guard !held.isEmpty else { return }
        asTransient(held, &output) { normaliser, bytes, output in
            if asText { normaliser.literal(bytes, &output) } else { normaliser.run(bytes, transient: true, &output) }
        }
    }

    /// Works on bytes that die with the call.
    mutating func asTransient<Output: NormalisedOutput>(
        _ held: ArraySlice<UInt8>, _ output: inout Output, _ work: (inout Normaliser, Bytes, inout Output) -> Void
    ) {
        let outer = isTransient
        isTransient = true
        held.withUnsafeBytes { work(&self, $0, &output) }
        isTransient = outer
    }

    /// Does a tag in running text count?
    private func accepts(_ tag: XTMLTag, _ isCertain: Bool) -> Bool {
        switch (tag.token, tag.name) {
        case (.endOfMessage, _): return options.repairs.contains(.markers)
        case (.separator, _): return xtml.reading.isKnown && options.repairs.contains(.markers)
        case (_, .none): return false
        case (_, .some(let name)):
            guard xtml.reading.isKnown || isCertain else { return false }
            if name.isOfCalls { return options.repairs.contains(.inlineCalls) }
            return options.repairs.contains(name == .message ? .markers : .thinking)
        }
    }

    private mutating func tagMet(_ spelled: Bytes, _ output: inout some NormalisedOutput) {
        switch mode {
        case .tools, .call: callsTag(XTMLTag(spelled), spelled, &output)
        case .value: valueTag(XTMLTag(spelled), spelled, &output)
        case .valueEnd: valueEndTag(XTMLTag(spelled), spelled, &output)
        default: textMarker(.xtml, spelled, &output)
        }
    }

    // MARK: - In running text

    /// A tag, or a token alone, that means what it says.
    mutating func applyTag(_ spelled: Bytes, _ output: inout some NormalisedOutput) {
        let tag = XTMLTag(spelled)
        if tag.name != nil { xtml.reading = .seen }
        switch (tag.token, tag.name) {
        case (.open, .think): openThought(.think, spelled, &output)
        case (.close, .think): closeThought(.think, spelled, &output)
        case (.open, .response): openAnswer(&output)
        case (.open, .tools): beginTools(&output)
        case (.open, .call): beginBareCall(tag, &output)
        case (.close, .response): closeAnswer(&output)
        case (.close, .message), (.endOfMessage, _):
            notes.add(.markers)
            closeAnswer(&output)
        default:
            notes.add(.markers)
            junction(&output)
        }
    }

    /// Is this marker the end of a thought?
    func closesThought(_ marker: Marker, _ spelled: Bytes) -> Bool {
        switch marker {
        case .thinkClose: return true
        case .xtml:
            let tag = XTMLTag(spelled)
            return tag.token == .close && tag.name == .think
        default: return false
        }
    }

    /// The answer begins, or calls do: a thought that is still open is over, and so is one that was never opened,
    /// because the prompt had done that.
    mutating func endThought(_ output: inout some NormalisedOutput) {
        code.reset()
        endsLine = true
        if source == .reasoning { return junction(&output) }
        if lead != .known {
            if log.hasText { notes.add(.thinking) }
            decide(.reasoning, &output)
        }
        if thinking { junction(in: .reasoning, &output) }
        thinking = false
    }

    private mutating func openAnswer(_ output: inout some NormalisedOutput) {
        endThought(&output)
        if source == .reasoning { xtml.answersInReasoning = true }
        junction(in: .content, betweenBlocks: true, &output)
    }

    /// The answer is over. If nothing told before, what is held was the answer.
    private mutating func closeAnswer(_ output: inout some NormalisedOutput) {
        code.reset()
        endsLine = true
        junction(&output)
        if source == .reasoning {
            xtml.answersInReasoning = false
        } else {
            decide(.content, &output)
            thinking = false
            junction(in: .content, &output)
        }
    }
}
