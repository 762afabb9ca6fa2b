import CanonicalModel
import Dialects
import PluginABI
import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Replies of the Responses API that clients may ask for again, by id. Any thread. In memory; the oldest go first.
final class ResponseArchive: Sendable {
    /// Bounds of what is kept, in bytes and replies.
    static let maxBytes = 64 << 20
    static let maxEntries = 10_000

    private struct State {
        var records: [String: [UInt8]] = [:]
        /// Ids in order of arrival; those before `first` are gone.
        var order: [String] = []
        var first = 0
        var bytes = 0
    }

    private let state = Mutex(State())

    func put(_ id: String, _ record: [UInt8]) {
        guard record.count <= Self.maxBytes else { return }
        state.withLock { state in
            if let old = state.records.updateValue(record, forKey: id) {
                state.bytes -= old.count
            } else {
                state.order.append(id)
            }
            state.bytes += record.count
            while state.bytes > Self.maxBytes || state.records.count > Self.maxEntries {
                let oldest = state.order[state.first]
                state.first += 1
                if let gone = state.records.removeValue(forKey: oldest) { state.bytes -= gone.count }
            }
            if state.first > Self.maxEntries {
                state.order.removeFirst(state.first)
                state.first = 0
            }
        }
    }

    func get(_ id: String) -> [UInt8]? { state.withLock { $0.records[id] } }

    /// False if there was none.
    func delete(_ id: String) -> Bool {
        state.withLock { state in
            guard let gone = state.records.removeValue(forKey: id) else { return false }
            state.bytes -= gone.count
            return true
        }
    }

    /// What a request needs of earlier ones. Throws what the client must hear of one that is not there.
    func history(for lookups: ResponsesLookups) throws(ExchangeError) -> ResponsesHistory {
        var history = ResponsesHistory()
        if let id = lookups.previousResponseID {
            guard let record = get(id) else {
                throw ExchangeError(
                    KIMI_CAT_BAD_REQUEST,
                    "previous_response_id: there is no response '\(LogText.oneLine(id))'; it may be too old or was made "
                        + "with store: false. Send the whole conversation as input.",
                    param: "previous_response_id", code: "previous_response_not_found")
            }
            history.items = try StoredResponse(record: record).history
        }
        for id in lookups.references {
            guard let response = ResponseIDs.response(ofItem: id), let record = get(response) else { continue }
            history.referenced[id] = try StoredResponse(record: record).item(id: id)
        }
        return history
    }
}

enum UnixTime {
    /// Seconds.
    static var now: Int64 { Int64(time(nil)) }
}
