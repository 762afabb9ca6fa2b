/// Ordinary text.
extension Normaliser {
    /// Is it still unknown what the text of this channel is?
    var isHeld: Bool { lead != .known && source == .content }

    /// The channel that text goes out on, when that is known.
    var target: TextChannel {
        if source == .reasoning { return xtml.answersInReasoning ? .content : .reasoning }
        return thinking ? .reasoning : .content
    }

    mutating func runText(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        var scan = start
        while true {
            let next = nextSpecial(bytes, scan)
            if next > scan { code.settle() }
            if next == bytes.count {
                endsLine = startsLine(bytes, next, from: start)
                emitText(bytes.slice(start..<next), &output)
                return next
            }
            switch bytes[next] {
            case 0x60: code.backtick()
            case 0x7E: code.tilde(startsLine: startsLine(bytes, next, from: start))
            case 0x0A: code.newline()
            default:
                code.settle()
                switch lookUp(bytes, next) {
                case .none where bytes[next] == 0x3C && foreignBegins(bytes, next):
                    endsLine = false
                    emitText(bytes.slice(start..<next), &output)
                    beginForeign()
                    return next
                case .none: break
                case .partial:
                    endsLine = false
                    emitText(bytes.slice(start..<next), &output)
                    return carryRest(bytes, from: next)
                case .full(let found, let length):
                    endsLine = false
                    emitText(bytes.slice(start..<next), &output)
                    marker(found, bytes.slice(next..<next + length), &output)
                    return next + length
                }
            }
            scan = next + 1
        }
    }

    /// Does nothing but blanks stand between `index` and the start of its line? What is before `start` was not text of
    /// this run, or is accounted for.
    private func startsLine(_ bytes: Bytes, _ index: Int, from start: Int) -> Bool {
        var before = index
        while before > start, bytes[before - 1] == 0x20 { before -= 1 }
        return before == start ? endsLine : bytes[before - 1] == 0x0A
    }

    /// Text was passed on without `runText`.
    mutating func noteLine(_ text: Bytes) { endsLine = startsLine(text, text.count, from: 0) }

    private func nextSpecial(_ bytes: Bytes, _ start: Int) -> Int {
        guard code.wantsNewlines else { return bytes.firstTextSpecial(from: start) }
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x0A || byte == 0x60 || byte == 0x7E || MarkerTable.canBegin(byte) { return index }
            index += 1
        }
        return index
    }

    /// Text for the channel in force, or for the log while that is unknown.
    mutating func emitText(_ text: Bytes, _ output: inout some NormalisedOutput) {
        guard !text.isEmpty else { return }
        if isHeld {
            log.text(text)
            if log.size > options.maxHeldThinkingBytes { giveUpHolding(&output) }
            return
        }
        let channel = target
        pause(but: channel, before: text, &output)
        if channel == .content {
            contentEdges.text(text, transient: isTransient) { output.text(channel, $0, transient: $1) }
        } else {
            reasoningEdges.text(text, transient: isTransient) { output.text(channel, $0, transient: $1) }
        }
    }

    /// What the other channel holds stands in front of `text`, if that is more than blanks.
    private mutating func pause(but channel: TextChannel, before text: Bytes, _ output: inout some NormalisedOutput) {
        guard channel == .content ? reasoningEdges.isHolding : contentEdges.isHolding,
            text.contains(where: { !isBlank($0) })
        else { return }
        if channel == .content {
            reasoningEdges.pause { output.text(.reasoning, $0, transient: $1) }
        } else {
            contentEdges.pause { output.text(.content, $0, transient: $1) }
        }
    }

    /// A call comes next.
    mutating func pauseTexts(_ output: inout some NormalisedOutput) {
        reasoningEdges.pause { output.text(.reasoning, $0, transient: $1) }
        contentEdges.pause { output.text(.content, $0, transient: $1) }
    }

    /// A marker was taken out of the text.
    mutating func junction(_ output: inout some NormalisedOutput) {
        if isHeld { return log.junction() }
        junction(in: target, &output)
    }

    mutating func junction(
        in channel: TextChannel, betweenBlocks: Bool = false, _ output: inout some NormalisedOutput
    ) {
        if channel == .content {
            contentEdges.junction(betweenBlocks: betweenBlocks) { output.text(channel, $0, transient: $1) }
        } else {
            reasoningEdges.junction(betweenBlocks: betweenBlocks) { output.text(channel, $0, transient: $1) }
        }
    }

    // MARK: - Markers

    mutating func textMarker(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        if !isActive(marker) {
            emitText(spelled, &output)
        } else if code.isOpen, let doubt = doubt(about: marker, spelled) {
            hold = doubt
        } else {
            apply(marker, spelled, &output)
        }
    }

    /// A marker inside code is probably quoted, and held until the code ends.
    ///
    /// Thoughts are careless about closing their code: there a close tag counts, unless it stands alone in a span.
    private func doubt(about marker: Marker, _ spelled: Bytes) -> Hold? {
        guard closesThought(marker, spelled), thinking || isHeld || source == .reasoning else {
            return Hold(marker, spelled, in: code)
        }
        return code.isFence ? nil : .beforeClosingBacktick(marker, spelled, in: code)
    }

    /// A marker that means what it says.
    mutating func apply(_ marker: Marker, _ spelled: Bytes, _ output: inout some NormalisedOutput) {
        guard isActive(marker) else { return emitText(spelled, &output) }
        switch marker {
        case .sectionBegin: beginSection(&output)
        case .callBegin: beginCall(&output)
        case .thinkOpen(let tag): openThought(tag, spelled, &output)
        case .thinkClose(let tag): closeThought(tag, spelled, &output)
        case .argumentBegin: beginCallWithoutMarkers(spelled, &output)
        case .sectionEnd, .callEnd, .turnEnd, .roleMiddle: orphan(spelled, &output)
        case .role:
            orphan(spelled, &output)
            mode = .role
            pending.removeAll(keepingCapacity: true)
        case .xtml: applyTag(spelled, &output)
        }
    }

    /// Does this marker mean anything, or was its repair switched off?
    private func isActive(_ marker: Marker) -> Bool {
        switch marker {
        case .thinkOpen, .thinkClose: options.repairs.contains(.thinking)
        case .turnEnd, .role, .roleMiddle: options.repairs.contains(.markers)
        case .xtml: true  // Only tags that count come this far.
        default: options.repairs.contains(.inlineCalls)
        }
    }

    /// A marker that nothing belongs to is taken out.
    mutating func orphan(_ spelled: Bytes, _ output: inout some NormalisedOutput) {
        guard options.repairs.contains(.markers) else { return emitText(spelled, &output) }
        notes.add(.markers)
        junction(&output)
    }
}
