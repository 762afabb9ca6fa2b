import Dispatch
import HTTPTypes
import RequestLog
import SQLiteFiles
import Synchronization

/// Reads the log on threads of its own, so that no event loop waits for a disk. Any thread.
final class LogPool: Sendable {
    private static let lanes = 2
    /// Reads that wait or run; further ones are refused.
    private static let maxReads = 64

    private struct Open {
        let reader: LogReader
        let identity: DatabaseFile.Identity?
    }

    private final class Lane: Sendable {
        let queue = DispatchQueue(label: "kimi.dashboard.log")
        let open = Mutex<Open?>(nil)
    }

    private let path: String
    private let lanes = (0..<LogPool.lanes).map { _ in Lane() }
    private let turn = Atomic<Int>(0)
    private let reads = Atomic<Int>(0)

    init(path: String) { self.path = path }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (LogReader) throws(LogError) -> Value
    ) async throws(DashboardError) -> Value {
        let waiting = reads.add(1, ordering: .relaxed).newValue
        defer { reads.subtract(1, ordering: .relaxed) }
        guard waiting <= Self.maxReads else {
            throw DashboardError(.serviceUnavailable, "busy", "the log is read by too many at once; try again")
        }
        let lane = lanes[turn.add(1, ordering: .relaxed).oldValue & (Self.lanes - 1)]
        let result: Result<Value, DashboardError> = await withCheckedContinuation { continuation in
            lane.queue.async { continuation.resume(returning: Self.run(body, on: lane, self.path)) }
        }
        return try result.get()
    }

    private static func run<Value: Sendable>(
        _ body: (LogReader) throws(LogError) -> Value, on lane: Lane, _ path: String
    ) -> Result<Value, DashboardError> {
        lane.open.withLock { open in
            do throws(LogError) {
                let identity = DatabaseFile(path: path).identity
                // A file that was damaged or removed has been replaced by another one.
                if let present = open, present.identity != identity { open = nil }
                if let present = open { return .success(try body(present.reader)) }
                let reader = try LogReader(path: path)
                open = Open(reader: reader, identity: identity)
                return .success(try body(reader))
            } catch {
                open = nil
                return .failure(.log(error))
            }
        }
    }
}
