/// Bytes outside strings.
extension ArgumentFilter {
    mutating func structure(_ bytes: Bytes, _ index: Int) -> Int {
        let byte = bytes[index]
        if isBlank(byte) { return index + 1 }
        if hold != .none {
            if let end = settleWait(bytes, index, byte) { return end }
            if step != nil { return index }
        }
        switch byte {
        case 0x22: return openString(bytes, index)
        case 0x2C where spot == .after: return comma(bytes, index)
        case 0x3A where spot == .colon:
            spot = .value
            return index + 1
        case 0x7B, 0x5B: return openContainer(bytes, index, isObject: byte == 0x7B)
        case 0x7D, 0x5D: return shut(bytes, index, isObject: byte == 0x7D)
        case 0x2D, 0x30...0x39: return beginNumber(bytes, index)
        case 0x74: return beginWord("true", .bool, bytes, index)
        case 0x66: return beginWord("false", .bool, bytes, index)
        case 0x6E: return beginWord("null", .null, bytes, index)
        case 0x27 where canLoosen(forKey: true): return loosen(at: index)
        case 0x54, 0x46, 0x4E: return canLoosen(forKey: false) ? loosen(at: index) : fault(bytes, index)
        default: return fault(bytes, index)
        }
    }

    /// May a value, or a key, begin here in Python's spelling? Not at the very start: then it is no object anyway.
    private func canLoosen(forKey: Bool) -> Bool {
        guard repairs.contains(.jsonSyntax), !open.isEmpty else { return false }
        return switch spot {
        case .value, .firstElement: true
        case .key, .firstKey: forKey
        default: false
        }
    }

    private mutating func comma(_ bytes: Bytes, _ index: Int) -> Int {
        spot = inObject ? .key : .value
        if !inObject, !scopes.isEmpty { place = scopes[scopes.count - 1].element }
        guard repairs.contains(.jsonSyntax) else { return index + 1 }
        if index + 1 < bytes.count, bytes[index + 1] == 0x22 || isDigit(bytes[index + 1]) { return index + 1 }
        startHold(.comma, at: index)
        return index + 1
    }

    /// The first byte that is no blank behind a comma, or behind the bracket that opens a list in place of the
    /// arguments. Returns where to go on if that is settled with the byte.
    private mutating func settleWait(_ bytes: Bytes, _ index: Int, _ byte: UInt8) -> Int? {
        let isClosing = byte == 0x7D || byte == 0x5D
        if isClosing, held.count + index - mark <= Limits.blanksInArguments {
            if hold == .comma { return loosen(at: index) }
            if byte == 0x5D {
                // An empty list of arguments is no arguments.
                open.removeAll()
                scopes.removeAll()
                inObject = false
                spot = .end
                kind = .object
                notes.add(Repair.emptyArguments)
                pass([0x7B, 0x7D], insteadOfHeldUpTo: index + 1)
                return index + 1
            }
        }
        release(bytes, at: index)
        return nil
    }

    // MARK: - Values

    /// A value of this kind begins; false if none may begin here.
    @inline(__always)
    mutating func begin(_ kind: ValueKinds) -> Bool {
        guard spot == .value || spot == .firstElement else { return false }
        if spot == .firstElement, !scopes.isEmpty { place = scopes[scopes.count - 1].element }
        if open.isEmpty { self.kind = kind }
        return true
    }

    /// A value is over.
    @inline(__always)
    mutating func endValue() { spot = open.isEmpty ? .end : .after }

    private mutating func openContainer(_ bytes: Bytes, _ index: Int, isObject: Bool) -> Int {
        guard begin(isObject ? .object : .array) else { return fault(bytes, index) }
        guard open.count < Limits.argumentDepth else {
            isUnjudged = true
            mode = .plain
            step = Step(end: index, range: from..<index)
            return index
        }
        if !isObject, open.isEmpty, nesting == 0, repairs.contains(.emptyArguments) {
            startHold(.emptyList, at: index)
        }
        if let schema { enter(schema, isObject: isObject) }
        open.append(isObject)
        inObject = isObject
        spot = isObject ? .firstKey : .firstElement
        return index + 1
    }

    private mutating func enter(_ schema: ParameterSchema, isObject: Bool) {
        var scope = Scope(place: place)
        if let place {
            if !place.kinds.contains(isObject ? .object : .array) { mismatches = true }
            if isObject {
                scope.required = schema.required(in: place)
                scope.missing = scope.required.count < 64 ? (1 << UInt64(scope.required.count)) - 1 : .max
            } else {
                scope.element = schema.place(in: place, .element)
            }
        }
        scopes.append(scope)
    }

    private mutating func shut(_ bytes: Bytes, _ index: Int, isObject: Bool) -> Int {
        let fits = spot == .after || spot == (isObject ? .firstKey : .firstElement)
        guard fits, !open.isEmpty, inObject == isObject else { return fault(bytes, index) }
        leaveContainer()
        return index + 1
    }

    mutating func leaveContainer() {
        open.removeLast()
        inObject = open.last ?? false
        if schema != nil, let scope = scopes.popLast(), scope.missing != 0 { mismatches = true }
        endValue()
    }
}
