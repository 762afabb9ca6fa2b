import WireJSON

/// Listens to what goes out of one choice, and files its thought under the message it leads to.
///
/// Costs nothing while there is no thought: an answer's text is only looked at behind one.
package final class ThoughtRecorder {
    private struct Call {
        var id: String
        var name: String
        var arguments: [UInt8] = []
    }

    private let keepsTexts: Bool
    private let file: (_ thought: Bytes, _ key: Hash128, _ isAnswer: Bool) -> Void
    private var thought: [UInt8] = []
    private var calls: [Call] = []
    private var argumentBytes = 0
    /// The beginning of the answer, without blanks before it.
    private var answer: [UInt8] = []
    private var length = 0
    /// `length` without the blanks at the end.
    private var trimmedLength = 0
    /// Too much of something, or out of order: nothing is filed.
    private var isLost = false

    init(keepsTexts: Bool, file: @escaping (_ thought: Bytes, _ key: Hash128, _ isAnswer: Bool) -> Void) {
        self.keepsTexts = keepsTexts
        self.file = file
    }

    /// Does the answer's text matter? Not without a thought before it.
    package var wantsTexts: Bool { keepsTexts && !thought.isEmpty }

    /// A piece of text that goes out.
    package func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer) {
        if channel == .reasoning { return think(bytes) }
        if wantsTexts { say(bytes) }
    }

    private func think(_ bytes: Bytes) {
        guard !isLost else { return }
        isLost = thought.count + bytes.count > UpwardLimits.thought
        if isLost { thought = [] } else { thought.append(contentsOf: bytes) }
    }

    private func say(_ bytes: Bytes) {
        let range = bytes.trimmedRange()
        let start = length == 0 ? range.lowerBound : 0
        guard !range.isEmpty || length > 0 else { return }
        let own = bytes.slice(start..<bytes.count)
        if answer.count < UpwardLimits.answer {
            answer.append(contentsOf: own.prefix(UpwardLimits.answer - answer.count))
        }
        if !range.isEmpty { trimmedLength = length + range.upperBound - start }
        length += own.count
    }

    package func toolBegin(_ index: UInt32, id: String, name: String) {
        // A thought that comes behind its calls is none of theirs.
        isLost = isLost || thought.isEmpty || calls.count >= UpwardLimits.calls || Int(index) != calls.count
        if !isLost { calls.append(Call(id: id, name: name)) }
    }

    package func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer) {
        guard !isLost, Int(index) < calls.count else { return }
        argumentBytes += bytes.count
        isLost = argumentBytes > UpwardLimits.arguments
        if !isLost { calls[Int(index)].arguments.append(contentsOf: bytes) }
    }

    /// The choice is over.
    package func finish() {
        defer {
            thought = []
            calls = []
        }
        guard !isLost, thought.contains(where: { !isBlank($0) }) else { return }
        if calls.isEmpty {
            guard keepsTexts, trimmedLength > 0 else { return }
            let key = answer.withUnsafeBytes { ThoughtKey.answer($0, length: trimmedLength) }
            return thought.withUnsafeBytes { file($0, key, true) }
        }
        let key = callsKey()
        thought.withUnsafeBytes { file($0, key, false) }
    }

    private func callsKey() -> Hash128 {
        var key = ThoughtKey()
        let text = RequestText(Bytes(start: nil, count: 0))
        for call in calls {
            Array(call.id.utf8).withUnsafeBytes { id in
                Array(call.name.utf8).withUnsafeBytes { name in
                    call.arguments.withUnsafeBytes { key.addArguments($0, id: id, name: name, text) }
                }
            }
        }
        return key.value
    }
}
