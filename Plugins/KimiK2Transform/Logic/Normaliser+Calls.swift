/// Calls on their way out, wherever they came from.
extension Normaliser {
    /// Takes a piece of arguments: passes it on, or keeps it while the call waits.
    mutating func append(
        _ text: Bytes, transient: Bool, to open: inout OpenCall, _ output: inout some NormalisedOutput
    ) {
        guard !open.isDropped, !text.isEmpty else { return }
        if open.waits || open.arguments.count <= Limits.remembered { open.arguments.append(contentsOf: text) }
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

    /// The call is complete, or will not become so. `isEmpty`: there were no arguments at all.
    mutating func close(_ open: inout OpenCall, isEmpty: Bool, _ output: inout some NormalisedOutput) {
        guard !open.isDropped else { return }
        if isEmpty || open.arguments.isEmpty {
            Self.emptyObject.withUnsafeBytes { append($0, transient: true, to: &open, &output) }
        }
        if open.waits {
            guard nameByArguments(&open) else { return notes.add(.droppedCall) }
            if isRepetition(open) { return notes.add(.duplicates) }
            let text = open.arguments
            open.waits = false
            open.arguments = []
            text.withUnsafeBytes { append($0, transient: true, to: &open, &output) }
        }
        let index = begin(&open, &output)
        if callsWait { log.toolEnd(index) } else { output.toolEnd(index) }
        if case .call(let name, _) = open.header {
            lastName = name
            if open.arguments.count <= Limits.remembered { ledger.remember(open.source, name, open.arguments) }
        }
    }

    private static var emptyObject: [UInt8] { [0x7B, 0x7D] }

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
            output.toolBegin(index, id: id.id, name: name)
        }
        return index
    }

    /// Must calls queue behind text that is held?
    private var callsWait: Bool { lead != .known && log.hasText }

    // MARK: - Waiting calls

    /// Too long to wait: a named call goes on unchecked, an unnamed one cannot be one.
    private mutating func stopWaiting(_ open: inout OpenCall, _ output: inout some NormalisedOutput) {
        notes.add(.limit)
        switch open.header {
        case .likely(_, let otherwise, let id): open.header = .call(name: otherwise, id: id)
        case .unnamed(let id, let otherwise?): open.header = .call(name: otherwise, id: id)
        default: break
        }
        if case .call = open.header {
            let text = open.arguments
            open.waits = false
            open.arguments = []
            text.withUnsafeBytes { append($0, transient: true, to: &open, &output) }
        } else {
            notes.add(.droppedCall)
            open.header = .none
            open.arguments = []
        }
    }

    private mutating func isRepetition(_ open: OpenCall) -> Bool {
        guard case .call(let name, _) = open.header else { return false }
        return ledger.isRepetition(open.source, name, open.arguments)
    }
}
