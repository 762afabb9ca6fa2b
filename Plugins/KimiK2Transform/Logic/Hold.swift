/// Bytes from a doubtful marker on, held until what follows tells whether the marker is quoted.
struct Hold {
    enum Verdict {
        case undecided
        /// The marker was quoted: everything held is text.
        case quoted
        /// It was a real marker.
        case real
    }

    private enum Watch {
        /// In Markdown code, until that ends.
        case code
        /// A closing think tag in a code span: quoted only if the next byte closes the span.
        case nextByte
        /// In a JSON string, until its closing quote; then what follows the quote must be JSON.
        case string(quote: UInt8, escaped: Bool, closed: Bool)
    }

    let marker: Marker
    let markerLength: Int
    private(set) var bytes: [UInt8]
    private var watch: Watch
    /// The state of the Markdown behind the bytes held.
    private(set) var code = CodeSpans()
    /// Are they at the start of a line?
    private var startsLine = false
    /// The same before the last of them.
    private var codeBefore = CodeSpans()

    /// A marker met while `code` is open.
    init(_ marker: Marker, _ spelled: Bytes, in code: CodeSpans) {
        self.init(marker, spelled, .code)
        self.code = code
    }

    static func beforeClosingBacktick(_ marker: Marker, _ spelled: Bytes, in code: CodeSpans) -> Hold {
        var hold = Hold(marker, spelled, .nextByte)
        hold.code = code
        return hold
    }

    static func inString(_ marker: Marker, _ spelled: Bytes, quote: UInt8) -> Hold {
        Hold(marker, spelled, .string(quote: quote, escaped: false, closed: false))
    }

    private init(_ marker: Marker, _ spelled: Bytes, _ watch: Watch) {
        self.marker = marker
        markerLength = spelled.count
        bytes = Array(spelled)
        self.watch = watch
    }

    /// Is it about a string of a call's arguments, not about Markdown?
    var isInString: Bool {
        if case .string = watch { return true }
        return false
    }

    /// Has as much been held as may be?
    var isAtLimit: Bool { bytes.count >= (isInString ? Limits.quotedInString : Limits.quotedMarkup) }

    /// Takes the next byte.
    mutating func take(_ byte: UInt8) -> Verdict {
        bytes.append(byte)
        switch watch {
        case .code:
            codeBefore = code
            return watchCode(byte)
        case .nextByte:
            codeBefore = code
            return byte == 0x60 ? .quoted : .real
        case .string(let quote, let escaped, let closed): return watchString(byte, quote, escaped, closed)
        }
    }

    /// No more bytes come. An unfinished quotation is none, unless a fence was open when the reply was cut off.
    func verdictAtEnd(isCut: Bool) -> Verdict {
        switch watch {
        case .code:
            var code = code
            code.settle()
            return code.isOpen && !(isCut && code.isFence) ? .real : .quoted
        case .nextByte: return .real
        case .string(_, _, let closed): return closed ? .quoted : .real
        }
    }

    /// The last byte taken belongs to what follows.
    mutating func giveBackLast() {
        bytes.removeLast()
        code = codeBefore
    }

    private mutating func watchCode(_ byte: UInt8) -> Verdict {
        defer { startsLine = byte == 0x0A || startsLine && byte == 0x20 }
        if byte == 0x60 {
            code.backtick()
        } else if byte == 0x7E {
            code.tilde(startsLine: startsLine)
        } else {
            code.settle()
            if !code.isOpen { return .quoted }
            if byte == 0x0A { code.newline() }
            if !code.isOpen { return .real }
        }
        return bytes.count > Limits.quotedMarkup && byte < 0x80 ? .quoted : .undecided
    }

    private mutating func watchString(_ byte: UInt8, _ quote: UInt8, _ escaped: Bool, _ closed: Bool) -> Verdict {
        if closed {
            if isBlank(byte) { return .undecided }
            return byte == 0x2C || byte == 0x7D || byte == 0x5D || byte == 0x3A ? .quoted : .real
        }
        if escaped {
            watch = .string(quote: quote, escaped: false, closed: false)
        } else if byte == 0x5C {
            watch = .string(quote: quote, escaped: true, closed: false)
        } else if byte == quote {
            watch = .string(quote: quote, escaped: false, closed: true)
            return .undecided
        }
        return bytes.count > Limits.quotedInString && byte < 0x80 ? .quoted : .undecided
    }
}
