/// Calls on their way out, wherever they came from.
extension Normaliser {
    /// Takes a piece of arguments: repairs it, and passes it on, or keeps it while the call waits.
    mutating func append(
        _ text: Bytes, transient: Bool, to open: inout OpenCall, _ output: inout some NormalisedOutput
    ) {
        guard !open.isDropped, !text.isEmpty else { return }
        prepare(&open)
        var index = 0
        while index < text.count {
            let step = open.filter.next(text, from: index)
            if step.usesScratch, step.scratchIsFirst { put(open.filter.scratch, to: &open, &output) }
            put(text.slice(step.range), transient: transient, to: &open, &output)
            if step.usesScratch, !step.scratchIsFirst { put(open.filter.scratch, to: &open, &output) }
            index = step.end
        }
    }

    /// The call is complete, or will not become so. `isEmpty`: there were no arguments at all. `isCut`: the reply broke
    /// off.
    mutating func close(
        _ open: inout OpenCall, isEmpty: Bool, isCut: Bool = false, _ output: inout some NormalisedOutput
    ) {
        guard !open.isDropped else { return }
        finishArguments(&open, isEmpty: isEmpty, isCut: isCut, &output)
        if open.waits {
            guard !open.isTentative || open.filter.isObject else { return notes.add(Repair.trailingGarbage) }
            guard nameByArguments(&open) else { return notes.add(Flag.droppedCall) }
            if isRepetition(open) { return notes.add(Repair.duplicates) }
            stopHolding(&open, &output)
        }
        let index = begin(&open, &output)
        if callsWait { log.toolEnd(index) } else { output.toolEnd(index) }
        if open.isTentative { notes.add(Repair.splitCalls) }
        notes.add(open.notes)
        notes.add(open.filter.notes)
        if case .call(let name, _) = open.header {
            lastName = name
            if open.isKept { ledger.remember(open.source, name, open.arguments) }
        }
    }

    mutating func put(_ text: [UInt8], to open: inout OpenCall, _ output: inout some NormalisedOutput) {
        text.withUnsafeBytes { put($0, transient: true, to: &open, &output) }
    }

    /// Passes repaired arguments on, or keeps them while the call waits.
    mutating func put(
        _ text: Bytes, transient: Bool, to open: inout OpenCall, _ output: inout some NormalisedOutput
    ) {
        guard !text.isEmpty, !open.isDropped else { return }
        open.hasArguments = true
        open.keep(text)
        if open.waits {
            if open.arguments.count > Limits.unnamedArguments { stopWaiting(&open, &output) }
            return
        }
        let index = begin(&open, &output)
        if callsWait {
            log.toolArguments(index, text)
            if log.size > options.maxHeldThinkingBytes { giveUpHolding(&output) }
        } else {
            output.toolArguments(index, text, transient: transient)
        }
    }

    /// Passes on what the call kept while it waited.
    mutating func stopHolding(_ open: inout OpenCall, _ output: inout some NormalisedOutput) {
        let text = open.arguments
        open.waits = false
        open.arguments = []
        put(text, to: &open, &output)
    }

    /// Emits the call's beginning, once.
    mutating func begin(_ open: inout OpenCall, _ output: inout some NormalisedOutput) -> UInt32 {
        if let index = open.index { return index }
        var name = ""
        var wish: String?
        if case .call(let found, let id) = open.header { (name, wish) = (found, id) }
        let (index, id) = ledger.begin(wish: wish, name: name, inline: open.source != .structured)
        open.index = index
        noteBegin(open, name, id)
        if callsWait {
            log.toolBegin(index, id: id.id, name: name)
        } else {
            pauseTexts(&output)
            output.toolBegin(index, id: id.id, name: name)
        }
        return index
    }

    /// Must calls queue behind text that is held?
    private var callsWait: Bool { lead != .known && log.hasText }
}
