/// Reads one tag byte by byte, from the `<` of its token to its `<|sep|>`.
///
/// Blanks around the parts are tolerated. A close tag may lack its `<|sep|>`, an open one if another token follows or
/// all that it must tell is there. A control token inside a quoted value ends the value: somebody lost the quote.
struct XTMLTagReader {
    enum Verdict: Equatable {
        case undecided
        /// The byte was the tag's last one.
        case complete
        /// The byte is not used; the tag ends after this many bytes, and the others held follow it.
        case before(Int)
        /// The byte is not used, and what is held is no tag.
        case none
        /// Only at the end of the input: the tag was cut off.
        case cut
    }

    enum Place {
        /// In the first token, or in one behind the tag's parts.
        case token, end(XTMLTokenReader)
        case name, between
        case attributeName, equals, beforeValue
        case bareValue, value(quote: UInt8), tokenInValue(XTMLTokenReader, quote: UInt8, from: Int)
    }

    private(set) var bytes: [UInt8] = []
    /// Length of the token with which the tag begins; 0 until that is complete.
    private(set) var tokenLength = 0
    /// The tag was ended by its own `<|sep|>` or by another token: nothing else looks like that.
    private(set) var isCertain = false
    var place = Place.token
    private var first = XTMLTokenReader()
    var token = XTMLToken.open
    var name: XTMLTag.Name?
    /// Where name and attributes end, as far as they are complete.
    var end = 0
    /// Where the part that is being read began.
    private var start = 0
    private var attributeName = 0..<0
    var attributes: [(name: Range<Int>, value: Range<Int>)] = []

    mutating func take(_ byte: UInt8) -> Verdict {
        var verdict = step(byte)
        if bytes.count >= Limits.xtmlTag, byte & 0xC0 != 0x80, verdict == .undecided { verdict = failure }
        if verdict == .undecided || verdict == .complete { bytes.append(byte) }
        return verdict
    }

    private mutating func step(_ byte: UInt8) -> Verdict {
        switch place {
        case .token: takeFirst(byte)
        case .name: takeName(byte)
        case .between: takeBetween(byte)
        case .end(let reader): takeEnd(byte, reader)
        default: takeAttribute(byte)
        }
    }

    // MARK: - Token and name

    private mutating func takeFirst(_ byte: UInt8) -> Verdict {
        switch first.take(byte) {
        case .undecided: return .undecided
        case .none: return .none
        case .complete(let found):
            token = found
            tokenLength = bytes.count + 1
            start = tokenLength
            place = .name
            return found == .separator || found == .endOfMessage ? .complete : .undecided
        }
    }

    private mutating func takeName(_ byte: UInt8) -> Verdict {
        if start == bytes.count, isBlank(byte) {
            start += 1
            return .undecided
        }
        if XTMLTag.Name.any(startsWith: bytes[start...], then: byte) {
            end = bytes.count + 1
            name = XTMLTag.Name(bytes[start...], then: byte)
            return .undecided
        }
        // A close tag counts even if its `<|sep|>` is missing and text follows at once.
        if name == nil || token == .open && Self.isNameByte(byte) { return .none }
        place = .between
        return takeBetween(byte)
    }

    private mutating func takeBetween(_ byte: UInt8) -> Verdict {
        if isBlank(byte) { return .undecided }
        if byte == 0x3C {
            var reader = XTMLTokenReader()
            _ = reader.take(byte)
            place = .end(reader)
            return .undecided
        }
        guard token == .open, Self.isNameByte(byte) else { return failure }
        place = .attributeName
        start = bytes.count
        return .undecided
    }

    private mutating func takeEnd(_ byte: UInt8, _ reader: XTMLTokenReader) -> Verdict {
        var reader = reader
        let verdict = reader.take(byte)
        place = .end(reader)
        if case .complete = verdict { isCertain = true }
        switch verdict {
        case .undecided: return .undecided
        case .complete(.separator): return .complete
        case .complete: return .before(end)
        case .none: return failure
        }
    }

    // MARK: - Attributes

    private mutating func takeAttribute(_ byte: UInt8) -> Verdict {
        switch place {
        case .attributeName:
            if Self.isNameByte(byte) { return .undecided }
            attributeName = start..<bytes.count
            place = .equals
            return takeAttribute(byte)
        case .equals:
            if isBlank(byte) { return .undecided }
            place = .beforeValue
            return byte == 0x3D ? .undecided : failure
        case .beforeValue:
            if isBlank(byte) { return .undecided }
            let isQuote = byte == 0x22 || byte == 0x27
            start = isQuote ? bytes.count + 1 : bytes.count
            place = isQuote ? .value(quote: byte) : .bareValue
            return isQuote ? .undecided : takeAttribute(byte)
        case .bareValue:
            guard isBlank(byte) || byte == 0x3C else { return .undecided }
            endValue(bytes.count, next: bytes.count)
            return takeBetween(byte)
        default: return takeQuoted(byte)
        }
    }

    private mutating func takeQuoted(_ byte: UInt8) -> Verdict {
        switch place {
        case .value(let quote) where byte == quote: endValue(bytes.count, next: bytes.count + 1)
        case .value(let quote) where byte == 0x3C:
            var reader = XTMLTokenReader()
            _ = reader.take(byte)
            place = .tokenInValue(reader, quote: quote, from: bytes.count)
        case .tokenInValue(var reader, let quote, let from):
            switch reader.take(byte) {
            case .undecided: place = .tokenInValue(reader, quote: quote, from: from)
            case .none:
                place = .value(quote: quote)
                return takeQuoted(byte)
            case .complete(.separator):
                endValue(from, next: from)
                isCertain = true
                return .complete
            case .complete: return failure
            }
        default: break
        }
        return .undecided
    }

    private mutating func endValue(_ valueEnd: Int, next: Int) {
        attributes.append((attributeName, start..<valueEnd))
        end = next
        place = .between
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return letter >= 0x61 && letter <= 0x7A || isDigit(byte) || byte == 0x5F || byte == 0x2D
    }
}
