/// Passes the JSON of one call's arguments on as it arrives, and finds its end.
///
/// Knows whether it is inside a string, so that a marker quoted there can be told from a real one. Repairs on the
/// way what needs no looking ahead: raw control characters in strings are escaped, a fence around the JSON is
/// dropped, and JSON that was encoded once more as a string is decoded. What is not JSON passes as it is.
struct ArgumentStream {
    private enum Mode {
        case start, fence, json, encoded, raw, done
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

    /// Markers mean nothing: they are quoted, or the upstream itself tells where the call ends.
    var ignoresMarkers: Bool
    private var mode = Mode.start
    private var depth = 0
    private(set) var inString = false
    private var escaped = false
    private var decoder = StringDecoder()
    /// Output that is not a slice of the input.
    private(set) var scratch: [UInt8] = []
    /// A fence was opened before the JSON.
    private(set) var isFenced = false
    /// The JSON came as a string.
    private(set) var wasEncoded = false

    init(ignoresMarkers: Bool = false) { self.ignoresMarkers = ignoresMarkers }

    /// Nothing of the arguments was seen yet.
    var isEmpty: Bool { mode == .start || mode == .fence }
    var isComplete: Bool { mode == .done }
    /// Inside a string of the JSON, and not inside an encoded one, whose quotes look different.
    var isInPlainString: Bool { inString && mode == .json }

    /// Works on `bytes` from `start` on.
    mutating func next(_ bytes: Bytes, from start: Int) -> Step {
        switch mode {
        case .start, .fence: begin(bytes, start)
        case .json: json(bytes, start)
        case .encoded: encoded(bytes, start)
        case .raw: raw(bytes, start)
        case .done: Step(end: start, range: start..<start, stop: .complete)
        }
    }

    private func isMarker(_ bytes: Bytes, _ index: Int) -> Bool {
        !ignoresMarkers && MarkerTable.match(bytes, at: index) != .none
    }

    // MARK: - Before the JSON

    private mutating func begin(_ bytes: Bytes, _ start: Int) -> Step {
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: break
            case 0x7B, 0x5B:
                mode = .json
                return Step(end: index, range: index..<index)
            case 0x60 where mode == .start:
                mode = .fence
                isFenced = true
            case 0x22:
                mode = .encoded
                wasEncoded = true
                return Step(end: index + 1, range: index..<index)
            case 0x3C where isMarker(bytes, index):
                return Step(end: index, range: index..<index, stop: .marker)
            default:
                if mode == .start {
                    mode = .raw
                    return Step(end: index, range: index..<index)
                }
            }
            index += 1
        }
        return Step(end: index, range: index..<index)
    }

    // MARK: - JSON

    private mutating func json(_ bytes: Bytes, _ start: Int) -> Step {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x3C, isMarker(bytes, index) { return Step(end: index, range: start..<index, stop: .marker) }
            if inString, byte < 0x20 {
                if index > start { return Step(end: index, range: start..<index) }
                escape(byte)
                return Step(end: index + 1, range: index..<index, usesScratch: true)
            }
            index += 1
            if structure(byte) {
                mode = .done
                return Step(end: index, range: start..<index, stop: .complete)
            }
        }
        return Step(end: index, range: start..<index)
    }

    /// Follows one byte of JSON; true at the end of the outermost value.
    private mutating func structure(_ byte: UInt8) -> Bool {
        if inString {
            if escaped {
                escaped = false
            } else if byte == 0x5C {
                escaped = true
            } else if byte == 0x22 {
                inString = false
            }
            return false
        }
        switch byte {
        case 0x22: inString = true
        case 0x7B, 0x5B: depth += 1
        case 0x7D, 0x5D:
            depth -= 1
            return depth <= 0
        default: break
        }
        return false
    }

    private mutating func escape(_ byte: UInt8) {
        escaped = false
        scratch = escapeSequence(byte)
    }

    private func escapeSequence(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case 0x0A: [0x5C, 0x6E]
        case 0x0D: [0x5C, 0x72]
        case 0x09: [0x5C, 0x74]
        default: Array("\\u00".utf8) + [hexDigit(byte >> 4), hexDigit(byte & 15)]
        }
    }

    private func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    // MARK: - JSON in a string

    private mutating func encoded(_ bytes: Bytes, _ start: Int) -> Step {
        scratch.removeAll(keepingCapacity: true)
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if depth == 0, !decoder.isInEscape, !isBlank(byte), byte != 0x7B, byte != 0x5B, byte != 0x5C {
                mode = .raw  // A string, but not of JSON: give its quote back.
                scratch = [0x22]
                return Step(end: index, range: index..<index, usesScratch: true)
            }
            if byte == 0x3C, isMarker(bytes, index) { return scratchStep(index, .marker) }
            index += 1
            if byte == 0x22, !decoder.isInEscape {
                mode = .done
                return scratchStep(index, .complete)
            }
            let first = scratch.count
            decoder.take(byte, into: &scratch)
            escapeControl(from: first)
            if endsValue(from: first) {
                mode = .done
                return scratchStep(index, .complete)
            }
        }
        return scratchStep(index, .none)
    }

    /// A newline that was encoded once in place of twice is a raw one in the string, as it would be without encoding.
    private mutating func escapeControl(from first: Int) {
        guard inString, first + 1 == scratch.count, scratch[first] < 0x20 else { return }
        scratch.replaceSubrange(first..., with: escapeSequence(scratch[first]))
    }

    private mutating func endsValue(from first: Int) -> Bool {
        var ends = false
        for index in first..<scratch.count where structure(scratch[index]) { ends = true }
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
