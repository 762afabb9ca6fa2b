/// What is held, behind one pointer: a normaliser is small without it, and nearly always without it.
indirect enum HeldForeign {
    case calls(ForeignCalls)
}

/// Calls in another family's markup, held from their first `<` until they are known to be calls, or text.
extension Normaliser {
    /// Could such a call begin at `index` of running text?
    func foreignBegins(_ bytes: Bytes, _ index: Int) -> Bool {
        guard readsForeign, !isForeignMuted, !code.isOpen, xtml.reading != .seen, ForeignTag.mayBegin(bytes, at: index)
        else { return false }
        return !tools.catalogue.isEmpty
    }

    mutating func beginForeign() { foreign = .calls(ForeignCalls(tools, options.repairs)) }

    /// Feeds what is held; the byte that tells is not used.
    mutating func watchForeign(_ bytes: Bytes, _ start: Int, _ output: inout some NormalisedOutput) -> Int {
        guard case .calls(var held) = foreign else { return start }
        foreign = nil
        for index in start..<bytes.count {
            let verdict = held.take(bytes[index])
            if verdict != .undecided {
                settleForeign(held, verdict, &output)
                return index
            }
        }
        foreign = .calls(held)
        return bytes.count
    }

    /// Nothing more comes that could tell.
    mutating func settleForeignAtEnd(_ output: inout some NormalisedOutput) {
        guard case .calls(var held) = foreign else { return }
        foreign = nil
        let verdict = held.atEnd()
        settleForeign(held, verdict, &output)
    }

    private mutating func settleForeign(
        _ held: ForeignCalls, _ verdict: ForeignCalls.Verdict, _ output: inout some NormalisedOutput
    ) {
        held.bytes.withUnsafeBytes { all in
            if verdict == .calls {
                emitForeign(held.found, &output)
            } else {
                if held.isAtLimit { notes.add(.limit) }
                isForeignMuted = true
                run(all.slice(0..<held.end), transient: true, &output)
                isForeignMuted = false
            }
            run(all.slice(held.end..<all.count), transient: true, &output)
        }
    }

    private mutating func emitForeign(_ calls: [ForeignCall], _ output: inout some NormalisedOutput) {
        if calls.isEmpty {
            notes.add(.leftovers)
            return junction(&output)
        }
        decideBeforeCalls(&output)
        junction(&output)
        code.reset()
        for call in calls { emitForeign(call, &output) }
        doubtThought()
    }

    private mutating func emitForeign(_ call: ForeignCall, _ output: inout some NormalisedOutput) {
        let from: CallSource = source == .content ? .content : .reasoning
        var open = OpenCall(
            header: .call(name: call.name, id: call.id), source: from, waits: ledger.mayRepeat(from), isForeign: true)
        call.arguments.withUnsafeBytes { append($0, transient: true, to: &open, &output) }
        close(&open, isEmpty: false, &output)
    }
}
