import WireJSON

/// The calls of K3: `tools`, and in it `call` after `call`.
extension Normaliser {
    mutating func beginTools(_ output: inout some NormalisedOutput) {
        leaveTextForCalls(&output)
        xtml.inTools = true
        sectionHasCalls = false
        mode = .tools
        pending.removeAll(keepingCapacity: true)
    }

    /// A call without `tools` around it.
    mutating func beginBareCall(_ tag: XTMLTag, _ output: inout some NormalisedOutput) {
        leaveTextForCalls(&output)
        beginXTMLCall(tag)
    }

    private mutating func leaveTextForCalls(_ output: inout some NormalisedOutput) {
        let isThought = source == .content && (thinking || lead != .known && log.hasText)
        endThought(&output)
        if source == .content { junction(in: .content, &output) }
        xtml.endedThought = isThought
    }

    /// Text goes on. Behind calls in a thought that may be more of the thought.
    private mutating func leaveTools() {
        xtml.inTools = false
        mode = .text
        endsLine = true
        guard xtml.endedThought, source == .content, lead == .known else { return }
        thinking = true
        lead = .resumed
    }

    private mutating func leaveToolsWithPending(_ output: inout some NormalisedOutput) {
        leaveTools()
        passPending(&output)
    }

    // MARK: - Tags between arguments and between calls

    mutating func callsTag(_ tag: XTMLTag, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        switch (tag.token, tag.name) {
        case (.open, .argument) where mode == .call: beginValue(tag)
        case (.open, .argument), (.close, .argument), (.separator, _): break
        case (.open, .call):
            endXTMLCall(&output)
            beginXTMLCall(tag)
        case (.close, .call):
            endXTMLCall(&output)
            if !xtml.inTools { leaveTools() }
        case (.open, .tools):
            endXTMLCall(&output)
            xtml.inTools = true
            mode = .tools
        case (.close, .tools):
            endXTMLCall(&output)
            if sectionHasCalls { pending.removeAll(keepingCapacity: true) }
            leaveToolsWithPending(&output)
        default:
            endXTMLCall(&output)
            leaveToolsWithPending(&output)
            applyTag(spelled, &output)
        }
    }

    // MARK: - One call

    private mutating func beginXTMLCall(_ tag: XTMLTag) {
        pending.removeAll(keepingCapacity: true)
        sectionHasCalls = true
        xtml.keys = []
        xtml.members = 0
        let name = tag.value(of: "tool", "name") ?? []
        var header = name.withUnsafeBytes { structuredHeader($0, id: nil) }
        if case .call(let name, _) = header { header = .call(name: name, id: nil) }
        let from: CallSource = source == .content ? .content : .reasoning
        call = OpenCall(header: header, source: from, waits: ledger.mayRepeat(from) || header.waitsForArguments)
        mode = .call
    }

    /// The open call, if there is one, is complete.
    private mutating func endXTMLCall(_ output: inout some NormalisedOutput) {
        guard mode == .call else { return }
        let ending = xtml.members > 0 ? [0x7D] : bodyObject ?? Array("{}".utf8)
        argumentOutput(ending, &output)
        closeXTMLCall(&output)
        pending.removeAll(keepingCapacity: true)
        mode = .tools
    }

    private mutating func closeXTMLCall(isCut: Bool = false, _ output: inout some NormalisedOutput) {
        guard var open = call else { return }
        call = nil
        close(&open, isEmpty: false, isCut: isCut, &output)
    }

    mutating func argumentOutput(_ text: [UInt8], _ output: inout some NormalisedOutput) {
        asTransient(text[...], &output) { $0.argumentOutput($1, &$2) }
    }

    /// A call without arguments whose text is a JSON object: somebody wrote them the old way.
    private var bodyObject: [UInt8]? {
        let text = pending.trimmed
        guard text.first == 0x7B else { return nil }
        return withJSON(Array(text)) { $0.isObject } == true ? Array(text) : nil
    }

    // MARK: - The end of the input

    /// In a call, between arguments: what came is the call, if anything did; its reason to end stays the upstream's.
    mutating func endInCall(_ output: inout some NormalisedOutput) {
        isCut = true
        if xtml.members > 0 || bodyObject != nil { return endXTMLCall(&output) }
        call = nil
        notes.add(.cutCall)
    }

    /// In a value: the call ends as far as it came.
    mutating func endInValue(_ output: inout some NormalisedOutput) {
        isCut = true
        if let argument = xtml.argument, argument.form == .json, !argument.held.trimmed.isEmpty {
            beginMember(&output)
            argumentOutput(argument.held, &output)
        }
        xtml.argument = nil
        if xtml.members > 0 { return closeXTMLCall(isCut: true, &output) }
        call = nil
        notes.add(.cutCall)
    }

    // MARK: - Text where there should be none

    mutating func collectXTML(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x3C {
                switch lookUp(bytes, index) {
                case .none: break
                case .partial: return carryRest(bytes, from: index)
                case .full(let found, let length):
                    marker(found, bytes.slice(index..<index + length), &output)
                    return index + length
                }
            }
            if endsCollectingXTML(byte, &output) { return index }
            pending.append(byte)
            index += 1
        }
        return index
    }

    mutating func collectXTMLLiteral(_ text: Bytes, _ output: inout some NormalisedOutput) {
        for index in text.indices {
            if endsCollectingXTML(text[index], &output) {
                return run(text.slice(index..<text.count), transient: true, &output)
            }
            pending.append(text[index])
        }
    }

    /// True if there is too much of it: then it is text after all, and the mode has changed.
    private mutating func endsCollectingXTML(_ byte: UInt8, _ output: inout some NormalisedOutput) -> Bool {
        let limit = mode == .call ? Limits.xtmlCallText : Limits.sectionText
        if byte & 0xC0 == 0x80 || pending.count < limit { return false }
        notes.add(.limit)
        let text = pending
        if mode == .call {
            if xtml.members > 0 { endXTMLCall(&output) } else { call = nil }
        }
        pending = text
        leaveToolsWithPending(&output)
        return true
    }
}
