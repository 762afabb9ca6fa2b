/// The four control tokens of K3's markup. Everything else in it is ordinary text, names of tags included.
enum XTMLToken {
    case open, close, separator, endOfMessage

    var spelling: StaticString {
        switch self {
        case .open: "<|open|>"
        case .close: "<|close|>"
        case .separator: "<|sep|>"
        case .endOfMessage: "<|end_of_msg|>"
        }
    }

    /// What the bytes from `start` on are: three bytes tell that a token may begin.
    static func match(_ bytes: Bytes, at start: Int) -> MarkerMatch {
        let available = bytes.count - start
        guard available > 0, bytes[start] == 0x3C else { return .none }
        if available == 1 { return .partial }
        guard bytes[start + 1] == 0x7C else { return .none }
        if available == 2 { return .partial }
        let third = bytes[start + 2]
        return isBlank(third) || XTMLToken(firstLetter: third) != nil ? .full(.xtml, length: 3) : .none
    }

    /// The token whose word begins with `letter`: they all differ there.
    init?(firstLetter letter: UInt8) {
        switch letter {
        case 0x6F: self = .open
        case 0x63: self = .close
        case 0x73: self = .separator
        case 0x65: self = .endOfMessage
        default: return nil
        }
    }
}

/// Reads one control token byte by byte. Blanks inside the bars are tolerated: some servers put them there.
struct XTMLTokenReader {
    enum Verdict: Equatable {
        case undecided
        /// The byte was the token's last one.
        case complete(XTMLToken)
        /// The byte does not fit.
        case none
    }

    /// Longest spelling, blanks included. Bytes.
    static let longest = 32

    private var token: XTMLToken?
    /// Bytes of the spelling seen, and bytes seen.
    private var matched = 0
    private var taken = 0

    mutating func take(_ byte: UInt8) -> Verdict {
        taken += 1
        if matched >= 2, isBlank(byte) { return taken < Self.longest ? .undecided : .none }
        switch matched {
        case 0, 1:
            if byte != (matched == 0 ? 0x3C : 0x7C) { return .none }
        case 2:
            token = XTMLToken(firstLetter: byte)
            if token == nil { return .none }
        default: break
        }
        guard let token else {
            matched += 1
            return .undecided
        }
        guard byte == token.spelling.utf8Start[matched] else { return .none }
        matched += 1
        return matched == token.spelling.utf8CodeUnitCount ? .complete(token) : .undecided
    }
}
