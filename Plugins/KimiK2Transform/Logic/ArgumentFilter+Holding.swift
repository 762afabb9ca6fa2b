/// Bytes that wait for a decision, and what becomes of them.
extension ArgumentFilter {
    mutating func startHold(_ why: Hold, at index: Int) {
        hold = why
        mark = index
        held.removeAll(keepingCapacity: true)
        holdsControls = false
    }

    /// All that is held up to `index`.
    func heldText(_ bytes: Bytes, to index: Int) -> [UInt8] { held + bytes[mark..<index] }

    /// What is held goes on as it came.
    mutating func release(_ bytes: Bytes, at index: Int) {
        hold = .none
        if holdsControls {
            pass(ControlCharacters.escaped(heldText(bytes, to: index)), insteadOfHeldUpTo: index)
        } else if !held.isEmpty {
            scratch = held
            held.removeAll(keepingCapacity: true)
            step = Step(end: index, range: from..<index, usesScratch: true, scratchIsFirst: true)
        }
    }

    /// `text` goes on in place of what is held.
    mutating func pass(_ text: [UInt8], insteadOfHeldUpTo index: Int) {
        hold = .none
        scratch = text
        step = Step(end: index, range: from..<mark, usesScratch: true)
        held.removeAll(keepingCapacity: true)
    }

    mutating func giveUpHold(at index: Int, _ passed: Range<Int>) {
        if hold == .string || hold == .number { mismatches = true }
        hold = .none
        scratch = holdsControls ? ControlCharacters.escaped(held) : held
        held.removeAll(keepingCapacity: true)
        step = Step(end: index, range: passed, usesScratch: true)
    }

    /// Everything from the held bytes on, or from `index`, must wait for the end: it may be Python's spelling.
    mutating func loosen(at index: Int) -> Int {
        if hold == .comma {
            spot = .after
        } else {
            mark = index
            held.removeAll(keepingCapacity: true)
        }
        hold = .none
        mode = .loose
        return Int.max
    }

    /// In the loose mode: keeps the whole piece.
    mutating func holdRest(_ bytes: Bytes) -> Step {
        held.append(contentsOf: bytes[mark...])
        guard held.count > Limits.looseArguments else { return Step(end: bytes.count, range: from..<mark) }
        mode = .plain
        isFaulty = true
        notes.add(Flag.limit)
        scratch = held
        held = []
        return Step(end: bytes.count, range: from..<mark, usesScratch: true)
    }

    /// This is no JSON: from here on everything passes.
    mutating func fault(_ bytes: Bytes, _ index: Int) -> Int {
        mode = .plain
        isFaulty = true
        if hold != .none { release(bytes, at: index) }
        if step == nil { step = Step(end: index, range: from..<index) }
        return index
    }
}
