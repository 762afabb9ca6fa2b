/// Bytes of strings, and strings that stand for something else.
extension ArgumentFilter {
    mutating func openString(_ bytes: Bytes, _ index: Int) -> Int {
        escape = 0
        if spot == .key || spot == .firstKey {
            spot = .keyString
            wantsName = !scopes.isEmpty && scopes[scopes.count - 1].place != nil
            name.removeAll(keepingCapacity: true)
            return index + 1
        }
        guard begin(.string) else { return fault(bytes, index) }
        spot = .string
        if let place, !place.kinds.contains(.string) {
            if !open.isEmpty, canChange(place) { startHold(.string, at: index) } else { mismatches = true }
        }
        return index + 1
    }

    /// Is there a repair that could make something of a string here?
    private func canChange(_ place: ParameterSchema.Place) -> Bool {
        let scalars: ValueKinds = [.null, .bool, .integer, .fraction]
        return repairs.contains(.coercion) && !place.kinds.isDisjoint(with: scalars)
            || repairs.contains(.nestedEncoding) && !place.kinds.isDisjoint(with: .container)
    }

    @inline(__always)
    mutating func text(_ bytes: Bytes, _ start: Int) -> Int {
        if escape > 0 { return escaped(bytes, start) }
        let end = bytes.firstStringSpecial(from: start)
        if wantsName, spot == .keyString, name.count <= Limits.memberName {
            name.append(contentsOf: bytes[start..<end])
        }
        guard end < bytes.count else { return end }
        switch bytes[end] {
        case 0x22:
            endString(bytes, end)
            return end + 1
        case 0x5C:
            escape = 1
            if wantsName, spot == .keyString { name.append(0x5C) }
            return end + 1
        default: return control(bytes, end)
        }
    }

    private mutating func escaped(_ bytes: Bytes, _ index: Int) -> Int {
        let byte = bytes[index]
        if wantsName, spot == .keyString { name.append(byte) }
        if escape > 1 {
            guard isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66 else { return fault(bytes, index) }
            escape = escape == 2 ? 0 : escape - 1
            return index + 1
        }
        switch byte {
        case 0x22, 0x2F, 0x5C, 0x62, 0x66, 0x6E, 0x72, 0x74: escape = 0
        case 0x75: escape = 5
        default: return fault(bytes, index)
        }
        return index + 1
    }

    private mutating func control(_ bytes: Bytes, _ index: Int) -> Int {
        guard repairs.contains(.controlCharacters) else { return fault(bytes, index) }
        escapesControls = true
        if hold != .none {
            holdsControls = true
        } else {
            scratch = ControlCharacters.escape(bytes[index])
            step = Step(end: index + 1, range: from..<index, usesScratch: true)
        }
        return index + 1
    }

    private mutating func endString(_ bytes: Bytes, _ index: Int) {
        if spot == .keyString {
            endName()
        } else {
            if hold == .string { settleString(bytes, index + 1) }
            endValue()
        }
    }

    private mutating func endName() {
        spot = .colon
        place = nil
        guard wantsName, name.count <= Limits.memberName, let schema, let at = scopes.indices.last,
            let outer = scopes[at].place
        else { return }
        if name.contains(0x5C) { name = decodedName() }
        if scopes[at].missing != 0, let known = scopes[at].required.firstIndex(of: name), known < 64 {
            scopes[at].missing &= ~(1 << UInt64(known))
        }
        place = name.withUnsafeBytes { schema.place(in: outer, .member($0)) }
    }

    private func decodedName() -> [UInt8] {
        var decoder = StringDecoder()
        var result: [UInt8] = []
        for byte in name { decoder.take(byte, into: &result) }
        return result
    }

    // MARK: - Strings of the wrong kind

    /// Nothing that may still come could make a repair of what is held.
    var isHopeless: Bool {
        switch hold {
        case .none: false
        case .comma, .emptyList: held.count > Limits.blanksInArguments
        case .number: held.count > Limits.coercedScalar
        case .string: !canBeEncoded(held) && held.count > Limits.coercedScalar
        }
    }

    /// Can this beginning of a string, with its quote, be that of an encoded array or object?
    private func canBeEncoded(_ text: [UInt8]) -> Bool {
        guard let place, !place.kinds.isDisjoint(with: .container), repairs.contains(.nestedEncoding),
            text.count <= Limits.nestedEncoding, nesting < Limits.nestedEncodings
        else { return false }
        let beginning = text.dropFirst().prefix(Limits.blanksInArguments)
        guard let first = beginning.first(where: { !isBlank($0) }) else {
            return beginning.count < Limits.blanksInArguments
        }
        return first == 0x7B || first == 0x5B || first == 0x5C
    }

    private mutating func settleString(_ bytes: Bytes, _ end: Int) {
        let text = heldText(bytes, to: end)
        if let scalar = scalar(text) {
            notes.add(Repair.coercion)
            pass(scalar, insteadOfHeldUpTo: end)
        } else if canBeEncoded(text), let inner = decoded(text) {
            notes.add(Repair.nestedEncoding)
            pass(inner, insteadOfHeldUpTo: end)
        } else {
            mismatches = true
            release(bytes, at: end)
        }
    }

    private func scalar(_ text: [UInt8]) -> [UInt8]? {
        guard repairs.contains(.coercion), text.count <= Limits.coercedScalar, let schema, let place,
            let literal = Coercion.scalar(spelled: text[1..<text.count - 1], kinds: place.kinds),
            schema.allows(literal, at: place)
        else { return nil }
        return literal.text
    }

    /// The array or object that a string holds, repaired by the same schema; nil if it holds none.
    private mutating func decoded(_ text: [UInt8]) -> [UInt8]? {
        guard let place else { return nil }
        var decoder = StringDecoder()
        var inner: [UInt8] = []
        for byte in text[1..<text.count - 1] { decoder.take(byte, into: &inner) }
        var filter = ArgumentFilter(repairs: repairs, schema: schema, root: place, nesting: nesting + 1)
        filter.repairs.remove(.unclosed)
        let result = filter.run(inner)
        guard filter.isWhole, !filter.kind.isDisjoint(with: .container), place.kinds.contains(filter.kind) else {
            return nil
        }
        if filter.mismatches { mismatches = true }
        if filter.escapesControls { escapesControls = true }
        notes.add(filter.notes)
        return result
    }
}
