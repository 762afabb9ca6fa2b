import NIOCore
import RequestLog
import Synchronization
import WireJSON

/// One live feed as pieces of bytes: whoever reads it makes it look into the log.
struct FeedStream: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// A place among the feeds, given back when nobody has it any more.
    final class Slot: Sendable {
        private let dashboard: Dashboard

        /// Nil: all are taken.
        init?(_ dashboard: Dashboard, most: Int) {
            self.dashboard = dashboard
            let count = dashboard.feeds.add(1, ordering: .relaxed).newValue
            if count > most { return nil }
        }

        deinit { dashboard.feeds.subtract(1, ordering: .relaxed) }
    }

    let dashboard: Dashboard
    let pool: LogPool
    let filter: LogFilter
    /// The sequence behind which it begins; below 0: behind the newest.
    let after: Int64
    let slot: Slot

    func makeAsyncIterator() -> Iterator { Iterator(stream: self, last: after) }

    struct Iterator: AsyncIteratorProtocol {
        private static let period = Duration.milliseconds(400)
        /// Looks without news after which a comment is sent, so that a dead connection is noticed.
        private static let quietLooks = 25
        /// Looks between two words on the log's writer.
        private static let statsLooks = 5

        let stream: FeedStream
        /// The greatest sequence that was looked at.
        var last: Int64
        private var looks = -1
        private var isFull = false

        init(stream: FeedStream, last: Int64) {
            self.stream = stream
            self.last = last
        }

        @concurrent mutating func next() async throws -> ByteBuffer? {
            if looks < 0 {
                looks = 0
                return ByteBuffer(string: "retry: 2000\n\n")
            }
            while !stream.dashboard.host.isEnding, !Task.isCancelled {
                if looks > 0, !isFull { try await Task.sleep(for: Self.period) }
                let out = ByteWriter(capacity: 4_096)
                do throws(DashboardError) {
                    isFull = try await look(out)
                } catch {
                    // The log may be back at the next look; the page learns of it by the event `log`.
                    isFull = false
                }
                if looks % Self.statsLooks == 0 { writeStats(to: out) }
                if out.count == 0, looks % Self.quietLooks == 0 { out.append(":\n\n") }
                looks += 1
                if out.count > 0 { return ByteBuffer(bytes: out.bytes) }
            }
            return nil
        }

        /// Writes what has come; true if there is more.
        private mutating func look(_ out: ByteWriter) async throws(DashboardError) -> Bool {
            let (filter, last, batch) = (stream.filter, last, stream.dashboard.settings.batch)
            let longest = Int64(Swift.max(1_000, stream.dashboard.settings.maxRecords))
            let found = try await stream.pool.read { reader throws(LogError) -> Found in
                // Words are indexed behind the log; what is not yet is looked at later.
                let newest = try filter.search == nil ? reader.newest() : reader.indexed()
                guard last >= 0, newest > last, newest - last <= longest else { return Found(newest: newest, rows: []) }
                return Found(newest: newest, rows: try reader.list(filter, after: last, limit: batch))
            }
            if last < 0 {
                self.last = found.newest
            } else if found.newest - last > longest || found.newest < last {
                self.last = found.newest
                out.append(utf8: "id: \(found.newest)\nevent: gap\ndata: {\"from\":\(last),\"to\":\(found.newest)}\n\n")
            } else if found.newest > last {
                let isFull = found.rows.count == batch
                let end = found.rows.last?.sequence ?? found.newest
                self.last = isFull ? end : Swift.max(found.newest, end)
                guard !found.rows.isEmpty else { return false }
                out.append(utf8: "id: \(self.last)\nevent: rows\ndata: ")
                SummaryJSON.items(found.rows, to: out)
                out.append("}\n\n")
                return isFull
            }
            return false
        }

        private struct Found: Sendable {
            let newest: Int64
            let rows: [LogRow]
        }

        private func writeStats(to out: ByteWriter) {
            out.append("event: log\ndata: ")
            out.append(bytes: stream.dashboard.writerState(newest: Swift.max(0, last)))
            out.append("\n\n")
        }
    }
}
