internal import WireJSON

/// The tool messages that answer one assistant message's calls: in the calls' order, wherever they stand before the
/// next assistant message.
struct ToolAnswers {
    struct Pair {
        let call: JSONSpan
        let answer: Message?
    }

    private(set) var pairs: [Pair] = []
    /// Where the answers stand among the messages.
    private(set) var places: Set<Int> = []
    /// Something follows the calls, so each of them needs an answer.
    private(set) var isFollowed = false

    init(to message: Message, at place: Int, in messages: [Message]) {
        guard !message.calls.isEmpty else { return }
        var waiting: [String: [Int]] = [:]
        var next = place + 1
        while next < messages.count, messages[next].role != .assistant {
            if messages[next].role == .tool { waiting[messages[next].callID ?? "", default: []].append(next) }
            next += 1
        }
        isFollowed = place + 1 < messages.count
        // Taken from the end, so each is taken in constant time.
        for id in waiting.keys { waiting[id]?.reverse() }
        for call in message.calls {
            let found = waiting[call["id"]?.string ?? ""]?.popLast()
            if let found { places.insert(found) }
            pairs.append(Pair(call: call, answer: found.map { messages[$0] }))
        }
    }
}
