/// Sections and the heads of calls.
extension Normaliser {
    mutating func beginSection(_ output: inout some NormalisedOutput) {
        decideBeforeCalls(&output)
        junction(&output)
        code.reset()
        mode = .section
        inSection = true
        sectionHasCalls = false
        pending.removeAll(keepingCapacity: true)
    }

    /// A call begins, in a section or bare.
    mutating func beginCall(_ output: inout some NormalisedOutput) {
        if !inSection {
            decideBeforeCalls(&output)
            junction(&output)
            code.reset()
        }
        sectionHasCalls = true
        mode = .header
        pending.removeAll(keepingCapacity: true)
    }

    /// Some servers strip the begin markers: then the word before the arguments is the head of a call, if it names a
    /// declared tool and is still here. Later calls come the same way.
    mutating func beginCallWithoutMarkers(_ spelled: Bytes, _ output: inout some NormalisedOutput) {
        let word = isHeld ? Array(log.lastWord) : []
        guard !word.isEmpty, case .call(let name, _) = readHeader(word).header, tools.catalogue.contains(name)
        else { return orphan(spelled, &output) }
        log.dropLastWord()
        beginSection(&output)
        sectionHasCalls = true
        beginsAreLost = true
        beginArguments(header: word)
    }

    /// Calls are over, and text goes on.
    mutating func leaveCalls() {
        inSection = false
        mode = .text
        endsLine = true
        doubtThought()
    }

    /// Leaves the calls, and gives back text that was kept in case it mattered.
    mutating func leaveCallsWithPending(_ output: inout some NormalisedOutput) {
        leaveCalls()
        passPending(&output)
    }

    /// What was kept is text after all.
    mutating func passPending(_ output: inout some NormalisedOutput) {
        let text = pending
        pending.removeAll(keepingCapacity: true)
        asTransient(text[...], &output) { normaliser, bytes, output in
            normaliser.noteLine(bytes)
            normaliser.emitText(bytes, &output)
        }
    }

    // MARK: - Collecting

    /// Collects the text of a section, header or role.
    mutating func collect(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x3C {
                switch MarkerTable.match(bytes, at: index) {
                case .none: break
                case .partial: return carryRest(bytes, from: index)
                case .full(let found, let length):
                    marker(found, bytes.slice(index..<index + length), &output)
                    return index + length
                }
            }
            if endsCollecting(byte, &output) { return index }
            pending.append(byte)
            index += 1
        }
        return index
    }

    /// What looked like a marker is one more text to collect, if that is not over.
    mutating func collectLiteral(_ text: Bytes, _ output: inout some NormalisedOutput) {
        for index in text.indices {
            // Where that is over it may begin something else.
            if endsCollecting(text[index], &output) {
                return run(text.slice(index..<text.count), transient: true, &output)
            }
            pending.append(text[index])
        }
    }

    /// True if `byte` is not part of what is collected; then the mode has changed.
    private mutating func endsCollecting(_ byte: UInt8, _ output: inout some NormalisedOutput) -> Bool {
        if byte & 0xC0 == 0x80 { return false }  // Never inside a code point.
        switch mode {
        case .header: return endsHeader(byte, &output)
        case .section where pending.count >= Limits.sectionText:
            notes.add(.limit)
            leaveCallsWithPending(&output)
            return true
        case .role where pending.count >= Limits.roleName || byte == 0x0A:
            leaveRole(&output)
            return true
        default: return false
        }
    }

    private mutating func endsHeader(_ byte: UInt8, _ output: inout some NormalisedOutput) -> Bool {
        if isBlank(byte) { return false }
        let text = pending.trimmed
        if byte == 0x7B, !text.isEmpty {
            beginArguments(header: text)
            return true
        }
        if pending.count >= CallHeader.limit, inSection {
            mode = .section
            return true
        }
        // Outside a section a second word means that somebody is writing about the format.
        let hasSecondWord =
            !text.isEmpty && pending.last.map(isBlank) == true && text.last != 0x3A && byte != 0x3A
        if !inSection, hasSecondWord || pending.count >= CallHeader.limit {
            leaveCallsWithPending(&output)
            return true
        }
        return false
    }

    mutating func leaveRole(_ output: inout some NormalisedOutput) {
        mode = .text
        passPending(&output)
    }
}
