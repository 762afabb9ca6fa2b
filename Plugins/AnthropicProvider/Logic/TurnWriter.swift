internal import WireJSON

/// Content blocks, with commas between them.
final class BlockList {
    let out = ByteWriter(capacity: 256)

    var isEmpty: Bool { out.count == 0 }

    /// Where the next block is to be written, whole.
    func next() -> ByteWriter {
        if out.count > 0 { out.append(",") }
        return out
    }

    /// Takes the blocks of another list, which is empty then.
    func take(_ other: BlockList) {
        guard !other.isEmpty else { return }
        next().append(bytes: other.out.unsafeBytes)
        other.out.removeAll()
    }
}

/// Writes turns: neighbouring messages of one role are one, as the API wants it, and a user turn has its tool results
/// first. A turn without blocks is none.
final class TurnWriter {
    enum Role { case user, assistant }

    private let out: ByteWriter
    private let results = BlockList()
    private let blocks = BlockList()
    /// The turn before, which a following one of the same role joins.
    private let finished = BlockList()
    private var finishedRole: Role?
    /// Of the turn being written; nil before the first.
    private(set) var role: Role?
    private var count = 0
    private var hasCalls = false
    private var beginsWithThought = false
    /// Did the last finished turn of the assistant call tools without a thought before?
    private(set) var lacksThought = false

    init(out: ByteWriter) { self.out = out }

    /// Is there any turn yet?
    var isEmpty: Bool { count == 0 && finished.isEmpty && results.isEmpty && blocks.isEmpty }

    /// What follows belongs to that role.
    func begin(_ role: Role) {
        if self.role != role { endTurn() }
        self.role = role
    }

    /// Where the turn's next block goes.
    func block() -> BlockList { blocks }

    func result() -> ByteWriter { results.next() }

    func thought() -> ByteWriter {
        if blocks.isEmpty { beginsWithThought = true }
        return blocks.next()
    }

    func call() -> ByteWriter {
        hasCalls = true
        return blocks.next()
    }

    /// Ends the last turn and writes it.
    func finish() {
        endTurn()
        writeFinished()
    }

    /// A system message behind the turn, which it ends.
    func system(_ texts: BlockList) {
        finish()
        write("system", texts)
    }

    private func endTurn() {
        defer { role = nil }
        results.take(blocks)
        guard let role, !results.isEmpty else { return }
        if role == .assistant {
            lacksThought = hasCalls && !beginsWithThought
            (hasCalls, beginsWithThought) = (false, false)
        }
        if finishedRole != role { writeFinished() }
        finishedRole = role
        finished.take(results)
    }

    private func writeFinished() {
        guard let role = finishedRole else { return }
        finishedRole = nil
        write(role == .user ? "user" : "assistant", finished)
    }

    private func write(_ role: StaticString, _ list: BlockList) {
        out.append(count == 0 ? #"{"role":""# : #",{"role":""#)
        out.append(role)
        out.append(#"","content":["#)
        out.append(bytes: list.out.unsafeBytes)
        out.append("]}")
        list.out.removeAll()
        count += 1
    }
}
