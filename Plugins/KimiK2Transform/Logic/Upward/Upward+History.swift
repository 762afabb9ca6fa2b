import WireJSON

/// The messages, one after the other.
extension Upward {
    mutating func rewriteHistory() {
        var at = 0
        while at < history.messages.count {
            switch history.messages[at].role {
            case .assistant: assistant(at)
            case .tool:
                let end = endOfResults(from: at)
                results(at..<end)
                at = end
                continue
            case .system, .user:
                register.beginTurn()
                tidyText(at)
            case .other: register.beginTurn()
            }
            at += 1
        }
        conversation.nextIndex = register.nextIndex
    }

    private mutating func assistant(_ at: Int) {
        let message = history.messages[at]
        let own = readMarkup(at)
        let first = register.calls.count
        if let own, !own.calls.isEmpty {
            numberRebuilt(own)
        } else {
            number(message)
        }
        let hasCalls = register.calls[first...].contains { $0.index != nil }
        restoreThought(at, hasCalls: hasCalls, rebuilt: own)
        if let own {
            write(own, at, first)
        } else {
            tidyAnswer(message, hasCalls: hasCalls)
        }
    }

    private mutating func results(_ range: Range<Int>) {
        register.beginTurn()
        match(range)
        for at in range { tidyText(at) }
        register.beginTurn()
    }

    /// The end of the run of tool results that begins at `start`.
    func endOfResults(from start: Int) -> Int {
        var end = start
        while end < history.messages.count, history.messages[end].role == .tool { end += 1 }
        return end
    }

    /// Adds a member to a message.
    mutating func insert(_ message: HistoryMessage, _ name: StaticString, _ write: (ByteWriter) -> Void) {
        edits.replace(message.end..<message.end) { output in
            output.append(",\"")
            output.append(name)
            output.append("\":")
            write(output)
        }
    }
}
