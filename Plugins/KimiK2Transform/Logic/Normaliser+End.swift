/// The end of the input.
extension Normaliser {
    mutating func endOfInput(_ output: inout some NormalisedOutput) {
        if !carry.isEmpty, mode == .section || mode == .header {
            carry = []  // Half a marker where only markers can stand.
            isCut = true
        }
        repeat {
            while let held = hold { settleHold(held, held.verdictAtEnd, &output) }
            if !carry.isEmpty { feedCarry(as: nil, &output) }
        } while hold != nil
        code.settle()
        endOfMode(&output)
        endStructured(isCut: !endsWhole, &output)
        decide(.content, &output)
        contentEdges.finish { output.text(.content, $0, transient: $1) }
        reasoningEdges.finish { output.text(.reasoning, $0, transient: $1) }
    }

    private mutating func endOfMode(_ output: inout some NormalisedOutput) {
        switch mode {
        case .text: break
        case .tail: noteGarbage()
        case .role: pending = []
        case .section: leaveCallsWithPending(&output)
        case .header:
            let words = pending.trimmed
            if !words.isEmpty { isCut = true }
            if inSection || !words.contains(where: isBlank) { pending = [] }
            leaveCallsWithPending(&output)
        case .arguments:
            if !arguments.isComplete { isCut = true }
            if arguments.isEmpty { call = nil } else { endCall(isCut: !arguments.isComplete, &output) }
        }
    }
}
