import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import PluginABI
import WireJSON

/// Gives every response its `x-request-id`, and every error the shape of the client's API.
struct Framing: RouterMiddleware {
    typealias Context = HostContext

    private static let requestID = HTTPField.Name("x-request-id")
    /// What Anthropic's clients look for.
    private static let anthropicID = HTTPField.Name("request-id")

    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as any HTTPResponseError {
            response = Self.response(error.status, request)
            if request.method == .head { response = response.createHeadResponse() }
        }
        if let name = Self.requestID, response.headers[name] == nil {
            Self.identify(&response, Self.id(of: request), request)
        }
        return response
    }

    /// The client's id for the request, or a new one at every call.
    static func id(of request: Request) -> String {
        var generator = SystemRandomNumberGenerator()
        return RequestID.accept(requestID.flatMap { request.headers[$0] }, or: &generator)
    }

    static func identify(_ response: inout Response, _ id: String, _ request: Request) {
        if let name = requestID { response.headers[name] = id }
        if let name = anthropicID, HostServer.isAnthropic(request) { response.headers[name] = id }
    }

    private static func response(_ status: HTTPResponse.Status, _ request: Request) -> Response {
        let path = request.uri.path
        guard status == .notFound else {
            let message = "\(request.method) \(path): \(status.reasonPhrase)"
            return response(status, KIMI_CAT_BAD_REQUEST, message, nil, request)
        }
        if request.method != .get, request.method != .head, isServed(path) {
            let message = "\(request.method) is not served at \(path): use GET"
            var response = response(.methodNotAllowed, KIMI_CAT_BAD_REQUEST, message, nil, request)
            response.headers[.allow] = "GET, HEAD"
            return response
        }
        let message =
            "no such path: \(request.method) \(path); "
            + "POST /v1/chat/completions, /v1/responses, /v1/messages, /v1/messages/count_tokens, /v1/completions and "
            + "/v1/embeddings, GET /v1/models, /v1/responses/{id}, /healthz, /readyz and /metrics are served"
        return response(status, KIMI_CAT_NOT_FOUND, message, "not_found", request)
    }

    private static func isServed(_ path: String) -> Bool {
        path == "/healthz" || path == "/readyz" || path.hasSuffix("/v1/models")
    }

    private static func response(
        _ status: HTTPResponse.Status, _ category: kimi_category, _ message: String, _ code: String?,
        _ request: Request
    ) -> Response {
        let error = ExchangeError(category, message, httpStatus: status.code, code: code)
        return HostServer.failure(error, HostServer.dialect(of: request), request)
    }
}
