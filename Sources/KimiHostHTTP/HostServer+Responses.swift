import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import NIOCore
import PluginABI
import WireJSON

/// GET and DELETE /v1/responses/{id}: what earlier requests left, unless they said `store: false`.
extension HostServer {
    static func addResponses(
        to router: Hummingbird.Router<HostContext>, at path: String, _ archive: ResponseArchive
    ) {
        router.get(RouterPath(path + "/:id")) { request, context in
            await Self.answer(request) { () async throws(ExchangeError) in
                try await Self.stored(archive.owned(by: context.key), context.parameters.get("id") ?? "")
            }
        }
        router.delete(RouterPath(path + "/:id")) { request, context in
            await Self.answer(request) { () async throws(ExchangeError) in
                try await Self.delete(archive.owned(by: context.key), context.parameters.get("id") ?? "")
            }
        }
    }

    private static func answer(
        _ request: Request, _ body: () async throws(ExchangeError) -> Response
    ) async -> Response {
        do throws(ExchangeError) {
            return try await body()
        } catch {
            return failure(error, .responses, request)
        }
    }

    private static func stored(_ archive: ResponseArchive, _ id: String) async throws(ExchangeError) -> Response {
        guard let record = try await archive.get(id) else { throw missing(id) }
        let out = ByteWriter(capacity: record.count)
        let response = try StoredResponse(record: record).response
        response.withUnsafeBytes { out.append(bytes: $0) }
        return json(.ok, out)
    }

    private static func delete(_ archive: ResponseArchive, _ id: String) async throws(ExchangeError) -> Response {
        guard try await archive.delete(id) else { throw missing(id) }
        let out = ByteWriter(capacity: 128)
        StoredResponse.writeDeleted(id: id, to: out)
        return json(.ok, out)
    }

    private static func missing(_ id: String) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_NOT_FOUND,
            "there is no response '\(LogText.oneLine(id))': it may be too old, deleted, or made with store: false",
            code: "response_not_found")
    }
}
