/// The end of the arguments.
extension ArgumentFilter {
    /// No more comes. `isCut`: because the reply broke off, not because the call is over. Returns the rest to pass on.
    package mutating func finish(isCut: Bool) -> [UInt8] {
        let rest = complete(isCut: isCut)
        if escapesControls { notes.add(Repair.controlCharacters) }
        if nesting == 0, !isCut, !isUnjudged {
            if !isObject { notes.add(Flag.invalidArguments) }
            if mismatches { notes.add(Flag.schemaMismatch) }
        }
        if isCut, !isWhole { notes.add(Flag.cutCall) }
        if isUnjudged { notes.add(Flag.limit) }
        return rest
    }

    /// Works on a whole text at once; raises no flags.
    mutating func run(_ text: [UInt8]) -> [UInt8] {
        let result = text.withUnsafeBytes { feed($0) }
        return result + complete(isCut: false)
    }

    /// Works on a piece; returns what can go on.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let step = next(bytes, from: index)
            if step.usesScratch, step.scratchIsFirst { result += scratch }
            result += bytes[step.range]
            if step.usesScratch, !step.scratchIsFirst { result += scratch }
            index = step.end
        }
        return result
    }

    private mutating func complete(isCut: Bool) -> [UInt8] {
        let rest = mode == .loose ? finishLoose(isCut: isCut) : finishStrict()
        return isCut ? rest : rest + closers()
    }

    private mutating func finishStrict() -> [UInt8] {
        guard mode == .strict else { return [] }
        mark = 0
        from = 0
        let none = Bytes(start: nil, count: 0)
        if spot == .number, number.isComplete { endNumber(none, 0) }
        if hold != .none { release(none, at: 0) }
        guard let made = step, made.usesScratch else { return [] }
        step = nil
        return scratch
    }

    /// Python's spelling: as JSON if that makes the whole JSON, else as it came.
    private mutating func finishLoose(isCut: Bool) -> [UInt8] {
        let text = held
        held = []
        if !isCut, let converted = LooseJSON.converted(text) {
            var trial = self
            trial.mode = .strict
            trial.repairs.remove(.jsonSyntax)
            let result = trial.run(converted)
            if trial.isWhole {
                trial.repairs.insert(.jsonSyntax)
                trial.notes.add(Repair.jsonSyntax)
                self = trial
                return result
            }
        }
        mode = .plain
        isFaulty = true
        return text
    }

    /// The brackets that were left open, if nothing else is missing. Arguments that begin as an array are none, closed
    /// or not.
    private mutating func closers() -> [UInt8] {
        guard mode == .strict, let isObject = open.first, isObject || nesting > 0, repairs.contains(.unclosed),
            spot == .after || spot == .firstKey || spot == .firstElement
        else { return [] }
        var result: [UInt8] = []
        while !open.isEmpty {
            result.append(inObject ? 0x7D : 0x5D)
            leaveContainer()
        }
        notes.add(Repair.unclosed)
        return result
    }
}
