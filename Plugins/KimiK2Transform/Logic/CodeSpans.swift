/// Follows Markdown code in running text, so that markers quoted in it stay text.
///
/// A run of backticks opens a span that the next run of the same length closes. A span of three or more that is still
/// open at the end of its line is a fence, and goes on until a run at least as long; any other open span ends with
/// its line, because a lone backtick is just a backtick.
struct CodeSpans {
    private enum State: Equatable {
        case none
        case span(Int)
        case fence(Int)
    }

    private var state = State.none
    /// Backticks seen last, which may go on.
    private var run = 0

    /// Nothing is open and no run is growing: text without a backtick cannot change anything.
    var isIdle: Bool { state == .none && run == 0 }

    /// Is text at this place inside code?
    var isOpen: Bool { state != .none }

    var isFence: Bool {
        if case .fence = state { return true }
        return false
    }

    /// Must the ends of lines be reported?
    var wantsNewlines: Bool { !isIdle && !isFence }

    mutating func backtick() { run += 1 }

    /// A byte that is neither a backtick nor a newline was met: a run ends here.
    mutating func settle() {
        guard run > 0 else { return }
        let length = run
        run = 0
        switch state {
        case .none: state = .span(length)
        case .span(let open): if open == length { state = .none }
        case .fence(let open): if length >= open { state = .none }
        }
    }

    mutating func newline() {
        settle()
        if case .span(let open) = state { state = open >= 3 ? .fence(open) : .none }
    }

    mutating func reset() { self = CodeSpans() }
}
