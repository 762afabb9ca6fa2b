import NIOCore
import RequestLog
import Synchronization
import WireJSON

/// One replay under way. It is given up when nobody holds it any more.
final class ReplayRun: Sendable {
    private let state: State
    private let task: Task<Void, Never>

    private final class State: Sendable {
        let answer = Mutex<ReplayAnswer?>(nil)
    }

    init(_ host: any DashboardHost, sequence: Int64) {
        let state = State()
        self.state = state
        task = Task {
            let answer = await host.replay(sequence: sequence)
            state.answer.withLock { $0 = answer }
        }
    }

    deinit { task.cancel() }

    /// Nil: not yet.
    var answer: ReplayAnswer? { state.answer.withLock { $0 } }
}

/// The answer of a replay that takes its time: white space, which JSON allows, until it is there. So the host notices
/// when the client has gone, and the replay ends with it.
struct ReplayStream: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let run: ReplayRun

    func makeAsyncIterator() -> Iterator { Iterator(run: run) }

    struct Iterator: AsyncIteratorProtocol {
        private static let look = Duration.milliseconds(40)
        /// Looks between two signs of life.
        private static let quietLooks = 10

        let run: ReplayRun
        private var isOver = false

        init(run: ReplayRun) { self.run = run }

        @concurrent mutating func next() async throws -> ByteBuffer? {
            guard !isOver else { return nil }
            for _ in 0..<Self.quietLooks {
                if let answer = run.answer {
                    isOver = true
                    return ByteBuffer(bytes: answer.late)
                }
                try await Task.sleep(for: Self.look)
            }
            return ByteBuffer(string: " ")
        }
    }
}

extension ReplayAnswer {
    /// As it is said when it is too late for a status.
    fileprivate var late: [UInt8] {
        if case .done(let json) = self { return json }
        let object = JSONObjectWriter()
        object.object("error") { object in
            object.text("code", "too_many")
            object.text("message", "others are replayed already; try again")
        }
        return object.end()
    }
}
