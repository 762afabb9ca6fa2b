import CanonicalModel
import Dialects
import KimiHostCore
import PluginABI
import PluginHost
import ResponseStore

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Replies of the Responses API that clients may ask for again, by id. Any thread.
struct ResponseArchive: Sendable {
    let store: ResponseStore
    /// Whose replies they are: the name of the client's key, empty where there are no keys.
    private let owner: String

    init(store: ResponseStore, owner: String = "") {
        self.store = store
        self.owner = owner
    }

    /// The replies that this key's requests got. Others are not there.
    func owned(by key: ClientKey) -> ResponseArchive { ResponseArchive(store: store, owner: key.name) }

    /// Never waits.
    func put(_ id: String, _ record: [UInt8]) { store.put(id: id, owner: owner, record: record) }

    func get(_ id: String) async throws(ExchangeError) -> [UInt8]? {
        do {
            return try await store.get(id: id, owner: owner)
        } catch {
            throw Self.unavailable
        }
    }

    /// False if there was none.
    func delete(_ id: String) async throws(ExchangeError) -> Bool {
        do {
            return try await store.delete(id: id, owner: owner)
        } catch {
            throw Self.unavailable
        }
    }

    /// What a request needs of earlier ones. Throws what the client must hear of one that is not there.
    func history(for lookups: ResponsesLookups) async throws(ExchangeError) -> ResponsesHistory {
        var history = ResponsesHistory()
        if let id = lookups.previousResponseID {
            guard let record = try await get(id) else { throw Self.noPrevious(id) }
            history.items = try StoredResponse(record: record).history
        }
        for id in lookups.references {
            guard let response = ResponseIDs.response(ofItem: id), let record = try await get(response) else {
                continue
            }
            history.referenced[id] = try StoredResponse(record: record).item(id: id)
        }
        return history
    }

    private static func noPrevious(_ id: String) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_BAD_REQUEST,
            "previous_response_id: there is no response '\(LogText.oneLine(id))'; it may be too old or was made with "
                + "store: false. Send the whole conversation as input.",
            param: "previous_response_id", code: "previous_response_not_found")
    }

    private static var unavailable: ExchangeError {
        ExchangeError(
            KIMI_CAT_OVERLOADED, "stored responses cannot be read at the moment: try again", code: "store_unavailable")
    }
}

enum UnixTime {
    /// Seconds.
    static var now: Int64 { HostSources.unixMs.map { Int64($0 / 1_000) } ?? Int64(time(nil)) }
}
