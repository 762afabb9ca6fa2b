/// Finds the JSON of one call's arguments in what surrounds it, and its end.
///
/// Knows whether it is inside a string, so that a marker quoted there can be told from a real one. Takes a fence
/// around the JSON off, and decodes JSON that was encoded as a string. What is not JSON passes as it is; the JSON
/// itself is `ArgumentFilter`'s.
struct ArgumentStream {
    private enum Mode {
        case start, json, encoded, raw, done
    }

    /// Where markers of calls mean something.
    enum Markers {
        case everywhere
        /// The upstream itself tells where the call ends: only outside strings can a marker be anything but data.
        case outsideStrings
        case nowhere
    }

    /// Why `next` came back.
    enum Stop {
        /// All bytes are used, or there is output to take first.
        case none
        /// At a `<` that begins a marker, or may do so when more arrives; it is not used.
        case marker
        /// The JSON is complete; what follows is not part of it.
        case complete
    }

    /// What `next` found: the bytes of `range` to pass on, or `scratch`, then where to go on.
    struct Step {
        var end: Int
        var range: Range<Int>
        var usesScratch = false
        var stop = Stop.none
    }

    var markers: Markers
    /// What follows the JSON is part of the arguments too, because nobody may take it out.
    private let keepsTail: Bool
    private var head: ArgumentHead
    private var mode = Mode.start
    private var depth = 0
    /// The quote of the string that is open; 0 outside strings.
    private var quote: UInt8 = 0
    private var escaped = false
    /// The last byte outside strings that was no blank.
    private var last: UInt8 = 0
    private var decoders: [StringDecoder] = []
    /// Output that is not a slice of the input.
    private(set) var scratch: [UInt8] = []

    init(repairs: RepairSet = .all, markers: Markers = .everywhere, keepsTail: Bool = false) {
        self.markers = markers
        self.keepsTail = keepsTail
        head = ArgumentHead(repairs: repairs)
    }

    /// No arguments were seen yet, or what stands for none.
    var isEmpty: Bool { mode == .start && head.isEmpty }
    var isComplete: Bool { mode == .done }
    var inString: Bool { quote != 0 }
    /// Inside a string of the JSON, and not inside an encoded one, whose quotes look different.
    var stringQuote: UInt8? { inString && mode == .json ? quote : nil }

    /// What was taken off. To be asked at the end.
    var repairs: [Repair] {
        guard mode != .raw else { return [] }
        var result: [Repair] = head.isFenced ? [.fenced] : []
        if head.isEncoded { result.append(.doubleEncoded) }
        if head.hasMark { result.append(.controlCharacters) }
        return result
    }

    /// Is this byte, behind the JSON, the rest of what was around it?
    func isWrapping(_ byte: UInt8) -> Bool {
        if isBlank(byte) || byte == 0x60 && head.isFenced { return true }
        return head.isEncoded && (byte == 0x22 || byte == 0x5C || byte == 0x6E || byte == 0x72 || byte == 0x74)
    }

    /// No more comes: what is held and is not just wrapping, to be passed on.
    mutating func flush() -> [UInt8] {
        guard mode == .start, !head.isEmpty else { return [] }
        mode = .raw
        return head.held
    }

    /// Works on `bytes` from `start` on.
    mutating func next(_ bytes: Bytes, from start: Int) -> Step {
        switch mode {
        case .start: begin(bytes, start)
        case .json: json(bytes, start)
        case .encoded: encoded(bytes, start)
        case .raw: raw(bytes, start)
        case .done: Step(end: start, range: start..<start, stop: .complete)
        }
    }

    @inline(__always)
    private func isMarker(_ bytes: Bytes, _ index: Int) -> Bool {
        markers != .nowhere && MarkerTable.match(bytes, at: index) != .none
    }

    private mutating func begin(_ bytes: Bytes, _ start: Int) -> Step {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x3C, isMarker(bytes, index) { return Step(end: index, range: index..<index, stop: .marker) }
            switch head.take(byte) {
            case .more: index += 1
            case .raw:
                mode = .raw
                scratch = head.held
                return Step(end: index + 1, range: index..<index, usesScratch: true)
            case .json(let first):
                guard head.isEncoded else {
                    mode = .json
                    return Step(end: index, range: index..<index)
                }
                mode = .encoded
                decoders = head.decoders
                scratch = [first]
                _ = structure(first)
                return Step(end: index + 1, range: index..<index, usesScratch: true)
            }
        }
        return Step(end: index, range: index..<index)
    }

    // MARK: - JSON

    private mutating func json(_ bytes: Bytes, _ start: Int) -> Step {
        var index = start
        while index < bytes.count {
            if quote != 0, !escaped { index = bytes.firstStringEnd(quote: quote, from: index) }
            guard index < bytes.count else { break }
            let byte = bytes[index]
            if quote == 0, isDigit(byte) {
                last = byte
                index += 1
                continue
            }
            if byte == 0x3C, quote == 0 || markers == .everywhere, isMarker(bytes, index) {
                escaped = false
                return Step(end: index, range: start..<index, stop: .marker)
            }
            index += 1
            if structure(byte) {
                mode = keepsTail ? .raw : .done
                return Step(end: index, range: start..<index, stop: keepsTail ? .none : .complete)
            }
        }
        return Step(end: index, range: start..<index)
    }

    /// Follows one byte of JSON; true at the end of the outermost value.
    @inline(__always)
    private mutating func structure(_ byte: UInt8) -> Bool {
        if quote != 0 {
            if escaped {
                escaped = false
            } else if byte == 0x5C {
                escaped = true
            } else if byte == quote {
                last = quote
                quote = 0
            }
            return false
        }
        switch byte {
        case 0x22: quote = byte
        // Python's strings; elsewhere an apostrophe is just one.
        case 0x27: if last == 0x7B || last == 0x5B || last == 0x2C || last == 0x3A { quote = byte }
        case 0x7B, 0x5B: depth += 1
        case 0x7D, 0x5D:
            depth -= 1
            return depth <= 0
        default: break
        }
        if !isBlank(byte) { last = byte }
        return false
    }

    // MARK: - JSON in a string

    private mutating func encoded(_ bytes: Bytes, _ start: Int) -> Step {
        scratch.removeAll(keepingCapacity: true)
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x3C, isMarker(bytes, index) { return scratchStep(index, .marker) }
            index += 1
            if decode(byte, 0) {
                mode = .done
                return scratchStep(index, .complete)
            }
        }
        return scratchStep(index, .none)
    }

    /// Takes a byte of the string that is encoded `level` times; true at its end, and at that of the JSON.
    private mutating func decode(_ byte: UInt8, _ level: Int) -> Bool {
        guard level < decoders.count else {
            scratch.append(byte)
            return structure(byte)
        }
        if byte == 0x22, !decoders[level].isInEscape { return true }
        var decoded: [UInt8] = []
        decoders[level].take(byte, into: &decoded)
        var ends = false
        for byte in decoded where decode(byte, level + 1) { ends = true }
        return ends
    }

    private func scratchStep(_ end: Int, _ stop: Stop) -> Step {
        Step(end: end, range: end..<end, usesScratch: true, stop: stop)
    }

    // MARK: - Not JSON

    private func raw(_ bytes: Bytes, _ start: Int) -> Step {
        var index = start
        while index < bytes.count, bytes[index] != 0x3C || !isMarker(bytes, index) { index += 1 }
        return Step(end: index, range: start..<index, stop: index < bytes.count ? .marker : .none)
    }
}
