/// Words and numbers.
extension ArgumentFilter {
    // MARK: - Words

    mutating func beginWord(
        _ expected: StaticString, _ kind: ValueKinds, _ bytes: Bytes, _ index: Int
    ) -> Int {
        guard begin(kind) else { return fault(bytes, index) }
        if let place, !place.kinds.contains(kind) { mismatches = true }
        spot = .word
        word = expected
        wordIndex = 1
        return index + 1
    }

    mutating func letters(_ bytes: Bytes, _ index: Int) -> Int {
        guard bytes[index] == word.utf8Start[wordIndex] else { return fault(bytes, index) }
        wordIndex += 1
        if wordIndex == word.utf8CodeUnitCount { endValue() }
        return index + 1
    }

    // MARK: - Numbers

    mutating func beginNumber(_ bytes: Bytes, _ index: Int) -> Int {
        guard begin(.integer) else { return fault(bytes, index) }
        number = NumberScan()
        spot = .number
        if let place, repairs.contains(.coercion), place.kinds.contains(.string),
            place.kinds.isDisjoint(with: .number)
        {
            startHold(.number, at: index)
        }
        return digits(bytes, index)
    }

    mutating func digits(_ bytes: Bytes, _ start: Int) -> Int {
        var index = start
        while index < bytes.count, number.take(bytes[index]) {
            index += 1
            if number.isInDigits { while index < bytes.count, isDigit(bytes[index]) { index += 1 } }
        }
        guard index < bytes.count else { return index }
        guard number.isComplete else { return fault(bytes, index) }
        endNumber(bytes, index)
        return index
    }

    /// The number ends before `index`.
    mutating func endNumber(_ bytes: Bytes, _ index: Int) {
        if open.isEmpty, !number.isIntegral { kind = .fraction }
        if hold == .number {
            settleNumber(bytes, index)
        } else if let place {
            let kinds: ValueKinds = number.isIntegral ? .number : .fraction
            let isOpen = number.hasExponent && !place.kinds.isDisjoint(with: .number)
            if !isOpen, place.kinds.isDisjoint(with: kinds) { mismatches = true }
        }
        endValue()
    }

    private mutating func settleNumber(_ bytes: Bytes, _ index: Int) {
        let text = heldText(bytes, to: index)
        if text.count <= Limits.coercedScalar, let schema, let place,
            let literal = Coercion.string(spelledBy: text), schema.allows(literal, at: place)
        {
            notes.add(Repair.coercion)
            pass([0x22] + literal.text + [0x22], insteadOfHeldUpTo: index)
        } else {
            mismatches = true
            release(bytes, at: index)
        }
    }
}
