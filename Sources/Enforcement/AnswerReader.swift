/// Finds the final answer in the arguments of a termination call while they arrive, cut anywhere. A value.
///
/// The answer is the first text with something visible under a key that has `final`, `answer` or `summary` in it; in an
/// object under `raw` or `_raw` too, and in a text that is JSON itself. Anything malformed ends the search.
package struct AnswerReader {
    /// Bytes of a key that are looked at.
    private static let maxKeyBytes = 64
    /// Texts within texts that are read as JSON.
    private static let maxNesting = 2

    private enum Place { case start, member, key, colon, value, answer, nested, skipped, over }

    private let nesting: Int
    private var place = Place.start
    /// Objects that are open.
    private var depth = 0
    private var text = EscapedText()
    private var key: [UInt8] = []
    private var skipped = SkippedValue()
    /// What reads a text that is JSON; at most one.
    private var inner: [AnswerReader] = []
    /// Has something visible of an answer come?
    package private(set) var hasAnswer = false

    package init() { self.init(nesting: 0) }

    private init(nesting: Int) { self.nesting = nesting }

    /// Takes a next piece and appends what it has of the answer. White space before the answer is left out.
    package mutating func read(_ bytes: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        var position = 0
        while position < bytes.count, place != .over {
            switch place {
            case .key, .answer, .nested: position = string(bytes, position, &out)
            case .skipped: position = skip(bytes, position)
            default:
                position += between(bytes[position])
            }
        }
    }

    // MARK: Between texts

    /// How many bytes were taken: a scalar's first one stays.
    private mutating func between(_ byte: UInt8) -> Int {
        guard byte > 0x20 else { return 1 }
        switch (place, byte) {
        case (.start, UInt8(ascii: "{")):
            depth = 1
            place = .member
        case (.start, UInt8(ascii: "\"")): nest()
        case (.member, UInt8(ascii: ",")): break
        case (.member, UInt8(ascii: "}")):
            depth -= 1
            if depth == 0 { place = .over }
        case (.member, UInt8(ascii: "\"")):
            key = []
            begin(.key)
        case (.colon, UInt8(ascii: ":")): place = .value
        case (.value, _): return value(byte)
        default: place = .over
        }
        return 1
    }

    private mutating func value(_ byte: UInt8) -> Int {
        if byte == UInt8(ascii: "\""), !hasAnswer, isAnswerKey {
            begin(.answer)
        } else if byte == UInt8(ascii: "\""), !hasAnswer, isRawKey {
            nest()
        } else if byte == UInt8(ascii: "{"), !hasAnswer, isRawKey {
            depth += 1
            place = .member
        } else {
            skipped = SkippedValue()
            place = .skipped
            return 0
        }
        return 1
    }

    private mutating func nest() {
        guard nesting < Self.maxNesting else { return place = .over }
        inner = [AnswerReader(nesting: nesting + 1)]
        begin(.nested)
    }

    private mutating func begin(_ place: Place) {
        text = EscapedText()
        self.place = place
    }

    private var isAnswerKey: Bool {
        let name = String(decoding: key, as: UTF8.self).lowercased()
        return ["final", "answer", "summary"].contains { name.contains($0) }
    }

    private var isRawKey: Bool { [Array("raw".utf8), Array("_raw".utf8)].contains(key) }

    // MARK: Texts

    private mutating func string(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ out: inout [UInt8]) -> Int {
        var decoded: [UInt8] = []
        let end = text.read(bytes, from: start, into: &decoded)
        switch place {
        case .answer: answer(decoded, &out)
        case .nested: nested(decoded, &out)
        default: key.append(contentsOf: decoded.prefix(Self.maxKeyBytes - key.count))
        }
        guard text.isOver else { return end }
        switch place {
        case .key: place = .colon
        default: place = depth > 0 ? .member : .over
        }
        return end
    }

    private mutating func answer(_ decoded: [UInt8], _ out: inout [UInt8]) {
        let visible = hasAnswer ? decoded[...] : decoded.drop { $0 <= 0x20 }
        guard !visible.isEmpty else { return }
        hasAnswer = true
        out.append(contentsOf: visible)
    }

    private mutating func nested(_ decoded: [UInt8], _ out: inout [UInt8]) {
        guard !inner.isEmpty else { return }
        decoded.withUnsafeBytes { inner[0].read($0, into: &out) }
        hasAnswer = hasAnswer || inner[0].hasAnswer
    }

    private mutating func skip(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        let end = skipped.read(bytes, from: start)
        if skipped.isOver { place = .member }
        return end
    }
}

/// Passes over a JSON value that comes in pieces.
struct SkippedValue {
    private var depth = 0
    private var isInText = false
    private var isEscaped = false
    private(set) var isOver = false

    /// Returns the place behind what it took; a comma or bracket behind the value stays.
    mutating func read(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var position = start
        while position < bytes.count, !isOver {
            position += take(bytes[position])
        }
        return position
    }

    private mutating func take(_ byte: UInt8) -> Int {
        if isEscaped {
            isEscaped = false
        } else if isInText {
            if byte == UInt8(ascii: "\\") { isEscaped = true }
            if byte == UInt8(ascii: "\"") {
                isInText = false
                isOver = depth == 0
            }
        } else {
            return structure(byte)
        }
        return 1
    }

    private mutating func structure(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "\""): isInText = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            guard depth > 0 else {
                isOver = true
                return 0
            }
            depth -= 1
            isOver = depth == 0
        case UInt8(ascii: ","):
            guard depth > 0 else {
                isOver = true
                return 0
            }
        default: break
        }
        return 1
    }
}
