import PluginHost

/// What an exchange costs its client: what upstreams report, or else an estimate, so that nothing is free by hanging up.
package struct ExchangeCharge {
    /// Bytes that count as one token where nobody has counted.
    package static let bytesPerToken = 4
    /// What a picture or another file counts as.
    package static let tokensPerFile = 1_000
    /// Characters without a break that make a file of a text.
    package static let fileBytes = 2_048

    private var asked = 0
    private var isCounted = true
    /// Of attempts that brought a part of the reply.
    private var before = 0
    /// Is some of `before` an estimate?
    private var isGuessed = false

    /// A request goes up; estimated once.
    mutating func asked(_ json: [UInt8], _ dialect: String) {
        guard asked == 0 else { return }
        isCounted = dialect != "anthropic.count_tokens"
        asked = Self.estimate(json)
    }

    /// An attempt ended. `isKept`: the client has content of it.
    mutating func ended(_ attempt: (any AttemptCalls)?, _ book: NoteBook, isKept: Bool) {
        if isKept {
            before += max(book.tokens, asked + Self.tokens(attempt))
            isGuessed = true
        }
        book.forgetTokens(isKept: isKept)
    }

    /// The host answers by itself.
    mutating func nobodyAsked() { asked = 0 }

    /// A whole reply was rejected, and another one is asked for.
    mutating func rejected(_ attempt: (any AttemptCalls)?, _ book: NoteBook) {
        if book.tokens == 0 { isGuessed = true }
        before += book.tokens > 0 ? book.tokens : asked + Self.tokens(attempt)
        book.forgetTokens(isKept: true)
    }

    /// The whole. `wentUp`: some upstream has the request.
    func total(
        _ attempt: (any AttemptCalls)?, _ book: NoteBook, _ outcome: HostMetrics.Outcome, hasContent: Bool, wentUp: Bool
    ) -> (tokens: Int, isEstimate: Bool) {
        guard asked > 0, isCounted else { return (before + book.tokens, false) }
        let guess = asked + Self.tokens(attempt)
        switch outcome {
        case .ok: return book.tokens > 0 ? (before + book.tokens, isGuessed) : (before + guess, true)
        case .failed where !hasContent: return (before + book.tokens, isGuessed)
        case .cancelled where !hasContent && !wentUp: return (before, isGuessed)
        // What was reported so far may be less than what was written.
        case .failed, .cancelled: return (before + max(book.tokens, guess), true)
        }
    }

    private static func tokens(_ attempt: (any AttemptCalls)?) -> Int { (attempt?.contentBytes ?? 0) / bytesPerToken }

    /// Of a request's text; long runs without white space or punctuation are files.
    package static func estimate(_ json: [UInt8]) -> Int {
        var (text, run, files) = (0, 0, 0)
        func isFileByte(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2B || byte == 0x2F || byte == 0x2D || byte == 0x5F || byte == 0x3D
        }
        func endRun() {
            if run >= fileBytes { files += 1 } else { text += run }
            run = 0
        }
        for byte in json {
            if isFileByte(byte) {
                run += 1
            } else {
                endRun()
                text += 1
            }
        }
        endRun()
        return max(1, text / bytesPerToken + files * tokensPerFile)
    }
}
