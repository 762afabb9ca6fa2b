import Dialects
import Synchronization

/// What a text is recognised by when a client sends it back: its bytes without white space, which clients trim.
package struct TextPrint: Sendable, Equatable {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325
    private var count: UInt64 = 0

    package init() {}

    /// Has it anything that is not white space?
    package var isVisible: Bool { count > 0 }

    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes where byte > 0x20 {
            state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
            count += 1
        }
    }

    /// One number for this text as the answer to another one.
    func key(after question: TextPrint) -> UInt64 {
        var hash = StableHash(seed: state)
        hash.combine(count)
        hash.combine(question.state)
        hash.combine(question.count)
        return hash.value
    }
}

/// The texts with which enforced replies ended, and what the user had said before, so that an agent that calls again
/// with such a text at the end is told to stop. Any thread; bounded, the oldest go first; gone when the process ends or the configuration is loaded anew.
package final class FinalAnswers: Sendable {
    package static let maxEntries = 4_096

    private struct State {
        var keys: Set<UInt64> = []
        /// The same in the order they came, as a ring.
        var order: [UInt64] = []
        var next = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func insert(_ text: TextPrint, after question: TextPrint) {
        guard text.isVisible else { return }
        let key = text.key(after: question)
        state.withLock { state in
            guard state.keys.insert(key).inserted else { return }
            if state.order.count < Self.maxEntries { return state.order.append(key) }
            state.keys.remove(state.order[state.next])
            state.order[state.next] = key
            state.next = (state.next + 1) % Self.maxEntries
        }
    }

    package func contains(_ text: TextPrint, after question: TextPrint) -> Bool {
        guard text.isVisible else { return false }
        let key = text.key(after: question)
        return state.withLock { $0.keys.contains(key) }
    }
}
