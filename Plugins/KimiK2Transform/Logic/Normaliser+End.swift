/// The end of the input.
extension Normaliser {
    mutating func endOfInput(_ output: inout some NormalisedOutput) {
        if !carry.isEmpty, [.section, .header, .tools, .call].contains(mode) {
            carry = []  // Half a marker where only markers can stand.
            noteCut()
        }
        settlePending(&output)
        code.settle()
        endOfMode(&output)
        endStructured(isCut: !endsWhole, &output)
        decide(.content, &output)
        contentEdges.finish { output.text(.content, $0, transient: $1) }
        reasoningEdges.finish { output.text(.reasoning, $0, transient: $1) }
        notes.add(.noContent, contentEdges.dropped + reasoningEdges.dropped)
    }

    /// A call or its head was cut off by the end.
    mutating func noteCut() {
        isCut = true
        notes.add(.cutCall)
    }

    /// Decides everything that waits for the next byte, because there is none.
    mutating func settlePending(_ output: inout some NormalisedOutput) {
        repeat {
            while let held = hold { settleHold(held, held.verdictAtEnd(isCut: endsCut), &output) }
            if !carry.isEmpty, mode == .valueEnd { carry = [] }
            if !carry.isEmpty { feedCarry(as: nil, &output) }
            endTag(&output)
            if mode == .valueEnd { acceptValueEnd(&output) }
            settleForeignAtEnd(&output)
        } while hold != nil || foreign != nil || !carry.isEmpty || xtml.tag != nil || mode == .valueEnd
    }

    private mutating func endOfMode(_ output: inout some NormalisedOutput) {
        switch mode {
        case .text: break
        case .tail: noteGarbage()
        case .role: pending = []
        case .section, .tools: leaveCallsWithPending(&output)
        case .call: endInCall(&output)
        case .value, .valueEnd: endInValue(&output)
        case .header:
            let words = pending.trimmed
            if words.isEmpty { notes.add(.markers) } else { noteCut() }
            if inSection || !words.contains(where: isBlank) { pending = [] }
            leaveCallsWithPending(&output)
        case .arguments:
            if arguments.isEmpty {
                if !arguments.isComplete { noteCut() }
                call = nil
            } else {
                if !arguments.isComplete { isCut = true }  // Counted with the arguments.
                endCall(isCut: !arguments.isComplete, &output)
            }
        }
    }
}
