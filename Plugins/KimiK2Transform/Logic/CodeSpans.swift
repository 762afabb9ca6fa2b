/// Follows Markdown code in running text, so that markers quoted in it stay text.
///
/// A run of backticks opens a span that the next run of the same length closes. A span of three or more that is still
/// open at the end of its line is a fence, and goes on until a run at least as long; any other open span ends with
/// its line, because a lone backtick is just a backtick. Three or more tildes at the start of a line are a fence too,
/// up to as many at the start of another.
struct CodeSpans {
    private enum State: Equatable {
        case none
        case span(Int)
        case fence(Int)
        case tildes(Int)
    }

    private var state = State.none
    /// Backticks seen last, which may go on.
    private var run = 0
    /// Tildes at the start of a line, which may go on.
    private var tildes = 0

    /// Nothing is open and no run is growing: text without a backtick or tilde cannot change anything.
    var isIdle: Bool { state == .none && run == 0 && tildes == 0 }

    /// Is text at this place inside code?
    var isOpen: Bool { state != .none }

    var isFence: Bool {
        switch state {
        case .fence, .tildes: true
        case .none, .span: false
        }
    }

    /// Must the ends of lines be reported?
    var wantsNewlines: Bool { !isIdle && !isFence }

    mutating func backtick() {
        settleTildes()
        run += 1
    }

    /// A tilde; `startsLine`: nothing but blanks stands before it on its line.
    mutating func tilde(startsLine: Bool) {
        settleBackticks()
        if tildes > 0 || startsLine { tildes += 1 }
    }

    /// A byte that is neither of them nor a newline was met: a run ends here.
    mutating func settle() {
        settleTildes()
        settleBackticks()
    }

    private mutating func settleTildes() {
        guard tildes > 0 else { return }
        let length = tildes
        tildes = 0
        switch state {
        case .none where length >= 3: state = .tildes(length)
        case .tildes(let open) where length >= open: state = .none
        default: break
        }
    }

    private mutating func settleBackticks() {
        guard run > 0 else { return }
        let length = run
        run = 0
        switch state {
        case .none: state = .span(length)
        case .span(let open): if open == length { state = .none }
        case .fence(let open): if length >= open { state = .none }
        case .tildes: break
        }
    }

    mutating func newline() {
        settle()
        if case .span(let open) = state { state = open >= 3 ? .fence(open) : .none }
    }

    mutating func reset() { self = CodeSpans() }
}
